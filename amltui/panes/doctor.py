"""The checks of this machine, its engine and the workspace, as they end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker

from amltui.domain.doctor import Check, Checked, Mark
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Field, Section
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow
from amltui.workers.doctor import Doctor

COLUMNS = (
    Column("mark", "", priority=9),
    Column("check", "CHECK", priority=9, min_width=12, max_width=26),
    Column("took", "TOOK", "right", priority=3),
    Column("found", "FOUND", priority=5, min_width=12),
)
GLYPHS: dict[Mark, tuple[str, CellStyle]] = {
    Mark.OK: ("✓", "ok"),
    Mark.WARNING: ("!", "degraded"),
    Mark.FAILED: ("✗", "failed"),
    Mark.NOT_TRIED: ("-", "muted"),
}


class DoctorScreen(Screen[None]):
    """Whether this machine, its engine and the workspace are fit, and what to do where not.

    All checks are made at once; r makes them again.
    """

    DEFAULT_CSS = """
    DoctorScreen {
        #summary { height: 1; padding: 0 1; background: $panel; color: $foreground; }
        ResourceTable { height: 1fr; }
        DetailPanel { height: 7; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Again", id="doctor.again", tooltip="Make all checks again"),
        Binding("y", "copy", "Copy remedy", id="doctor.copy"),
        Binding("escape,q", "dismiss", "Back", id="doctor.back"),
    ]

    def __init__(self, doctor: Callable[[], Doctor], clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._doctor = doctor
        self._clock = clock
        self._begun = ""
        self._checks: tuple[Check, ...] = ()
        self._done: dict[str, Checked] = {}

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        with Vertical():
            yield ResourceTable(COLUMNS, empty="Nothing is checked yet.", id="table")
            yield DetailPanel(id="detail")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at once."""
        self.query_one(DetailPanel).can_focus = False
        self.query_one(ResourceTable).focus()
        self.action_again()

    @work(exclusive=True, group="examine", exit_on_error=False, name="doctor")
    async def action_again(self) -> None:
        """Make all checks; each is shown as it ends."""
        doctor = self._doctor()
        self._checks, self._done = doctor.checks, {}
        self._begun = f"{self._clock():%H:%M:%S} UTC"
        self._show()
        async with aclosing(doctor.examine()) as found:
            async for one in found:
                self._done[one.check.key] = one
                self._show()

    def action_copy(self) -> None:
        """Copy what to do about the check under the cursor."""
        done = self._done.get(self.query_one(ResourceTable).highlighted or "")
        if done is not None and done.verdict.remedy:
            self.notify(copy(self.app, done.verdict.remedy), markup=False)
        elif done is not None:
            self.notify("Nothing is to be done about it.", title=done.check.title)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Errors nobody expected go to the console's net."""
        told = getattr(self.app, "on_worker_state_changed", None)
        if told is not None:
            told(event)

    def _show(self) -> None:
        self.query_one(ResourceTable).set_rows([self._row(check) for check in self._checks])
        left = len(self._checks) - len(self._done)
        counts = {
            mark: sum(one.verdict.mark is mark for one in self._done.values()) for mark in Mark
        }
        words = [f"{count} {mark.value}" for mark, count in counts.items() if count]
        words += [f"{left} under way"] if left else []
        text = f"Doctor: {', '.join(words)} · {self._begun}"
        self.query_one("#summary", Static).update(Content(text))
        self._tell()

    def _row(self, check: Check) -> TableRow:
        done = self._done.get(check.key)
        if done is None:
            return TableRow(
                check.key, (Cell("…", "pending"), Cell(check.title), Cell(""), Cell(""))
            )
        glyph, style = GLYPHS[done.verdict.mark]
        cells = (
            Cell(glyph, style),
            Cell(check.title),
            Cell(f"{done.seconds:.1f} s", "muted", done.seconds),
            Cell(done.verdict.text, "" if style == "ok" else style),
        )
        return TableRow(check.key, cells)

    @on(ResourceTable.RowHighlighted)
    def _tell(self) -> None:
        """Say all of the check under the cursor."""
        key = self.query_one(ResourceTable).highlighted or ""
        done = self._done.get(key)
        if done is None:
            self.query_one(DetailPanel).set_sections(())
            return
        fields = [Field("Found", done.verdict.text, GLYPHS[done.verdict.mark][1])]
        if done.verdict.remedy:
            fields.append(Field("What to do", done.verdict.remedy, "strong"))
        title = f"{done.check.group}: {done.check.title}"
        self.query_one(DetailPanel).set_sections([Section(title, tuple(fields))], key)
