"""Files of the container under the cursor: edited, copied in and out, compared with a folder."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.containerdiff import Direction, SyncPlan
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Container
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from amltui.widgets.fields_dialog import FieldsDialog, TextField

from .container_base import GROUP, ContainerBase
from .container_sync import SyncDialog, plan_text
from .report import Report

FILES = (
    Choice("compare", "compare", "with a local folder, file by file; then copy either way"),
    Choice("out", "copy out", "a file or folder, to this machine"),
    Choice("in", "copy in", "a file or folder of this machine"),
)


class ContainerFiles(ContainerBase):
    """What moves files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "files", "Files", id="containers.files", tooltip="Compare, copy in, copy out"),
        Binding(
            "v",
            "edit",
            "Edit",
            show=False,
            id="containers.edit",
            tooltip="A file of it in your $EDITOR, written back if you changed it",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._folders: dict[str, str] = {}  # container's name -> the folder it was compared with

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="edit")
    async def action_edit(self) -> None:
        """A file of the app in the person's own editor, written back if it was changed."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            found = await self.bench.app_files(container.id)
            root = found.remarks[0].removeprefix("Relative to ").removesuffix(".")
            options = [Choice(path, path, f"{size} bytes") for path, size, _ in found.rows if size]
            path = await self.app.push_screen_wait(
                ChoiceDialog(f"Edit a file of {container.name}", options, "FILE")
            )
            if path is None:
                return
            checkout = await self.bench.check_out(container.id, f"{root}/{path}")
            await self.lend_terminal(lambda: self.bench.run_editor(checkout))
            try:
                written = await self.bench.check_in(checkout)
            except AmltuiError as error:
                error.hint = f"{error.hint} Your text is in {checkout.path}."
                raise
            self.notify(f"{path} is written." if written else f"{path} was not changed.")
            if written:
                await self.remind(container)

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="files")
    async def action_files(self) -> None:
        """Choose what to do with its files."""
        container = self.selected
        if container is None:
            return
        options = [each for each in FILES if each.key != "in" or not self.read_only]
        title = f"Files of {container.name}"
        key = await self.app.push_screen_wait(ChoiceDialog(title, options, "DO"))
        async with self.telling():
            if key == "compare":
                await self._compare(container)
            elif key == "out":
                await self._copy_out(container)
            elif key == "in":
                await self._copy_in(container)

    async def _compare(self, container: Container) -> None:
        """Compare, let each difference be decided, show the plan, do it."""
        typed = await self.app.push_screen_wait(
            FieldsDialog(
                f"Compare {container.name} with",
                [TextField("Source directory here", self._folders.get(container.name, "."))],
            )
        )
        if typed is None:
            return
        (folder,) = typed
        self._folders[container.name] = folder
        local = self.bench.local_path(folder)
        root, found = await self.bench.compare(container.id, local)
        title = f"{container.name}:{root} and {local}"
        if not found:
            self.show_report(Report(title, "All files are the same, byte by byte."))
            return
        plans = await self.app.push_screen_wait(SyncDialog(title, found, self.read_only))
        if not plans:
            return
        dialog = ConfirmDialog("Copy these?", plan_text(plans), "Copy")
        if await self.app.push_screen_wait(dialog):
            for plan in plans:
                left_out = await self.bench.apply_sync(container.id, root, local, plan)
                self.notify(
                    _done(plan, left_out), severity="warning" if left_out else "information"
                )
            await self.remind(container)

    async def _copy_out(self, container: Container) -> None:
        typed = await self.app.push_screen_wait(
            FieldsDialog(
                f"Copy out of {container.name}",
                [
                    TextField("File or folder inside", "/var/azureml-app"),
                    TextField("To, here", f"./{container.name}"),
                ],
                "Nothing is overwritten; links that lead outside and devices are left out.",
            )
        )
        if typed is None:
            return
        path, here = typed
        made = await self.bench.copy_out(container.id, path, self.bench.local_path(here))
        self.notify(f"{made.files:,} files, {made.size:,} bytes: {here}")
        if made.skipped:
            self.show_report(Report("Left out", "\n".join(made.skipped)))

    async def _copy_in(self, container: Container) -> None:
        typed = await self.app.push_screen_wait(
            FieldsDialog(
                f"Copy into {container.name}",
                [TextField("File or folder here"), TextField("To, inside", "/var/azureml-app/")],
                "A path that ends with / is a folder to copy into. Nothing is overwritten.",
            )
        )
        if typed is None:
            return
        here, path = typed
        source = self.bench.local_path(here)
        target = f"{path}{source.name}" if path.endswith("/") else path
        sent = await self.bench.copy_in(container.id, source, target)
        self.notify(f"{sent:,} bytes: {target}")
        await self.remind(container)


def _done(plan: SyncPlan, left_out: tuple[str, ...]) -> str:
    count = len(plan.steps) - len(left_out)
    where = "the container" if plan.direction is Direction.INTO else "the folder here"
    text = f"{count} {'file is' if count == 1 else 'files are'} now the same in {where}."
    return f"{text} Left out, changed meanwhile: {', '.join(left_out)}" if left_out else text
