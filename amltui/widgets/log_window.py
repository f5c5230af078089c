"""What of a log is on the screen: only that is read and drawn, at the pace of the link."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from time import monotonic

from textual.strip import Strip

from amltui.domain.logbuffer import LogBuffer, LogLine
from amltui.domain.logsearch import Search
from amltui.domain.logtime import Clock, parse, show

from .canvas import Canvas
from .frame_pace import FramePace
from .log_render import LogPainter, Look, source_label
from .log_rows import LogRows, Place
from .log_status import LogState, LogStatus
from .terminal_link import LinkedApp

SOURCE_WIDTH = 16  # columns of the longest source label

Highlight = Callable[[Search, str], list[tuple[int, int]]]


class LogWindow(Canvas):
    """What of a buffer is on the screen and when it is drawn; `LogView` adds keys and mouse."""

    def __init__(
        self,
        status: LogStatus | None = None,
        *,
        highlight: Highlight = Search.matches,
        zone: tzinfo | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.rows = LogRows(self.buffer)
        self.following = True
        self.clock = Clock.OFF
        self.search: Search | None = None
        self.filter_words = ""  # what the filter lets through, for the status line
        self.sources: dict[int, str] = {}
        self.marked: int | None = None
        self.marks: Mapping[int, bool] = {}  # lines that show a failure: whether its root cause
        self.trouble = ""  # what the status line says of them
        self.zone = zone
        self.prefix = 1  # columns before the text
        self._status = status
        self.highlight = highlight
        self._pace = FramePace()
        self._painter = LogPainter()
        self._searches = 0
        self._awake = True
        self._timer: asyncio.TimerHandle | None = None
        self._stale = False
        self._key_waits = False
        self._places: list[Place] = []
        self._began: datetime | None = None  # of the log: what "since start" counts from, ...
        self._began_at = 0  # ... and the number of that line
        self._top: Place | None = None
        self._cursor: Place | None = None
        self._offset = 0  # columns scrolled to the right
        self._paused_at = 0

    # -- what is shown --------------------------------------------------------------------------

    def show(self, buffer: LogBuffer) -> None:
        """Show another log, at its end."""
        before = self.rows
        self.buffer = buffer
        self.rows = LogRows(buffer)
        self.rows.wrap, self.rows.tracebacks_folded = before.wrap, before.tracebacks_folded
        self.search = self.marked = None
        self.marks, self.trouble = {}, ""
        self.filter_words = ""
        self.following = True
        self._began = self._top = self._cursor = None
        self._offset = self._paused_at = 0
        self._painter.forget()
        self.answer_key()

    def find(self, search: Search | None) -> None:
        """Mark the matches of a search, which somebody else drives; None marks none."""
        self.search = search
        self._searches += 1
        self.answer_key()

    def filter(self, search: Search | None, words: str = "") -> None:
        """Show only the lines that a search finds; None shows all."""
        self.rows.filtered = search
        self.filter_words = words if search is not None else ""
        self.answer_key()

    @property
    def cursor(self) -> int | None:
        """The number of the line that the keys act on."""
        return self._cursor.number if self._cursor else None

    def go_to(self, number: int) -> None:
        """Stand on a line, unfolded and with what comes before it, and stop following."""
        self.pause()
        self.rows.reveal(number)
        place = self.rows.settle(Place(number, 0))
        if place is not None:
            if place not in self._places or self._places.index(place) >= self.size.height:
                self._top = self.rows.backward(place, self.size.height // 3)
            self._cursor = place
            self.show_column(place)
        self.answer_key()

    def show_column(self, place: Place) -> None:
        """Scroll to the side so that what matters in a line is seen."""

    def pause(self) -> None:
        """Stand still where the screen is now."""
        if self.following:
            self.following = False
            self._paused_at = self.buffer.stop

    def unmark(self) -> None:
        """Take the mark away."""
        self.marked = None
        self.answer_key()

    def range(self) -> tuple[int, int] | None:
        """The numbers of the first and last line from the mark to the cursor."""
        if self._cursor is None:
            return None
        other = self.marked if self.marked is not None else self._cursor.number
        return min(other, self._cursor.number), max(other, self._cursor.number)

    def lines(self, first: int, last: int, *, every: bool = False) -> Iterator[LogLine]:
        """The lines shown between two numbers and those folded, or every one of them."""
        number: int | None = max(first, self.buffer.start) - 1
        filtered = self.rows.filtered if not every else None
        while number is not None:
            number = self.rows.next(number) if filtered is not None else number + 1
            if number is None or number > last or number >= self.buffer.stop:
                return
            if number >= self.buffer.start:
                yield self.rows.line(number)

    @property
    def state(self) -> LogState:
        """What the status line says."""
        found = problem = ""
        if self.search is not None:
            problem = self.search.error
            found = self._found(self.search) if len(self.search.hits) or not problem else ""
        filtered = self.rows.filtered
        if filtered is not None:
            problem = problem or filtered.error
        words = self.filter_words
        if filtered is not None:
            going = f", {filtered.progress:.0%} searched" if filtered.progress < 0.99 else ""
            words = f"{words} ({self.rows.count():,} lines{going})"
        flags = [
            "wrap" if self.rows.wrap else "",
            self.clock.value if self.clock is not Clock.OFF else "",
            f"→{self._offset}" if self._offset and not self.rows.wrap else "",
            "folded" if self.rows.tracebacks_folded else "",
        ]
        return LogState(
            following=self.following,
            new=0 if self.following else max(0, self.buffer.stop - self._paused_at),
            lines=len(self.buffer),
            dropped=self.buffer.dropped,
            filter=words,
            found=found,
            problem=problem,
            flags=" ".join(flag for flag in flags if flag),
            trouble=self.trouble,
            marked="" if self.marked is None else "marked, y copies",
        )

    def _found(self, search: Search) -> str:
        hits = search.hits
        cursor = self.cursor
        at = bisect_left(hits, cursor) if cursor is not None else len(hits)
        text = f"{len(hits):,} found"
        if at < len(hits) and hits[at] == cursor:
            text = f"{at + 1:,} of {len(hits):,}"
        return f"{text}, {search.progress:.0%} searched" if search.progress < 0.99 else text

    # -- drawing at the link's pace -------------------------------------------------------------

    def update(self) -> None:
        """Lines have come or a search has gone on: draw when it is time."""
        self._stale = True
        if not self._awake or not self.is_mounted or self._timer is not None:
            return
        wait = self._pace.wait(monotonic())
        if wait <= 0:
            self.redraw()
        else:
            # Not `set_timer`: Textual skips one that is due before its task runs, for ever.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait, self.call_next, self._due)

    def answer_key(self) -> None:
        """Draw at once what a key changed, unless two frames are still under way."""
        if not self.is_mounted:
            return
        if self._pace.may_answer_key(monotonic()):
            self.redraw()
        else:
            self._key_waits = True
            self.update()  # should no answer come

    def sleep(self) -> None:
        """Stop drawing: nobody looks."""
        self._awake = False

    def wake(self) -> None:
        """Draw again, beginning now."""
        self._awake = True
        self.answer_key()

    def redraw(self) -> None:
        """Draw now, and ask the terminal to say when it has read it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stale = self._key_waits = False
        before = self._picture
        super().redraw()
        changed = self._picture
        if len(before) == len(changed):
            changed = [new for old, new in zip(before, changed, strict=True) if old != new]
        news = self._status is not None and self._status.show(self.state)
        if (changed or news) and self._pace.drawn(monotonic(), sum(map(_weight, changed)) + 120):
            self.call_after_refresh(self._ask)

    def _due(self) -> None:
        self._timer = None
        if self._stale:
            self.update()

    def _ask(self) -> None:
        app: object = self.app
        if not isinstance(app, LinkedApp) or not app.ask_terminal(self._answered):
            self._pace.unanswerable()
            self._draw_what_waits()

    def _answered(self) -> None:
        self._pace.answered(monotonic())
        self._draw_what_waits()

    def _draw_what_waits(self) -> None:
        if self._key_waits:
            self.answer_key()
        elif self._stale:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.update()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The rows that are seen now."""
        self._pace.resize(width * height)
        label = max((len(name) for name in self.sources.values()), default=0)
        label = min(SOURCE_WIDTH, label) if len(self.sources) > 1 else 0
        self.prefix = 1 + self.clock.width + (label + 1 if label else 0)
        self.rows.width = max(1, width - self.prefix - 1)
        self._settle(height)
        self._places = [] if self._top is None else self.rows.fill(self._top, height)
        thumb = self._thumb(height)
        marked = self.range() if self.marked is not None else None
        strips = []
        for y, place in enumerate(self._places):
            line = self.rows.line(place.number)
            look = self._look(place, line, width, label, y == thumb, marked)
            strips.append(self._painter.known(look) or self._paint(look, line))
        return strips + [Strip.blank(width)] * (height - len(strips))

    def _look(
        self,
        place: Place,
        line: LogLine,
        width: int,
        label: int,
        thumb: bool,
        marked: tuple[int, int] | None,
    ) -> Look:
        gutter = ""
        if place == self._cursor and not self.following:
            gutter = "cursor"
        elif place.number == self.marked:
            gutter = "mark"
        elif marked is not None and marked[0] <= place.number <= marked[1]:
            gutter = "range"
        if self.marks and place.row == 0 and gutter != "range":
            cause = self._shows(place.number)
            if cause is not None:
                at = "at-" if gutter == "cursor" else ""
                gutter = at + ("cause" if cause else "sign")
        selection = self.text_selection
        selected = selection.get_span(place.number) if selection is not None else None
        if selected is not None:
            selected = (max(0, selected[0]), selected[1] if selected[1] >= 0 else 1 << 30)
        stamp = ""
        if self.clock is not Clock.OFF:  # once a line, not on each of its rows
            of_line = line.stamp if place.row == 0 else None
            stamp = show(of_line, self.clock, self._start(), self.zone)
        return Look(
            self.rows.variant(line),
            place.row,
            width,
            0 if self.rows.wrap else self._offset,
            stamp,
            source_label(self.sources.get(line.source, "?"), label) if label else "",
            gutter,
            thumb,
            self._searches if self.is_hit(place.number) else 0,
            selected,
        )

    def _shows(self, number: int) -> bool | None:
        """Whether a line, or what is folded below it, shows a failure: the root cause, or one."""
        cause = self.marks.get(number)
        fold = self.rows.fold(number)
        if fold is not None and fold.head == number and self.rows.closed(fold):
            within = [self.marks[at] for at in fold.members if at in self.marks]
            if within:
                return bool(cause) or any(within)
        return cause

    def _paint(self, look: Look, line: LogLine) -> Strip:
        shown = self.rows.shown(line)
        matches: list[tuple[int, int]] = []
        if look.search and self.search is not None:
            matches = self.highlight(self.search, shown.text)
        return self._painter.paint(look, line, shown, matches)

    def is_hit(self, number: int) -> bool:
        """Whether the search has found a line."""
        if self.search is None:
            return False
        hits = self.search.hits
        at = bisect_left(hits, number)
        return at < len(hits) and hits[at] == number

    def _start(self) -> datetime | None:
        first = self.buffer.start
        if len(self.buffer) and (self._began is None or first < self._began_at):
            self._began_at = first
            stamp = self.buffer.line(first).stamp
            self._began = parse(stamp) if stamp is not None else None
        return self._began

    def _thumb(self, height: int) -> int:
        """The row of the position mark; none where everything is seen."""
        if not self._places or self.rows.count() <= height:
            return -1
        at = self._places[-1 if self.following else len(self._places) // 2].number
        return round(self.rows.ratio(at) * (height - 1))

    def _settle(self, height: int) -> None:
        """Find where the screen begins, and the cursor on it."""
        rows = self.rows
        end = rows.end()
        if end is None:
            self._top = self._cursor = None
            return
        if self.following:
            self._cursor = end
            self._top = rows.backward(end, height - 1)
            return
        cursor = rows.settle(self._cursor or end) or end
        top = min(rows.settle(self._top or cursor) or cursor, cursor)
        places = rows.fill(top, height)
        if places and cursor > places[-1]:
            top = rows.backward(cursor, height - 1)
        elif len(places) < height:
            top = rows.backward(end, height - 1)
        self._cursor, self._top = cursor, top


def _weight(strip: Strip) -> int:
    """About how many bytes a row is on its way to the terminal."""
    segments = list(strip)
    text = sum(len(segment.text.encode("utf-8", "replace")) for segment in segments)
    styled = sum(1 for segment in segments if segment.style)
    return text + 18 * styled + 10
