"""A container's log, read faster than the docker command does.

The engine is the bottleneck: it writes every line by itself, and a reader that is woken for each
line takes its time away. So after a short read we sleep a moment and then take many lines at once.
HTTP/1.0 spares the chunks, and the frames of a read are split in bulk.
"""

from __future__ import annotations

import calendar
import json
import struct
import time
from collections.abc import Iterator
from operator import itemgetter
from urllib.parse import quote, urlencode

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import STDERR, STDOUT, Batch, PackedLines, PackedStamps
from amltui.domain.logbuffer import LINE_LIMIT
from amltui.domain.text import clean_line

from . import access
from .address import Address, Wire, dial

_READ = 64 << 10  # more than a unix socket holds; much more would be memory mapped for each read
_TOGETHER = 192 << 10  # bytes of reads after which they are taken apart: a block of the store
_SHORT = 48 << 10  # a read below this many bytes is followed by a pause
_PAUSE = 0.000_3  # seconds; 2 ms would let the socket buffer run full
_FEW = 4 << 10  # a read below this many bytes brings only a few lines; ...
_CALM = 16  # ... after so many of them in a row there is no flood, ...
_REST = 0.005  # ... and this is the pause, seconds
_PREFIX = 31  # bytes of time stamp and space before each frame's text
_PART = 16_384  # bytes from which on the engine splits a line
_HEADER = 8  # bytes of a frame's header: stream, three zeros, length
_HEAD_LIMIT = 64 << 10


_FRONT = _HEADER + _PREFIX  # bytes before a frame's text
# An itemgetter has its slice ready, where a comprehension makes one for each line.
_front = itemgetter(slice(0, _FRONT))
_text = itemgetter(slice(_FRONT, None))


class ContainerLog:
    """The open log of a container (a `ports.LogStream`)."""

    def __init__(self, wire: Wire, frames: Frames | TtyLines, rest: bytes) -> None:
        self._wire = wire
        self._frames = frames
        self._rest = rest
        self._closed = False

    def batches(self) -> Iterator[Batch]:
        """Batches as they arrive, until the container ends, the connection breaks or `close`."""
        try:
            calm = 0
            data = self._rest or self._wire.receive(_READ)
            while data and not self._closed:
                reads, size = [data], len(data)
                while len(data) >= _FEW and size < _TOGETHER:  # a flood: many lines at once
                    if len(data) < _SHORT:
                        time.sleep(_PAUSE)
                    if not self._wire.waiting():
                        break
                    data = self._wire.receive(_READ)
                    reads.append(data)
                    size += len(data)
                batch = self._frames.feed(*reads)
                if batch is not None:
                    yield batch
                calm = calm + 1 if len(data) < _FEW else 0
                if calm:  # taking a flood apart was pause enough
                    time.sleep(_PAUSE if calm < _CALM else _REST)
                data = self._wire.receive(_READ)
        finally:
            self._wire.close()

    def remainder(self) -> Batch | None:
        """What arrived of a line without its end."""
        return self._frames.remainder()

    def close(self) -> None:
        """End the iteration from any thread."""
        self._closed = True
        self._wire.close()


def open_log(
    address: Address,
    container_id: str,
    *,
    tty: bool,
    tail: int | None,
    since: str | None,
    until: str | None,
    follow: bool,
) -> ContainerLog:
    """The log of a container over a connection of its own.

    Raises:
        OSError: there is no connection.
        AmltuiError: the engine refuses.
    """
    query = {
        "stdout": 1,
        "stderr": 1,
        "timestamps": 1,
        "follow": int(follow),
        "tail": "all" if tail is None else tail,
    }
    if since:
        query["since"] = unix_time(since)
    if until:
        query["until"] = unix_time(until)
    wire = dial(address)
    try:
        path = f"/containers/{quote(container_id, safe='')}/logs?{urlencode(query)}"
        rest = request(wire, path)
    except BaseException:
        wire.close()
        raise
    return ContainerLog(wire, TtyLines() if tty else Frames(), rest)


def request(wire: Wire, path: str) -> bytes:
    """Ask for a path by HTTP/1.0; what arrived of the answer's body, once its head is there."""
    wire.send(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode("ascii"))
    data = b""
    while b"\r\n\r\n" not in data:
        more = wire.receive(_READ)
        if not more or len(data) > _HEAD_LIMIT:
            raise ConnectionResetError("the engine hung up before it answered")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status == 200:
        return body
    while more := wire.receive(_READ):
        body += more
    raise refusal(status, body)


def refusal(status: int, body: bytes) -> AmltuiError:
    """What the engine says no to, in words."""
    try:
        said = clean_line(str(json.loads(body)["message"]))
    except (ValueError, KeyError, TypeError):
        said = clean_line(body.decode("utf-8", "replace"))[:500]
    if "does not support reading" in said:
        return AmltuiError(
            "This container's log cannot be read",
            said,
            "Its logging driver keeps nothing here; start it with --log-driver json-file or local.",
            problem=Problem.REFUSED,
        )
    return access.refusal(status, said)


