"""Deployments that run, whoever started them: start, watch, cancel, resume. No Textual, no SDK.

A run is a process of its own (`ports.Runs`) that nothing here waits for: it goes on when the
console is left, killed or cut off, and the next one finds it by its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from amltui.domain.errors import AmltuiError, Problem, refused_read_only
from amltui.domain.models import Leftover as Leftover
from amltui.domain.plan import Plan
from amltui.domain.run import (
    Event,
    Outcome,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    steps_of,
)
from amltui.domain.run_view import RunState, RunView, begin
from amltui.ports import Runs

from . import bridge, journal
from .journal import Journal

Result = TypeVar("Result")

TAIL = 0.2  # seconds between two looks at a journal that may grow
_LIMIT = 15.0  # seconds of disk work and of starting a process
_AT_THE_END = 3.0  # seconds that leaving waits for runs that cannot go on
STRANDED = "The demo that it ran in has ended, and its workspace is gone."
_ASK_LIMIT = 130.0  # a little above the process's own


@dataclass(frozen=True)
class RunSummary:
    """A run: what it deploys, and how far it is."""

    id: str
    plan: Plan
    folder: str
    workspace: str
    created_at: float
    view: RunView

    @property
    def name(self) -> str:
        """The service's name."""
        return self.plan.name

    @property
    def state(self) -> RunState:
        """How far it is."""
        return self.view.state


