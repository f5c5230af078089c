"""The console: five panes, one status, one funnel for errors."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Input, TextArea
from textual.worker import Worker, WorkerState

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import EngineInfo, Progress, WorkspaceInfo
from amltui.domain.text import clean, clean_line
from amltui.domain.troubles import Troubles
from amltui.panes.launch import Launch
from amltui.panes.modes import MODES
from amltui.panes.pane import PANES, Pane, WorkspaceSwitched
from amltui.panes.status import status_of
from amltui.widgets.key_order import KeysInOrder
from amltui.widgets.status_bar import Status
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers.operations import Operation
from amltui.workers.snapshots import retry_in

if TYPE_CHECKING:
    from amltui.domain.logsource import LogSource
    from amltui.domain.models import Service
    from amltui.settings import Choice

# Trouble that may pass by itself, so that connecting is tried again.
PASSING = (Problem.NETWORK, Problem.TIMEOUT, Problem.THROTTLED, Problem.SERVER, Problem.INTERNAL)
SIGN_IN_LEFT = AmltuiError(
    "Not signed in",
    "The sign-in was left.",
    "r begins it again; local containers work without it.",
    problem=Problem.SIGN_IN,
)
# What is asked again and again: its trouble stays in the bar until it is over.
STANDING = ("workspace", "engine")
HISTORY = 2000  # remarks of operations that are kept
AGE_TICK = 5.0  # seconds between two repaints of the data's age; more often costs bytes for nothing


class Console(KeysInOrder[int], LinkedApp[int]):
    """amltui's app. Panes are modes, so that each keeps what was typed in it."""

    TITLE = "amltui"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "services"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    MODES = MODES
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number),
                f"pane('{name}')",
                name.capitalize(),
                show=False,
                id=f"pane.{name}",
                # At once, so that keys typed ahead on a slow line go to the new pane.
                priority=True,
            )
            for number, name in enumerate(PANES, 1)
        ),
        Binding("question_mark,f1", "help", "Help", id="help", tooltip="The keys that work here"),
        Binding("colon", "command_palette", "Palette", show=False, id="palette"),
        Binding(
            "e",
            "show_problem",
            "What is wrong",
            show=False,
            id="problem",
            tooltip="The last error in full, with what to do",
        ),
        Binding(
            "W",
            "switch_workspace",
            "Workspace",
            show=False,
            id="workspace",
            tooltip="Open another workspace",
        ),
        Binding("H", "doctor", "Doctor", show=False, id="doctor", tooltip="Is all as it must be?"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="suspend"),
        Binding("q,ctrl+q,ctrl+c", "quit", "Quit", show=False, id="quit", tooltip="Leave amltui"),
    ]

    status: var[Status] = var(Status())
    workspace_info: var[WorkspaceInfo | None] = var(None)  # once connected
    history: var[tuple[tuple[datetime, str, str], ...]] = var(())  # steps of operations

    def __init__(self, launch: Launch) -> None:
        super().__init__()
        self.launch = launch
        self.settings = launch.settings
        self.containers = launch.containers
        self.choice = launch.settings.workspace
        self.services = launch.open_services(self.choice)
        self.engine_info: EngineInfo | None = None
        self.troubles = Troubles()
        self.running: dict[str, str] = {}  # operation -> what it is doing
        self.unsaved: dict[str, str] = {}  # container -> what of it no commit has, in words
        self.status = status_of(self)

    @property
    def page(self) -> Callable[[Iterable[str]], None] | None:
        """Shows lines in the person's pager, once the terminal is handed over."""
        return self.launch.page

    @property
    def now(self) -> datetime:
        """The time by the console's clock."""
        return self.launch.clock()

    def clear_selection(self) -> None:
        """Python 3.12 mounts the first pane's input lines before the pane is on the stack."""
        if self.screen_stack:
            super().clear_selection()

    # Starting and leaving

    async def on_mount(self) -> None:
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        if self.launch.source is not None:
            await self.show_log(self.launch.source)
        elif self.launch.pane != self.DEFAULT_MODE:
            await self.switch_mode(self.launch.pane)
        self.call_after_refresh(self.settle_memory)
        self.set_interval(AGE_TICK, self.refresh_status)
        self._end_on(signal.SIGTERM)
        if self.launch.problem is not None:
            self.report("workspace", self.launch.problem)
        if self.choice is not None:
            self.connect()
        elif len(self.settings.choices) > 1:
            self.call_after_refresh(self.action_switch_workspace)
        for operation in self.launch.operations:
            self.run_operation(operation)

    def _end_on(self, number: int) -> None:
        """End like `q` would, so that the terminal is restored."""
        asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)

    async def action_quit(self) -> None:
        """Leave at once, unless containers were edited from here and no commit has the edits."""
        if self.unsaved and isinstance(self.screen, Pane):
            from amltui.widgets.dialogs import ConfirmDialog

            body = "\n".join([*self.unsaved.values(), "They go when the container is removed."])
            self.push_screen(ConfirmDialog("Leave without a commit?", body, "Leave"), self._leave)
        else:
            await self._leave(True)

    async def _leave(self, certain: bool | None) -> None:
        if certain:
            await self.terminal_settled()
            self.exit(0)

    # The workspace

    @work(exclusive=True, group="connect", exit_on_error=False, name="workspace")
    async def connect(self) -> None:
        """Sign in and find the workspace. What may pass by itself is tried again and again."""
        failures = 0
        while self.workspace_info is None:
            try:
                info = await self.services.connect(self._on_progress)
            except AmltuiError as error:
                self.report("workspace", error)
                failures += 1
                if error.problem not in PASSING:
                    return  # a person has to do something; then `r` or `W`
                await asyncio.sleep(retry_in(failures))
            else:
                self.recovered("workspace")
                self.workspace_info = info
                self.refresh_status()
            finally:
                self._close_device_code()

    def _on_progress(self, progress: Progress) -> None:
        """Called on the event loop, or by an operation on its thread: only hands over."""
        self.call_later(self.show_progress, progress)

    async def show_progress(self, progress: Progress) -> None:
        """Show a device code to type, or a step of an operation."""
        if progress.code:
            from amltui.widgets.dialogs import DeviceCodeDialog

            self._close_device_code()
            await self.push_screen(
                DeviceCodeDialog(progress.url, progress.code), self._device_code_closed
            )
            return
        text = progress.text if progress.is_step else f"  {progress.text}"
        self.note(progress.operation, text)
        if progress.is_step and progress.operation in self.running:
            self.running[progress.operation] = progress.text
            self.refresh_status()

    def _close_device_code(self) -> None:
        from amltui.widgets.dialogs import DeviceCodeDialog

        if isinstance(self.screen, DeviceCodeDialog):
            self.screen.dismiss(True)

    def _device_code_closed(self, went_on: bool | None) -> None:
        if not went_on:
            self.workers.cancel_group(self, "connect")
            self.report("workspace", SIGN_IN_LEFT)

    def note(self, operation: str, text: str) -> None:
        """Keep what an operation said, for the Deploy pane."""
        self.history = (*self.history, (self.now, operation, text))[-HISTORY:]

    @work(exclusive=True, group="switch", exit_on_error=False)
    async def action_switch_workspace(self) -> None:
        """Choose among the known workspaces."""
        from amltui.widgets import dialogs

        choices = self.settings.choices
        if not choices:
            self.notify(
                "Only one workspace is known. Add [[workspaces]] to the settings file, or start "
                "amltui where a config.json lies.",
                title="No other workspace",
            )
            return
        options = [
            dialogs.Choice(
                str(at), choice.workspace_name, f"{choice.resource_group}, {choice.origin}"
            )
            for at, choice in enumerate(choices)
        ]
        key = await self.push_screen_wait(dialogs.ChoiceDialog("Open which workspace?", options))
        if key is not None:
            self.open_workspace(choices[int(key)])

    def open_workspace(self, choice: Choice) -> None:
        """Leave the present workspace at once and open another."""
        self.services.close()
        self.choice = choice
        self.services = self.launch.open_services(choice)
        self.workspace_info = None
        self.recovered("workspace")
        self.connect()
        for screens in self._screen_stacks.values():  # of the panes opened so far
            for screen in screens:
                screen.post_message(WorkspaceSwitched())

    # Operations

    @work(group="operations", exit_on_error=False)
    async def run_operation(self, operation: Operation) -> None:
        """Run one operation, its steps in the status bar, its end in a toast."""
        self.running[operation.name] = "starting"
        self.refresh_status()
        try:
            done = await operation.execute(self._on_progress)
        except AmltuiError as error:
            self.note(operation.name, f"failed: {error}")
            self.report(operation.name, error)
        else:
            self.note(operation.name, done)
            self.notify(done, title=operation.name)
        finally:
            self.running.pop(operation.name, None)
            self.refresh_status()

    # Errors: one funnel

    def report(self, where: str, error: AmltuiError) -> None:
        """Show an error: a toast for each new kind, the bar until it is over, `e` for all of it."""
        if self.troubles.add(where, error):
            text = f"{error.message} {error.hint}".strip()
            self.notify(text or error.title, title=error.title, severity="error", timeout=8)
        self.refresh_status()

    def recovered(self, where: str) -> None:
        """What went wrong there works again."""
        if self.troubles.end(where):
            self.refresh_status()

    def action_show_problem(self) -> None:
        from amltui.widgets.dialogs import ErrorDialog

        shown = self.screen.problem if isinstance(self.screen, Pane) else None
        if shown is not None:
            self.push_screen(ErrorDialog(shown))
            return
        if self.troubles.last is None:
            self.notify("No error stands.")
            return
        where, error = self.troubles.last
        self.push_screen(ErrorDialog(error))
        if where not in STANDING:  # it happened once, and now it was read
            self.recovered(where)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The net under every worker: an error nobody expected is told, and the console goes on."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            if not isinstance(error, AmltuiError):
                error = AmltuiError(
                    "Something unexpected went wrong",
                    f"{type(error).__name__}: {error}",
                    "The console goes on; if it comes back, please report it.",
                    problem=Problem.INTERNAL,
                )
            self.report(event.worker.name or "console", error)

    def notify(self, message: str, *, title: str = "", **options: Any) -> None:
        """A toast; its text is literal, whoever wrote it."""
        options["markup"] = False
        super().notify(clean(message), title=clean_line(title), **options)

    # Status

    def refresh_status(self) -> None:
        """Put together what the bar says; equal texts are not drawn again."""
        self.status = status_of(self)

    # Going places

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Digits are text while somebody types, and a dialog is answered before it is left."""
        if action == "pane":
            return not isinstance(self.focused, (Input, TextArea)) and isinstance(self.screen, Pane)
        return True

    async def action_pane(self, name: str) -> None:
        await self.switch_mode(name)

    async def show_log(self, source: LogSource) -> None:
        """Open the Logs pane on a log."""
        from amltui.panes.logs import LogsPane

        await self.switch_mode("logs")
        pane = self.screen
        if isinstance(pane, LogsPane):
            pane.open(source)

    async def ask_service(self, service: Service | None) -> None:
        """Open the request pane on a service, or on an address of one's own."""
        from amltui.panes.request import RequestPane

        if self.launch.ask is None:
            return
        await self.switch_mode("request")
        if isinstance(self.screen, RequestPane):
            self.screen.open(service, self.launch.ask(self.services))

    def action_doctor(self) -> None:
        from amltui.panes.doctor import DoctorScreen

        if self.launch.doctor is not None and isinstance(self.screen, Pane):
            self.push_screen(DoctorScreen(self.launch.doctor, self.launch.clock))

    def action_help(self) -> None:
        from amltui.widgets.help import HelpScreen, bindings_of

        title = str(self.current_mode).capitalize()
        about = (type(self.screen).__doc__ or "").strip().split("\n\n")[0]
        about = " ".join(about.split())
        self.push_screen(HelpScreen(title, about, bindings_of(self.screen)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the screen that works now, then what Textual offers."""
        seen: set[str] = set()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            text = binding.description
            if enabled and text and text not in seen and not binding.system:
                seen.add(text)
                yield SystemCommand(
                    text,
                    tooltip or binding.tooltip or text,
                    lambda node=node, action=binding.action: self.call_later(
                        self.run_action, action, node
                    ),
                )
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command
