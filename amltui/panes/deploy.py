"""The deployment runs of this user: where each one is, what failed, and what can be done."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LogSource
from amltui.domain.run import Event, RunBrokeOff, StepLogged
from amltui.domain.run_view import RunState, RunView, begin
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Paragraph, Section
from amltui.widgets.filter_line import FilterLine
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.deployments import Deployments, RunSummary

from .deploy_actions import DeployActions
from .deploy_rows import (
    COLUMNS,
    ended,
    operation_rows,
    operation_sections,
    run_row,
    run_sections,
)
from .launch import Launch
from .pane import Pane

REFRESH_SECONDS = 2.0
TICK_SECONDS = 1.0  # of stop watches and countdowns
DETAIL_REST = 0.12  # seconds
SLICE = 200  # events that are taken in at once; the loop has a turn after each
OUTPUT = 60  # lines of output that are kept for the detail
AROUND_OUTPUT = 24  # lines of a detail that are not output
EMPTY = "No runs yet: n starts one from a plan file; `amltui plan init` writes one."
EMPTY_READ_ONLY = "No runs yet, and none can be started here."
CHANGING = ("new", "resume", "cancel", "clean_up")
GOOD = (RunState.HEALTHY, RunState.SUBMITTED, RunState.STOPPED)


class DeployPane(DeployActions, Pane):
    """The deployment runs, newest first, whoever started them; each goes on without amltui.

    Enter shows one step by step. n starts one from a plan file, u goes on with one that failed, x
    ends one or shows what it left.
    """

    PANE = "deploy"
    CSS_PATH = "deploy.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", priority=True, id="deploy.filter"),
        Binding(
            "y",
            "copy",
            "Copy URI",
            show=False,
            id="deploy.copy",
            tooltip="The scoring URI; the service's name where there is none yet",
        ),
        Binding(
            "r", "refresh", "Refresh", show=False, id="deploy.refresh", tooltip="Look again now"
        ),
        Binding("escape", "back", "Back", id="deploy.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, RunSummary] = {}
        self._under_way: set[str] = set()  # runs whose end is to be told
        self._ended_here: set[str] = set()  # runs that were cancelled with x
        self._wanted = ""  # the row of a run that was just started
        self._reading = ""  # the run whose journal is read, and whether that has come to its end
        self._ended = False
        self._watched = ""  # the run that this was read of:
        self._view: RunView | None = None
        self._output: deque[str] = deque(maxlen=OUTPUT)
        self._rest: asyncio.TimerHandle | None = None

    def compose_body(self) -> ComposeResult:
        table = ResourceTable(COLUMNS, empty="Looking for runs…", id="table")
        with Horizontal(id="body"):
            yield table
            yield DetailPanel(id="detail")
        yield FilterLine(table, "name, target, state or step; ! first turns it round")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "history", self._show, init=False)
        self.set_interval(TICK_SECONDS, self._tick)

    @property
    def table(self) -> ResourceTable:
        """The list."""
        return self.query_one(ResourceTable)

    @property
    def launch(self) -> Launch:
        return self.console.launch

    @property
    def selected(self) -> RunSummary | None:
        return self._runs.get(self.table.highlighted or "")

    @property
    def view(self) -> RunView | None:
        return None if self.selected is None else self._view_of(self.selected)

    def _view_of(self, run: RunSummary) -> RunView:
        """The run as it is watched, or as it was when the list was made."""
        return self._view if self._view is not None and self._watched == run.id else run.view

    # The list: only while the pane can be seen, or a run's end is to be told

    def on_screen_resume(self) -> None:
        reading = self.has_class("-detail")
        self.set_focus(self.query_one(DetailPanel) if reading else self.table)
        self.poll()

    def on_screen_suspend(self) -> None:
        self._unwatch()
        if not self._under_way:
            self.workers.cancel_group(self, "runs")

    @work(exclusive=True, group="runs", exit_on_error=False, name="runs")
    async def poll(self) -> None:
        """Look at the runs again and again; re-armed after the work."""
        deployments = self.deployments
        while deployments is not None:
            try:
                runs = await deployments.runs()
            except AmltuiError as error:
                self.table.dimmed = True
                self.table.empty = f"{error}"
                self.console.report("runs", error)
            else:
                if self.table.dimmed:
                    self.table.dimmed = False
                self.console.recovered("runs")
                self._take(runs)
            if not (self.is_current or self._under_way):
                return
            await asyncio.sleep(REFRESH_SECONDS)
        self._show()

    def _take(self, runs: tuple[RunSummary, ...]) -> None:
        self._runs = {f"run:{run.id}": run for run in runs}
        for run in runs:
            if not run.view.over:
                self._under_way.add(run.id)
            elif run.id in self._under_way:
                self._under_way.discard(run.id)
                self._tell_end(run)
        self._under_way &= {run.id for run in runs}
        self._show()

    def _tell_end(self, run: RunSummary) -> None:
        if run.state is RunState.CANCELLED and run.id in self._ended_here:
            return  # who ended it knows
        self.app.bell()
        good = run.state in GOOD
        self.notify(
            ended(run, self.console.now),
            title=run.name,
            severity="information" if good else "error",
            timeout=10,
        )

    def _show(self) -> None:
        empty = EMPTY if self.check_action("new", ()) else EMPTY_READ_ONLY
        if self.table.empty != empty:
            self.table.empty = empty
        self._set_rows()
        if self._wanted and self.table.highlight(self._wanted):
            self._wanted = ""
        self._show_detail()
        self._watch_selected()
        self.refresh_bindings()

    def _set_rows(self) -> None:
        now = self.console.now
        rows = [
            (run.created_at, run_row(run, self._view_of(run), now)) for run in self._runs.values()
        ]
        said = operation_rows(self.console.history, self.console.running, now)
        rows += [(began.timestamp(), row) for began, row in said]
        rows.sort(key=lambda pair: pair[0], reverse=True)
        self.table.set_rows([row for _, row in rows])

    def _tick(self) -> None:
        """Let stop watches and countdowns run; what stands still is not drawn again."""
        if self.is_current:
            self._set_rows()
            self._show_detail()

    # The selected run

    @on(ResourceTable.RowHighlighted)
    def _moved(self) -> None:
        """Show the detail once the cursor rests: a held key must not open a journal per row."""
        if self._rest is not None:
            self._rest.cancel()
        # Not set_timer, which forgets a timer that is due before its task has begun.
        self._rest = asyncio.get_running_loop().call_later(DETAIL_REST, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self.is_attached:
            self._show_detail()
            self._watch_selected()
            self.refresh_bindings()

    def _show_detail(self) -> None:
        panel, now = self.query_one(DetailPanel), self.console.now
        run, view = self.selected, self.view
        key = self.table.highlighted or ""
        if run is not None and view is not None:
            output = self._output if self._watched == run.id else ()
            shown = list(output)[-max(6, self.size.height - AROUND_OUTPUT) :]
            panel.set_sections(run_sections(run, view, now, shown), key)
        elif key:
            name = key.partition(":")[2]
            panel.set_sections(operation_sections(name, self.console.history), key)
        else:
            hint = () if self.table.total else (Paragraph(self.table.empty),)
            panel.set_sections((Section("", hint),))

    def _watch_selected(self) -> None:
        """Watch the run under the cursor, if it is not watched and something is to be seen yet."""
        run, deployments = self.selected, self.deployments
        if run is None or deployments is None or not self.is_current:
            self._unwatch()
        elif run.id != self._reading or (self._ended and not run.view.over):
            if run.id != self._watched:
                self._view = None
                self._output.clear()
            self._watched = self._reading = run.id
            self._ended = False
            self._follow(deployments, run)

    def _unwatch(self) -> None:
        self.workers.cancel_group(self, "watch")
        self._reading = ""

    @work(exclusive=True, group="watch", exit_on_error=False, name="run")
    async def _follow(self, deployments: Deployments, run: RunSummary) -> None:
        """Take in the journal of a run from its beginning, and go on until the run ends."""
        view, output = begin(run.plan.target.kind), deque[str](maxlen=OUTPUT)
        try:
            async with aclosing(deployments.watch(run.id)) as batches:
                async for events in batches:
                    for at in range(0, len(events), SLICE):
                        view = _after(view, events[at : at + SLICE], output)
                        await asyncio.sleep(0)
                    self._view, self._output = view, output
                    self.console.recovered(f"run of {run.name}")
                    self._set_rows()
                    self._show_detail()
        except AmltuiError as error:
            self._view = None  # what the list says of it is newer
            self.console.report(f"run of {run.name}", error)
        self._ended = True
        if self._view is not None and not run.view.over:
            self.poll()  # its row, and the word of its end, at once

    # Detail and filter

    @on(ResourceTable.RowSelected)
    def action_detail(self) -> None:
        self._show_detail()
        self.add_class("-detail")
        self.set_focus(self.query_one(DetailPanel))
        self.refresh_bindings()

    def action_back(self) -> None:
        if self.has_class("-detail"):
            self.remove_class("-detail")
            self.set_focus(self.table)
            self.refresh_bindings()
        else:
            self.query_one(FilterLine).action_drop()

    def action_filter(self) -> None:
        self.query_one(FilterLine).open()

    @on(FilterLine.Changed)
    def _filter(self, event: FilterLine.Changed) -> None:
        self.table.filter(event.text)

    # Acting

    def is_here(self, run: RunSummary) -> bool:
        info = self.console.workspace_info
        return info is not None and info.name == run.workspace

    def began(self, run: str) -> None:
        self._under_way.add(run)  # told even if it ends before it was listed
        self._wanted = f"run:{run}"
        self.poll()

    def ending(self, run: str) -> None:
        self._ended_here.add(run)

    async def open_log(self, source: LogSource) -> None:
        await self.console.show_log(source)

    def action_refresh(self) -> None:
        self.poll()

    def action_copy(self) -> None:
        run, view = self.selected, self.view
        if run is not None and view is not None:
            self.notify(copy(self.app, view.facts.get("scoring_uri") or run.name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the selected run allows; read-only mode has no key that changes anything."""
        view = self.view if self.is_mounted else None
        if action in CHANGING and self.console.settings.read_only:
            return False
        if action == "new":
            return self.launch.start_plan is not None
        if action == "cancel":
            return view is not None and not view.over
        if action == "clean_up":
            return view is not None and view.over and view.state not in GOOD
        if action == "resume":
            return view is not None and bool(view.resume_at)
        if action in ("logs", "copy"):
            return view is not None
        if action == "filter":
            return not (isinstance(self.focused, Input) or self.has_class("-detail"))
        if action == "back":
            return self.has_class("-detail") or bool(self.query_one(FilterLine).text)
        return True


def _after(view: RunView, events: tuple[Event, ...], output: deque[str]) -> RunView:
    for event in events:
        if isinstance(event, StepLogged) and event.output:
            output.append(event.text)
        # A log that is fetched after the end must not turn the end into none.
        if not (isinstance(event, RunBrokeOff) and view.over):
            view = view.after(event)
    return view
