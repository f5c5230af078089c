"""A list of which several may be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from amltui.domain.text import clean_line

from .dialogs import Choice, ListDialog
from .resource_table import ResourceTable
from .table_model import Cell, TableRow

TICK = "✓ "


class Field(Input):
    """A field in which space does not write: a key of the dialog's own would come too late."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "screen.tick", "Tick", priority=True, id="tick.tick", tooltip="Or not"),
    ]


class TickDialog(ListDialog[tuple[str, ...]]):
    """Space ticks, enter takes what is ticked or else the row under the cursor; () for none."""

    FIELD = Field
    KEYS = "↑ ↓ move · space tick · enter open · esc cancel"
    DEFAULT_CSS = "TickDialog #remark { color: $text-warning; height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="tick.cancel"),
    ]

    def __init__(self, title: str, options: Sequence[Choice], label: str = "NAME") -> None:
        super().__init__(title, options, label)
        self._ticked: list[str] = []

    def on_mount(self) -> None:
        """Make room for a line that says what is missing in the list."""
        super().on_mount()
        self.query_one("#box").mount(Static(id="remark"), before="#keys")

    def show(self, options: Sequence[Choice], remark: str = "") -> None:
        """Show other options; what is ticked and still there stays ticked."""
        self._options = options
        keys = {option.key for option in options}
        self._ticked = [key for key in self._ticked if key in keys]
        if not self.is_mounted:
            return
        self.fill()
        self.query_one("#remark", Static).update(Content(clean_line(remark)))

    def row(self, option: Choice) -> TableRow:
        mark = TICK if option.key in self._ticked else " " * len(TICK)
        note = Cell(option.note, "muted")
        return TableRow(option.key, (Cell(mark + option.label), note))

    def action_tick(self) -> None:
        """Tick the row under the cursor, or take its tick away; then the next row."""
        table = self.query_one(ResourceTable)
        key = table.highlighted
        if key is None:
            return
        if key in self._ticked:
            self._ticked.remove(key)
        else:
            self._ticked.append(key)
        self.fill()
        table.action_move(1)

    @on(ResourceTable.RowSelected)
    def _choose(self, event: ResourceTable.RowSelected) -> None:
        self.dismiss(tuple(self._ticked) or (event.key,))

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(())
