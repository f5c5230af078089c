"""Debug a plan's service with VS Code, step by step: what was done, what is asked, what is next."""

from __future__ import annotations

from collections import deque
from contextlib import aclosing
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import WorkerState

from amltui.domain.debugwait import Level, Look, Mark, Stage, words
from amltui.domain.debugwish import Package
from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.models import AuthMode, Can, Kind, Progress, Ref, Service, State
from amltui.domain.text import clean_line
from amltui.widgets.detail import DetailPanel, Field, Item, Paragraph, Section
from amltui.widgets.dialogs import ConfirmDialog, ErrorDialog
from amltui.widgets.fields_dialog import FieldsDialog, TextField
from amltui.widgets.table_model import CellStyle
from amltui.workers.debugging import Debugging

from .pane import Pane

STEPS = {
    "copy": "Look at the plan",
    "package": "Package a copy",
    "pull": "Pull the image",
    "launch": "launch.json",
    "check": "Pre-flight",
    "start": "Run it",
    "attach": "Attach",
}
OPTIONS = (
    "Seconds to wait for the debugger",
    "Port of the service, on this machine",
    "Port of the debugger, on this machine",
    "Put vim into the image? yes or no",
)
OUTPUT = 8  # lines of what the SDK prints that are shown
GROUP = "debugging"
STYLES: dict[Level, CellStyle] = {
    Level.OK: "ok", Level.HINT: "degraded", Level.BAD: "failed", Level.UNKNOWN: "muted",
}  # fmt: skip


