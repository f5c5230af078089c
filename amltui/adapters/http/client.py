"""One request, measured: sent once, never redirected, never retried."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import uuid
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote, urlsplit

from amltui.domain.latency import Timing
from amltui.domain.request import MOST_BODY, SECRET_HEADER, Answer, Request
from amltui.domain.text import MASK, clean_line

from . import problems
from .trust import ca_file, proxy_for, tls_context

_CHUNK = 65_536
_MARGIN = 0.02  # s behind the limit: it has passed for certain, and what is told is that
_LEAST_SECRET = 6  # characters: shorter ones stand in answers for other reasons
_MOST_HEADERS, _MOST_VALUE = 100, 2_000
IN_PATH = "/%:=&?~#+!$,;'@()*[]"  # what stays as it is in an address


class HttpClient:
    """Sends requests. `ca_for` names the CA bundle for an origin ("https://host:port"), empty for
    the user's own or the usual authorities; it may block."""

    def __init__(self, ca_for: Callable[[str], str] = lambda _: "") -> None:
        self._ca_for = ca_for

    def open(self, request: Request, authorization: str = "") -> Exchange:
        """An exchange that is ready to run; `authorization` is the key or token to send."""
        return Exchange(request, authorization, self.bundle)

    def bundle(self, url: str) -> str:
        """The CA bundle for an address, empty for the usual authorities."""
        parts = urlsplit(url)
        return self._ca_for(f"{parts.scheme}://{parts.netloc}") or ca_file()


