"""Which lines of a log belong under another one: tracebacks, repeated lines, doubled prints.

The inference server writes each print of an entry script twice, the second time with "no request
id," or an id in front. Lines are looked at in chunks of 1,024, so that what is on the screen
costs the same however long the log is; a group ends with its chunk.
"""

from __future__ import annotations

import operator
import re
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from .logbuffer import LogBuffer, LogLine

CHUNK = 1_024
_NEAR = 8  # a doubled print follows its first copy within so many lines
_KEPT = 64  # chunks remembered
_COPY = re.compile(
    rb"^(?:no request id|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\s*,\s?"
)
_COPIES = re.compile(rb"\n(?:no request id|[0-9a-fA-F]{8}-)")  # may be there: quick to look for
_HEAD = b"Traceback (most recent call last)"


class FoldKind(Enum):
    """Why lines are one group."""

    TRACEBACK = "traceback"
    REPEAT = "repeat"


@dataclass
class Fold:
    """A group: the line that stands for it and those under it."""

    head: int
    kind: FoldKind
    members: list[int] = field(default_factory=list)


class _Chunk:
    def __init__(self, first: int) -> None:
        self.first = self.next = first
        self.folds: dict[int, Fold] = {}  # by head and by member
        self._trace: dict[int, Fold] = {}  # open traceback by source
        self._near: deque[tuple[int, int, bytes]] = deque(maxlen=_NEAR)

    def skip(self, buffer: LogBuffer, stop: int) -> None:
        """Pass over lines up to shortly before `stop` where none belongs to another.

        What a flood shows is new with every frame: this looks at the text, not at its lines.
        """
        if self._trace or stop - self.next < 2 * _NEAR:
            return
        at = max(self.next - 1, buffer.start)  # the first line may repeat the one before it
        lines: list[bytes] = []
        while at < stop:
            end = min(stop, buffer.block(at)[1])
            text = b"\n" + buffer.text(at, end)
            if _HEAD in text or _COPIES.search(text):
                return
            lines += text[1:].split(b"\n")
            at = end
        if not any(map(operator.eq, lines, lines[1:])):
            self.next = stop - _NEAR  # these may be doubled by what comes
            self._near.clear()

    def add(self, line: LogLine) -> None:
        self.next = line.number + 1
        raw = line.raw
        trace = self._trace.get(line.source)
        if trace is not None:
            if not raw[:1].isspace():  # the exception itself ends the traceback
                del self._trace[line.source]
            if raw and not line.is_marker and _HEAD not in raw:
                trace.members.append(line.number)
                self.folds[line.number] = trace
                return
        if _HEAD in raw:
            fold = Fold(line.number, FoldKind.TRACEBACK)
            self.folds[line.number] = self._trace[line.source] = fold
            self._near.clear()
            return
        self._repeat(line)

    def _repeat(self, line: LogLine) -> None:
        raw = line.raw
        if not raw or line.is_marker:
            self._near.clear()
            return
        copy = _COPY.match(raw)
        text = raw[copy.end() :] if copy else raw
        candidates = reversed(self._near) if copy else list(self._near)[-1:]
        for number, source, other in candidates:
            if source == line.source and other == text:
                fold = self.folds.get(number)
                if fold is None:
                    fold = self.folds[number] = Fold(number, FoldKind.REPEAT)
                fold.members.append(line.number)
                self.folds[line.number] = fold
                return
        self._near.append((line.number, line.source, text))


class Folds:
    """The groups of a buffer, found where they are asked for."""

    def __init__(self, buffer: LogBuffer) -> None:
        self._buffer = buffer
        self._chunks: dict[int, _Chunk] = {}

    def of(self, number: int) -> Fold | None:
        """The group that a line heads or belongs to."""
        first = number - number % CHUNK
        chunk = self._chunks.pop(first, None)
        begin = max(first, self._buffer.start)
        if chunk is None or begin < chunk.first:  # older lines have been put in front of it
            chunk = _Chunk(begin)
            if len(self._chunks) >= _KEPT:
                del self._chunks[next(iter(self._chunks))]
        self._chunks[first] = chunk
        if chunk.next <= number:
            stop = min(first + CHUNK, self._buffer.stop)
            chunk.skip(self._buffer, stop)
            for line in self._buffer.lines(chunk.next, stop):
                chunk.add(line)
        return chunk.folds.get(number)