def unix_time(stamp: str) -> str:
    """An engine's stamp as the seconds.nanoseconds that its own interface wants."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return f"{seconds}.{fraction or 0:0<9}"


class Frames:
    """The frames of a log without a terminal, put together to lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._parts: dict[int, _Part] = {}  # of lines that are longer than a frame

    def feed(self, *reads: bytes) -> Batch | None:
        """The lines that end in what arrived."""
        data = b"".join((self._rest, *reads))
        return self._bulk(data) or self._one_by_one(data)

    def remainder(self) -> Batch | None:
        """What is there of a line without its end."""
        for stream, part in self._parts.items():
            return Batch(0, [part.text()], [part.stamp], bytes([stream]))
        return None

    def _bulk(self, data: bytes) -> Batch | None:
        """All lines at once, if each is one frame.

        Then the lengths that the headers tell add up to what is there, which is found out without
        looking at each of them.
        """
        pieces = data.split(b"\n")
        rest = pieces.pop()
        if not pieces or self._parts:
            return None
        fronts = b"".join(map(_front, pieces))
        if len(fronts) != _FRONT * len(pieces):
            pieces = _mended(pieces)
            fronts = b"".join(map(_front, pieces))
        count = len(pieces)
        columns = [fronts[at::_FRONT] for at in range(_FRONT)]
        if len(fronts) != _FRONT * count or columns[0].strip(b"\1\2"):
            return None
        high, low = columns[_HEADER - 2 : _HEADER]
        told = 256 * sum(high) + sum(low)
        if told != len(data) - len(rest) - _HEADER * count or any(
            column.strip(b"\0") for column in columns[1 : _HEADER - 2]
        ):
            return None
        self._rest = rest
        lines = PackedLines(b"\n".join(map(_text, pieces)), count)
        return Batch(0, lines, PackedStamps(columns[_HEADER : _FRONT - 1]), columns[0])

    def _one_by_one(self, data: bytes) -> Batch | None:
        lines: list[bytes] = []
        stamps: list[bytes] = []
        streams = bytearray()
        at = 0
        while len(data) - at >= _HEADER:
            stream, size = struct.unpack_from(">B3xI", data, at)
            end = at + _HEADER + size
            if end > len(data):
                break
            frame = data[at + _HEADER : end]
            at = end
            if stream > STDERR:
                said = clean_line(frame.decode("utf-8", "replace"))
                raise AmltuiError("The engine broke off the log", said, problem=Problem.ENGINE)
            stream = stream or STDOUT
            part = self._parts.pop(stream, None)
            if part is not None and part.stamp != frame[: _PREFIX - 1]:
                stamps.append(part.stamp)  # a run of the container ended in the midst of a line
                lines.append(part.text())
                streams.append(stream)
                part = None
            if part is None and frame.endswith(b"\n") and frame.count(b"\n") == 1:
                stamps.append(frame[: _PREFIX - 1])
                lines.append(frame[_PREFIX:-1])
                streams.append(stream)
                continue
            part = part or _Part(frame[: _PREFIX - 1])
            if not frame.endswith(b"\n"):
                part.add(frame[_PREFIX:])
                self._parts[stream] = part
                continue
            part.add(frame[_PREFIX:-1])
            for line in part.text().split(b"\n"):  # some logging drivers keep newlines in a line
                stamps.append(part.stamp)
                lines.append(line)
                streams.append(stream)
        self._rest = data[at:]
        return Batch(0, lines, stamps, bytes(streams)) if lines else None


def _mended(pieces: list[bytes]) -> list[bytes]:
    """Pieces between newlines, where one was a byte of a length and no newline."""
    whole: list[bytes] = []
    for piece in pieces:
        if whole and len(whole[-1]) < _HEADER:
            whole[-1] += b"\n" + piece
        else:
            whole.append(piece)
    return whole


class TtyLines:
    """The lines of a log with a terminal: no frames, one stream."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, *reads: bytes) -> Batch | None:
        """The lines that end in what arrived."""
        first, newline, more = b"".join(reads).partition(b"\n")
        if not newline:
            self._keep(first)
            return None
        self._keep(first)
        pieces = [b"".join(self._parts), *more.split(b"\n")]
        self._parts, self._size = [], 0
        self._keep(pieces.pop())
        lines = [_tty_line(piece) for piece in pieces]
        return Batch(
            0, lines, [piece[: _PREFIX - 1] for piece in pieces], bytes([STDOUT]) * len(pieces)
        )

    def remainder(self) -> Batch | None:
        """What is there of a line without its end."""
        piece = b"".join(self._parts)
        if len(piece) < _PREFIX:
            return None
        return Batch(0, [_tty_line(piece)], [piece[: _PREFIX - 1]], bytes([STDOUT]))

    def _keep(self, piece: bytes) -> None:
        if piece and self._size <= LINE_LIMIT + LINE_LIMIT // 100:  # and the stamps inside it
            self._parts.append(piece)
            self._size += len(piece)


def _tty_line(piece: bytes) -> bytes:
    if len(piece) > _PART:  # the stamp comes again wherever the engine split the line
        return piece.replace(piece[:_PREFIX], b"").rstrip(b"\r")[:LINE_LIMIT]
    return piece[_PREFIX:].rstrip(b"\r")


class _Part:
    """The beginning of a line that comes in several frames; all have its one time stamp."""

    def __init__(self, stamp: bytes) -> None:
        self.stamp = stamp
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        room = LINE_LIMIT - self._size
        self._pieces.append(piece[:room])
        self._size += min(len(piece), room)

    def text(self) -> bytes:
        return b"".join(self._pieces)