class Exchange:
    """A request on its way."""

    def __init__(self, request: Request, authorization: str, bundle: Callable[[str], str]) -> None:
        self._request = request
        self._authorization = authorization
        own = (value for name, value in request.headers if SECRET_HEADER.fullmatch(name))
        words = (value.rpartition(" ")[2] for value in own)
        self._secrets = [word for word in words if len(word) >= _LEAST_SECRET]
        self._secrets += [authorization] if authorization else []
        self._bundle = bundle
        self._cancelled = False
        self._deadline = 0.0
        self._line: _Connection | None = None

    def cancel(self) -> None:
        """End it from any thread; harmless when it has ended."""
        self._cancelled = True
        self._hang_up()

    def _hang_up(self) -> None:
        line = self._line
        if line is not None and line.line is not None:
            with contextlib.suppress(OSError):
                line.line.shutdown(socket.SHUT_RDWR)

    def run(self) -> Answer:
        """Send it and read the answer; blocks for at most the request's limit.

        Raises:
            AmltuiError: there was no answer; the message says how far it came.
        """
        request = self._request
        parts = urlsplit(request.url)
        context = tls_context(self._bundle(request.url)) if parts.scheme == "https" else None
        self._deadline = perf_counter() + request.limit_s
        try:
            return self._exchange(context)
        except TimeoutError:
            raise problems.late(request.limit_s, self._phase) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._cancelled:
                raise problems.cancelled() from None
            raise problems.told(error, request.url, self._phase) from None
        finally:
            if self._line is not None:
                self._line.close()
                if self._line.line is not None:
                    self._line.line.close()

    @property
    def _phase(self) -> str:
        return self._line.phase if self._line is not None else "getting ready"

    def _left(self) -> float:
        left = self._deadline - perf_counter()
        if left <= 0:
            raise TimeoutError
        return left

    def _exchange(self, context: ssl.SSLContext | None) -> Answer:
        request = self._request
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        port = parts.port or (443 if context else 80)
        path = quote(parts.path or "/", safe=IN_PATH) + (
            "?" + quote(parts.query, safe=IN_PATH) if parts.query else ""
        )
        headers = self._headers()
        proxy = proxy_for(request.url)
        first = (proxy.host, proxy.port) if proxy else (host, port)
        line = self._line = _Connection(*first, context, host, self._left())
        if proxy:
            own = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            if context:
                line.set_tunnel(host, port, own)
            else:
                path = f"http://{parts.netloc}{path}"
                headers.update(own)
        line.connect()
        assert line.line is not None
        line.phase = f"waiting for the answer (connected in {line.connect_s * 1000:.0f} ms)"
        # The socket's own limit begins anew with every byte, and an answer may drip.
        timer = threading.Timer(self._left() + _MARGIN, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            line.line.settimeout(self._left())
            begun = perf_counter()
            line.request(request.method, path, request.body.encode("utf-8", "replace"), headers)
            response = line.getresponse()
            answered = perf_counter()
        finally:
            timer.cancel()
            self._left()  # raises where the limit has passed, whatever came of it
        line.phase = "reading the body"
        body, cut = self._read(response, line.line)
        timing = Timing(line.connect_s, line.tls_s, answered - begun, perf_counter() - answered)
        return self._answer(response, body, cut, timing)

    def _headers(self) -> dict[str, str]:
        """What is sent beside the person's own headers, which come first."""
        own = {name.title(): value for name, value in self._request.headers}
        extra = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "amltui",
            "X-Ms-Client-Request-Id": str(uuid.uuid4()),
            "Connection": "close",
        }
        if self._authorization:
            extra["Authorization"] = f"Bearer {self._authorization}"
        return {**extra, **own}

    def _read(self, response: http.client.HTTPResponse, line: socket.socket) -> tuple[bytes, str]:
        """The body up to its limit, and why it ends early."""
        chunks: list[bytes] = []
        size, wanted = 0, response.length
        while wanted is None or size < wanted:
            try:
                line.settimeout(self._left())
                chunk = response.read1(_CHUNK)
            except TimeoutError:
                return b"".join(
                    chunks
                ), f"the time limit of {self._request.limit_s:g} s was reached"
            except (OSError, http.client.HTTPException):
                if self._cancelled:
                    raise
                return b"".join(chunks), "the connection broke"
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
            if size > MOST_BODY:
                of = f" of {wanted:,}" if wanted else ""
                return b"".join(chunks)[:MOST_BODY], f"only the first {MOST_BODY:,}{of} are read"
        missing = f"the server sent {size:,} of {wanted:,}" if wanted and size < wanted else ""
        return b"".join(chunks), missing

    def _answer(
        self, response: http.client.HTTPResponse, body: bytes, cut: str, timing: Timing
    ) -> Answer:
        encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
        text = body.decode("utf-8", "replace").removeprefix("\ufeff")
        if encoding != "identity":
            text = ""
            cut = f"it is compressed ({clean_line(encoding)[:20]}), which was not asked for"
        headers = tuple(
            (self._safe(name)[:_MOST_VALUE], self._safe(value)[:_MOST_VALUE])
            for name, value in response.getheaders()[:_MOST_HEADERS]
        )
        return Answer(
            response.status,
            self._safe(response.reason)[:100],
            headers,
            self._hidden(text),
            len(body),
            timing,
            cut,
        )

    def _safe(self, text: str) -> str:
        return clean_line(self._hidden(text))

    def _hidden(self, text: str) -> str:
        """Without the keys that were sent, should the service echo them."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


class _Connection(http.client.HTTPConnection):
    """Measures how long the connection and TLS take; keeps hold of the socket."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, name: str, limit: float
    ) -> None:
        super().__init__(host, port, timeout=limit)
        self._context = context
        self._name = name
        self.connect_s = self.tls_s = 0.0
        self.line: socket.socket | None = None
        self.phase = "connecting"

    def connect(self) -> None:
        begun = perf_counter()
        super().connect()
        self.line = self.sock
        self.connect_s = perf_counter() - begun
        if self._context is not None:
            self.phase = "agreeing on TLS"
            begun = perf_counter()
            # In two steps, so that `cancel` has the socket while the handshake hangs.
            secure = self._context.wrap_socket(
                self.sock, server_hostname=self._name, do_handshake_on_connect=False
            )
            self.sock = self.line = secure
            secure.do_handshake()
            self.tls_s = perf_counter() - begun