class Deployments:
    """The runs in a directory; `clock` gives epoch seconds."""

    def __init__(
        self,
        runs_dir: Path,
        processes: Runs,
        clock: Callable[[], float],
        *,
        read_only: bool = False,
    ) -> None:
        self._runs = runs_dir
        self._processes = processes
        self._clock = clock
        self.read_only = read_only
        self._reading = threading.Lock()
        self._known: dict[Path, tuple[Journal, RunView]] = {}
        self._ended: set[tuple[str, str]] = set()  # demos that are no more

    async def start(
        self, plan: Plan, connection: Mapping[str, Any], folder: Path, *, engine: str = ""
    ) -> str:
        """Start the run of a plan whose paths begin at `folder`; returns its id."""
        self._refuse("deployed")

        def launch() -> str:
            self._prune()
            directory = journal.create(
                self._runs, plan, connection, folder, engine, self._clock()
            )  # fmt: skip
            order = steps_of(plan.target.kind)
            self._processes.start(directory, order[0], order[-1])
            return directory.name

        return await self._do(launch, "starting the run")

    async def runs(self) -> tuple[RunSummary, ...]:
        """All runs that are kept, newest first."""

        def read() -> tuple[RunSummary, ...]:
            found = []
            for directory in journal.directories(self._runs):
                with contextlib.suppress(AmltuiError):  # one that cannot be read hides no other
                    found.append(self._summary(directory))
            return tuple(found)

        return await self._do(read, "reading the runs")

    async def run(self, run: str) -> RunSummary:
        """One run; `run` may be the beginning of its id, or the service's name for its newest."""
        return await self._do(lambda: self._summary(self._find(run)), "reading the run")

    def directory(self, run: str) -> Path:
        """Where the files of a run are, e.g. the logs that were kept (`LogKept.file`)."""
        return self._runs / run

    async def watch(
        self, run: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> AsyncGenerator[tuple[Event, ...], None]:
        """The events of a run in batches, from its first, until it has ended.

        To stop watching is to stop reading: the run goes on. The last event is `RunEnded`, or
        `RunBrokeOff` when its process is gone without a word.
        """
        directory = self._runs / run
        await self._do(lambda: journal.describe(directory), "reading the run")
        source = Journal(directory)
        over = False
        while True:
            # First whether it lives: what it wrote before it died is then read for sure.
            lives = await self._do(lambda: self._processes.alive(directory), "watching the run")
            while source.grown():
                events = await self._do(source.read, "reading the journal")
                over = _over(events, over)
                if events:
                    yield events
            if not lives:
                if not over:
                    yield (_gone(source),)
                return
            await sleep(TAIL)

    async def cancel(self, run: str) -> None:
        """End a run; what it has made so far stays (`leftovers`)."""
        self._refuse("cancelled")
        directory = self._runs / run

        def end() -> None:
            journal.describe(directory)
            if not self._processes.alive(directory):
                return
            self._end(directory)

        await self._do(end, "cancelling the run")

    def end_with(self, url: str, why: str) -> tuple[str, ...]:
        """End the runs in the workspace of a demo that ends; their services' names.

        For the end of everything: blocks, 3 s at most.
        """
        ending = []
        for directory in journal.directories(self._runs):
            with contextlib.suppress(AmltuiError):
                if journal.describe(directory).url == url and self._processes.alive(directory):
                    ending.append(directory)
        stopping = [
            threading.Thread(target=self._end, args=(each, why), daemon=True) for each in ending
        ]
        for each in stopping:
            each.start()
        until = time.monotonic() + _AT_THE_END
        for each in stopping:
            each.join(max(0.0, until - time.monotonic()))
        return tuple(journal.describe(each).plan.name for each in ending)

    async def resume(self, run: str, plan: Plan | None = None) -> None:
        """Go on at the first step that is not done; with `plan`, which was edited meanwhile.

        No finished step is repeated, but those that an edit of the plan concerns.
        """
        self._refuse("resumed")

        def go_on() -> None:
            summary = self._summary(self._find(run))
            first = self._resumable(summary)
            if plan is not None and plan != summary.plan:
                _refuse_edit(summary, plan)
                after = summary.view.restart(summary.plan.to_dict(), plan.to_dict())
                first = after.first if after is not None else first
                journal.edit(self._runs / summary.id, plan)
            self._go(summary.id, first, steps_of(summary.plan.target.kind)[-1])

        await self._do(go_on, "resuming the run")

    async def repeat(self, run: str, step: str) -> None:
        """Do a failed step again, alone; the run then stops, to be resumed."""
        self._refuse("repeated")

        def again() -> None:
            summary = self._summary(self._find(run))
            first = self._resumable(summary)
            current = summary.view.current
            if current is None or step != current.step:
                raise AmltuiError(
                    f"Step {step} cannot be repeated",
                    "Only the step that failed or broke off can.",
                    "Resume the run to go on with the others.",
                    problem=Problem.REFUSED,
                )
            self._go(summary.id, first, step)

        await self._do(again, "repeating the step")

    async def leftovers(self, run: str) -> tuple[Leftover, ...]:
        """What a run that is over has made and left; asks the workspace or the engine."""
        summary = await self.run(run)
        if summary.view.stranded and summary.view.target != "local":
            return ()  # they went with their workspace
        found = await self._ask(self._runs / run, "leftovers")
        return tuple(Leftover(one["kind"], one["name"], one["text"]) for one in found)

    async def remove_leftovers(self, run: str, leftovers: tuple[Leftover, ...]) -> None:
        """Remove these; each only if it still is this run's."""
        self._refuse("removed")
        for one in leftovers:
            await self._ask(self._runs / run, "remove", one.kind, one.name)

    async def fetch_build_log(self, run: str) -> bool:
        """Fetch the image build log as it is now (`LogKept` tells where); False without one."""
        return bool(await self._ask(self._runs / run, "build-log"))

    # What the methods above are made of; on a thread but for `_do` and `_ask`

    async def _do(self, function: Callable[[], Result], what: str) -> Result:
        return await bridge.call(function, limit=_LIMIT, what=what)

    async def _ask(self, directory: Path, question: str, *words: str) -> Any:
        def ask() -> Any:
            journal.describe(directory)
            return self._processes.ask(directory, question, *words)

        return await bridge.call(ask, limit=_ASK_LIMIT, what=question)

    def _end(self, directory: Path, why: str = "") -> None:
        journal.ask_cancel(directory, why)
        self._processes.stop(directory)
        journal.drop_temporary(directory)

    def _find(self, run: str) -> Path:
        found = journal.directories(self._runs)
        for directory in found:
            if directory.name == run:
                return directory
        for directory in found:
            if directory.name.startswith(run) or directory.name[16:] == run:
                return directory
        return self._runs / run  # `describe` says that there is none

    def _summary(self, directory: Path) -> RunSummary:
        described = journal.describe(directory)
        lives = self._processes.alive(directory)
        with self._reading:
            begun = (Journal(directory), begin(described.plan.target.kind))
            source, view = self._known.get(directory, begun)
            for event in source.all():
                view = view.after(event)
            self._known[directory] = source, view
        if not lives and not view.over:
            view = view.after(_gone(source))
        elif lives and view.over:  # it has just been taken up again and has not said so yet
            view = replace(view, state=RunState.STARTING)
        if self._is_stranded(described, view):
            view = replace(view, stranded=STRANDED)
        return RunSummary(
            described.name, described.plan, described.folder, described.workspace,
            described.created_at, view,
        )  # fmt: skip

    def _is_stranded(self, described: journal.Description, view: RunView) -> bool:
        """Whether a run that could go on has lost its workspace for good: a demo's."""
        demo = described.url, described.ca_bundle
        if not described.url or not view.resume_at:
            return False
        if demo not in self._ended and self._processes.demo_ended(*demo):
            self._ended.add(demo)
        return demo in self._ended

    def _resumable(self, summary: RunSummary) -> str:
        if not summary.view.over:
            raise AmltuiError(
                f"The run of {summary.name} is still under way",
                "A process works on it.",
                "Watch it, or cancel it first.",
                problem=Problem.REFUSED,
            )
        if summary.view.stranded:
            raise AmltuiError(
                f"The run of {summary.name} cannot go on",
                summary.view.stranded,
                "Start a new run to deploy again.",
                problem=Problem.REFUSED,
            )
        first = summary.view.resume_at
        if not first:
            raise AmltuiError(
                f"The run of {summary.name} is through",
                "All its steps are done.",
                "Start a new run to deploy again.",
                problem=Problem.REFUSED,
            )
        return first

    def _go(self, run: str, first: str, last: str) -> None:
        directory = self._runs / run
        journal.take_back_cancel(directory)
        self._processes.start(directory, first, last)

    def _prune(self) -> None:
        """Keep the last of what failed and the last of what went well; good runs push out none."""
        kept = {True: journal.KEPT, False: journal.KEPT - 1}  # the new one may fail as well
        for directory in journal.directories(self._runs):
            if self._processes.alive(directory):
                continue
            try:
                good = self._summary(directory).state in (RunState.HEALTHY, RunState.SUBMITTED)
            except AmltuiError:  # nothing that can be read
                good = False
            kept[good] -= 1
            if kept[good] < 0:
                journal.forget(directory)
                self._known.pop(directory, None)

    def _refuse(self, what: str) -> None:
        if self.read_only:
            raise refused_read_only(f"Nothing was {what}.")


def _refuse_edit(summary: RunSummary, plan: Plan) -> None:
    """What was begun cannot become another deployment."""
    facts = summary.view.facts
    if plan.target.kind != summary.plan.target.kind or plan.name != summary.name:
        raise AmltuiError(
            "That is another deployment",
            "The run was for another service or kind of target.",
            "Start a run of its own for this plan.",
            problem=Problem.REFUSED,
        )
    if facts.get("submitting") or (facts.get("operation") and not facts.get("operation_ended")):
        raise AmltuiError(
            f"{summary.name} is being deployed as the plan was",
            "It was sent before the run ended, and Azure ML goes on with it.",
            "Resume the run without the edit and wait for its end, then change what is to change.",
            problem=Problem.REFUSED,
        )


def _over(events: tuple[Event, ...], before: bool) -> bool:
    """Whether the last word of a run, so far, is that it ended."""
    for event in events:
        if isinstance(event, (RunStarted, RunEnded)):
            before = isinstance(event, RunEnded)
    return before


def _gone(source: Journal) -> Event:
    """The end of a run whose process said nothing of it: at its last sign of life."""
    asked_at = journal.cancelled_at(source.directory)
    if asked_at is not None:
        return RunEnded(at=asked_at, outcome=Outcome.CANCELLED)
    return RunBrokeOff(at=source.last_at)
