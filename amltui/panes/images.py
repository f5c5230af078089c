"""The images of the workspace, legacy ones and those of environments, and their build logs."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from amltui.domain.errors import AmltuiError
from amltui.domain.images import EnvironmentImage, EnvironmentVersion, LegacyImage
from amltui.domain.logsource import LogSource
from amltui.widgets.clipboard import copy
from amltui.widgets.dialogs import ConfirmDialog

from .image_rows import COLUMNS, environment_row, environment_sections, row, sections
from .pane import ListPane, WorkspaceSwitched

NONE = "The workspace has no legacy images and no environments."
BUILDING = (
    "The workspace builds it, which takes minutes and may start a compute target, and its registry"
    " keeps it. The log is shown meanwhile; leaving it stops nothing."
)


class ImagesPane(ListPane):
    """Legacy images by name and version, newest first; then environments at their newest version.

    Enter shows one in detail, l its build log. The image of an environment that was not built yet
    is built for that, after a question; legacy images are not made any more.
    """

    PANE = "deploy"
    COLUMNS = COLUMNS
    EMPTY = "Asking the workspace…"
    FILTERS = "name, version, kind, state, location, model or package"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Build log", id="images.logs", tooltip="The log of its build"),
        Binding("y", "copy", "Copy", id="images.copy", tooltip="Copy its location, to pull it"),
        Binding("r", "refresh", "Refresh", show=False, id="images.refresh"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def _forget(self) -> None:
        self._listed: dict[str, LegacyImage | EnvironmentVersion] = {}  # by the keys of their rows
        self._images: dict[str, EnvironmentImage] = {}  # of environments, as far as asked for
        self._builds: dict[str, str] = {}  # where the builds that were asked for are watched

    @property
    def selected(self) -> LegacyImage | EnvironmentVersion | None:
        """What is under the cursor."""
        return self._listed.get(self.table.highlighted or "")

    def on_screen_resume(self) -> None:
        self.poll()

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        for group in ("images", "image", "log"):  # of the other workspace
            self.workers.cancel_group(self, group)
        self._forget()
        self.table.empty = self.EMPTY
        self.table.set_rows([])
        self.show_detail()
        if self.is_current:
            self.poll()

    @work(exclusive=True, group="images", exit_on_error=False, name="images")
    async def poll(self) -> None:
        """List everything once: it seldom changes."""
        services = self.console.services
        try:
            legacy, environments = await asyncio.gather(services.images(), services.environments())
        except AmltuiError as error:
            self.table.dimmed = True
            told = (error.title, error.message, "r asks the workspace again.")
            self.table.empty = "\n".join(filter(None, told))
            self.console.report("images", error)
            return
        if environments is None:
            self.notify("The workspace has too many environments to list.", severity="warning")
        self.table.dimmed = False
        self.console.recovered("images")
        self.table.empty = NONE
        # Both may have the same name and version.
        self._listed = {f"legacy {image.id}": image for image in legacy}
        self._listed |= {f"environment {one.id}": one for one in environments or ()}
        self._show_rows()
        self.rested()

    def _show_rows(self) -> None:
        now = self.console.now
        self.table.set_rows(
            [
                row(key, one, now)
                if isinstance(one, LegacyImage)
                else environment_row(key, one, self._images.get(one.id))
                for key, one in self._listed.items()
            ]
        )

    def rested(self) -> None:
        self.show_detail()
        one = self.selected
        if isinstance(one, EnvironmentVersion):
            known = self._images.get(one.id)
            if known is None or known.problem:
                self._ask_image(one)

    @work(exclusive=True, group="image", exit_on_error=False, name="image")
    async def _ask_image(self, one: EnvironmentVersion) -> None:
        """Find out whether the environment's image is in the registry."""
        try:
            self._images[one.id] = await self.console.services.environment_image(one)
            self.console.recovered("image")
        except AmltuiError as error:
            self._images[one.id] = EnvironmentImage(
                built=False, problem=f"{error.title.rstrip('.')}."
            )
            self.console.report("image", error)
        self._show_rows()
        self.show_detail()

    def show_detail(self) -> None:
        one = self.selected
        if one is None:
            self.panel.set_sections(())
        elif isinstance(one, LegacyImage):
            self.panel.set_sections(sections(one, self.console.now), one.id)
        else:
            read_only = self.console.settings.read_only
            told = environment_sections(one, self._images.get(one.id), read_only=read_only)
            self.panel.set_sections(told, one.id)

    @work(exclusive=True, group="log", exit_on_error=False, name="build log")
    async def action_logs(self) -> None:
        """Show the log of the build of what is selected."""
        one = self.selected
        if isinstance(one, EnvironmentVersion):
            async with self.telling():
                if build := await self._build_of(one):
                    await self.console.show_log(LogSource.of_environment(one, build))
        elif one is not None and one.has_log:
            await self.console.show_log(LogSource.of_image(one))
        elif one is not None:
            self.notify("The workspace keeps no link to its build log.", title=one.id)

    async def _build_of(self, one: EnvironmentVersion) -> str:
        """Where the last build of an environment is watched; "" if there is none and stays none."""
        if one.id not in self._builds:
            image = self._images.get(one.id)
            if not self.console.settings.read_only and (image is None or not image.built):
                question = ConfirmDialog(f"Build the image of {one.id}?", BUILDING, "Build")
                if not await self.app.push_screen_wait(question):
                    return ""
            self._builds[one.id] = await self.console.services.build_environment(one)
            self._images.pop(one.id, None)  # asked for again when it is looked at
        return self._builds[one.id]

    def action_copy(self) -> None:
        one = self.selected
        if one is not None:
            image = one if isinstance(one, LegacyImage) else self._images.get(one.id)
            self.notify(copy(self.app, (image.location if image else "") or one.id))

    def action_refresh(self) -> None:
        self._images.clear()
        self.poll()

    async def action_back(self) -> None:  # type: ignore[override]
        """From the detail to the list, from a filter to all, from there to the deployments."""
        if super().check_action("back", ()):
            super().action_back()
        else:
            await self.console.action_pane("deploy")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There always is a way back: to where this was opened from."""
        return True if action == "back" else super().check_action(action, parameters)
