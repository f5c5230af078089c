"""The images of the time before environments, by name and version, and their build logs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from amltui.domain.errors import AmltuiError
from amltui.domain.images import LegacyImage
from amltui.domain.logsource import LogSource
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import Field, Item, Paragraph, Section
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow
from amltui.widgets.words import age, moment

from .pane import ListPane, WorkspaceSwitched

NONE = "No legacy images. Services of today are built from environments: B on one shows its build."


def row(image: LegacyImage, now: datetime) -> TableRow:
    """The image's row; newest versions sort last by number, not by letters."""
    style: CellStyle = "failed" if image.failed else ""
    glyph = "✗" if image.failed else "●" if image.state == "Succeeded" else "◔"
    seconds = (now - image.created_at).total_seconds() if image.created_at else float("inf")
    version = int(image.version) if image.version.isascii() and image.version.isdigit() else 0
    cells = (
        Cell(image.name),
        Cell(image.version, "", version),
        Cell(f"{glyph} {image.state or 'unknown'}", style or "ok"),
        Cell(image.location),
        Cell("yes" if image.has_log else "-", "muted"),
        Cell(age(image.created_at, now), "muted", seconds),
    )
    return TableRow(image.id, cells, haystack=" ".join(image.models))


def sections(image: LegacyImage, now: datetime) -> list[Section]:
    """Everything known of an image."""
    about: list[Item] = [
        Field(label, value)
        for label, value in (
            ("State", image.state),
            ("Location", image.location),
            ("Kind", image.kind),
            ("Created", moment(image.created_at, now)),
            ("Models", ", ".join(image.models)),
            ("Description", image.description),
        )
        if value
    ]
    if image.problem:
        about.append(Paragraph(image.problem, "failed"))
    log = "l shows it." if image.has_log else "The workspace keeps no link to it."
    found = [Section(image.id, tuple(about)), Section("Build log", (Paragraph(log),))]
    if image.tags:
        found.append(Section("Tags", tuple(Field(name, value) for name, value in image.tags)))
    pulling = "`az acr login`, then `docker pull` of the location; y copies that."
    found.append(Section("To run it here", (Paragraph(pulling),)))
    return found


class ImagesPane(ListPane):
    """The legacy images of the workspace, by name and version, newest first.

    Enter shows one in detail, l its build log. Nothing makes new ones: today's services are built
    from environments.
    """

    PANE = "deploy"
    COLUMNS = (
        Column("name", "NAME", priority=9, min_width=12, max_width=34),
        Column("version", "VERSION", "right", priority=8),
        Column("state", "STATE", priority=7, min_width=10, max_width=14),
        Column("location", "LOCATION", priority=5, min_width=16, max_width=60),
        Column("log", "LOG", priority=3),
        Column("age", "AGE", "right", priority=4),
    )
    EMPTY = "Asking the workspace…"
    FILTERS = "name, version, state, location or model"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Build log", id="images.logs", tooltip="The log of its build"),
        Binding("y", "copy", "Copy", id="images.copy", tooltip="Copy its location, to pull it"),
        Binding("r", "refresh", "Refresh", show=False, id="images.refresh"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._images: dict[str, LegacyImage] = {}

    @property
    def selected(self) -> LegacyImage | None:
        """The image under the cursor."""
        return self._images.get(self.table.highlighted or "")

    def on_screen_resume(self) -> None:
        self.poll()

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        self._images.clear()
        self.table.set_rows([])
        if self.is_current:
            self.poll()

    @work(exclusive=True, group="images", exit_on_error=False, name="images")
    async def poll(self) -> None:
        """List the images once: they do not change."""
        try:
            found = await self.console.services.images()
        except AmltuiError as error:
            self.table.dimmed = True
            self.table.empty = f"{error}"
            self.console.report("images", error)
            return
        self.table.dimmed = False
        self.console.recovered("images")
        self.table.empty = NONE
        self._images = {image.id: image for image in found}
        self.table.set_rows([row(image, self.console.now) for image in found])
        self.show_detail()

    def show_detail(self) -> None:
        image = self.selected
        told = sections(image, self.console.now) if image else [Section("", (Paragraph(NONE),))]
        self.panel.set_sections(told, image.id if image else "")

    async def action_logs(self) -> None:
        if (image := self.selected) is None:
            return
        if image.has_log:
            await self.console.show_log(LogSource.of_image(image))
        else:
            self.notify("The workspace keeps no link to its build log.", title=image.id)

    def action_copy(self) -> None:
        if (image := self.selected) is not None:
            self.notify(copy(self.app, image.location or image.id))

    def action_refresh(self) -> None:
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
