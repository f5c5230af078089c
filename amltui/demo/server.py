"""The HTTP side: one port for http and TLS, one thread per request, faults, and the answers."""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import socketserver
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from amltui.demo import identity
from amltui.demo.application import Application
from amltui.demo.certificates import create
from amltui.demo.faults import Fault
from amltui.demo.router import Problem, Request, Response

_MOST_BODY = 256 * 1024 * 1024  # the SDK sends at most 64 MiB at a time
_MOST_CONNECTIONS = 512
_CHUNK = 1024 * 1024
_TLS_HELLO = b"\x16"


class DemoHTTPServer(ThreadingHTTPServer):
    """The demo workspace on a free loopback port."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, folder: Path, *, frozen: float | None, speed: float, services: int, images: bool
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.control = secrets.token_urlsafe(16)
        self.ca_bundle, self.tls = create(folder)
        self.served: deque[str] = deque(maxlen=20_000)
        self.errors: deque[str] = deque(maxlen=100)
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.application = Application(
            self.url,
            folder,
            frozen=frozen,
            speed=speed,
            services=services,
            images=images,
            control=self.control,
            served=self.served,
            errors=self.errors,
        )

    def ready(self) -> dict[str, str]:
        """Return what the parent needs to know."""
        return {
            "url": self.url,
            "ca_bundle": str(self.ca_bundle),
            "subscription_id": identity.SUBSCRIPTION_ID,
            "resource_group": identity.RESOURCE_GROUP,
            "workspace_name": identity.WORKSPACE_NAME,
            "control": self.control,
        }

    def server_bind(self) -> None:
        """Bind without the name look-up of HTTPServer, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve in a thread of its own, within the limit of connections."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the slot back whatever happens."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS when the client begins with a TLS hello, plain http otherwise."""
        request.settimeout(75)
        try:
            hello = request.recv(1, socket.MSG_PEEK) == _TLS_HELLO
            if not hello:
                super().finish_request(request, client_address)
                return
            with self.tls.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
                with contextlib.suppress(OSError):
                    secure.shutdown(socket.SHUT_WR)
        except (OSError, ssl.SSLError):
            # A client that goes away, or one that does not trust us: its own affair.
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the error for the tests; the terminal belongs to the console."""
        import traceback

        self.errors.append(traceback.format_exc())


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and writes the answers."""

    protocol_version = "HTTP/1.1"
    server_version = "amltui-demo"
    sys_version = ""
    disable_nagle_algorithm = True
    server: DemoHTTPServer

    def log_message(self, *arguments: Any) -> None:
        """Stay silent: the requests are kept for `GET /_demo/requests` instead."""

    def _serve(self) -> None:
        application = self.server.application
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        control = path.startswith("/_demo/")
        if not control:
            self.server.served.append(f"{self.command} {self.path}")
        try:
            body = self._body()
        except Problem as problem:
            self.close_connection = True
            self._send(problem.response(secrets.token_hex(8)))
            return
        faults = [] if control else application.faults.take(self.command, self.path)
        final = self._delayed(faults)
        if final is not None and final.kind == "drop":
            self.close_connection = True
            return
        if final is not None and final.kind == "hang":
            self._hang(final.seconds or 3600.0)
            self.close_connection = True
            return
        request = Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=body,
            spoiled=any(fault.kind == "bad_rows" for fault in faults),
        )
        if final is not None and final.kind == "status":
            response = application.failure(final.status)
        else:
            response = application.handle(request)
        self._send(response, truncate=final is not None and final.kind == "truncate")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            raise Problem(411, "LengthRequired", "Send a Content-Length.")
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _MOST_BODY:
            raise Problem(413, "PayloadTooLarge", f"At most {_MOST_BODY} bytes are accepted.")
        return self.rfile.read(length) if length else b""

    def _delayed(self, faults: list[Fault]) -> Fault | None:
        """Sleep as the faults say; return the one that decides the answer, if any."""
        for fault in faults:
            if fault.kind == "latency":
                self.server.application.faults.wait(fault.seconds)
            elif fault.kind != "bad_rows":
                return fault
        return None

    def _hang(self, seconds: float) -> None:
        """Say nothing until the time is up, the faults are cleared or the client has gone."""
        deadline = time.monotonic() + seconds
        calm = self.server.application.faults.calm()
        while time.monotonic() < deadline and not calm.wait(0.1):
            if select.select([self.connection], [], [], 0)[0]:
                return

    def _send(self, response: Response, *, truncate: bool = False) -> None:
        body = response.body
        size = body.stat().st_size if isinstance(body, Path) else len(body)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command == "HEAD" or response.status in (204, 304):
            return
        left = size // 2 if truncate else size
        for chunk in _chunks(body, left):
            self.wfile.write(chunk)
        if truncate:
            self.close_connection = True


def _chunks(body: bytes | Path, size: int) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body[:size]
        return
    with body.open("rb") as file:
        while size > 0 and (chunk := file.read(min(_CHUNK, size))):
            size -= len(chunk)
            yield chunk
