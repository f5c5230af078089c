"""What a table shows and where its cursor stands: rows, filter, order and widths, without a screen.

Apart from the widget so that its promises (the cursor stays on its key) can be tested by the
thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

from amltui.domain.text import clean_line

from .words import age

CellStyle = Literal["", "strong", "ok", "pending", "degraded", "failed", "stopped", "muted"]
SortValue = float | str | None

GAP = 2  # cells between two columns


@dataclass(frozen=True)
class Column:
    """One column; widths are in terminal cells.

    A column is as wide as its content, within `min_width` and `max_width`; where room is short it
    shrinks down to `min_width` (None: it does not shrink), and then the columns of the lowest
    `priority` vanish, the rightmost first. The first column never vanishes.
    """

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    priority: int = 0
    min_width: int | None = None
    max_width: int | None = None


class Cell(NamedTuple):
    """Literal text, how it looks, and what it sorts by (None: its text, ignoring case)."""

    text: str
    style: CellStyle = ""
    sort: SortValue = None


def age_cell(then: datetime | None, now: datetime) -> Cell:
    """An age, the youngest first; what it sorts by stands still, so that its row can stay."""
    return Cell(age(then, now), "muted", float("inf") if then is None else -then.timestamp())


class TableRow(NamedTuple):
    """One row: a key of its own, one cell per column, and `haystack`, found but not shown.

    A named tuple rather than a dataclass: comparing 1,000 rows is then one pass in C.
    """

    key: str
    cells: tuple[Cell, ...]
    dim: bool = False
    haystack: str = ""


class KeptRows:
    """The rows made last; one whose facts are the same is not made again, and not drawn."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[tuple[Any, ...], TableRow]] = {}

    def of(
        self, facts: Mapping[str, tuple[Any, ...]], make: Callable[..., TableRow]
    ) -> list[TableRow]:
        """A row for each key, in their order: `make` gets what it shows."""
        before = self._made
        self._made = {
            key: before[key] if key in before and before[key][0] == shown else (shown, make(*shown))
            for key, shown in facts.items()
        }
        return [row for _, row in self._made.values()]


