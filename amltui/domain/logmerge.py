"""A log that can only be read as "its last N lines", put together from successive readings.

Azure ML has no way to follow a log. Each reading is laid over the lines known so far, and what
sticks out at its end is new. While readings are shorter than asked for, they are the whole log and
lines are counted, so that nothing is lost or doubled even where all lines are alike. In longer logs
the place is found by content, with the fewest new lines that explain the reading; where nothing
fits, more lines are asked for before a gap is admitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MAX_TAIL = 5_000  # lines of one reading; the SDK's own default, so known to be served
COUNTED = 2_000  # lines up to which the whole log is read each time
_CONTEXT = 50  # lines that are read at least: what a place in the log is recognised by
_WEAK = 3  # lines of overlap below which a place is looked for in a longer reading


class Event(str, Enum):
    """What a reading said about the log besides its new lines."""

    NONE = "none"
    GROWN = "grown"
    ROTATED = "rotated"  # its beginning was dropped; nothing is lost
    RESTARTED = "restarted"  # it is a new log: all its lines are new
    GAP = "gap"  # lines between the last reading and this one were not seen


@dataclass(frozen=True)
class Reading:
    """The new lines of one reading; with `again` set, read `Merger.tail` lines at once."""

    lines: tuple[str, ...] = ()
    event: Event = Event.NONE
    again: bool = False


class Merger:
    """The state of following one log; `tail` is how many lines to ask for next."""

    def __init__(self, tail: int) -> None:
        self._wanted = max(0, tail)  # of the first reading, this many lines are given out
        self._least = max(_CONTEXT, min(tail, MAX_TAIL))
        self.tail = self._least
        self._started = False
        self._text: str | None = None  # the last reading, to see at once that nothing changed
        self._open = ""  # a last line without its newline: it may still be growing
        self._partial = False  # the last line given out had no newline
        self._seen: list[str] = []  # the last lines that were given out
        self._count: int | None = None  # lines of the whole log, where a reading held all of it

    def feed(self, text: str | None) -> Reading:
        """Take the reading that was asked for with `tail` lines.

        None (there is no container) changes nothing. A last line without a newline is held back
        until the next reading shows that it does not grow; should it grow later, it comes again.
        """
        if text is None or (text == self._text and not self._open):
            return Reading()
        lines = text.replace("\r\n", "\n").split("\n")
        last = lines.pop()
        held = last if last != self._open else ""
        if last and not held:
            lines.append(last)
        full = len(lines) + bool(held) >= self.tail
        reading = self._merge(lines, full)
        if self._partial and (reading.again or reading.event in (Event.RESTARTED, Event.GAP)):
            self._forget_partial()
            reading = self._merge(lines, full)
        if reading.again:
            self.tail = min(self.tail * 4, MAX_TAIL)
            return reading
        self._text, self._open = text, held
        self._partial = bool(last and not held) and (bool(reading.lines) or self._partial)
        if reading.event is Event.RESTARTED:
            self._seen = []
        if reading.lines:
            self._seen = [*self._seen, *reading.lines][-MAX_TAIL:]
        self._count = None if full or len(lines) > COUNTED else len(lines)
        self._choose_tail(len(lines), len(reading.lines), full)
        if not self._started:
            self._started = True
            return _grown(reading.lines[max(0, len(reading.lines) - self._wanted) :])
        return reading

    def _choose_tail(self, length: int, new: int, full: bool) -> None:
        if not full and length <= COUNTED:
            # Room to double before the next reading, so that it holds the whole log again.
            self.tail = min(max(self._least, 2 * length + 50), MAX_TAIL)
        else:
            self.tail = max(self._least, min(COUNTED, 4 * new + 50))

    def _forget_partial(self) -> None:
        self._partial = False
        self._seen.pop()
        if self._count is not None:
            self._count -= 1

    def _merge(self, lines: list[str], full: bool) -> Reading:
        if not self._seen:
            if not self._started or not full:
                return _grown(lines)
            return Reading(tuple(lines), Event.GAP, again=self.tail < MAX_TAIL)
        if self._count is not None and not full and len(lines) >= self._count:
            known = min(self._count, len(self._seen))
            if lines[self._count - known : self._count] == self._seen[len(self._seen) - known :]:
                return _grown(lines[self._count :])
        least_new = max(0, len(lines) - self._count) if self._count is not None and full else 0
        new, overlap = _place(self._seen, lines, least_new)
        sure = overlap >= min(_WEAK, len(self._seen))
        if full and self.tail < MAX_TAIL and (self._count is not None or not sure):
            return Reading(again=True)
        fresh = tuple(lines[len(lines) - new :])
        if full and overlap and (sure or any(line.strip() for line in lines[:overlap])):
            return _grown(fresh)
        if full:
            return Reading(fresh, Event.GAP)
        if overlap >= _WEAK or (sure and self._count is None):
            return _grown(fresh) if self._count is None else Reading(fresh, Event.ROTATED)
        return Reading(tuple(lines), Event.RESTARTED)


def _grown(lines: Sequence[str]) -> Reading:
    return Reading(tuple(lines), Event.GROWN if lines else Event.NONE)


def _place(seen: Sequence[str], lines: Sequence[str], least_new: int) -> tuple[int, int]:
    """How many lines at the end are new, and how many of the others were recognised.

    The fewest new lines, at least `least_new`, such that everything before them agrees with what
    was seen. Found by looking for the seen lines, backwards, in the reading, backwards (Knuth,
    Morris and Pratt, so that a log of equal lines costs no more than another).
    """
    pattern, text = seen[::-1], lines[::-1][least_new:]
    table = _borders(pattern)
    matched = 0
    for position, line in enumerate(text):
        while matched and pattern[matched] != line:
            matched = table[matched - 1]
        if pattern[matched] == line:
            matched += 1
        if matched == len(pattern):
            return least_new + position + 1 - matched, matched
    return len(lines) - matched, matched


def _borders(pattern: Sequence[str]) -> list[int]:
    table = [0] * len(pattern)
    matched = 0
    for position in range(1, len(pattern)):
        while matched and pattern[matched] != pattern[position]:
            matched = table[matched - 1]
        if pattern[matched] == pattern[position]:
            matched += 1
        table[position] = matched
    return table
