"""The web services of the workspace and of this machine, and everything known of one."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Kind, Service, Snapshot
from amltui.widgets.table_model import KeptRows
from amltui.widgets.words import age
from amltui.workers.explain import Explanation, explain

from .debug_key import DebugKey
from .pane import ListPane, WorkspaceSwitched
from .service_changes import ServiceChanges
from .service_rows import COLUMNS, row, sections

LOCAL_SECONDS = 3.0  # the engine is near and cheap to ask
V1_BANNER = "SDK v1 left support on 2026-06-30; its services go on running. x hides this."


class ServicesPane(ListPane, DebugKey, ServiceChanges):
    """Every web service of the workspace and of this machine, refreshed by itself.

    Enter shows one in detail, l its log. ! marks the SDK's tiny default size, ↕ an autoscaler.
    """

    PANE = "services"
    DEFAULT_CSS = "ServicesPane DetailPanel { width: 46%; max-width: 80; }"
    COLUMNS = COLUMNS
    EMPTY = "Asking the workspace…"
    FILTERS = "name, state, target or tag"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh", "Refresh", id="services.refresh", tooltip="Ask again now"),
        Binding("x", "dismiss_banner", "Hide banner", show=False, id="services.banner"),
        Binding(
            "F",
            "mend",
            "Fix",
            show=False,
            id="services.mend",
            tooltip="What can be done about its failure; each is shown before it is done",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._services: dict[str, Service] = {}
        self._errors: dict[str, AmltuiError] = {}
        self._rows = KeptRows()
        self._explained: dict[Service, Explanation] = {}

    def compose_body(self) -> ComposeResult:
        if self.console.launch.banner:
            yield Static(Content(V1_BANNER), id="banner")
        yield from super().compose_body()

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "workspace_info", self._connected, init=False)

    def _connected(self) -> None:
        if self.is_current and self.console.workspace_info is not None:
            self.poll_cloud()

    @property
    def debug_subject(self) -> str:
        return self.selected.name if self.selected is not None else ""

    @property
    def selected(self) -> Service | None:
        """The service under the cursor."""
        return self._services.get(self.table.highlighted or "")

    # Polling: only while the pane can be seen, re-armed after the work

    def on_screen_resume(self) -> None:
        self.poll()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "cloud")
        self.workers.cancel_group(self, "local")

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        self._services.clear()
        self._explained.clear()
        self._errors.clear()
        self._show()
        if self.is_current:
            self.poll()

    def poll(self) -> None:
        """Ask the workspace and the engine, each at its own pace, until the pane is left."""
        if self.console.workspace_info is not None:
            self.poll_cloud()
        self.poll_local()

    @work(exclusive=True, group="cloud", exit_on_error=False, name="services")
    async def poll_cloud(self) -> None:
        while True:
            snapshot = await self.console.services.refresh_cloud()
            self._took("workspace", snapshot)
            await asyncio.sleep(snapshot.retry_in or self.console.settings.refresh_seconds)

    @work(exclusive=True, group="local", exit_on_error=False, name="local services")
    async def poll_local(self) -> None:
        while True:
            snapshot = await self.console.services.refresh_local()
            self._took("engine", snapshot)
            await self._look_at_engine(snapshot)
            await asyncio.sleep(snapshot.retry_in or LOCAL_SECONDS)

    async def _look_at_engine(self, snapshot: Snapshot[Service]) -> None:
        if snapshot.error is not None:
            self.console.engine_info = None
        elif self.console.engine_info is None:
            try:
                self.console.engine_info = await self.console.containers.info()
            except AmltuiError as error:
                self.console.report("engine", error)
        self.console.refresh_status()

    def _took(self, where: str, snapshot: Snapshot[Service]) -> None:
        if snapshot.error is not None:
            self._errors[where] = snapshot.error
            self.console.report(where, snapshot.error)
        else:
            self._errors.pop(where, None)
            self.console.recovered(where)
        self._show()
        self.console.refresh_status()

    def _show(self) -> None:
        console = self.console
        rows = {str(service.ref): service for service in console.services.rows}
        self._services = {key: rows[key] for key in sorted(rows)}
        self._explained = {
            service: known
            for service, known in self._explained.items()
            if self._services.get(str(service.ref)) == service
        }
        now = console.now
        facts = {
            key: (each, age(each.created_at, now), self._origin(each) in self._errors)
            for key, each in self._services.items()
        }
        self.table.empty = self._empty_text()
        self.table.set_rows(
            self._rows.of(facts, lambda service, _, stale: row(service, now, stale))
        )
        self.show_detail()

    @staticmethod
    def _origin(service: Service) -> str:
        return "engine" if service.kind is Kind.LOCAL else "workspace"

    def _empty_text(self) -> str:
        if self.console.choice is None:
            return (
                "No workspace is chosen. Press W to choose one, start amltui where a config.json "
                "lies, or name one with --workspace-name. Local services are shown here anyway."
            )
        error = self.console.troubles.at("workspace")
        if error is not None:
            return f"{error.title}. {error.message} {error.hint}"
        if self.console.services.cloud.taken_at is None:
            return self.EMPTY
        return "No web services yet. 4 shows the containers of this machine."

    # Detail

    def show_detail(self) -> None:
        service = self.selected
        if service is None:
            self.panel.set_sections(())
            return
        about = str(service.ref)
        shown = self.secrets_of(service)
        causes = self._explained.get(service, Explanation()).sentences
        if causes:
            causes = (*causes, ("Keys", "F fixes · l log"))
        self.panel.set_sections(sections(service, self.console.now, shown, causes), about)
        if service.failure is not None and service not in self._explained:
            self._explain(service)

    @work(exclusive=True, group="explain", exit_on_error=False)
    async def _explain(self, service: Service) -> None:
        """Recognise the failure beside the screen, and show it if the cursor still rests there."""
        self._explained[service] = await explain(service)
        if self.selected == service:
            self.show_detail()

    @work(exclusive=True, group="mend", exit_on_error=False, name="fix")
    async def action_mend(self) -> None:
        """Offer what can be done about what the service suffers from."""
        from .remedy_actions import Patient, mend

        service = self.selected
        if service is None:
            return
        known = await explain(service)
        if known.findings:
            await mend(self.console, Patient.of(service, known.findings))
        else:
            told = "No failure is recognised in what it says. l opens its log, where d tells more."
            self.notify(told, title=service.name)

    def action_filter(self) -> None:
        """From the detail, too."""
        self.remove_class("-detail")
        super().action_filter()

    def action_refresh(self) -> None:
        if self.console.choice is not None and self.console.workspace_info is None:
            self.console.connect()
        self.poll()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash filters from the detail, too; there is nothing to hide without a banner."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        if action == "dismiss_banner":
            return bool(self.query("#banner"))
        return super().check_action(action, parameters)

    async def action_dismiss_banner(self) -> None:
        self.console.launch.dismiss_banner()
        await self.query("#banner").remove()
        self.refresh_bindings()
