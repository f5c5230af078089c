"""The process that sends a load: `python -m amltui.adapters.http.load_child`, driven by its pipes.

The first line on standard input is the order (JSON, the key in it); when standard input closes,
the process ends at once. Standard output carries a JSON list of samples every quarter second,
then `null`; or an object with what is wrong. A process of its own, so that sending on time does
not wait for a screen to be drawn, and drawing does not wait for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import sys
import threading
from collections import deque
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from amltui.domain.errors import AmltuiError
from amltui.domain.loadplan import BUSY, LoadPlan, Sample

from .client import IN_PATH
from .trust import tls_context

FLUSH_S = 0.25
IDLE_S = 5.0  # an open connection that rested longer may be closed by now: it is not used again
_MOST_BODY = 64_000_000  # bytes of one answer; beyond it the connection is dropped
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[^\r]*chunked")
_CLOSE = re.compile(rb"(?i)\r\nconnection:[ \t]*close")
_CHUNK = 65_536


class _Line(NamedTuple):
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0  # when it was last used


class Load:
    """Sends what an order says and collects what became of it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._plan = LoadPlan(**order["plan"])
        parts = urlsplit(order["url"])
        self._host = parts.hostname or ""
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = tls_context(order["ca_bundle"])
        self._port = parts.port or (443 if self._tls else 80)
        self._bytes = _request_bytes(order)
        self._idle: deque[_Line] = deque()
        self._open = 0
        self._samples: list[Sample] = []

    async def run(self) -> None:
        """Send it all, tell the samples, and wait for the last answers."""
        flushing = asyncio.ensure_future(self._flush_again_and_again())
        running: set[asyncio.Task[None]] = set()
        started = perf_counter()
        for due in self._plan.arrivals():
            pause = started + due - perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.ensure_future(self._send(int(due), started + due))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(set(running), timeout=self._plan.limit_s + 1)
        flushing.cancel()
        self._flush()
        _tell(None)

    async def _flush_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self._flush()

    def _flush(self) -> None:
        samples, self._samples = self._samples, []
        if samples:
            _tell(samples)

    async def _send(self, second: int, due: float) -> None:
        begun = perf_counter()
        status, trouble = 0, ""
        if self._open - len(self._idle) >= self._plan.connections:
            trouble = BUSY
        else:
            try:
                status = await self._exchange()
            except asyncio.TimeoutError:
                trouble = f"the time limit of {self._plan.limit_s:g} s was reached"
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                trouble = _words(error)
        took = perf_counter() - begun
        self._samples.append(Sample(second, status, took, max(0.0, begun - due), trouble))

    async def _exchange(self) -> int:
        """Send one request and read its answer, within the time limit; its status."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._plan.limit_s
        line = self._rested()
        if line is None:
            self._open += 1
            try:
                opening = asyncio.open_connection(self._host, self._port, ssl=self._tls)
                line = _Line(*await asyncio.wait_for(opening, self._plan.limit_s))
            except BaseException:
                self._open -= 1
                raise
        transport = line.writer.transport
        late: list[bool] = []

        def give_up() -> None:
            late.append(True)
            transport.abort()

        # A timer instead of wait_for, which would make a task of each request.
        timer = loop.call_at(end, give_up)
        keep = False
        try:
            line.writer.write(self._bytes)
            status, keep = await _answer(line.reader)
            return status
        except (OSError, EOFError):
            if late:
                raise asyncio.TimeoutError from None
            raise
        finally:
            timer.cancel()
            if keep:
                self._idle.append(line._replace(since=perf_counter()))
            else:
                self._drop(line)

    def _rested(self) -> _Line | None:
        """The connection that was used last, if it can still be trusted."""
        while self._idle:
            line = self._idle.pop()
            fresh = perf_counter() - line.since < IDLE_S
            if fresh and not line.reader.at_eof() and not line.writer.is_closing():
                return line
            self._drop(line)
        return None

    def _drop(self, line: _Line) -> None:
        self._open -= 1
        line.writer.transport.abort()


def _request_bytes(order: dict[str, Any]) -> bytes:
    parts = urlsplit(order["url"])
    body = str(order["body"]).encode("utf-8", "replace")
    path = quote(parts.path or "/", safe=IN_PATH)
    if parts.query:
        path += "?" + quote(parts.query, safe=IN_PATH)
    own = {name.lower() for name, _ in order["headers"]}
    headers = [("Host", parts.netloc), ("User-Agent", "amltui"), ("Accept", "*/*")]
    if "content-type" not in own:
        headers.append(("Content-Type", "application/json"))
    if order["authorization"] and "authorization" not in own:
        headers.append(("Authorization", f"Bearer {order['authorization']}"))
    headers += [*order["headers"], ("Content-Length", str(len(body)))]
    lines = [f"{order['method']} {path} HTTP/1.1", *(f"{a}: {b}" for a, b in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer whose body is read and dropped; whether another may follow."""
    status = 100
    while 100 <= status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1."):
            raise ValueError("that is no HTTP answer")
        status = int(head[9:12])
    keep = head.startswith(b"HTTP/1.1") and not _CLOSE.search(head)
    length = _LENGTH.search(head)
    if _CHUNKED.search(head):
        await _skip_chunks(reader)
    elif length is not None:
        await _skip(reader, int(length[1]))
    elif status not in (204, 304):
        keep = False
        await _skip_to_end(reader)
    return status, keep


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    if size > _MOST_BODY:
        raise ValueError("the answer is too large")
    while size > 0:
        chunk = await reader.read(min(size, _CHUNK))
        if not chunk:
            raise EOFError
        size -= len(chunk)


async def _skip_chunks(reader: asyncio.StreamReader) -> None:
    total = 0
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        total += size
        if size < 0 or total > _MOST_BODY:
            raise ValueError("the answer is too large")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
                pass
            return
        await _skip(reader, size)
        await reader.readexactly(2)


async def _skip_to_end(reader: asyncio.StreamReader) -> None:
    total = 0
    while chunk := await reader.read(_CHUNK):
        total += len(chunk)
        if total > _MOST_BODY:
            raise ValueError("the answer is too large")


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, (EOFError, ConnectionError)):
        return "the connection was closed"
    if isinstance(error, OSError):
        return "the host cannot be reached"
    return "the answer cannot be read"


def _tell(message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _end_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Read the order, send the load, end."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        asyncio.run(Load(order).run())
    except AmltuiError as error:
        _tell(error.to_wire())
    os._exit(0)  # nobody waits for connections that hang


if __name__ == "__main__":
    main()
