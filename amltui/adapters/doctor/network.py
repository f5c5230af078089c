"""The way to the endpoints: name, connection, TLS, and what their clock says."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from amltui.adapters.http.problems import told
from amltui.adapters.http.trust import CA_VARIABLES, ca_file, proxy_for, tls_context
from amltui.domain import doctor
from amltui.domain.doctor import Verdict

LIMIT = 4.0  # seconds
ASK_CLOCK = "timedatectl says whether the clock is synchronised."
_REMEDIES = {
    "The host cannot be found": "Check the network, the VPN and, in a private network, the DNS.",
    "The certificate is not trusted": f"Set {CA_VARIABLES[0]} to your company's authority.",
}


class Endpoint:
    """One address (`https://host`), and where its authority's certificate is, if it has its own.

    `where` blocks until the address is known.
    """

    def __init__(self, where: Callable[[], tuple[str, str]]) -> None:
        self._where = where

    def reachable(self) -> Verdict:
        """Whether it answers over TLS, whatever it answers."""
        url, bundle = self._where()
        start = time.monotonic()
        try:
            _ask(url, bundle)
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            problem = told(error, url, "connecting")
            remedy = _REMEDIES.get(problem.title, "Check the network, the proxy and the firewall.")
            return doctor.failed(f"{problem.title}. {problem.message}", remedy)
        spent = (time.monotonic() - start) * 1000
        proxy = proxy_for(url)
        through = f" through the proxy {proxy.host}" if proxy else ""
        tls = "TLS" if url.startswith("https") else "without TLS"
        return doctor.ok(f"{urlsplit(url).netloc} answers in {spent:.0f} ms, {tls}{through}")

    def clock(self) -> Verdict:
        """How this machine's clock differs from the server's."""
        url, bundle = self._where()
        try:
            date = _ask(url, bundle)
            skew = time.time() - parsedate_to_datetime(date).timestamp()
        except (OSError, http.client.HTTPException, ssl.SSLError):
            return doctor.not_tried("No server says what time it is.", ASK_CLOCK)
        except (TypeError, ValueError):
            told = f"{urlsplit(url).netloc} does not say what time it is."
            return doctor.not_tried(told, ASK_CLOCK)
        return doctor.clock(skew)


def _ask(url: str, bundle: str) -> str:
    """The Date of an answer; through a proxy where there is one on the way."""
    parts, proxy = urlsplit(url), proxy_for(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    line: http.client.HTTPConnection
    if parts.scheme == "https":
        context = tls_context(bundle or ca_file())
        ends = (proxy.host, proxy.port) if proxy else (host, port)
        line = http.client.HTTPSConnection(*ends, timeout=LIMIT, context=context)
        if proxy:
            said = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            line.set_tunnel(host, port, said)
    else:
        line = http.client.HTTPConnection(host, port, timeout=LIMIT)
    try:
        line.request("HEAD", "/", headers={"User-Agent": "amltui"})
        return line.getresponse().headers.get("Date", "")
    finally:
        line.close()