class DebugPane(Pane):
    """A copy of the service is packaged, pulled and run here; it waits until VS Code attaches.

    n goes on, or does the step that failed again. Nothing of the plan's own files is changed.
    """

    PANE = "deploy"
    CSS_PATH = "debug.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "go_on", "Go on", id="debug.go_on", tooltip="Or the failed step again"),
        Binding("l", "logs", "Log", id="debug.logs", tooltip="The log of the container"),
        Binding("t", "ask", "Test", id="debug.ask", tooltip="Send it a test request"),
        Binding("escape", "back", "Back", id="debug.back"),
    ]

    def __init__(self, debugging: Debugging) -> None:
        super().__init__()
        self._debugging = debugging
        self._order = list(STEPS)
        self._at = 0  # the step that is done, asked or failed
        self._told: dict[str, str] = {}  # of each step
        self._typed: tuple[str, ...] = ()  # how it is to be done
        self._output: deque[str] = deque(maxlen=OUTPUT)
        self._marks: tuple[Mark, ...] = ()
        self._package: Package | None = None
        self._failed = ""
        self._look: Look | None = None

    def compose_body(self) -> ComposeResult:
        """One text that grows."""
        yield DetailPanel(id="detail")

    def on_mount(self) -> None:
        """Begin at once: nothing lasts or is changed before it is agreed to."""
        super().on_mount()
        self.query_one(DetailPanel).focus()
        self.go_on()

    # -- the steps, in their order

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="debug")
    async def go_on(self) -> None:
        """Do one step after the other until one fails, or a person says no."""
        self._failed = ""
        try:
            while self._at < len(self._order):
                step = self._order[self._at]
                self._show()
                if not await getattr(self, f"_do_{step}")():
                    return
                self._at += 1
        except AmltuiError as error:
            self._failed = error.title
            if self._missed:  # nobody waits for it: it must not come before another pane
                self._told["attach"] = f"{error}"
            else:
                self.app.push_screen(ErrorDialog(error))
        finally:
            if self.is_attached:
                self._show()
                self.refresh_bindings()

    async def _do_copy(self) -> bool:
        if not await self._choose():
            return False
        copy = await self._debugging.describe()
        ports = await self._debugging.choose_ports()
        self._told["copy"] = f"{copy.wrapper} waits, then runs {copy.script}"
        body = "\n\n".join((*copy.remarks, *ports))
        name = self._debugging.wish.plan.name
        return await self._asked(f"Package {name} for debugging?", body, "Package")

    async def _choose(self) -> bool:
        """Let the wait and the ports be changed; offered are ports that are free."""
        told = await self._debugging.choose_ports()
        wish = self._debugging.wish
        known = (wish.wait, wish.http_port, wish.debug_port, "yes" if wish.vim else "no")
        fields = [
            TextField(label, str(value))
            for label, value in zip(OPTIONS, self._typed or known, strict=True)
        ]
        dialog = FieldsDialog(f"Debug {wish.plan.name} with VS Code", fields, "\n".join(told))
        typed = await self.app.push_screen_wait(dialog)
        if typed is None:
            return False
        self._typed = typed
        self._debugging.wish = wish.typed(*typed)
        return True

    async def _do_package(self) -> bool:
        def tell(progress: Progress) -> None:
            if progress.is_step:
                self._told["package"] = clean_line(progress.text)
            else:
                self._output.append(clean_line(progress.text))
            self._show()

        self._package = await self._debugging.package(tell)
        self._told["package"] = clean_line(self._package.location)
        self._output.clear()
        return True

    async def _do_pull(self) -> bool:
        assert self._package is not None

        def tell(text: str) -> None:
            self._told["pull"] = text
            self._show()

        image = await self._debugging.fetch(self._package, tell)
        self._told["pull"] = f"{self._told.get('pull', '')}; tagged {image}"
        return True

    async def _do_launch(self) -> bool:
        change = await self._debugging.launch_change()
        self._told["launch"] = clean_line(change.path)
        if change.diff and await self._asked(f"Write {change.path}?", change.diff, "Write"):
            await self._debugging.write_launch(change)
        return True

    async def _do_check(self) -> bool:
        change = await self._debugging.launch_change()
        self._marks = await self._debugging.preflight(change)
        self._show()
        if any(mark.level is Level.BAD for mark in self._marks):
            self._failed = "see the list"
            return False
        wait = self._debugging.wish.wait
        body = "\n".join(str(mark) for mark in self._marks)
        body += f"\n\nOpen {change.project} in VS Code and set a breakpoint now: the container "
        body += f"waits {wait} s for F5."
        return await self._asked("Start the container?", body, "Start")

    async def _do_start(self) -> bool:
        self._look = None
        self._told["start"] = f"container {await self._debugging.start()}"
        self.refresh_bindings()
        return True

    async def _do_attach(self) -> bool:
        debugging, before = self._debugging, Stage.STARTING
        async with aclosing(debugging.watch(late=True)) as looks:
            async for look, left in looks:
                if look.stage is not before:
                    self.app.bell()
                self._look, before = look, look.stage
                self._told["attach"] = words(look, left, debugging.wish.debug_port)
                self._show()
                self.refresh_bindings()
        if before is Stage.ENDED:
            self._at = self._order.index("start")
            self._failed = "the container has ended; l shows its log"
            return False
        return True

    async def _asked(self, title: str, body: str, yes: str) -> bool:
        return await self.app.push_screen_wait(ConfirmDialog(title, body, yes))

    # -- showing

    def _show(self) -> None:
        if self.is_attached:
            self.query_one(DetailPanel).set_sections(self._sections(), "debug")

    def _sections(self) -> list[Section]:
        wish = self._debugging.wish
        steps: list[Item] = []
        for at, (step, title) in enumerate(STEPS.items()):
            glyph, style = self._glyph(at)
            steps.append(Field(f"{glyph} {title}", self._told.get(step, ""), style))
        sections = [Section(f"Debug {wish.plan.name} with VS Code", tuple(steps))]
        if self._failed:
            again = Paragraph(f"It stopped: {self._failed}. n does this step again.", "failed")
            sections.append(Section("", (Paragraph(""), again)))
        elif self._missed or self._at == len(self._order):
            following = tuple(Paragraph(line) for line in self._debugging.next_steps())
            sections.append(Section("Next", following))
        elif not self._busy:
            sections.append(Section("", (Paragraph(""), Paragraph("n goes on.", "strong"))))
        if self._output:
            lines = tuple(Paragraph(line, "muted") for line in self._output)
            sections.append(Section("Output", lines))
        if self._marks:
            shown = tuple(Paragraph(str(mark), STYLES[mark.level]) for mark in self._marks)
            sections.append(Section("Pre-flight", shown))
        return sections

    def _glyph(self, at: int) -> tuple[str, CellStyle]:
        if at > self._at:
            return "·", "muted"
        if at == len(self._order) - 1 and self._look is not None and self._look.over:
            return ("✓", "ok") if self._look.stage is Stage.ATTACHED else ("!", "degraded")
        if at < self._at:
            return "✓", "ok"
        return ("✗", "failed") if self._failed else ("◔", "pending")

    @property
    def _missed(self) -> bool:
        """Whether the service runs without the debugger, which may still come."""
        return self._look is not None and self._look.over and self._look.stage is Stage.MISSED

    # -- keys

    @property
    def _busy(self) -> bool:
        return any(
            worker.group == GROUP and worker.state in (WorkerState.PENDING, WorkerState.RUNNING)
            for worker in self.workers
            if worker.node is self
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done where it stands."""
        if action == "go_on":
            return not self._busy and self._at < len(self._order)
        if action == "logs":
            return bool(self._debugging.container)
        if action == "ask":
            return self._look is not None and self._look.answers
        return True

    def action_go_on(self) -> None:
        """Go on where it stopped."""
        self.go_on()

    async def action_logs(self) -> None:
        """Open the container's log."""
        name, identity = self._debugging.name, self._debugging.container
        source = LogSource(SourceKind.CONTAINER, name, "this machine", container_id=identity)
        await self.console.show_log(source)

    async def action_ask(self) -> None:
        """Open the request pane on the service that runs."""
        name, wish = self._debugging.name, self._debugging.wish
        service = Service(
            Ref("local", name),
            name,
            Kind.LOCAL,
            State.OK,
            "running",
            Can.INVOKE,
            auth=AuthMode.NONE,
            scoring_uri=f"http://localhost:{wish.http_port}/score",
            container_id=self._debugging.container,
        )
        await self.console.ask_service(service)

    @work(exclusive=True, group="leaving", exit_on_error=False, name="back")
    async def action_back(self) -> None:
        """Leave; what is packaged or pulled just now is given up, a container goes on."""
        step = self._order[min(self._at, len(self._order) - 1)]
        if self._busy and step in ("package", "pull"):
            body = "The workspace may go on building the image; nothing is started here."
            if not await self._asked("Give it up?", body, "Give up"):
                return
        self.workers.cancel_group(self, GROUP)
        self.app.pop_screen()
