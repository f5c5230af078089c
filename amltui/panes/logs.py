"""The Logs pane: which logs are open, where they come from and how they are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.text import clean_line
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import Choice
from amltui.widgets.tick_dialog import TickDialog
from amltui.widgets.words import ago
from amltui.workers.deployments import Deployments
from amltui.workers.logsources import LogSources
from amltui.workers.openlog import OpenLog, Updates, read_older, updates_of

from .log_diagnosis import LogDiagnosis
from .log_reader import LogReader, Page
from .pane import WorkspaceSwitched

KEPT = 3  # logs that go on being read when another one is opened
AGE_TICK = 5.0  # seconds between two looks at the age of a polled log
BUSY = 0.008  # seconds that batches are taken in before the screen gets its turn
EMPTY = "No log is open: press a to choose, or l on a service (1) or container (4)."

Follow = Callable[[LogSource], Updates]


class LogsPane(LogDiagnosis):
    """The log of a service or container: follow, search, filter, fold, copy and save it.

    a opens another, or several as one by time. Scrolling up pauses, G follows again. The last
    three logs go on being read: [ and ] turn back.
    """

    PANE = "logs"
    CSS_PATH = "logs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "a",
            "choose",
            "Open",
            id="logs.choose",
            tooltip="Open a log; several that are ticked are shown as one, by time",
        ),
        Binding(
            "r",
            "retry",
            "Read again",
            show=False,
            id="logs.retry",
            tooltip="Read it again, after an error or its end",
        ),
        Binding(
            "O",
            "older",
            "Older lines",
            show=False,
            id="logs.older",
            tooltip="Read the lines before the first one held",
        ),
        Binding(
            "left_square_bracket",
            "turn(-1)",
            "Previous log",
            show=False,
            id="logs.previous",
            tooltip="To the log that was opened before",
        ),
        Binding(
            "right_square_bracket",
            "turn(1)",
            "Next log",
            show=False,
            id="logs.next",
            tooltip="To the log that was opened after",
        ),
    ]

    def __init__(self, follow: Follow | None = None, page: Page | None = None) -> None:
        super().__init__()
        self._follow = follow
        self._page = page
        self._logs: list[OpenLog] = []
        self._readers: dict[int, Worker[None]] = {}  # by id of the log
        self._shown: OpenLog | None = None
        self._says = ""
        self._ready = False  # there are widgets to show it in

    def compose_body(self) -> ComposeResult:
        yield Static(Content(EMPTY), id="source")
        with Container(id="reading"):
            yield LogReader(lambda: self.console.now, self._page or self.console.page)
            yield DetailPanel(id="diagnosis")

    @property
    def problem(self) -> AmltuiError | None:
        return None if self._shown is None else self._shown.error

    @property
    def reader(self) -> LogReader:
        """The log that is read."""
        return self.query_one(LogReader)

    def on_mount(self) -> None:
        super().on_mount()
        self._ready = True
        self.set_interval(AGE_TICK, self._say)
        if self._shown is not None:  # chosen before there was anything to show it in
            self._show(self._shown)

    def on_screen_resume(self) -> None:
        if self.reader.prompt.ask is None:
            self.reader.view.focus()
        self.reader.view.wake()
        self._say()

    def on_screen_suspend(self) -> None:
        """Nobody looks: lines are still taken in, nothing is drawn."""
        self.reader.view.sleep()

    # -- which log ------------------------------------------------------------------------------

    def open(self, source: LogSource) -> None:
        """Show a log at its end and follow it; one that is still being read goes on."""
        log = next((log for log in self._logs if log.source == source), None)
        if log is None:
            log = OpenLog(source, LogBuffer(self.console.settings.log_memory_mb << 20))
            self._logs.append(log)
            self._read(log)
            for old in self._logs[:-KEPT]:
                self._readers.pop(id(old)).cancel()
                self._logs.remove(old)
        self._show(log)

    def _show(self, log: OpenLog) -> None:
        self._shown = log
        if self._ready:
            self.reader.show(log.buffer, log.source.title, log.source.labels)
            self.diagnose(log, self._logs)
            self._say()

    @work(exclusive=True, group="choose", exit_on_error=False, name="logs to open")
    async def action_choose(self) -> None:
        """Offer what there is to open, at once what is known and then what is asked."""
        console = self.console
        there = LogSources(
            console.containers, console.services, self._deployments,
            connected=console.workspace_info is not None,
        )  # fmt: skip
        dialog = TickDialog("Open logs", _choices(there), "LOG")
        asking: Worker[None] = self.run_worker(
            partial(_ask, there, dialog), group="ask", exit_on_error=False
        )
        keys = await self.app.push_screen_wait(dialog)
        asking.cancel()
        chosen = tuple(one.source for one in there.now() if one.source.key in keys)
        if chosen:
            self.open(chosen[0] if len(chosen) == 1 else LogSource.of_several(chosen))

    def action_turn(self, step: int) -> None:
        if self._shown is not None and len(self._logs) > 1:
            at = (self._logs.index(self._shown) + step) % len(self._logs)
            self._show(self._logs[at])

    def action_retry(self) -> None:
        log = self._shown
        if log is not None and not log.source.once and (log.over or log.error is not None):
            if len(log.buffer):
                marker = "read again: some lines may stand here twice"
                log.buffer.append(Batch(0, marker=marker))
            self._read(log)

    @work(exclusive=True, group="older", exit_on_error=False, name="older lines")
    async def action_older(self) -> None:
        """Put what came before in front; what is read stays where it is."""
        log = self._shown
        if log is None or log.reading_older:
            return
        if not log.is_short:
            self.notify(_no_older(log))
            return
        reading = asyncio.ensure_future(read_older(log))
        await asyncio.sleep(0)
        self._say()
        try:
            count = await reading
        except AmltuiError as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
        else:
            self.notify(f"{count:,} older lines" if count else "There are no older lines.")
        self._changed(log)

    @on(WorkspaceSwitched)
    def _leave_workspace(self) -> None:
        for log in self._logs:
            sources = log.source.parts or (log.source,)
            if any(one.ref is not None and one.ref.backend == "azureml" for one in sources):
                self._readers[id(log)].cancel()
                left = "This log is of the one that was open before."
                log.end(AmltuiError("Another workspace", left, problem=Problem.USAGE))
        self._say()

    # -- reading it -----------------------------------------------------------------------------

    def _read(self, log: OpenLog) -> None:
        self._readers[id(log)] = self.run_worker(
            partial(self._take, log),
            name=f"log of {log.source.title}",
            group=f"follow-{id(log)}",
            exclusive=True,
            exit_on_error=False,
        )

    async def _take(self, log: OpenLog) -> None:
        """Take in what comes and give the screen its turn; an end or error is said, not hidden."""
        turn = perf_counter() + BUSY
        try:
            async with aclosing(self._updates(log)) as updates:
                async for update in updates:
                    log.take(update)
                    self._changed(log)
                    if perf_counter() >= turn:
                        await asyncio.sleep(0.001)  # 0 would starve the screen
                        turn = perf_counter() + BUSY
            log.end()
        except AmltuiError as error:
            log.end(error)
        self._changed(log)

    def _updates(self, log: OpenLog) -> Updates:
        if self._follow is not None:
            return self._follow(log.source)
        console = self.console
        return updates_of(
            log.source, console.containers, console.services, console.settings.log_tail,
            self._deployments, log.begun,
        )  # fmt: skip

    @property
    def _deployments(self) -> Deployments | None:
        opened = self.console.launch.deployments
        return opened() if opened is not None else None

    def _changed(self, log: OpenLog) -> None:
        if log is self._shown and self._ready:
            self.reader.update()
            self.more_to_diagnose()
            self._say()

    def _say(self) -> None:
        """What is shown, from where and how old; an equal text is not drawn again."""
        log = self._shown
        if log is None or not self._ready:
            return
        says = clean_line(log.words(ago(log.taken_at, self.console.now)))
        if len(self._logs) > 1:
            says = f"[{self._logs.index(log) + 1}/{len(self._logs)}] {says}"
        if says != self._says:
            self._says = says
            line = self.query_one("#source", Static)
            line.set_class(log.error is not None, "failed")
            line.update(Content(says))


def _no_older(log: OpenLog) -> str:
    """Why there is nothing to read in front of a log."""
    if log.source.parts:
        return "Open one of these logs alone to read its older lines."
    if log.source.kind in (SourceKind.SERVICE, SourceKind.INIT):
        return "The workspace hands out no more than the last lines of this log."
    return "There are no older lines."


def _choices(there: LogSources) -> list[Choice]:
    return [Choice(one.source.key, one.source.title, one.note) for one in there.now()]


async def _ask(there: LogSources, dialog: TickDialog) -> None:
    """Show each answer as it comes: the engine is near, the workspace is not."""
    for answer in asyncio.as_completed(there.ask()):
        await answer
        dialog.show(_choices(there), there.missing)
