"""What changes a living service: update, new keys, and of local ones reload and promotion."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.changes import Changes
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Can, Kind, Service
from amltui.domain.plan import Plan
from amltui.widgets.dialogs import Choice, ChoiceDialog, ErrorDialog, TypeNameDialog
from amltui.widgets.fields_dialog import FieldsDialog, TextField
from amltui.workers.local_services import LocalServices

from .service_actions import ServiceActions

WATCH = "watch"
NO_CALLERS = "Whoever calls with the old one is refused from then on. "


class ServiceChanges(ServiceActions):
    """The actions that change a service; each says why where it cannot."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "update", "Update", show=False, id="services.update",
                tooltip="Change its size, replicas, callers, models, tags"),
        Binding("R", "reload", "Reload", show=False, id="services.reload",
                tooltip="Local: copy the script into its container and start that anew"),
        Binding("w", "watch", "Reload on save", show=False, id="services.watch",
                tooltip="Local: reload whenever a file of its source is saved; again: no more"),
        Binding("P", "promote", "Promote", show=False, id="services.promote",
                tooltip="Local: deploy the same to ACI or AKS"),
        Binding("N", "new_key", "New key", show=False, id="services.new_key",
                tooltip="Replace a key, after the name was typed"),
    ]  # fmt: skip

    CHANGING = ("update", "reload", "watch", "promote", "new_key", "delete")

    def __init__(self) -> None:
        super().__init__()
        self._typed: dict[str, dict[str, str]] = {}  # of update forms that were left, by service

    # Update

    @work(exclusive=True, group="change", exit_on_error=False, name="update")
    async def action_update(self) -> None:
        """Ask what is to be different, review it, start it."""
        from .service_update import review_update
        from .service_update_form import UpdateForm, read_form

        service = self.selected
        if service is None or not self.allowed(service, Can.UPDATE):
            return
        typed = self._typed.setdefault(str(service.ref), {})
        while await self.app.push_screen_wait(UpdateForm(service, typed)):
            try:
                changes, folder = read_form(service, typed), Path()
                if typed.get("plan"):
                    changes, folder = await self._with_plan(changes, typed["plan"])
            except AmltuiError as error:
                await self.app.push_screen_wait(ErrorDialog(error))
                continue
            if await review_update(self.console, service, changes, folder):
                self._typed.pop(str(service.ref), None)
                self.poll()
                return

    # Keys

    @work(exclusive=True, group="change", exit_on_error=False, name="new key")
    async def action_new_key(self) -> None:
        """Replace one of the keys, after the name was typed; `K` shows the new one."""
        service = self.selected
        if service is None or not self.allowed(service, Can.KEYS):
            return
        which = await self.app.push_screen_wait(
            ChoiceDialog(
                f"Replace which key of {service.name}?",
                (Choice("Secondary", "secondary key", "callers with the primary one go on"),
                 Choice("Primary", "primary key", "callers with the secondary one go on")),
                "KEY",
            )
        )  # fmt: skip
        if which is None:
            return
        text = f"The {which.lower()} key is replaced at once. {NO_CALLERS}This cannot be undone."
        if not await self.app.push_screen_wait(TypeNameDialog(service.name, text, "New key for")):
            return
        self.notify("This takes about a minute.", title=f"Replacing the {which.lower()} key")
        try:
            keys = await self.console.services.regenerate_key(service.ref, which)
        except AmltuiError as error:
            await self.app.push_screen_wait(ErrorDialog(error))
            return
        key = keys.primary if which == "Primary" else keys.secondary
        shown = f"{key[:2]}…{key[-2:]}" if len(key) > 8 else "…"
        self.notify(
            f"The new {which.lower()} key is {shown}; K shows the keys, C copies the primary one.",
            title=service.name,
        )

    # Local services

    @work(exclusive=True, group="change", exit_on_error=False, name="reload")
    async def action_reload(self) -> None:
        """Copy the source into the container and start it anew."""
        service, local = self.selected, self.local
        if service is None or local is None or not self.allowed(service, Can.RELOAD):
            return
        source = await self._source(service, local)
        if source is None:
            return
        self.notify("Its container starts anew.", title=f"Reloading {service.name}", timeout=2)
        try:
            await local.reload(service, source)
        except AmltuiError as error:
            await self.app.push_screen_wait(ErrorDialog(error))
            return
        self.notify(f"It runs {source} now. Packages stay as they are.", title=service.name)
        self.poll()

    def action_watch(self) -> None:
        """Reload whenever a file is saved, or no longer."""
        service = self.selected
        if service is None or not self.allowed(service, Can.RELOAD):
            return
        group = f"{WATCH} {service.ref}"
        if any(one.group == group and not one.is_finished for one in self.workers):
            self.workers.cancel_group(self, group)
            self.notify("It is no longer reloaded when a file is saved.", title=service.name)
            return
        work = self._watch(service)
        self.run_worker(work, name=group, group=group, exit_on_error=False)

    async def _watch(self, service: Service) -> None:
        local = self.local
        source = await self._source(service, local) if local else None
        if local is None or source is None:
            return
        name = f"{WATCH} {service.name}"
        self.console.running[name] = "reloads on save"
        self.console.refresh_status()
        self.notify(f"It is reloaded when a file of {source} is saved.", title=service.name)
        try:
            async with aclosing(local.reload_on_save(service, source)) as reloads:
                async for error in reloads:
                    if error is None:
                        self.console.note(name, "reloaded")
                        self.notify("A file was saved: reloaded.", title=service.name)
                    else:
                        self.console.report(name, error)
        finally:
            self.console.running.pop(name, None)
            self.console.refresh_status()

    @work(exclusive=True, group="change", exit_on_error=False, name="promote")
    async def action_promote(self) -> None:
        """Make a plan for the cloud of the one it was deployed from, and go on with that."""
        from .service_promotion import promote

        service, local = self.selected, self.local
        if service is None or local is None:
            return
        if service.kind is not Kind.LOCAL:
            self.notify(f"{service.name} is in the cloud already.", title="Not available")
            return
        try:
            await promote(self.console, service, local)
        except AmltuiError as error:
            await self.app.push_screen_wait(ErrorDialog(error))

    async def _source(self, service: Service, local: LocalServices) -> Path | None:
        """What the service runs: known from its deployment, or asked for."""
        found = await local.source_of(service)
        if found is not None:
            return found
        typed = await self.app.push_screen_wait(
            FieldsDialog(
                f"What does {service.name} run?",
                (TextField("source directory, or entry script", hint="path on this machine"),),
                "amltui did not deploy it, so it does not know.",
            )
        )
        return local.path(typed[0]) if typed and typed[0] else None

    async def _with_plan(self, changes: Changes, typed: str) -> tuple[Changes, Path]:
        """The changes with a plan file, and where the paths of that begin."""
        planning = self.console.launch.planning
        if planning is None:
            return changes, Path()
        draft = await planning().open_file(typed)
        return replace(changes, plan=Plan.from_dict(draft.data)), Path(draft.folder)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Read-only mode has no key that changes anything."""
        if action in self.CHANGING and self.console.settings.read_only:
            return False
        return super().check_action(action, parameters)
