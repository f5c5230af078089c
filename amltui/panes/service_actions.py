"""What is done with the service under the cursor."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.timer import Timer

from amltui.domain.availability import why_not
from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LogSource
from amltui.domain.models import Can, Kind, Leftover, Service
from amltui.widgets.clipboard import copy
from amltui.widgets.dialogs import Choice, ChoiceDialog, TypeNameDialog
from amltui.workers.local_services import LocalServices
from amltui.workers.logsources import has_build_log

from .pane import Pane

KEYS_SHOWN_SECONDS = 30.0


class ServiceActions(Pane):
    """The actions; the pane says which service and shows its detail."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "t",
            "ask",
            "Test",
            id="services.ask",
            tooltip="Send it a test request; R there opens the replica calculator",
        ),
        Binding(
            "T",
            "ask_url",
            "Test any URL",
            show=False,
            id="services.ask_url",
            tooltip="Send a test request to an address of your own",
        ),
        Binding("l", "logs", "Logs", id="services.logs", tooltip="Its log, live"),
        Binding(
            "y", "copy_uri", "Copy URI", show=False, id="services.copy_uri", tooltip="Scoring URI"
        ),
        Binding("Y", "copy_name", "Copy name", show=False, id="services.copy_name"),
        Binding(
            "K",
            "show_keys",
            "Show keys",
            show=False,
            id="services.keys",
            tooltip="Show the keys or a token for 30 seconds",
        ),
        Binding(
            "C",
            "copy_key",
            "Copy key",
            show=False,
            id="services.copy_key",
            tooltip="Send the primary key, or a token, to the terminal's clipboard",
        ),
        Binding(
            "D",
            "delete",
            "Delete",
            show=False,
            id="services.delete",
            tooltip="Delete the service, after its name was typed",
        ),
        Binding(
            "i",
            "init_logs",
            "Init log",
            show=False,
            id="services.init_logs",
            tooltip="The log of its init container",
        ),
        Binding(
            "b",
            "build_log",
            "Build log",
            show=False,
            id="services.build_log",
            tooltip="How its image was built",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._hiding: Timer | None = None
        self._revealed: tuple[str, tuple[tuple[str, str], ...]] = ("", ())

    @property
    @abstractmethod
    def selected(self) -> Service | None:
        """The service under the cursor."""

    @abstractmethod
    def poll(self) -> None:
        """Ask for the services again."""

    @abstractmethod
    def show_detail(self) -> None:
        """Show the selected service in detail."""

    @property
    def local(self) -> LocalServices | None:
        """What is done with local services, where that is possible."""
        make = self.console.launch.local_services
        return make() if make is not None else None

    @abstractmethod
    def action_detail(self) -> None:
        """Go to the detail."""

    def secrets_of(self, service: Service) -> tuple[tuple[str, str], ...]:
        """The keys that were asked for, while they are shown."""
        about, secrets = self._revealed
        return secrets if about == str(service.ref) else ()

    async def action_ask(self) -> None:
        service = self.selected
        if service is not None and self.allowed(service, Can.INVOKE):
            await self.console.ask_service(service)

    async def action_ask_url(self) -> None:
        await self.console.ask_service(None)

    async def action_logs(self) -> None:
        await self._open_log(init=False)

    async def action_init_logs(self) -> None:
        await self._open_log(init=True)

    async def action_build_log(self) -> None:
        service = self.selected
        if service is None:
            return
        if has_build_log(service):
            await self.console.show_log(LogSource.of_build(service))
        else:
            told = "Its image was built by a deployment here, which keeps the log: 3, then l."
            self.notify(told, title=service.name)

    async def _open_log(self, *, init: bool) -> None:
        service = self.selected
        wanted = Can.INIT_LOGS if init else Can.LOGS
        if service is None or not self.allowed(service, wanted):
            return
        await self.console.show_log(LogSource.of_service(service, init=init))

    def action_copy_uri(self) -> None:
        service = self.selected
        if service is None:
            return
        if not service.scoring_uri:
            self.notify("It has no scoring URI yet.", title=service.name)
            return
        self.notify(copy(self.app, service.scoring_uri))

    def action_copy_name(self) -> None:
        if self.selected is not None:
            self.notify(copy(self.app, self.selected.name))

    @work(exclusive=True, group="keys", exit_on_error=False)
    async def action_show_keys(self) -> None:
        service = self.selected
        if service is None:
            return
        secrets = await self._secrets(service)
        if secrets:
            self._revealed = (str(service.ref), secrets)
            self.show_detail()
            self.action_detail()
            if self._hiding is not None:
                self._hiding.stop()
            self._hiding = self.set_timer(KEYS_SHOWN_SECONDS, self._hide_keys)

    def _hide_keys(self) -> None:
        self._revealed = ("", ())
        self.show_detail()

    @work(exclusive=True, group="keys", exit_on_error=False)
    async def action_copy_key(self) -> None:
        service = self.selected
        if service is not None and (secrets := await self._secrets(service)):
            self.notify(copy(self.app, secrets[0][1]))

    async def _secrets(self, service: Service) -> tuple[tuple[str, str], ...]:
        """The keys or a token as label and value; empty, and told why, where there are none."""
        try:
            if Can.KEYS in service.can:
                keys = await self.console.services.keys(service.ref)
                return (("Primary key", keys.primary), ("Secondary key", keys.secondary))
            if Can.TOKEN in service.can:
                token = await self.console.services.token(service.ref)
                until = f"{token.expires_at:%H:%M} UTC" if token.expires_at else "unknown"
                return (("Token", token.value), ("Ends at", until))
        except AmltuiError as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
            return ()
        self.notify("It is called without a key.", title=service.name)
        return ()

    @work(exclusive=True, group="delete", exit_on_error=False)
    async def action_delete(self) -> None:
        service = self.selected
        if service is None or not self.allowed(service, Can.DELETE):
            return
        try:
            leftovers = await self._leftovers(service)
            if leftovers is None:
                return
            text = self._consequence(service, leftovers)
            if not await self.app.push_screen_wait(TypeNameDialog(service.name, text)):
                return
            await self.console.services.delete(service.ref)
            failed = await self._remove(leftovers)
        except AmltuiError as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
            return
        for one in failed:
            self.notify(f"{one.message} {one.hint}", title=one.title, severity="warning")
        done = "Its container is gone." if self._is_local(service) else "It is accepted."
        self.notify(done, title=f"Deleting {service.name}")
        self.poll()

    async def _leftovers(self, service: Service) -> tuple[Leftover, ...] | None:
        """What of it is to go as well, as was chosen; None to delete nothing."""
        local = self.local
        if local is None or not self._is_local(service):
            return ()
        left = await local.leftovers(service)
        if not left:
            return ()
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(
                f"Delete what of {service.name}?",
                (Choice("all", "everything", f"its container and {len(left)} more, listed next"),
                 Choice("container", "only its container", "deploying again is then quick")),
                "WHAT",
            )
        )  # fmt: skip
        return {"all": left, "container": ()}.get(chosen or "")

    async def _remove(self, leftovers: tuple[Leftover, ...]) -> list[AmltuiError]:
        return await self.local.remove(leftovers) if self.local is not None else []

    def _consequence(self, service: Service, leftovers: tuple[Leftover, ...]) -> str:
        """What goes and what stays."""
        if self._is_local(service):
            goes = (f"container {service.container_id[:12]}", *(one.text for one in leftovers))
            listed = "\n".join(f"- {one}" for one in goes)
            return f"{service.name} on this machine stops answering. What goes:\n{listed}"
        return (
            f"{service.name} in {self.console.choice} stops answering at once; its scoring URI "
            "and keys are lost. Its models, environment and image stay in the workspace. "
            "This cannot be undone."
        )

    @staticmethod
    def _is_local(service: Service) -> bool:
        return service.kind is Kind.LOCAL

    def allowed(self, service: Service, wanted: Can) -> bool:
        """Whether it can be done; if not, why is told."""
        why = why_not(service, wanted)
        if why:
            self.notify(why, title=f"Not available for {service.name}")
        return not why
