"""The containers and images of an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LogSource
from amltui.domain.models import Container, EngineChoice
from amltui.domain.workbench import ContainerDetail, Usage
from amltui.widgets.clipboard import copy
from amltui.widgets.dialogs import Choice, ChoiceDialog
from amltui.widgets.table_model import KeptRows
from amltui.widgets.words import age, ago
from amltui.workers.bridge import call
from amltui.workers.workbench import Workbench

from .container_actions import ContainerActions
from .container_files import ContainerFiles
from .container_rows import COLUMNS, IMAGE_COLUMNS, image_row, image_sections, row, sections
from .container_shell import ContainerShell
from .debug_key import DebugKey

REFRESH_SECONDS = 2.0
LOAD_LIMIT = 60.0
AGAIN = "It is asked again every few seconds; E asks another engine."
RETRY_MOST = 5.0  # an engine that was restarted is back within seconds
CHANGING = ("shell", "edit", "commit", "start_stop", "restart", "remove")
OF_CONTAINERS = ("logs", "commit", "edit", "files", "probe", "changes", "start_stop", "restart")
OF_BOTH = ("shell", "inspect", "remove")


class ContainersPane(ContainerShell, ContainerFiles, ContainerActions, DebugKey):
    """The containers of this machine: those of local web services first; m shows the images.

    l opens the log of one, live; s a shell in it. What was changed in one can be committed as an
    image (c) and run in its place. E asks another engine.
    """

    PANE = "containers"
    COLUMNS = COLUMNS
    EMPTY = "Asking the engine…"
    FILTERS = "name, state, image or service"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", id="containers.logs", tooltip="Its log, live"),
        Binding(
            "m", "images", "Images", id="containers.images", tooltip="Images, or containers again"
        ),
        Binding(
            "E", "engine", "Engine", show=False, id="containers.engine", tooltip="Ask another one"
        ),
        Binding("y", "copy_id", "Copy id", show=False, id="containers.copy_id"),
        Binding("Y", "copy_name", "Copy name", show=False, id="containers.copy_name"),
        Binding(
            "r", "refresh", "Refresh", show=False, id="containers.refresh", tooltip="Ask again now"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._details: Mapping[str, ContainerDetail] = {}
        self._usage: Mapping[str, Usage] = {}
        self._rows = KeptRows()
        self._title = ""
        self._could_act = True

    # -- polling: only while the pane can be seen, re-armed after the work

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.poll()
        self.follow_usage()

    def on_screen_suspend(self) -> None:
        if self not in self.app.screen_stack:  # another pane, not a dialog: it grows old
            self._usage = {}
        self.workers.cancel_group(self, "containers")
        self.workers.cancel_group(self, "usage")

    def action_refresh(self) -> None:
        self.poll()

    @work(exclusive=True, group="containers", exit_on_error=False, name="containers")
    async def poll(self) -> None:
        """List until the pane is left. What needs a request for each row is asked afterwards."""
        while True:
            if self.shows_images:
                images = await self.console.containers.refresh_images()
                self.images = {image.id: image for image in images.rows}
                error, retry_in = images.error, images.retry_in
            else:
                found = await self.console.containers.refresh()
                self.containers = {container.id: container for container in found.rows}
                error, retry_in = found.error, found.retry_in
            self._took(error)
            if error is None:
                await self._look_closer()
            await asyncio.sleep(min(retry_in or REFRESH_SECONDS, RETRY_MOST))

    async def _tools(self) -> Workbench:
        """The workbench, imported beside the screen: it takes longer than a frame."""
        return await call(self.console.launch.bench, limit=LOAD_LIMIT, what="loading the tools")

    def _took(self, error: AmltuiError | None) -> None:
        self.table.dimmed = error is not None
        if error is not None:
            self.console.engine_info = None
            self.table.empty = "\n".join(
                part for part in (f"{error.title}.", error.message, error.hint, AGAIN) if part
            )
            self.console.report("engine", error)
        else:
            for gone in () if self.shows_images else {*self.console.unsaved} - {*self.containers}:
                self.forget(gone)
            self.table.empty = f"No {'images' if self.shows_images else 'containers'} here."
            self.console.recovered("engine")
        self._show()

    async def _look_closer(self) -> None:
        try:
            if self.console.engine_info is None:
                self.console.engine_info = await self.console.containers.info()
                self.console.refresh_status()
            if not self.shows_images:
                shown = [self.containers[key] for key in self._on_screen()]
                self._details = await (await self._tools()).watch.details(shown)
        except AmltuiError:
            return  # it went away just now; the next list says so
        self._show()

    @work(exclusive=True, group="usage", exit_on_error=False, name="usage")
    async def follow_usage(self) -> None:
        """CPU and memory of the rows on screen, until the pane is left."""
        bench = await self._tools()
        async for usage in bench.watch.usage(self._running_on_screen, self._usage):
            if usage != self._usage:
                self._usage = usage
                self._show()

    def _on_screen(self) -> Iterable[str]:
        shown = {*self.table.in_view, self.table.highlighted}
        return [key for key in self.containers if key in shown]

    def _running_on_screen(self) -> Iterable[str]:
        if self.shows_images:
            return ()
        return [key for key in self._on_screen() if self.containers[key].state == "running"]

    # -- showing

    def _show(self) -> None:
        now = self.console.now
        if self.shows_images:
            rows = [image_row(image, now) for image in self.images.values()]
        else:
            facts = {
                key: (each, age(each.created_at, now), self._details.get(key), self._usage.get(key))
                for key, each in self.containers.items()
            }
            rows = self._rows.of(facts, lambda each, _, *live: row(each, now, *live))
        self.table.set_rows(rows)
        self._show_engine()
        self.show_detail()

    def _show_engine(self) -> None:
        engine = self.console.engine_info
        where = f"{engine.address} ({engine.origin})" if engine is not None else "no engine"
        if self.table.dimmed and (seen := self.console.containers.taken_at) is not None:
            where += f", seen {ago(seen, self.console.now)}"
        title = f"{'Images' if self.shows_images else 'Containers'} · {where}"
        if title != self._title:  # each setting repaints the whole table
            self._title = title
            self.table.border_title = Content(title)

    def show_detail(self) -> None:
        """Show the row under the cursor in full."""
        container, image = self.selected, self.selected_image
        if container is not None:
            detail, usage = self._details.get(container.id), self._usage.get(container.id)
            self.panel.set_sections(sections(container, detail, usage), container.id)
        else:
            self.panel.set_sections(image_sections(image) if image is not None else ())
        if self._can_act != self._could_act:
            self._could_act = self._can_act
            self.refresh_bindings()

    @property
    def _can_act(self) -> bool:
        """Whether the engine answers, and something is under the cursor."""
        return not self.table.dimmed and self.table.highlighted is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Read-only mode has no key that changes anything; images have no processes."""
        if action in CHANGING and self.read_only:
            return False
        if action in OF_CONTAINERS and self.shows_images:
            return False
        if action in (*OF_CONTAINERS, *OF_BOTH) and not self._can_act:
            return False
        return super().check_action(action, parameters)

    # -- keys

    @property
    def debug_subject(self) -> str:
        return self.selected.service if self.selected is not None else ""

    def point_at(self, container: Container) -> None:
        """Put the cursor on a container, which may be newer than the list."""
        if self.shows_images:
            self.action_images()
        self.containers = {**self.containers, container.id: container}
        self._show()
        self.table.highlight(container.id)

    def action_images(self) -> None:
        """Images, or containers again."""
        self.shows_images = not self.shows_images
        self.table.columns = IMAGE_COLUMNS if self.shows_images else COLUMNS
        self._show()
        self.refresh_bindings()
        self.poll()

    async def action_logs(self) -> None:
        """Open the log of the container under the cursor."""
        if self.selected is not None:
            await self.console.show_log(LogSource.of_container(self.selected))

    @work(exclusive=True, group="engine", exit_on_error=False, name="engine")
    async def action_engine(self) -> None:
        """Choose among the engine that is configured and the Docker contexts."""
        async with self.telling():
            known: dict[str, EngineChoice] = {
                choice.key: choice for choice in await self.console.containers.engines()
            }
            options = [Choice(each.key, each.name, each.address) for each in known.values()]
            key = await self.app.push_screen_wait(ChoiceDialog("Ask which engine?", options))
            if key is not None:
                await self.console.containers.use(known[key])
                self._forget_engine()

    def _forget_engine(self) -> None:
        self.console.engine_info = None
        self.console.recovered("engine")
        self.containers, self.images, self._details, self._usage = {}, {}, {}, {}
        self.table.empty = self.EMPTY
        self._show()
        self.poll()

    def action_copy_id(self) -> None:
        thing = self.selected or self.selected_image
        if thing is not None:
            self.notify(copy(self.app, thing.id))

    def action_copy_name(self) -> None:
        thing = self.selected or self.selected_image
        if thing is not None:
            self.notify(copy(self.app, thing.name))
