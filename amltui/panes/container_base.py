"""What the actions on containers stand on: which one, the workbench, the terminal, one warning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Container, Image
from amltui.widgets.dialogs import ErrorDialog
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers.workbench import Workbench

from .pane import ListPane
from .report import Report, ReportDialog, not_committed
from .terminal_handover import suspended

RUNNING = ("running", "paused")
GROUP = "container-action"


class ContainerBase(ListPane):
    """A pane with a container, or an image, under its cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.containers: dict[str, Container] = {}
        self.images: dict[str, Image] = {}
        self.shows_images = False

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed."""
        return self.console.settings.read_only

    @property
    def bench(self) -> Workbench:
        """What works on a container."""
        return self.console.launch.bench()

    @property
    def selected(self) -> Container | None:
        """The container under the cursor."""
        return None if self.shows_images else self.containers.get(self.table.highlighted or "")

    @property
    def selected_image(self) -> Image | None:
        """The image under the cursor, where images are shown."""
        return self.images.get(self.table.highlighted or "") if self.shows_images else None

    def action_refresh(self) -> None:
        """Ask the engine again now; the pane knows what."""

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """What goes wrong with something a person asked for is told at once."""
        try:
            yield
        except AmltuiError as error:
            self.app.push_screen(ErrorDialog(error))

    async def lend_terminal(self, work: Callable[[], None]) -> None:
        """Do what needs the terminal for itself.

        Raises:
            AmltuiError: what went wrong meanwhile; the screen is back.
        """
        if isinstance(self.app, LinkedApp):
            await self.app.terminal_settled()
        failure = suspended(self.app, work)
        if failure is not None:
            raise failure

    def show_report(self, report: Report) -> None:
        """Show text in a dialog, from which a pager can be opened."""
        page = self.console.page

        async def lend(text: str) -> None:
            async with self.telling():
                if page is not None:
                    await self.lend_terminal(lambda: page(text.splitlines()))

        def open_pager(text: str) -> None:
            self.run_worker(lend(text), exit_on_error=False, name="pager")

        self.app.push_screen(ReportDialog(report, open_pager if page is not None else None))

    async def remind(self, container: Container) -> None:
        """Say what a commit would keep, and remember it for who leaves the console."""
        try:
            found = await self.bench.dirty(container.id) if container.state in RUNNING else ()
        except AmltuiError:
            return  # it has gone meanwhile, or the engine has: the list tells
        if found:
            text = not_committed(found)
            self.console.unsaved[container.id] = f"{container.name}: {text}."
            self.notify(f"{text}; c commits.", severity="warning")
        else:
            self.forget(container.id)

    def forget(self, container: str) -> None:
        """Its edits are committed, or gone."""
        self.console.unsaved.pop(container, None)
