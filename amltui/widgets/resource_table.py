"""A table for lists of any length: literal text, a cursor that keeps its key, few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from amltui.domain.text import clean_line

from .canvas import Canvas, strip_of
from .detail import wrap
from .table_model import (
    GAP,
    Column,
    TableModel,
    TableRow,
    cut,
    fit_columns,
    natural_widths,
    width_of,
)

MARK = "▌"
WHEEL = 3  # rows per notch


class ResourceTable(Canvas, can_focus=True):
    """Rows that are listed, filtered, sorted and chosen, by key or by mouse.

    It draws its own lines (Textual's DataTable stalls the loop for half a second on 5,000 rows and
    reads its cells as markup). A cursor that leaves the view brings half a page with it, so that
    holding a key costs one repaint per half page and not one per row.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"canvas--header", "canvas--cursor"}
    DEFAULT_CSS = """
    ResourceTable {
        height: 1fr;
        border: round $foreground 30%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground;
        &:focus { border: round $primary; }
        & > .canvas--header { color: $text-muted; text-style: bold; }
        & > .canvas--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="table.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="table.up"),
        Binding("g,home", "move_to(0)", "First", show=False, id="table.first"),
        Binding("G,end", "move_to(-1)", "Last", show=False, id="table.last"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="table.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="table.half-up"),
        Binding(
            "o", "sort_next", "Sort", show=False, id="table.sort", tooltip="Sort by the next column"
        ),
        Binding(
            "O",
            "sort_reverse",
            "Reverse",
            show=False,
            id="table.reverse",
            tooltip="Turn the order of the sorted column round",
        ),
        Binding("enter", "select", "Open", show=False, id="table.select"),
    ]

    @dataclass
    class Said(Message):
        """What all messages of a table have: the table."""

        table: ResourceTable

        @property
        def control(self) -> ResourceTable:
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class RowHighlighted(Said):
        """The cursor stands on another row, by a key, a click, a refresh or a filter."""

        key: str | None

    @dataclass
    class RowSelected(Said):
        """Enter, or a click on the row under the cursor."""

        key: str

    @dataclass
    class SortChanged(Said):
        """The person chose another order."""

        column: str | None
        reverse: bool

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        empty: str = "Nothing to show.",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._model = TableModel(columns)
        self._empty = empty
        self._dimmed = False
        self._top = 0
        self._wanted = natural_widths(self._model.columns, ())
        self._layout: list[tuple[int, int]] = []
        self._told: str | None = None

    # -- what a pane says to it

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return self._model.columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the rows go, as they have the wrong cells."""
        self._model = TableModel(columns)
        self._top = 0
        self._wanted = natural_widths(self._model.columns, ())
        self._changed()

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Show these rows; equal rows repaint nothing. Raises ValueError for a doubled key.

        Columns only grow while some of the rows stay, so that a refresh does not shift them.
        """
        before = self._model.rows
        if not self._model.set_rows(rows):
            return
        known = {row.key: row for row in before}
        changed = [row for row in self._model.rows if row != known.get(row.key)]
        wanted = natural_widths(self._model.columns, changed)
        if any(row.key in known for row in self._model.rows):
            wanted = [max(pair) for pair in zip(wanted, self._wanted, strict=True)]
        self._wanted = wanted
        self._changed()

    def filter(self, text: str) -> None:
        """Show the rows that contain the text (smart case; a leading `!` shows the others)."""
        if text != self._model.filter_text:
            self._model.filter(text)
            self._changed()

    def sort(self, column: str | None, reverse: bool = False) -> None:
        """Order by a column's key, or as given (None). Raises KeyError for an unknown column."""
        if (column, reverse) == (self._model.sort_column, self._model.reverse):
            return
        self._model.sort(column, reverse)
        self._changed()
        self.post_message(self.SortChanged(self, column, reverse))

    def highlight(self, key: str) -> bool:
        """Put the cursor on a row; False if it is not shown."""
        found = self._model.move_to_key(key)
        self._changed()
        return found

    @property
    def highlighted(self) -> str | None:
        """The key of the row under the cursor; None if there is no row."""
        return self._model.highlighted

    @property
    def shown(self) -> int:
        """How many rows the filter lets through."""
        return len(self._model.shown)

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self._model.rows)

    @property
    def in_view(self) -> tuple[str, ...]:
        """The keys of the rows that can be seen now."""
        rows = self._model.shown[self._top : self._top + max(0, self.size.height - 1)]
        return tuple(row.key for row in rows)

    @property
    def sorted_by(self) -> tuple[str | None, bool]:
        """The sorting column's key (None: as given) and whether the order is reversed."""
        return self._model.sort_column, self._model.reverse

    @property
    def dimmed(self) -> bool:
        """Whether the rows are drawn dim, because they are no longer what is."""
        return self._dimmed

    @dimmed.setter
    def dimmed(self, dimmed: bool) -> None:
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.redraw()

    @property
    def empty(self) -> str:
        """What is said when there is no row at all."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        if text != self._empty:
            self._empty = text
            self.redraw()

    # -- drawing

    def position_note(self) -> str:
        """The cursor's row of all rows, and the order where no header shows it."""
        shown, total = self.shown, self.total
        note = f"{self._model.index + 1 if shown else 0}/{shown}"
        if shown != total:
            note += f" of {total}"
        column, reverse = self.sorted_by
        if column and all(self.columns[at].key != column for at, _ in self._layout):
            title = next(known.title for known in self.columns if known.key == column)
            note = f"{title}{'↓' if reverse else '↑'} {note}"
        return note if total else ""

    def draw(self, width: int, height: int) -> list[Strip]:
        """The header and the rows in view."""
        self._layout = fit_columns(self.columns, self._wanted, width - len(MARK))
        self._keep_in_view(height - 1)
        lines = [self._header(width)]
        if not self._model.shown:
            lines += self._note_lines(width)
        else:
            rows = self._model.shown[self._top : self._top + height - 1]
            lines += [self._line(self._top + y, row, width) for y, row in enumerate(rows)]
        blank = Strip.blank(width, self.look(""))
        return (lines + [blank] * height)[:height]

    def _keep_in_view(self, page: int) -> None:
        index, count = self._model.index, self.shown
        if not self._top <= index < self._top + page:
            self._top = index - page // 2
        self._top = max(0, min(self._top, count - page))

    def _header(self, width: int) -> Strip:
        style = self.look("header")
        sorting, reverse = self.sorted_by
        text = " " * len(MARK)
        for at, room in self._layout:
            column = self.columns[at]
            title = column.title + (("↓" if reverse else "↑") if column.key == sorting else "")
            text += _aligned(cut(title, room), room, column.align) + " " * GAP
        return strip_of([(cut(text.rstrip(), width), style)], width, style)

    def _line(self, index: int, row: TableRow, width: int) -> Strip:
        dim = row.dim or self._dimmed
        under_cursor = index == self._model.index
        whole = self.look("cursor", dim) if under_cursor and self._active else None
        blank = whole or self.look("strong" if under_cursor else "", dim)
        parts: list[tuple[str, Style]] = [(MARK if under_cursor else " ", blank)]
        for at, room in self._layout:
            cell = row.cells[at]
            text = cut(clean_line(cell.text), room)
            style = whole or (self.look(cell.style, dim) if cell.style else blank)
            pad = (" " * (room - width_of(text)), blank)
            pieces = (
                [pad, (text, style)] if self.columns[at].align == "right" else [(text, style), pad]
            )
            parts += [*pieces, (" " * GAP, blank)]
        return strip_of(parts, width, blank)

    @property
    def _active(self) -> bool:
        return self.has_focus or self.has_class("-active")

    def _note_lines(self, width: int) -> list[Strip]:
        style, blank = self.look("muted"), self.look("")
        note = self._empty
        if self.total:
            note = f"None of {self.total} matches {self._model.filter_text}"
        return [strip_of([(f" {line}", style)], width, blank) for line in wrap(note, width - 1)]

    def _changed(self) -> None:
        self.redraw()
        if self._told != self.highlighted:
            self._told = self.highlighted
            self.post_message(self.RowHighlighted(self, self._told))

    # -- keys and mouse

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self._model.move_to(self._model.index + rows)
        self._changed()

    def action_move_to(self, index: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._model.move_to(index if index >= 0 else self.shown - 1)
        self._changed()

    def action_page(self, pages: float) -> None:
        """Move the cursor and the view by pages."""
        rows = int(pages * max(1, self.size.height - 1))
        self._top += rows
        self.action_move(rows)

    def action_sort_next(self) -> None:
        """Sort by the next column, upwards."""
        self.sort(self._model.next_sort_column())

    def action_sort_reverse(self) -> None:
        """Turn the order round."""
        column, reverse = self.sorted_by
        if column is None:
            column = self._model.next_sort_column()
        if column is not None:
            self.sort(column, not reverse)

    def action_select(self) -> None:
        """Choose the row under the cursor."""
        if self.highlighted is not None:
            self.post_message(self.RowSelected(self, self.highlighted))

    def on_focus(self) -> None:
        """Draw the cursor as the one that keys move."""
        self.redraw()

    def on_blur(self) -> None:
        """Leave only the mark at the cursor."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Sort by the clicked header, or move to the clicked row and choose it if already there."""
        at = event.get_content_offset(self)
        if at is None:
            return
        event.stop()
        if at.y == 0:
            self._sort_by_header(at.x - len(MARK))
            return
        index = self._top + at.y - 1
        if index >= self.shown:
            return
        if index == self._model.index and event.chain > 1:
            self.action_select()
        else:
            self.action_move_to(index)

    def _sort_by_header(self, x: int) -> None:
        left = 0
        for at, room in self._layout:
            if left <= x < left + room:
                key = self.columns[at].key
                sorting, reverse = self.sorted_by
                self.sort(key, key == sorting and not reverse)
            left += room + GAP

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll; the cursor stays unless it would leave the view."""
        event.stop()
        self._scroll(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll; the cursor stays unless it would leave the view."""
        event.stop()
        self._scroll(-WHEEL)

    def _scroll(self, rows: int) -> None:
        page = max(1, self.size.height - 1)
        self._top = max(0, min(self._top + rows, self.shown - page))
        self._model.move_to(max(self._top, min(self._model.index, self._top + page - 1)))
        self._changed()


def _aligned(text: str, width: int, align: str) -> str:
    pad = " " * (width - width_of(text))
    return pad + text if align == "right" else text + pad
