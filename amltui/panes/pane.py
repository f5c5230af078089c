"""What all panes share: the bar on top, the footer, and the way to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer
from textual.worker import Worker

from amltui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from amltui.app import Console

PANES = ("services", "logs", "deploy", "containers", "replicas")
TITLES = tuple(name.capitalize() for name in PANES)


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

    @on(StatusBar.TabClicked)
    async def _switch(self, event: StatusBar.TabClicked) -> None:
        await self.console.action_pane(PANES[event.index])
