"""Whose certificates are trusted, and which proxy is on the way."""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from amltui.domain.errors import AmltuiError, Problem

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""As requests, and so the SDK, and OpenSSL read them; the first that is set counts."""


def ca_file() -> str:
    """The user's own bundle of certificates; empty for the usual authorities."""
    return next((path for name in CA_VARIABLES if (path := os.environ.get(name))), "")


@lru_cache(maxsize=8)
def tls_context(bundle: str) -> ssl.SSLContext:
    """A context that verifies, by the given file or folder, else by the usual authorities.

    Takes some 20 ms the first time.

    Raises:
        AmltuiError: the bundle cannot be read.
    """
    try:
        if not bundle:
            from requests.utils import DEFAULT_CA_BUNDLE_PATH  # the authorities the SDK trusts

            context = ssl.create_default_context()
            context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
            return context
        if os.path.isdir(bundle):
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise AmltuiError(
            "The certificate bundle cannot be read",
            f"{bundle}: {error.strerror or error}.",
            f"It is named by one of {', '.join(CA_VARIABLES)}.",
            problem=Problem.CONFIGURATION,
        ) from None


class Proxy(NamedTuple):
    """A proxy on the way to a host."""

    host: str
    port: int
    authorization: str = ""


def proxy_for(url: str) -> Proxy | None:
    """The proxy that the environment names for an address, unless it excepts the host."""
    parts = urlsplit(url)
    named = getproxies().get(parts.scheme) or getproxies().get("all")
    if not named or not parts.hostname or proxy_bypass(parts.netloc):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if not proxy.hostname:
        return None
    authorization = ""
    if proxy.username:
        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        authorization = "Basic " + b64encode(user.encode()).decode()
    return Proxy(proxy.hostname, proxy.port or 80, authorization)
