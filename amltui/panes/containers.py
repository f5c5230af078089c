"""The containers of this machine's engine."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from amltui.domain.logsource import LogSource
from amltui.domain.models import Container
from amltui.widgets.clipboard import copy
from amltui.widgets.filter_line import FilterLine
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow
from amltui.widgets.words import age
from amltui.workers.workbench import Workbench

from .container_actions import ContainerActions
from .pane import Pane

REFRESH_SECONDS = 2.0
CHANGING = ("shell", "edit", "commit", "start_stop", "restart", "remove")
COLUMNS = (
    Column("name", "NAME", priority=9, min_width=14, max_width=32),
    Column("state", "STATE", priority=8),
    Column("status", "STATUS", priority=5, min_width=10, max_width=28),
    Column("image", "IMAGE", priority=6, min_width=10, max_width=40),
    Column("ports", "PORTS", priority=3, max_width=28),
    Column("service", "SERVICE", priority=4, max_width=24),
    Column("age", "AGE", "right", priority=2),
)
LOOKS: dict[str, tuple[str, CellStyle]] = {
    "running": ("●", "ok"),
    "created": ("◔", "pending"),
    "restarting": ("◔", "pending"),
    "paused": ("■", "stopped"),
    "exited": ("■", "stopped"),
    "removing": ("◌", "stopped"),
    "dead": ("✗", "failed"),
}


def row(container: Container, now: datetime) -> TableRow:
    """The container's row; one that ended with an error shows as failed."""
    glyph, style = LOOKS.get(container.state, ("?", "degraded"))
    if container.state == "exited" and "(0)" not in container.status:
        glyph, style = "✗", "failed"
    cells = (
        Cell(container.name),
        Cell(f"{glyph} {container.state}", style),
        Cell(container.status, "muted"),
        Cell(container.image),
        Cell(" ".join(container.ports)),
        Cell(container.service),
        Cell(
            age(container.created_at, now),
            "muted",
            (now - container.created_at).total_seconds() if container.created_at else None,
        ),
    )
    return TableRow(container.id, cells)


class ContainersPane(ContainerActions, Pane):
    """The containers of this machine: those of local web services first.

    Enter or l opens the log of one, live; s a shell in it. What was changed in one can be committed
    as an image (c) and run in its place.
    """

    PANE = "containers"
    CSS_PATH = "containers.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", id="containers.logs", tooltip="Its log, live"),
        Binding("slash", "filter", "Filter", priority=True, id="containers.filter"),
        Binding("escape", "drop_filter", "Drop filter", show=False, id="containers.drop_filter"),
        Binding("y", "copy_id", "Copy id", show=False, id="containers.copy_id"),
        Binding("Y", "copy_name", "Copy name", show=False, id="containers.copy_name"),
        Binding(
            "r", "refresh", "Refresh", show=False, id="containers.refresh", tooltip="Ask again now"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._containers: dict[str, Container] = {}

    def compose_body(self) -> ComposeResult:
        table = ResourceTable(COLUMNS, empty="Asking the engine…", id="table")
        yield table
        yield FilterLine(table, "name, state, image or service; ! first turns it round")

    @property
    def table(self) -> ResourceTable:
        """The list."""
        return self.query_one(ResourceTable)

    @property
    def bench(self) -> Workbench:
        """What works on a container."""
        return self.console.launch.bench()

    @property
    def selected(self) -> Container | None:
        """The container under the cursor."""
        return self._containers.get(self.table.highlighted or "")

    def on_screen_resume(self) -> None:
        self.set_focus(self.table)
        self.poll()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "containers")

    @work(exclusive=True, group="containers", exit_on_error=False, name="containers")
    async def poll(self) -> None:
        """List the containers until the pane is left; re-armed after the work."""
        while True:
            snapshot = await self.console.containers.refresh()
            self.table.dimmed = snapshot.error is not None
            if snapshot.error is not None:
                self.table.empty = f"{snapshot.error}"
                self.console.report("engine", snapshot.error)
            else:
                self.table.empty = "No containers on this machine."
                self.console.recovered("engine")
            self._containers = {container.id: container for container in snapshot.rows}
            now = self.console.now
            self.table.set_rows([row(container, now) for container in snapshot.rows])
            await asyncio.sleep(snapshot.retry_in or REFRESH_SECONDS)

    def action_refresh(self) -> None:
        self.poll()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash is text while somebody types; read-only mode has no key that changes anything."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        if action in CHANGING:
            return not self.console.settings.read_only
        return True

    def action_filter(self) -> None:
        self.query_one(FilterLine).open()

    def action_drop_filter(self) -> None:
        self.query_one(FilterLine).action_drop()

    @on(FilterLine.Changed)
    def _filter(self, event: FilterLine.Changed) -> None:
        self.table.filter(event.text)

    @on(ResourceTable.RowSelected)
    async def action_logs(self) -> None:
        if self.selected is not None:
            await self.console.show_log(LogSource.of_container(self.selected))

    def action_copy_id(self) -> None:
        if self.selected is not None:
            self.notify(copy(self.app, self.selected.id))

    def action_copy_name(self) -> None:
        if self.selected is not None:
            self.notify(copy(self.app, self.selected.name))
