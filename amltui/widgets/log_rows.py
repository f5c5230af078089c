"""Which rows a log view shows: filter, folds and wrapping, worked out only round the screen.

A place is a line's number and a row within it. Everything is found by walking from a place, so a
log of a million lines opens, scrolls and wraps at the price of one screen.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from textual.cache import LRUCache

from amltui.domain.logbuffer import LogBuffer, LogLine
from amltui.domain.logfold import Fold, FoldKind, Folds
from amltui.domain.logsearch import Search
from amltui.domain.text import Sgr, Span, clean, parse_log

WIDE_LIMIT = 1 << 17
"""Characters shown of a line that is not plain ASCII; measuring more would hold up the screen."""

_JSON_LIMIT = 1 << 16
_TOGETHER = 64  # lines read at once
_NOTE = Sgr(dim=True)
_FOLDED = " ⋯ "


class Place(NamedTuple):
    """A row of a line."""

    number: int
    row: int


class Variant(NamedTuple):
    """One of the ways in which a line can be shown."""

    number: int
    wrapped_at: int
    unfolded: bool
    note: str


@dataclass(frozen=True)
class Shown:
    """A line as it is shown: its text, its colours and where its rows start and end."""

    text: str
    spans: Sequence[Span]
    parts: Sequence[tuple[int, int]]
    width: int  # columns of a row where `parts` is one run of ASCII to be wrapped, else 0

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        if self.width:
            return max(1, -(-len(self.text) // self.width))
        return len(self.parts)

    def part(self, row: int) -> tuple[int, int]:
        """The characters of a row."""
        if self.width:
            return row * self.width, min(len(self.text), (row + 1) * self.width)
        return self.parts[min(row, len(self.parts) - 1)]

    def row_at(self, character: int) -> int:
        """The row that a character is in."""
        if self.width:
            return min(self.rows - 1, character // self.width)
        return max(0, bisect_right(self.parts, character, key=lambda part: part[0]) - 1)


def fit(text: str, start: int, cells: int) -> int:
    """Where a piece of text from `start` ends that takes at most `cells` columns."""
    end = start
    while cells > 0 and end < len(text):
        piece = text[end : end + cells]
        taken = cell_len(piece)
        while taken > cells and len(piece) > 1:
            piece = piece[: max(1, len(piece) * cells // taken)]
            taken = cell_len(piece)
        if taken > cells:
            break
        end += len(piece)
        cells -= taken
    while end < len(text) and not text[end].isascii() and cell_len(text[end]) == 0:
        end += 1
    return end


class LogRows:
    """The rows of a buffer; `filtered` and the switches decide which and how."""

    def __init__(self, buffer: LogBuffer) -> None:
        self.buffer = buffer
        self.filtered: Search | None = None
        self.wrap = False
        self.width = 80
        self.tracebacks_folded = False
        self.turned: set[int] = set()  # heads of folds that are the other way round
        self.unfolded_json: set[int] = set()
        self._folds = Folds(buffer)
        self._shown: LRUCache[Variant, Shown] = LRUCache(256)
        self._lines: LRUCache[int, LogLine] = LRUCache(1024)

    # -- which lines ----------------------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """Whether there is no line to show."""
        return self.last() is None

    def first(self) -> int | None:
        """The number of the first line shown."""
        return self.next(self.buffer.start - 1)

    def last(self) -> int | None:
        """The number of the last line shown."""
        return self.previous(self.buffer.stop)

    def next(self, number: int) -> int | None:
        """The number of the line shown after a number."""
        if self.filtered is not None:
            hits = self.filtered.hits
            at = bisect_right(hits, max(number, self.buffer.start - 1))
            return hits[at] if at < len(hits) else None
        number = max(number + 1, self.buffer.start)
        while number < self.buffer.stop and self._hidden(number):
            number += 1
        return number if number < self.buffer.stop else None

    def previous(self, number: int) -> int | None:
        """The number of the line shown before a number."""
        if number <= self.buffer.start:
            return None
        if self.filtered is not None:
            hits = self.filtered.hits
            at = bisect_left(hits, number) - 1
            return hits[at] if at >= 0 and hits[at] >= self.buffer.start else None
        number = min(number, self.buffer.stop) - 1
        while number >= self.buffer.start and self._hidden(number):
            number -= 1
        return number if number >= self.buffer.start else None

    def nearest(self, number: int) -> int | None:
        """The line shown that is at a number, or else before or after it."""
        at = self.next(number - 1)
        if at == number:
            return at
        before = self.previous(number)
        return at if before is None else before

    def passes(self, number: int) -> bool:
        """Whether the filter lets a line through, folded or not."""
        if self.filtered is None:
            return True
        hits = self.filtered.hits
        at = bisect_left(hits, number)
        return at < len(hits) and hits[at] == number

    def ratio(self, number: int) -> float:
        """How far down a line is, 0 to 1."""
        if self.filtered is not None:
            hits = self.filtered.hits
            return bisect_left(hits, number) / max(1, len(hits) - 1)
        return (number - self.buffer.start) / max(1, len(self.buffer) - 1)

    def count(self) -> int:
        """How many lines the filter lets through; folded ones count."""
        if self.filtered is not None:
            hits = self.filtered.hits
            return len(hits) - bisect_left(hits, self.buffer.start)
        return len(self.buffer)

    # -- folds ----------------------------------------------------------------------------------

    def fold(self, number: int) -> Fold | None:
        """The group that a line is in; none while a filter picks lines."""
        return self._folds.of(number) if self.filtered is None else None

    def closed(self, fold: Fold) -> bool:
        """Whether only the head of a group is shown."""
        usual = fold.kind is FoldKind.REPEAT or self.tracebacks_folded
        return usual != (fold.head in self.turned)

    def turn(self, number: int) -> bool:
        """Fold or unfold what a line is in, or its JSON; whether there was something to turn."""
        fold = self.fold(number)
        if fold is not None:
            self.turned ^= {fold.head}
            return True
        if number in self.unfolded_json or self._pretty(self.line(number).raw) is not None:
            self.unfolded_json ^= {number}
            return True
        return False

    def reveal(self, number: int) -> None:
        """Unfold the group that hides a line."""
        if self.fold(number) is not None and self._hidden(number):
            self.turn(number)

    def _hidden(self, number: int) -> bool:
        fold = self._folds.of(number)
        return fold is not None and fold.head != number and self.closed(fold)

    # -- rows -----------------------------------------------------------------------------------

    def shown(self, line: LogLine) -> Shown:
        """A line's text and rows, as it is shown now."""
        key = self.variant(line)
        shown = self._shown.get(key)
        if shown is None:
            shown = self._shown[key] = self._show(line, key.note, key.unfolded)
        return shown

    def variant(self, line: LogLine) -> Variant:
        """What decides how a line is shown now."""
        number = line.number
        width = self.width if self.wrap else 0
        return Variant(number, width, number in self.unfolded_json, self._note(line))

    def line(self, number: int) -> LogLine:
        """A line of the buffer; its neighbours are read with it, they are asked for next."""
        line = self._lines.get(number)
        if line is None:
            first = number - number % _TOGETHER
            for line in self.buffer.lines(first, first + _TOGETHER):
                self._lines[line.number] = line
            line = self.buffer.line(number) if number not in self._lines else self._lines[number]
        return line

    def rows_of(self, number: int) -> int:
        """How many rows a line takes."""
        if not self.wrap and number not in self.unfolded_json:
            return 1
        return self.shown(self.line(number)).rows

    def forward(self, place: Place, rows: int) -> Place:
        """The place so many rows down, or the last one."""
        number, row = place
        while True:
            last = self.rows_of(number) - 1
            if row + rows <= last:
                return Place(number, row + rows)
            after = self.next(number)
            if after is None:
                return Place(number, last)
            rows -= last - row + 1
            number, row = after, 0

    def backward(self, place: Place, rows: int) -> Place:
        """The place so many rows up, or the first one."""
        number, row = place
        while row < rows:
            before = self.previous(number)
            if before is None:
                return Place(number, 0)
            rows -= row + 1
            number, row = before, self.rows_of(before) - 1
        return Place(number, row - rows)

    def end(self) -> Place | None:
        """The last row of all."""
        last = self.last()
        return None if last is None else Place(last, self.rows_of(last) - 1)

    def settle(self, place: Place) -> Place | None:
        """The place, or the nearest one that there is now."""
        number = self.nearest(place.number)
        if number is None:
            return None
        if number != place.number:
            return Place(number, 0)
        return Place(number, min(place.row, self.rows_of(number) - 1))

    def fill(self, top: Place, height: int) -> list[Place]:
        """The places of a screen, from its top."""
        places: list[Place] = []
        number: int | None = top.number
        row = top.row
        while number is not None and len(places) < height:
            rows = self.rows_of(number)
            places += [Place(number, at) for at in range(row, min(rows, row + height))]
            number, row = self.next(number), 0
        return places[:height]

    def _note(self, line: LogLine) -> str:
        fold = self.fold(line.number)
        if fold is None or fold.head != line.number or not fold.members or not self.closed(fold):
            return ""
        if fold.kind is FoldKind.REPEAT:
            return f"  ×{len(fold.members) + 1}"
        last = parse_log(self.line(fold.members[-1]).raw)[0][:200].strip()
        return f"{_FOLDED}{last} (+{len(fold.members)} lines)"

    def _show(self, line: LogLine, note: str, unfolded: bool) -> Shown:
        pretty = self._pretty(line.raw) if unfolded else None
        if pretty is not None:
            starts = [0]
            for at, character in enumerate(pretty):
                if character == "\n":
                    starts.append(at + 1)
            ends = [start - 1 for start in starts[1:]] + [len(pretty)]
            parts = list(zip(starts, ends, strict=True))
            if self.wrap:
                parts = [piece for part in parts for piece in self._wrapped(pretty, *part)]
            return Shown(pretty, (), parts, 0)
        text, spans = parse_log(line.raw)
        if len(text) > WIDE_LIMIT and not text.isascii():
            note += f" ⋯ {len(text) - WIDE_LIMIT:,} more characters: save the log to see them"
            text = text[:WIDE_LIMIT]
            spans = tuple(span for span in spans if span.end <= WIDE_LIMIT)
        if line.is_marker:
            text = f"── {text} ──"
        if note.startswith(_FOLDED) and not spans:  # the exception is what one wants to see
            text = text.replace("Traceback (most recent call last):", "Traceback")
        if note:
            spans = (*spans, Span(len(text), len(text) + len(note), _NOTE))
            text += note
        if not self.wrap:
            return Shown(text, spans, ((0, len(text)),), 0)
        if text.isascii():
            return Shown(text, spans, (), self.width)
        return Shown(text, spans, self._wrapped(text, 0, len(text)), 0)

    def _wrapped(self, text: str, start: int, stop: int) -> list[tuple[int, int]]:
        parts: list[tuple[int, int]] = []
        while True:
            end = min(stop, max(start + 1, fit(text, start, self.width)))
            parts.append((start, end))
            if end >= stop:
                return parts
            start = end

    @staticmethod
    def _pretty(raw: bytes) -> str | None:
        """JSON in rows, where a line is an object or array (perhaps behind a prefix)."""
        at = min((at for at in (raw.find(b"{"), raw.find(b"[")) if at >= 0), default=-1)
        if at < 0 or len(raw) > _JSON_LIMIT or not raw.rstrip().endswith((b"}", b"]")):
            return None
        try:
            value = json.loads(raw[at:])
            if not isinstance(value, (dict, list)) or not value:
                return None
            pretty = json.dumps(value, indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return None
        prefix = parse_log(raw[:at])[0]
        return clean(f"{prefix}\n{pretty}" if prefix.strip() else pretty)
