"""Looking into the container under the cursor, and its life: start, stop, restart, remove."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.models import Container, Image
from amltui.domain.workbench import Probe
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from amltui.widgets.fields_dialog import FieldsDialog, TextField

from .container_base import GROUP, ContainerBase
from .report import Report, changes_text, not_committed

PROBES = (
    Choice("app_files", "files", "the files of the app"),
    Choice("packages", "packages", "pip freeze, beside a conda file's pins"),
    Choice("model_path", "model path", "where get_model_path looks, expected and found"),
    Choice("run_init", "init()", "run init() alone, at most 60 s"),
    Choice("environment", "environment", "its variables, secrets masked"),
    Choice("ports", "debug ports", "whether 5001 and 5678 are free on this machine"),
)
GRACE = "it has 10 s to end by itself."


class ContainerActions(ContainerBase):
    """Probes, differences, inspection and life."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "p", "probe", "Probe", id="containers.probe", tooltip="Files, packages, init() ..."
        ),
        Binding(
            "i", "inspect", "Inspect", id="containers.inspect", tooltip="All the engine knows of it"
        ),
        Binding(
            "d", "changes", "Diff", show=False, id="containers.changes", tooltip="Against its image"
        ),
        Binding("x", "start_stop", "Start/stop", show=False, id="containers.start_stop"),
        Binding("R", "restart", "Restart", show=False, id="containers.restart"),
        Binding("delete", "remove", "Remove", show=False, id="containers.remove"),
    ]

    # -- looking

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="probe")
    async def action_probe(self) -> None:
        """Choose a quick look into the container, and show what it finds."""
        container = self.selected
        if container is None:
            return
        probes = [probe for probe in PROBES if probe.key != "run_init" or not self.read_only]
        title = f"Look into {container.name}"
        key = await self.app.push_screen_wait(ChoiceDialog(title, probes, "PROBE"))
        if key is not None:
            async with self.telling():
                found = await self._probe(key, container)
                if found is not None:
                    self.show_report(Report.of(found, container.name))

    async def _probe(self, key: str, container: Container) -> Probe | None:
        """What a probe finds; None if its question was not answered."""
        bench, identity = self.bench, container.id
        if key == "packages":
            typed = await self._ask(
                f"Packages of {container.name}",
                TextField("Conda file to compare with", bench.conda_file(), "none"),
            )
            return await bench.packages(identity, *typed) if typed else None
        if key == "model_path":
            typed = await self._ask(
                f"Models in {container.name}",
                TextField("Name, as get_model_path is given it", hint="any"),
                TextField("Version", hint="the latest"),
            )
            return await bench.model_path(identity, *typed) if typed else None
        if key == "run_init":
            return await bench.run_init(identity)
        if key == "environment":
            return await bench.environment(identity)
        return await (bench.ports(5001, 5678) if key == "ports" else bench.app_files(identity))

    async def _ask(self, title: str, *fields: TextField) -> tuple[str, ...] | None:
        return await self.app.push_screen_wait(FieldsDialog(title, fields))

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="changes")
    async def action_changes(self) -> None:
        """What differs from the container's image."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            found = await self.bench.changes(container.id)
            text = "\n".join(changes_text(found)) or "Nothing differs from its image."
            self.show_report(Report(f"{container.name} against its image", text))

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="inspect")
    async def action_inspect(self) -> None:
        """The engine's whole answer, secrets masked."""
        thing = self.selected or self.selected_image
        if thing is None:
            return
        async with self.telling():
            text = await self.bench.inspect(thing.id, image=isinstance(thing, Image))
            self.show_report(Report(f"docker inspect {thing.name}", text))

    # -- life

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="start or stop")
    async def action_start_stop(self) -> None:
        """Stop it if it runs, after a warning when it holds edits; else start or resume it."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            if container.state not in ("running", "restarting"):
                await self.bench.start(container.id)
            elif await self._may_go(container, "Stop"):
                self.notify(f"Stopping {container.name}: {GRACE}")
                await self.bench.stop(container.id)
            self.action_refresh()

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="restart")
    async def action_restart(self) -> None:
        """Restart it; its files stay, unless it was started with --rm."""
        container = self.selected
        if container is not None:
            async with self.telling():
                if await self._may_go(container, "Restart"):
                    self.notify(f"Restarting {container.name}: {GRACE}")
                    await self.bench.restart(container.id)
                    self.action_refresh()

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="remove")
    async def action_remove(self) -> None:
        """Remove it, after a question."""
        async with self.telling():
            if self.selected is not None:
                await self._remove_container(self.selected)
            elif self.selected_image is not None:
                await self._remove_image(self.selected_image)

    async def _remove_container(self, container: Container) -> None:
        found = await self.bench.dirty(container.id)
        body = "Its files go with it; volumes stay."
        if found:
            body = f"{not_committed(found)}, and would be lost:\n"
            body += "\n".join(changes_text(found))
        dialog = ConfirmDialog(f"Remove {container.name}?", body, "Remove", bad=True)
        if await self.app.push_screen_wait(dialog):
            await self.bench.remove(container.id, force=True)
            self.forget(container.id)
            self.action_refresh()

    async def _remove_image(self, image: Image) -> None:
        body = "It can be pulled or built again, if somebody has it."
        if len(image.names) > 1:
            body = f"All of its names go: {', '.join(image.names)}. {body}"
        if image.used_by:
            body = f"{', '.join(image.used_by)} is made of it, and the engine will refuse. {body}"
        dialog = ConfirmDialog(f"Remove the image {image.name}?", body, "Remove", bad=True)
        if await self.app.push_screen_wait(dialog):
            await self.bench.remove_image(image.id, force=len(image.names) > 1)
            self.action_refresh()

    async def _may_go(self, container: Container, verb: str) -> bool:
        """Ask before a stop of a container that holds edits, or is removed by it."""
        detail = await self.bench.detail(container.id)
        found = await self.bench.dirty(container.id)
        if not found and not detail.auto_remove:
            return True
        lines = [f"{not_committed(found)}:", *changes_text(found)] if found else []
        if detail.auto_remove:
            lines.insert(0, "It was started with --rm: when it stops, all in it is gone.")
        else:
            lines.append("They stay in it until it is removed; c commits.")
        dialog = ConfirmDialog(f"{verb} {container.name}?", "\n".join(lines), verb, bad=True)
        if not await self.app.push_screen_wait(dialog):
            return False
        if detail.auto_remove:
            self.forget(container.id)
        return True
