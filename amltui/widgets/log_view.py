"""The log view: a window on a log with the keys and the mouse of a pager."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.selection import Selection
from textual.strip import Strip

from .log_keys import MOVING, SHOWING
from .log_render import column_of, column_start
from .log_rows import Place
from .log_window import LogWindow

STEP = 8  # columns of a step to the side
WHEEL = 3  # rows of a turn of the wheel
SELECT_LIMIT = 20_000  # lines that a selection with the mouse hands out at most


class LogView(LogWindow, can_focus=True):
    """Shows a `LogBuffer`: follows its end, or stands still where somebody reads."""

    ALLOW_SELECT = True
    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*MOVING, *SHOWING]

    # -- moving ---------------------------------------------------------------------------------

    def action_line_down(self) -> None:
        self.move_cursor(1)

    def action_line_up(self) -> None:
        self.move_cursor(-1)

    def action_page_down(self) -> None:
        self.scroll_rows(max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        self.scroll_rows(-max(1, self.size.height - 1))

    def action_half_down(self) -> None:
        self.scroll_rows(max(1, self.size.height // 2))

    def action_half_up(self) -> None:
        self.scroll_rows(-max(1, self.size.height // 2))

    def action_top(self) -> None:
        first = self.rows.first()
        if first is not None:
            self.pause()
            self._top = self._cursor = Place(first, 0)
            self.answer_key()

    def action_follow(self) -> None:
        self.following = True
        self.answer_key()

    def action_toggle_follow(self) -> None:
        if self.following:
            self.pause()
        else:
            self.following = True
        self.answer_key()

    def _held(self, rows: int) -> bool:
        """Whether following keeps everything where it is; moving up ends that."""
        if rows <= 0:
            self.pause()
        return self.following

    def move_cursor(self, rows: int) -> None:
        """Move the cursor; down from the very last row goes on following."""
        if self._cursor is None or self._held(rows):
            return
        before = self._cursor
        if rows > 0:
            self._cursor = self.rows.forward(before, rows)
            self.following = self._cursor == before
        else:
            self._cursor = self.rows.backward(before, -rows)
        self.answer_key()

    def scroll_rows(self, rows: int) -> None:
        """Move the screen and the cursor with it; down from the very end goes on following."""
        if self._cursor is None or self._top is None or self._held(rows):
            return
        before = self._cursor
        if rows > 0:
            self._top = self.rows.forward(self._top, rows)
            self._cursor = self.rows.forward(before, rows)
            self.following = self._cursor == before
        else:
            self._top = self.rows.backward(self._top, -rows)
            self._cursor = self.rows.backward(before, -rows)
        self.answer_key()

    def action_left(self) -> None:
        self.scroll_to_column(self._offset - STEP)

    def action_right(self) -> None:
        self.scroll_to_column(self._offset + STEP)

    def action_first_column(self) -> None:
        self.scroll_to_column(0)

    def scroll_to_column(self, column: int) -> None:
        """Scroll to the side, no further than the longest row on the screen."""
        if self.rows.wrap:
            return
        widest = max(
            (len(self.rows.shown(self.rows.line(place.number)).text) for place in self._places),
            default=0,
        )
        self._offset = max(0, min(column, max(self._offset, widest - self.rows.width // 2)))
        self.answer_key()

    # -- matches --------------------------------------------------------------------------------

    def action_next_match(self) -> None:
        """The next match; after the last one, the first."""
        if not self.go_to_match(1):
            self.go_to_match(1, start=-1)

    def action_previous_match(self) -> None:
        """The match before; before the first one, the last."""
        if not self.go_to_match(-1):
            self.go_to_match(-1, start=self.buffer.stop)

    def go_to_match(self, direction: int, start: int | None = None) -> bool:
        """To the match after (1) or before (-1) the cursor or `start`; whether there is one."""
        at = self.cursor if start is None else start
        if self.search is None or at is None:
            return False
        hits = self.search.hits
        while True:
            index = bisect_right(hits, at) if direction > 0 else bisect_left(hits, at) - 1
            if not 0 <= index < len(hits):
                return False
            at = hits[index]
            if self.rows.passes(at):
                self.go_to(at)
                return True

    def go_to_nearest_match(self) -> bool:
        """To a match at or after the cursor, else before it; from the end, the last one."""
        cursor = self.cursor
        return cursor is not None and (self.go_to_match(1, cursor - 1) or self.go_to_match(-1))

    def show_column(self, place: Place) -> None:
        """Move to the row and columns of the first match in the cursor's line."""
        if self.search is None or not self.is_hit(place.number):
            return
        shown = self.rows.shown(self.rows.line(place.number))
        matches = self.highlight(self.search, shown.text)
        if not matches:
            return
        start, end = matches[0]
        row = shown.row_at(start)
        if row != place.row:
            self._cursor = Place(place.number, row)
            self._top = self.rows.backward(self._cursor, self.size.height // 3)
        if not self.rows.wrap:
            first, last = column_of(shown, row, start), column_of(shown, row, end)
            if first < self._offset or last > self._offset + self.rows.width:
                room = self.rows.width
                self._offset = 0 if last <= room else max(0, first - room // 3)

    # -- how it is shown ------------------------------------------------------------------------

    def action_wrap(self) -> None:
        self.rows.wrap = not self.rows.wrap
        self._reflow()

    def action_clock(self) -> None:
        self.clock = self.clock.next
        self._reflow()

    def action_fold_all(self) -> None:
        self.rows.tracebacks_folded = not self.rows.tracebacks_folded
        self.rows.turned.clear()
        self._reflow()

    def action_unfold(self) -> None:
        if self.cursor is None:
            return
        if self.rows.turn(self.cursor):
            self.pause()
            fold = self.rows.fold(self.cursor)
            if fold is not None and self.rows.closed(fold):
                self._cursor = Place(fold.head, 0)
            self._reflow()

    def action_mark(self) -> None:
        if self.cursor is None:
            return
        self.pause()
        self.marked = None if self.marked == self.cursor else self.cursor
        self.answer_key()

    def _reflow(self) -> None:
        """Rows have changed: keep the line on its screen row as far as that goes."""
        if self._top is not None:
            self._top = Place(self._top.number, 0)
        if self._cursor is not None:
            self._cursor = Place(self._cursor.number, 0)
        self.answer_key()

    # -- mouse ----------------------------------------------------------------------------------

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Stand still under the pointer: a moving line cannot be selected."""
        y = event.get_content_offset_capture(self).y
        if 0 <= y < len(self._places):
            self.pause()
            self._cursor = self._places[y]
            self.answer_key()

    def render_line(self, y: int) -> Strip:
        """A row, telling a selection which characters of which line it holds."""
        strip = super().render_line(y)
        if y >= len(self._places):
            return strip
        place = self._places[y]
        shown = self.rows.shown(self.rows.line(place.number))
        start = column_start(shown, place.row, 0 if self.rows.wrap else self._offset)
        return strip.apply_offsets(start - self.prefix, place.number)

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is selected."""
        self.answer_key()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; of everything, the lines on the screen."""
        if not self._places:
            return None
        first = self._places[0].number if selection.start is None else selection.start.y
        last = self._places[-1].number if selection.end is None else selection.end.y
        pieces: list[str] = []
        for line in self.lines(first, last):
            text = self.rows.shown(line).text
            start, end = selection.get_span(line.number) or (0, -1)
            pieces.append(text[max(0, start) : end if end >= 0 else None])
            if len(pieces) >= SELECT_LIMIT:
                break
        return "\n".join(pieces), "\n"