def width_of(text: str) -> int:
    """How many terminal cells the text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    if text.isascii():
        return text[: width - 1] + "…"
    return set_cell_size(text, width - 1).rstrip() + "…"


def natural_widths(columns: Sequence[Column], rows: Sequence[TableRow]) -> list[int]:
    """How wide each column wants to be, the sort arrow of its title included."""
    wanted = []
    for at, column in enumerate(columns):
        texts = {row.cells[at].text for row in rows}
        content = max((width_of(clean_line(text)) for text in texts), default=0)
        width = max(content, width_of(column.title) + 1, column.min_width or 0)
        wanted.append(width if column.max_width is None else min(width, column.max_width))
    return wanted


def fit_columns(
    columns: Sequence[Column], wanted: Sequence[int], available: int
) -> list[tuple[int, int]]:
    """Which columns are shown in so many cells, as (index of the column, width), in order."""
    kept = list(range(len(columns)))
    while kept:
        widths = {at: wanted[at] for at in kept}
        slack = {
            at: wanted[at] - floor
            for at in kept
            if (floor := columns[at].min_width) is not None and floor < wanted[at]
        }
        excess = sum(widths.values()) + GAP * (len(kept) - 1) - available
        for at in sorted(slack, key=slack.__getitem__, reverse=True):
            if excess <= 0:
                break
            taken = min(excess, slack[at])
            widths[at] -= taken
            excess -= taken
        if excess <= 0:
            return sorted(widths.items())
        if len(kept) == 1:
            return [(kept[0], max(0, available))]
        kept.remove(min(kept[1:], key=lambda at: (columns[at].priority, -at)))
    return []


def sort_value(cell: Cell) -> tuple[bool, float | str] | None:
    """What a cell sorts by: numbers before texts, None (nothing to compare) always last."""
    value = cell.text.casefold() if cell.sort is None else cell.sort
    if value == "" or value != value:  # a NaN compares to nothing
        return None
    return (isinstance(value, str), value)


class TableModel:
    """Rows as given, the rows shown after filter and order, and a cursor that follows its key."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns = tuple(columns)
        self.rows: tuple[TableRow, ...] = ()
        self.shown: tuple[TableRow, ...] = ()
        self.filter_text = ""
        self.sort_column: str | None = None
        self.reverse = False
        self.index = 0
        self.key: str | None = None
        self._texts: list[tuple[str, str]] | None = None

    @property
    def highlighted(self) -> str | None:
        """The key of the row under the cursor; None if no row is shown."""
        return self.key if self.shown else None

    def set_rows(self, rows: Sequence[TableRow]) -> bool:
        """Replace the rows; False if they are equal to what was there.

        Keys must be unique: a doubled key would make the cursor ambiguous.

        Raises ValueError for a doubled key or a row without exactly one cell per column.
        """
        given = tuple(rows)
        if given == self.rows:
            return False
        if len({row.key for row in given}) != len(given):
            raise ValueError("two rows have the same key")
        if any(len(row.cells) != len(self.columns) for row in given):
            raise ValueError(f"a row must have {len(self.columns)} cells")
        self.rows = given
        self._texts = None
        self._arrange()
        return True

    def filter(self, text: str) -> None:
        """Show the rows that contain the text; a leading `!` shows the others.

        Capitals matter only if the text has some (smart case, as in less and ripgrep).
        """
        self.filter_text = text
        self._arrange()

    def sort(self, column: str | None, reverse: bool = False) -> None:
        """Order by a column's key, or as given (None). Rows that tie stay as given.

        Raises KeyError if there is no such column.
        """
        if column is not None and all(column != known.key for known in self.columns):
            raise KeyError(column)
        self.sort_column, self.reverse = column, reverse
        self._arrange()

    def next_sort_column(self) -> str | None:
        """The column after the one that sorts now, round and round; every column is reached."""
        keys = [column.key for column in self.columns]
        if not keys:
            return None
        return keys[(keys.index(self.sort_column) + 1) % len(keys) if self.sort_column else 0]

    def move_to(self, index: int) -> None:
        """Put the cursor on a shown row, the nearest one if the index is outside."""
        if self.shown:
            self.index = max(0, min(index, len(self.shown) - 1))
            self.key = self.shown[self.index].key

    def move_to_key(self, key: str) -> bool:
        """Put the cursor on a row by its key; False if that row is not shown."""
        for index, row in enumerate(self.shown):
            if row.key == key:
                self.move_to(index)
                return True
        return False

    def _arrange(self) -> None:
        self.shown = tuple(self._sorted(self._matching()))
        # The key is kept while nothing is shown: the cursor is there again when its row is.
        if self.key is None or not self.move_to_key(self.key):
            self.move_to(self.index)

    def _matching(self) -> Sequence[TableRow]:
        inverted = self.filter_text.startswith("!")
        needle = self.filter_text[1:] if inverted else self.filter_text
        if not needle:
            return self.rows
        if self._texts is None:
            whole = ["\n".join([*(c.text for c in r.cells), r.haystack]) for r in self.rows]
            self._texts = [(text, text.casefold()) for text in whole]
        exact = needle != needle.lower()
        needle = needle if exact else needle.casefold()
        return [
            row
            for row, (text, folded) in zip(self.rows, self._texts, strict=True)
            if (needle in (text if exact else folded)) != inverted
        ]

    def _sorted(self, rows: Sequence[TableRow]) -> Sequence[TableRow]:
        if self.sort_column is None:
            return rows
        at = [column.key for column in self.columns].index(self.sort_column)
        keyed = [(sort_value(row.cells[at]), row) for row in rows]
        known = [(value, row) for value, row in keyed if value is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.reverse)
        return [row for _, row in known] + [row for value, row in keyed if value is None]
