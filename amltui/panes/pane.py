"""What all panes share: the bar on top, the footer, the way to the console; a list and a detail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input
from textual.worker import Worker

from amltui.domain.errors import AmltuiError
from amltui.widgets.detail import DetailPanel
from amltui.widgets.filter_line import FilterLine
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.status_bar import StatusBar
from amltui.widgets.table_model import Column

if TYPE_CHECKING:
    from amltui.app import Console

PANES = ("services", "logs", "deploy", "containers", "replicas")
TITLES = tuple(name.capitalize() for name in PANES)
DETAIL_REST = 0.12  # seconds that the cursor rests before the detail follows it


class WorkspaceSwitched(Message):
    """The console is on another workspace: what a pane holds of the old one is void."""


class Pane(Screen[None]):
    """One of the five screens. `name` is its mode; subclasses compose their body."""

    BINDINGS: ClassVar[list[BindingType]] = []
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it without ClassVar
        (0, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-short"),
        (20, "-medium"),
        (34, "-tall"),
    ]
    PANE: ClassVar[str] = ""

    @property
    def console(self) -> Console:
        """The app, by its own type."""
        return cast("Console", self.app)

    @property
    def problem(self) -> AmltuiError | None:
        """What is wrong with what the pane shows now: told before what is wrong elsewhere."""
        return None

    def compose(self) -> ComposeResult:
        yield StatusBar(TITLES, PANES.index(self.PANE))
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """The widgets between the bar and the footer."""
        return iter(())

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show_status)

    def _show_status(self) -> None:
        self.query_one(StatusBar).show(self.console.status)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Textual tells a worker's end to its own screen only: errors go to the console's net."""
        self.console.on_worker_state_changed(event)

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Show an error in full instead of ending the work with it."""
        try:
            yield
        except AmltuiError as error:
            from amltui.widgets.dialogs import ErrorDialog

            await self.app.push_screen_wait(ErrorDialog(error))

    @on(StatusBar.TabClicked)
    async def _switch(self, event: StatusBar.TabClicked) -> None:
        await self.console.action_pane(PANES[event.index])


class ListPane(Pane):
    """A list that can be filtered, and the row under the cursor in full beside it.

    On a narrow screen the detail takes the table's place, once it is asked for.
    """

    DEFAULT_CSS = """
    ListPane {
        #body { height: 1fr; }
        ResourceTable { width: 1fr; height: 1fr; }
        DetailPanel { width: 50%; max-width: 90; height: 1fr; border-left: solid $panel; }
        &.-narrow DetailPanel { display: none; }
        &.-narrow.-detail DetailPanel {
            display: block; width: 1fr; max-width: 100%; border: none;
        }
        &.-narrow.-detail ResourceTable { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            priority=True,
            id="list.filter",
            tooltip="Show only what contains a text",
        ),
        Binding("escape", "back", "Back", id="list.back"),
    ]
    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    EMPTY: ClassVar[str] = ""
    FILTERS: ClassVar[str] = ""  # what the filter looks at

    def __init__(self) -> None:
        super().__init__()
        self._rest: asyncio.TimerHandle | None = None

    def compose_body(self) -> ComposeResult:
        table = ResourceTable(self.COLUMNS, empty=self.EMPTY, id="table")
        with Horizontal(id="body"):
            yield table
            yield DetailPanel(id="detail")
        yield FilterLine(table, f"{self.FILTERS}; ! first turns it round")

    @property
    def table(self) -> ResourceTable:
        """The list."""
        return self.query_one(ResourceTable)

    @property
    def panel(self) -> DetailPanel:
        """The detail."""
        return self.query_one(DetailPanel)

    @property
    def reading(self) -> bool:
        """Whether the detail has the keys."""
        return self.has_class("-detail")

    def show_detail(self) -> None:
        """Show the row under the cursor in full; the subclass knows how."""

    def rested(self) -> None:
        """The cursor stays on a row."""
        self.show_detail()

    def on_screen_resume(self) -> None:
        self.set_focus(self.panel if self.reading else self.table)

    @on(ResourceTable.RowHighlighted)
    def _moved(self) -> None:
        """A held key must not redraw the detail at every row."""
        if self._rest is not None:
            self._rest.cancel()
        # Not set_timer, which forgets a timer that is due before its task has begun.
        self._rest = asyncio.get_running_loop().call_later(DETAIL_REST, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self.is_attached:
            self.rested()

    @on(ResourceTable.RowSelected)
    def action_detail(self) -> None:
        if self.table.highlighted is None:
            return
        self.show_detail()
        self.add_class("-detail")
        self.set_focus(self.panel)
        self.refresh_bindings()

    def action_back(self) -> None:
        if self.reading:
            self.remove_class("-detail")
            self.set_focus(self.table)
            self.refresh_bindings()
        else:
            self.query_one(FilterLine).action_drop()

    def action_filter(self) -> None:
        self.query_one(FilterLine).open()

    @on(FilterLine.Changed)
    def _filter(self, event: FilterLine.Changed) -> None:
        self.table.filter(event.text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash is text while somebody types; there is a way back where there is one."""
        if action == "filter":
            return not (isinstance(self.focused, Input) or self.reading)
        if action == "back":
            return self.reading or bool(self.query_one(FilterLine).text)
        return super().check_action(action, parameters)
