"""The differences between a container's files and a folder here, each with what shall be done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from amltui.domain.containerdiff import Difference, Direction, FileState, SyncPlan, plan_sync
from amltui.widgets.dialogs import Dialog
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow
from amltui.widgets.words import count

COLUMNS = (
    Column("do", "DO", priority=9),
    Column("path", "PATH", priority=8, min_width=16),
    Column("what", "DIFFERENCE", priority=5, min_width=10),
    Column("here", "HERE", "right", priority=7),
    Column("inside", "CONTAINER", "right", priority=6),
)
DECIDED: dict[Direction | None, tuple[str, CellStyle]] = {
    None: ("·", "muted"),
    Direction.INTO: ("→", "ok"),
    Direction.OUT: ("←", "pending"),
}
KEYS = "→ into · ← out · space leave · A all into · O all out · enter do · esc"
KEYS_READ_ONLY = "read-only: nothing is copied · esc close"


class SyncDialog(Dialog[tuple[SyncPlan, ...]]):
    """A list of differences; returns the plans, or nothing."""

    DEFAULT_CSS = """
    SyncDialog {
        #box { width: 100%; height: 100%; }
        ResourceTable, ResourceTable:focus {
            border: none; border-bottom: blank; background: $surface;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,greater_than_sign", "decide('into')", "Into", id="sync.into"),
        Binding("left,less_than_sign", "decide('out')", "Out", id="sync.out"),
        Binding("space", "decide('')", "Leave", id="sync.leave"),
        Binding("A", "decide_all('into')", "All into", id="sync.all-into"),
        Binding("O", "decide_all('out')", "All out", id="sync.all-out", priority=True),
        Binding("enter", "go_on", "Do it", id="sync.go-on", priority=True),
        Binding("escape,q", "cancel", "Cancel", id="sync.cancel"),
    ]

    def __init__(self, title: str, found: Sequence[Difference], read_only: bool = False) -> None:
        super().__init__()
        self._title = title
        self._read_only = read_only
        self._found = {difference.path: difference for difference in found}
        self._decided: dict[str, Direction] = {}

    def compose(self) -> ComposeResult:
        """The list and the keys that work here."""
        with self.box(self._title):
            yield ResourceTable(COLUMNS)
            yield Static(Content(KEYS_READ_ONLY if self._read_only else KEYS), id="keys")

    def on_mount(self) -> None:
        """Show what differs."""
        self._show()
        self.query_one(ResourceTable).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Read-only mode decides nothing."""
        return not self._read_only or action not in ("decide", "decide_all", "go_on")

    @property
    def decided(self) -> dict[str, str]:
        """What is to be copied, by path: INTO the container or OUT of it."""
        return {path: self._decided[path].name for path in sorted(self._decided)}

    def _show(self) -> None:
        rows = [self._row(difference) for difference in self._found.values()]
        self.query_one(ResourceTable).set_rows(rows)

    def _row(self, difference: Difference) -> TableRow:
        cells = (
            Cell(*DECIDED[self._decided.get(difference.path)]),
            Cell(difference.path),
            Cell(difference.words, "muted"),
            Cell(_size(difference.local)),
            Cell(_size(difference.inside)),
        )
        return TableRow(difference.path, cells)

    def action_decide(self, word: str) -> None:
        """Say which side of the difference under the cursor is right, and go to the next."""
        table = self.query_one(ResourceTable)
        path = table.highlighted
        if path is None:
            return
        self._decided.pop(path, None)
        if word:
            self._decided[path] = Direction.INTO if word == "into" else Direction.OUT
        self._show()
        table.action_move(1)

    def action_decide_all(self, word: str) -> None:
        """One side is right in all that it has; what only the other has is left alone."""
        direction = Direction.INTO if word == "into" else Direction.OUT
        for path, difference in self._found.items():
            source = difference.local if direction is Direction.INTO else difference.inside
            self._decided.pop(path, None)
            if source is not None:
                self._decided[path] = direction
        self._show()

    def action_go_on(self) -> None:
        """Hand back what was decided."""
        plans = []
        for direction in Direction:
            chosen = [d for path, d in self._found.items() if self._decided.get(path) is direction]
            if chosen:
                plans.append(plan_sync(chosen, direction, delete=True))
        if plans:
            self.dismiss(tuple(plans))
        else:
            self.notify("Nothing is chosen: → copies into the container, ← out of it.")

    def action_cancel(self) -> None:
        """Copy nothing."""
        self.dismiss(())


def plan_text(plans: Iterable[SyncPlan]) -> str:
    """All steps, by direction, and what cannot be had back."""
    lines: list[str] = []
    lost = 0
    for plan in plans:
        lines += [f"{plan.direction.value.capitalize()}:", *(f"  {s.words}" for s in plan.steps)]
        lost += sum(step.target is not None for step in plan.steps)
    if lost:
        lines += ["", f"{count(lost)} overwritten or deleted on that side: there is no undo."]
    return "\n".join(lines)


def _size(state: FileState | None) -> str:
    if state is None:
        return "-"
    return count(state.size) if state.kind.value == "file" else state.kind.value
