"""Searching a log in slices, nearest lines first, beside a screen that goes on working.

A slice cannot stop a runaway regex; whoever drives the search on the main thread can, and says so
with `stop` (see workers.search.run).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from math import inf

from .logbuffer import LogBuffer
from .loglines import Level, continues, level
from .logpattern import Pattern
from .text import clean_log_block

_CONTINUATION = 100  # lines that one looks back for the level of an indented line


class Search:
    """The lines of a buffer that match: a text or a regex, by level, or those that do not.

    Lines are matched as they are shown, each on its own. ``ignore_case`` None means smart case:
    ignored unless the pattern has a capital. ``invert`` keeps the lines that do not match.
    ``level`` keeps lines of that level and worse. ``near`` is the line to start from (default:
    the end). A pattern that is no regex leaves its reason in ``error`` and finds nothing.
    """

    def __init__(
        self,
        buffer: LogBuffer,
        pattern: str,
        *,
        regex: bool = False,
        ignore_case: bool | None = None,
        invert: bool = False,
        level: Level | None = None,
        near: int | None = None,
    ) -> None:
        self.buffer = buffer
        self.pattern = pattern
        self.invert = invert
        self.level = level
        self.error = ""
        try:
            self._pattern = Pattern(pattern, regex=regex, ignore_case=ignore_case)
        except ValueError as error:
            self._pattern = Pattern("", regex=False)
            self.error = str(error)
        self._near = max(buffer.start, min(buffer.stop if near is None else near, buffer.stop))
        self._from = self._to = self._near  # what has been looked at
        self._below: list[array[int]] = []  # hits before the first line looked at, nearest first
        self._above: array[int] = array("q")
        self._sorted: array[int] | None = None
        self._slices = self._scan()

    # -- results --------------------------------------------------------------------------------

    @property
    def hits(self) -> array[int]:
        """The numbers of the lines found so far, in order; the same object until that changes."""
        if self._sorted is None:
            found: array[int] = array("q")
            for part in reversed(self._below):
                found.extend(part)
            found.extend(self._above)
            self._sorted = found
        return self._sorted

    @property
    def count(self) -> int:
        """How many lines have been found so far."""
        return sum(map(len, self._below)) + len(self._above)

    @property
    def progress(self) -> float:
        """How much of the buffer has been looked at, 0 to 1."""
        held = len(self.buffer)
        if not held or self.error:
            return 1.0
        looked = min(self._to, self.buffer.stop) - max(self._from, self.buffer.start)
        return min(1.0, max(0, looked) / held)

    @property
    def done(self) -> bool:
        """Whether every line held has been looked at (or there is an error)."""
        return bool(self.error) or (
            self._to >= self.buffer.stop and self._from <= self.buffer.start
        )

    def matches(self, text: str, limit: int = 200) -> list[tuple[int, int]]:
        """Where the pattern matches in a line as shown, for highlighting; never an empty match."""
        if self.error or not self.pattern or self.invert:
            return []
        return self._pattern.matches(text, limit)

    # -- work -----------------------------------------------------------------------------------

    def step(self, budget_seconds: float = inf, clock: Callable[[], float] = lambda: 0.0) -> bool:
        """Look at lines for about that long by the clock (without one: at all lines).

        Returns whether every line held has been looked at.
        """
        deadline = clock() + budget_seconds
        while not self.error:
            if next(self._slices):
                return True
            if clock() >= deadline:
                return False
        return True

    def update(self) -> bool:
        """Take note of dropped and new lines; whether there are lines left to look at."""
        start = self.buffer.start
        if self._from < start:
            hits = self.hits
            kept = hits[bisect_left(hits, start) :]
            if len(kept) != len(hits):
                self._below = [kept]
                self._above = array("q")
                self._sorted = None
            self._from = start
            self._to = max(self._to, start)
        return not self.done

    def stop(self, message: str) -> None:
        """End the search with a message; what was found stays."""
        self.error = message

    def _scan(self) -> Iterator[bool]:
        while True:
            if not self.update():
                yield True
                continue
            start, stop = self._next_range()
            raw = self.buffer.text(start, stop)
            found: array[int] = array("q")
            text = clean_log_block(raw)
            for part in self._pattern.lines(text, first=start, invert=self.invert):
                found.extend(self._keep_level(start, raw, part) if self.level else part)
                yield False
            if start < self._from:
                self._from = start
                self._below.append(found)
            else:
                self._to = stop
                self._above.extend(found)
            if found:
                self._sorted = None

    def _next_range(self) -> tuple[int, int]:
        """The rest of the block that is nearest to where the search began."""
        above = self._to < self.buffer.stop
        below = self._from > self.buffer.start
        if above and (not below or self._to - self._near <= self._near - self._from):
            return self._to, self.buffer.block(self._to)[1]
        return self.buffer.block(self._from - 1)[0], self._from

    def _keep_level(self, start: int, raw: bytes, found: array[int]) -> array[int]:
        if not found:
            return found
        lines = raw.split(b"\n")
        assert self.level is not None
        return array(
            "q", [n for n in found if self._level_of(lines, n - start, start) >= self.level]
        )

    def _level_of(self, lines: list[bytes], at: int, start: int) -> Level:
        """A line's level; an indented line without one has that of the line it continues."""
        for index in range(at, max(at - _CONTINUATION, -1), -1):
            found = level(lines[index])
            if found or not continues(lines[index]):
                return found
        if at < _CONTINUATION:
            for line in reversed(self.buffer.lines(start - _CONTINUATION, start)):
                found = level(line.raw)
                if found or not continues(line.raw):
                    return found
        return Level.NONE
