"""The list of the deployment runs, the one under the cursor in full, and the word of their ends."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import replace

from textual import work

from amltui.domain.errors import AmltuiError
from amltui.domain.offers import offers
from amltui.domain.run import Event, RunBrokeOff, StepLogged
from amltui.domain.run_view import RunState, RunView, begin
from amltui.widgets.detail import Paragraph, Section
from amltui.workers.deployments import Deployments, RunSummary
from amltui.workers.explain import Explanation, explain_run

from .deploy_rows import (
    COLUMNS,
    Aid,
    ended,
    operation_rows,
    operation_sections,
    run_row,
    run_sections,
)
from .launch import Launch
from .pane import ListPane

REFRESH_SECONDS = 2.0
TICK_SECONDS = 1.0  # of stop watches and countdowns
SLICE = 200  # events that are taken in at once; the loop has a turn after each
OUTPUT = 60  # lines of output that are kept for the detail
AROUND_OUTPUT = 24  # lines of a detail that are not output
NONE_YET = "No runs yet: n makes one, page by page or from a plan file."
NONE_READ_ONLY = "No runs yet, and none can be started here."
GOOD = (RunState.HEALTHY, RunState.SUBMITTED, RunState.STOPPED)

# Of a run: when, how many logs it had kept then, and why it can never go on.
Ending = tuple[str, float | None, int, str]


class RunList(ListPane):
    """The runs, newest first; the journal of the one under the cursor is read as it grows."""

    COLUMNS = COLUMNS
    EMPTY = "Looking for runs…"
    FILTERS = "name, target, state or step"

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
        self._aids: dict[Ending, Aid] = {}
        self._looking: Ending | None = None  # whose aid is looked for
        self._keys_of: tuple[str, ...] | None = None  # what the keys in the footer depend on

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "history", self._show, init=False)
        self.set_interval(TICK_SECONDS, self._tick)

    @property
    def launch(self) -> Launch:
        """What reads, checks and starts plans."""
        return self.console.launch

    @property
    def deployments(self) -> Deployments | None:
        """The runs, where there are any."""
        opened = self.launch.deployments
        return opened() if opened is not None else None

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._runs.get(self.table.highlighted or "")

    @property
    def problem(self) -> AmltuiError | None:
        """What the selected run failed of."""
        view = self.view
        return None if view is None else view.error

    @property
    def view(self) -> RunView | None:
        """How far the selected run is, as it is watched."""
        return None if self.selected is None else self._view_of(self.selected)

    def _view_of(self, run: RunSummary) -> RunView:
        """The run as it is watched, or as it was when the list was made."""
        if self._view is None or self._watched != run.id:
            return run.view
        return replace(self._view, stranded=run.view.stranded)

    # The list: only while the pane can be seen, or a run's end is to be told

    def on_screen_resume(self) -> None:
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
        empty = NONE_YET if self.check_action("new", ()) else NONE_READ_ONLY
        if self.table.empty != empty:
            self.table.empty = empty
        self._set_rows()
        if self._wanted and self.table.highlight(self._wanted):
            self._wanted = ""
        self.show_detail()
        self._watch_selected()
        self._show_keys()

    def _show_keys(self) -> None:
        """The keys that work on the run under the cursor; the same ones are not drawn again."""
        run, view = self.selected, self.view
        about = (run.id, view.state, view.resume_at) if run and view else ()
        if about != self._keys_of:
            self._keys_of = about
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
            self.show_detail()

    # The selected run

    def rested(self) -> None:
        self.show_detail()
        self._watch_selected()
        self._show_keys()

    def show_detail(self) -> None:
        panel, now = self.panel, self.console.now
        run, view = self.selected, self.view
        key = self.table.highlighted or ""
        if run is not None and view is not None:
            output = self._output if self._watched == run.id else ()
            shown = list(output)[-max(6, self.size.height - AROUND_OUTPUT) :]
            panel.set_sections(run_sections(run, view, now, shown, self._aid(run, view)), key)
        elif key:
            name = key.partition(":")[2]
            panel.set_sections(operation_sections(name, self.console.history), key)
        else:
            hint = () if self.table.total else (Paragraph(self.table.empty),)
            panel.set_sections((Section("", hint),))

    def _aid(self, run: RunSummary, view: RunView) -> Aid:
        """What is known of its failure; what is not known yet is looked for, once."""
        if not view.resume_at and view.error is None:
            return Aid()
        about = _ending(run, view)
        if about not in self._aids and about != self._looking:
            self._looking = about
            self._look_for_aid(run, view)
        return self._aids.get(about) or Aid(offers=offers(run.plan, view))

    @work(exclusive=True, group="aid", exit_on_error=False, name="diagnosis")
    async def _look_for_aid(self, run: RunSummary, view: RunView) -> None:
        await self.aid(run, view)
        self.show_detail()

    async def aid(self, run: RunSummary, view: RunView) -> Aid:
        """What a run failed of and what can be done about it."""
        about = _ending(run, view)
        if about in self._aids:
            return self._aids[about]
        found, conda = Explanation(), ""
        if self.deployments is not None:
            found = await explain_run(view, self.deployments.directory(run.id))
        if found.ids and self.launch.planning is not None:
            facts = await self.launch.planning().gather(run.plan, run.folder)
            file = facts.files.get(run.plan.inference.environment.conda_file or "")
            conda = (file.text if file else None) or ""
        ways = offers(run.plan, view, found.ids, conda=conda, details=found.details)
        fixing = bool(ways.ways) and not self.console.settings.read_only
        keys = "u or F fixes · l log" if fixing else "l log"
        told = (*found.sentences, ("Keys", keys)) if found.findings else ()
        self._aids[about] = Aid(told, ways)
        return self._aids[about]

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
                    self.show_detail()
        except AmltuiError as error:
            self._view = None  # what the list says of it is newer
            self.console.report(f"run of {run.name}", error)
        self._ended = True
        if self._view is not None and not run.view.over:
            self.poll()  # its row, and the word of its end, at once

    # For what acts on a run

    def is_here(self, run: RunSummary) -> bool:
        """Whether the run's workspace is the one that is open."""
        info = self.console.workspace_info
        return info is not None and info.name == run.workspace

    def began(self, run: str) -> None:
        """Show a run that goes on; its end is told even if it comes before the run was listed."""
        self._under_way.add(run)
        self._wanted = f"run:{run}"
        self.poll()

    def ending(self, run: str) -> None:
        """A run is about to be cancelled by who sits here."""
        self._ended_here.add(run)


def _ending(run: RunSummary, view: RunView) -> Ending:
    return run.id, view.ended_at, len(view.logs), view.stranded


def _after(view: RunView, events: tuple[Event, ...], output: deque[str]) -> RunView:
    for event in events:
        if isinstance(event, StepLogged) and event.output:
            output.append(event.text)
        # A log that is fetched after the end must not turn the end into none.
        if not (isinstance(event, RunBrokeOff) and view.over):
            view = view.after(event)
    return view
