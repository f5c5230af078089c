"""Where the engine listens, found as the docker command finds it, and plain connections to it."""

from __future__ import annotations

import os
import select
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import EngineChoice
from amltui.domain.text import clean_line

from . import sdk, ssh

DEFAULT = "unix:///var/run/docker.sock"
CONTEXT = "context:"
CONNECT_LIMIT = 10.0  # seconds


@dataclass(frozen=True)
class Address:
    """An engine's address and where it came from, as words for an error."""

    url: str
    origin: str
    tls: Any = None  # docker.tls.TLSConfig

    @property
    def socket_path(self) -> str:
        """The path of a unix socket, else empty."""
        return urlsplit(self.url).path if self.url.startswith("unix://") else ""


def find(host: str | None) -> Address:
    """The engine's address: given > DOCKER_HOST > DOCKER_CONTEXT > the current context > default.

    What is given is an address, or "context:" and the name of a Docker context.

    Raises:
        AmltuiError: the context does not exist, or the address is none.
    """
    if host and host.startswith(CONTEXT):
        return _checked(_from_context(host[len(CONTEXT) :]))
    if host:
        return _checked(Address(host, "the setting of amltui", _environment_tls(host)))
    if value := os.environ.get("DOCKER_HOST"):
        return _checked(Address(value, "DOCKER_HOST", _environment_tls(value)))
    return _checked(_from_context(os.environ.get("DOCKER_CONTEXT", "")))


def known(host: str | None) -> tuple[EngineChoice, ...]:
    """The engines to choose from: the given one, DOCKER_HOST, the default address, the contexts."""
    found = []
    if host and not host.startswith(CONTEXT):
        found.append(EngineChoice(host, "given", host))
    if value := os.environ.get("DOCKER_HOST"):
        found.append(EngineChoice(value, "DOCKER_HOST", value))
    sdk()
    from docker.context import ContextAPI

    try:
        contexts = ContextAPI.contexts()
    except Exception:  # noqa: BLE001 - one file that cannot be read hides them all
        contexts = []
    named = {context.Name: context.Host or "" for context in contexts}
    named["default"] = DEFAULT  # the SDK says DOCKER_HOST's here
    found += [
        EngineChoice(f"{CONTEXT}{name}", f"context {clean_line(name)}", clean_line(address))
        for name, address in named.items()
    ]
    return tuple(found)


def _environment_tls(url: str) -> Any:
    if not os.environ.get("DOCKER_TLS_VERIFY") and not os.environ.get("DOCKER_CERT_PATH"):
        return None
    docker = sdk()
    try:
        found = docker.utils.kwargs_from_env(environment={**os.environ, "DOCKER_HOST": url})
    except docker.errors.TLSParameterError as error:
        raise AmltuiError(
            "The Docker certificates cannot be used",
            clean_line(str(error)),
            "Check DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.",
            problem=Problem.CONFIGURATION,
        ) from None
    return found.get("tls")


def _from_context(name: str) -> Address:
    sdk()
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name

    name = name or get_current_context_name() or "default"
    if name == "default":
        return Address(DEFAULT, "the default address")
    try:
        context = ContextAPI.get_context(name)
    except Exception:  # noqa: BLE001 - the SDK raises bare exceptions for a file it cannot read
        context = None
    if context is None or not context.Host:
        shown = clean_line(name)
        raise AmltuiError(
            f"There is no Docker context {shown!r}",
            "DOCKER_CONTEXT or the Docker configuration names it, but it cannot be read.",
            "See `docker context ls`; choose one with `docker context use NAME`.",
            problem=Problem.CONFIGURATION,
        )
    return Address(context.Host, f"the Docker context {clean_line(name)!r}", context.TLSConfig)


def _checked(address: Address) -> Address:
    parts = urlsplit(address.url)
    known = parts.scheme in ("unix", "tcp", "http", "https", "ssh")
    if not known or not (parts.netloc or parts.path):
        raise AmltuiError(
            "The engine's address is not one",
            f"{clean_line(address.url)!r} ({address.origin}).",
            "It looks like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host.",
            problem=Problem.CONFIGURATION,
        )
    return address


class Wire(Protocol):
    """Bytes to and from the engine."""

    def send(self, data: bytes) -> None:
        """Write all of it."""

    def receive(self, most: int) -> bytes:
        """At least one byte, at most so many; none at the end."""

    def waiting(self) -> bool:
        """Whether `receive` has something at once, be it the end."""

    def close(self) -> None:
        """End both directions, from any thread, and wake whoever reads."""


def dial(address: Address) -> Wire:
    """A connection of our own: OSError where there is none."""
    parts = urlsplit(address.url)
    if parts.scheme == "ssh":
        return _SocketWire(ssh.connect(address.url))
    if parts.scheme == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_LIMIT)
        try:
            sock.connect(parts.path)
        except OSError:
            sock.close()
            raise
        return _SocketWire(sock)
    secure = address.tls is not None or parts.scheme == "https"
    port = parts.port or (2376 if secure else 2375)
    sock = socket.create_connection((parts.hostname or "localhost", port), CONNECT_LIMIT)
    if secure:
        sock = _tls_context(address.tls).wrap_socket(sock, server_hostname=parts.hostname)
    return _SocketWire(sock)


def _tls_context(tls: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=getattr(tls, "ca_cert", None) or None)
    if tls is not None and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if getattr(tls, "cert", None):
        context.load_cert_chain(*tls.cert)
    return context


class _SocketWire:
    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        sock.settimeout(None)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, most: int) -> bytes:
        try:
            return self._socket.recv(most)
        except OSError:  # closed here or broken there: the end either way
            return b""

    def waiting(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(self._poll.poll(0))  # true where it was closed here, too

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
