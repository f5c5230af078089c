"""Diagnose a log while it is read: what it shows, and on which of the buffer's lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace

from amltui.domain.diagnosis.engine import Diagnoser
from amltui.domain.diagnosis.model import Finding, Source, Target
from amltui.domain.logbuffer import LogBuffer

_FEWEST, _MOST = 8, 256  # lines of one batch: lines that look like failures take a hundred times
_BYTES = 64 << 10
_LONGEST = 16 << 10  # bytes that are looked at of one line
_OURS = re.compile(r"^\[pod/\d+/log\] ")


class LogWatch:
    """Follows a buffer with a `Diagnoser`, in slices; memory does not grow with the log.

    `several` says that the buffer mixes sources: each is a replica of its own.
    """

    def __init__(
        self,
        buffer: LogBuffer,
        source: Source = Source.AUTO,
        target: Target = Target.UNKNOWN,
        *,
        several: bool = False,
    ) -> None:
        self.buffer = buffer
        self.findings: tuple[Finding, ...] = ()
        self.marks: Mapping[int, bool] = {}  # line of the buffer -> whether it shows the root cause
        self._source, self._target, self._several = source, target, several
        self._begin()

    def _begin(self) -> None:
        self._diagnoser = Diagnoser(self._source, self._target)
        self._first = self._next = self.buffer.start
        self._fed = 0  # lines
        self._jumps: list[tuple[int, int]] = [(0, self._next)]  # lines fed -> number of the next
        self._told = -1
        self._ended = False
        self._size = _FEWEST

    @property
    def left(self) -> int:
        """How many lines that are held have not been looked at."""
        return max(0, self.buffer.stop - max(self._next, self.buffer.start))

    @property
    def progress(self) -> float:
        """How much of what is held has been looked at, 0 to 1."""
        held = len(self.buffer)
        return 1 - self.left / held if held else 1.0

    def number(self, line: int) -> int:
        """The buffer's number of a finding's line."""
        at = bisect_right(self._jumps, line - 1, key=lambda jump: jump[0]) - 1
        fed, number = self._jumps[max(0, at)]
        return number + line - 1 - fed

    def step(self, budget_seconds: float, clock: Callable[[], float]) -> bool:
        """Look at new lines for about that long; whether every line held has been looked at."""
        now = clock()
        deadline = now + budget_seconds
        if self.buffer.start < self._first and self._next >= self.buffer.stop:
            self._begin()  # older lines were put in front
        while self._next < self.buffer.stop:
            self._feed()
            before, now = now, clock()
            if now >= deadline:
                self._size = max(_FEWEST, self._size // 2)
                break
            if now - before < budget_seconds / 4:
                self._size = min(_MOST, self._size * 2)
        self._tell()
        return self._next >= self.buffer.stop

    def end(self) -> None:
        """The log has ended, which is a sign for some failures; more may come all the same."""
        if not self._ended and self._next >= self.buffer.stop:
            self._ended = True
            self._take(self._diagnoser.finish())

    def _feed(self) -> None:
        buffer = self.buffer
        if self._next < buffer.start:  # what was not looked at in time is gone
            self._next = buffer.start
            self._jumps.append((self._fed, self._next))
        stop = min(self._next + self._size, buffer.block(self._next)[1])
        if self._several:
            lines = [
                f"[pod/{line.source}/log] {line.raw[:_LONGEST].decode('utf-8', 'replace')}"
                for line in buffer.lines(self._next, stop)
            ]
        else:
            text = buffer.text(self._next, stop)
            if len(text) > _LONGEST:
                parts = [line[:_LONGEST] for line in text.split(b"\n")]
                lines = [line.decode("utf-8", "replace") for line in _fitting(parts)]
            else:
                lines = text.decode("utf-8", "replace").split("\n")
        self._diagnoser.feed(lines)
        self._fed += len(lines)
        self._next += len(lines)
        self._ended = False

    def _tell(self) -> None:
        """Take the findings: what was found may also be taken back by what follows it."""
        if self._diagnoser.changes != self._told or self.findings:
            self._told = self._diagnoser.changes
            if not self._ended:
                self._take(self._diagnoser.findings())

    def _take(self, found: list[Finding]) -> None:
        told = [one for one in found if one.severity != "info"]
        if self._several:  # the line as it was said, without the name of the replica we gave it
            told = [replace(one, evidence=_OURS.sub("", one.evidence)) for one in told]
        self.findings = tuple(told)
        marks: dict[int, bool] = {}
        for at, one in enumerate(self.findings):
            for line in one.lines:
                marks.setdefault(self.number(line), at == 0)
        self.marks = marks


def _fitting(lines: list[bytes]) -> list[bytes]:
    """The first lines, as many as fit one batch."""
    size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size >= _BYTES:
            return lines[: index + 1]
    return lines
