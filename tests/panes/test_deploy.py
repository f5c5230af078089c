"""The Deploy pane: what runs are listed, what one shows, what its keys do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from amltui.adapters.files.drafts import PlanFiles
from amltui.app import Console
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Failure, Progress
from amltui.domain.plan import Plan
from amltui.domain.plan_parts import Options
from amltui.domain.run import (
    Event,
    LogKept,
    Noted,
    Outcome,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
    steps_of,
)
from amltui.domain.run_view import RunState, begin, replay
from amltui.panes import deploy_list
from amltui.panes import pane as pane_module
from amltui.panes.deploy import DeployPane
from amltui.panes.deploy_rows import stopwatch
from amltui.panes.logs import LogsPane
from amltui.panes.wizard import WizardPane
from amltui.settings import Settings
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import ChoiceDialog, ConfirmDialog, ErrorDialog
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.deployments import Deployments, Leftover, RunSummary
from amltui.workers.operations import Operation
from amltui.workers.planning import Planning
from tests.golden import compare, screen_text

from .world import HOSTILE, NOW, MemoryWorkspace, World, running, settled, until

Screen = tuple[Console, Pilot[int]]
AT = NOW.timestamp()
TARGETS: dict[str, dict[str, Any]] = {
    "local": {"kind": "local", "port": 6789},
    "aci": {"kind": "aci"},
    "aks": {"kind": "aks", "cluster": "aks-prod"},
}


def plan(name: str, target: str = "local", **more: Any) -> Plan:
    """A plan of that name."""
    return Plan.from_dict(
        {
            "name": name,
            "models": [{"name": "diabetes", "file": "model.pkl"}],
            "inference": {"entry_script": "score.py", "environment": {"conda_file": "env.yml"}},
            "target": TARGETS[target],
            **more,
        }
    )


def done(target: str, until_step: str, began: float) -> list[Event]:
    """The events up to a step that runs; each step before took 12 seconds."""
    order = steps_of(target)
    events: list[Event] = [
        RunStarted(at=began, pid=1, target=target, first=order[0], last=order[-1])
    ]
    at = began
    for step in order[: order.index(until_step)]:
        events.append(StepStarted(at=at, step=step))
        at += 12
        events.append(StepFinished(at=at, step=step, text=f"{step} went well"))
    return [*events, StepStarted(at=at, step=until_step)]


@dataclass
class MemoryRun:
    """A run and the journal that it grows."""

    plan: Plan
    began: float
    events: list[Event]
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether its last word was said."""
        return bool(self.events) and isinstance(self.events[-1], RunEnded)

    def say(self, *events: Event) -> None:
        """Append to the journal."""
        self.events += events
        self.grown.set()


@dataclass
class MemoryDeployments:
    """Runs in memory; what is asked of them is written down."""

    rows: dict[str, MemoryRun] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    watching: list[str] = field(default_factory=list)
    left: tuple[Leftover, ...] = ()
    error: AmltuiError | None = None
    edited: list[Plan] = field(default_factory=list)  # what was gone on with
    folder: Path = Path("/nowhere")
    home: str = "/home/sam/project"
    stranded: str = ""

    async def runs(self) -> tuple[RunSummary, ...]:
        if self.error is not None:
            raise self.error
        return tuple(self.summary(run) for run in sorted(self.rows, reverse=True))

    async def run(self, run: str) -> RunSummary:
        return self.summary(run)

    def summary(self, run: str) -> RunSummary:
        held = self.rows[run]
        view = replay(held.plan.target.kind, held.events)
        view = replace(view, stranded=self.stranded if view.over else "")
        return RunSummary(run, held.plan, self.home, "prod", held.began, view)

    def directory(self, run: str) -> Path:
        return self.folder / run

    async def watch(self, run: str) -> AsyncGenerator[tuple[Event, ...], None]:
        held, seen = self.rows[run], 0
        self.watching.append(run)
        try:
            while True:
                held.grown.clear()
                if batch := tuple(held.events[seen:]):
                    seen += len(batch)
                    yield batch
                if held.over:
                    return
                await held.grown.wait()
        finally:
            self.watching.remove(run)

    async def cancel(self, run: str) -> None:
        self.asked.append(f"cancel {run}")
        self.rows[run].say(RunEnded(at=AT, outcome=Outcome.CANCELLED))

    async def resume(self, run: str, plan: Plan | None = None) -> None:
        self._again(f"resume {run}", run)
        if plan is not None:
            self.edited.append(plan)

    async def repeat(self, run: str, step: str) -> None:
        self._again(f"repeat {run} {step}", run)

    def _again(self, what: str, run: str) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(what)
        target = self.rows[run].plan.target.kind
        self.rows[run].say(RunStarted(at=AT, pid=2, target=target, first="check", last="healthy"))

    async def leftovers(self, run: str) -> tuple[Leftover, ...]:
        self.asked.append(f"leftovers {run}")
        return self.left

    async def remove_leftovers(self, run: str, leftovers: tuple[Leftover, ...]) -> None:
        self.asked.append(f"remove {run} {len(leftovers)}")

    async def fetch_build_log(self, run: str) -> bool:
        self.asked.append(f"build log {run}")
        self.rows[run].say(LogKept(at=AT, step="image", title="image build log", file="build.log"))
        return True


@dataclass
class DeployWorld(World):
    """A world with runs and plan files."""

    runs: MemoryDeployments = field(default_factory=MemoryDeployments)
    pane: str = "deploy"
    started: list[tuple[Plan, str]] = field(default_factory=list)
    folder: Path | None = None  # where drafts are kept; without it nothing can be written

    def console(self) -> Console:
        app = super().console()
        planning = Planning(PlanFiles(self.folder), self.clock, "/") if self.folder else None
        app.launch = replace(
            app.launch,
            deployments=lambda: cast(Deployments, self.runs),
            planning=(lambda: planning) if planning else None,
            start_plan=self._start,
        )
        return app

    async def _start(self, plan: Plan, folder: str) -> str:
        self.started.append((plan, folder))
        run = MemoryRun(plan, AT, done(plan.target.kind, "check", AT))
        self.runs.rows["20261121-120000-new"] = run
        return "20261121-120000-new"


def failed_run() -> MemoryRun:
    """A deployment to ACI whose container crashed."""
    began = AT - 300
    failure = Failure(
        "AciDeploymentFailed", "Aci Deployment failed", "400",
        (Failure("CrashLoopBackOff", "Your container application crashed."),),
    )  # fmt: skip
    error = AmltuiError(
        "The containers did not start.", "They crash as they start.", "l shows their log.",
        problem=Problem.SERVER,
    )  # fmt: skip
    events = [
        *done("aci", "start", began),
        Noted(at=began, step="submit", facts={"operation": "op-1", "operation_ended": "Failed"}),
        Noted(at=began, step="register", facts={"model.0": "diabetes:3", "model.0.made": "yes"}),
        LogKept(at=AT, step="start", title="container log", file="container.log"),
        StepFailed(at=began + 100, step="start", error=error.to_wire(), failure=failure),
        RunEnded(at=began + 100, outcome=Outcome.FAILED),
    ]
    return MemoryRun(plan("churn", "aci"), began, events)


def healthy_run() -> MemoryRun:
    """A local deployment that answers."""
    began = AT - 3600
    events = [
        *done("local", "healthy", began),
        StepFinished(at=began + 90, step="healthy"),
        Noted(
            at=began + 90, step="healthy",
            facts={"scoring_uri": "http://localhost:6789/score", "container": "c0ffee"},
        ),
        RunEnded(at=began + 90, outcome=Outcome.HEALTHY),
    ]  # fmt: skip
    return MemoryRun(plan("diabetes"), began, events)


def aks_run() -> MemoryRun:
    """A deployment to AKS that waits for its containers."""
    began = AT - 100
    events = [
        *done("aks", "start", began),
        StepLogged(at=AT - 3, step="start", text="Containers are being scheduled"),
        *(StepLogged(at=AT, step="start", text=f"line {n} of the SDK", output=True)
          for n in range(80)),
    ]  # fmt: skip
    return MemoryRun(plan("fraud", "aks"), began, events)


def believable() -> MemoryDeployments:
    """A run under way, one that failed, and one that went well."""
    return MemoryDeployments(
        {
            "20261121-115820-fraud": aks_run(),
            "20261121-115500-churn": failed_run(),
            "20261121-110000-diabetes": healthy_run(),
        }
    )


@asynccontextmanager
async def pane(
    world: DeployWorld | None = None, size: tuple[int, int] = (80, 24), row: str = ""
) -> Any:
    """The pane with the cursor on a row, once that row's run was read."""
    held = world or DeployWorld(runs=believable())
    pane_module.DETAIL_REST = 0.001
    async with running(held, size) as (app, pilot):
        if held.runs.rows:
            await until(pilot, lambda: table(app).total > 0, "the list")
        if row:
            table(app).highlight(f"run:{row}")
            await until(pilot, lambda: seen(app) == row, "the run's journal")
        await settled(pilot)
        yield app, pilot


def table(app: Console) -> ResourceTable:
    return next(screen.query_one(ResourceTable) for screen in app.screen_stack)


def shown(app: Console) -> DeployPane:
    return cast(DeployPane, app.screen_stack[0])


def seen(app: Console) -> str:
    held = shown(app)
    return held._watched if held._view is not None else ""


def detail(app: Console) -> str:
    return shown(app).query_one("#detail", DetailPanel).text


def toasts(app: Console) -> list[str]:
    return [f"{note.title}: {note.message}" for note in app._notifications]


FRAUD, CHURN, DIABETES = believable().rows
SIZES = [(80, 24), (160, 48), (60, 16)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_list_reads_well_at_every_size(size: tuple[int, int]) -> None:
    async with pane(size=size, row=FRAUD) as (app, _):
        compare(f"deploy-{size[0]}x{size[1]}", screen_text(app))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_failed_run_shows_its_steps_and_the_cause(size: tuple[int, int]) -> None:
    async with pane(size=size, row=CHURN) as (app, pilot):
        await pilot.press("enter")
        await settled(pilot)
        compare(f"deploy-failed-{size[0]}x{size[1]}", screen_text(app))
        assert "CrashLoopBackOff" in detail(app)


async def test_a_running_run_counts_its_limits_down() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=FRAUD) as (app, pilot):
        await pilot.press("enter")
        await settled(pilot)
        compare("deploy-running-80x24", screen_text(app))
        assert "scheduling: 4:20 left" in detail(app)
        assert "polling: 19:20 left" in detail(app)
        world.now += timedelta(seconds=230)
        await until(pilot, lambda: "scheduling: 0:30 left" in detail(app), "the countdown")


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_an_empty_pane_says_how_to_begin(size: tuple[int, int]) -> None:
    async with pane(DeployWorld(), size) as (app, pilot):
        await until(pilot, lambda: "No runs yet" in screen_text(app), "the hint")
        compare(f"deploy-empty-{size[0]}x{size[1]}", screen_text(app))


async def test_what_the_console_does_itself_is_listed_too() -> None:
    def work(on_progress: Callable[[Progress], None]) -> str:
        on_progress(Progress("sample", "building"))
        return "The sample answers."

    world = DeployWorld(operations=(Operation("sample", work),))
    async with pane(world) as (app, pilot):
        await until(pilot, lambda: "✓ done" in screen_text(app), "the operation")
        assert "The sample answers." in detail(app)


async def test_the_last_lines_of_output_are_shown_as_they_come() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, (160, 48), FRAUD) as (app, pilot):
        assert "line 79 of the SDK" in detail(app)
        assert "line 10 of" not in detail(app)
        line = StepLogged(at=AT, step="start", text="and one more", output=True)
        world.runs.rows[FRAUD].say(line)
        await until(pilot, lambda: "and one more" in detail(app), "the new line")


async def test_row_and_detail_say_the_same_at_once() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, (160, 48), FRAUD) as (app, pilot):
        finished = StepFinished(at=AT, step="start"), StepStarted(at=AT, step="healthy")
        world.runs.rows[FRAUD].say(*finished)
        await until(pilot, lambda: "Wait until it is healthy" in detail(app), "the next step")
        row = next(line for line in screen_text(app).splitlines() if "▌fraud" in line)
        assert row.split()[4:5] == ["healthy"]


async def test_a_journal_that_cannot_be_read_leaves_what_the_list_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unreadable(run: str) -> AsyncGenerator[tuple[Event, ...], None]:
        raise AmltuiError("There is no run of that name.", problem=Problem.NOT_FOUND)
        yield ()

    world = DeployWorld(runs=believable())
    monkeypatch.setattr(world.runs, "watch", unreadable)
    async with pane(world, (160, 48)) as (app, pilot):
        await until(pilot, lambda: bool(toasts(app)), "the error")
        assert "There is no run of that name." in toasts(app)[0]
        assert "fraud to AKS" in detail(app)
        assert table(app).total == 3


async def test_the_end_of_a_run_rings_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(Console, "bell", lambda _: rung.append(True))
    world = DeployWorld(runs=believable())
    async with pane(world, row=FRAUD) as (app, pilot):
        assert toasts(app) == []
        world.runs.rows[FRAUD].say(RunEnded(at=AT, outcome=Outcome.FAILED))
        await until(pilot, lambda: bool(rung), "the bell")
        await pilot.press("r")
        await settled(pilot)
        assert toasts(app) == ["fraud: Failed after 1:40."]
        assert rung == [True]


async def test_the_end_is_told_on_another_pane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_list, "REFRESH_SECONDS", 0.05)
    world = DeployWorld(runs=believable())
    async with pane(world, row=FRAUD) as (app, pilot):
        await pilot.press("5")
        await until(pilot, lambda: not world.runs.watching, "the end of the watch")
        world.runs.rows[FRAUD].say(RunEnded(at=AT, outcome=Outcome.HEALTHY))
        await until(pilot, lambda: bool(toasts(app)), "the toast")
        assert toasts(app) == ["fraud: Healthy after 1:40."]


async def test_only_the_selected_run_is_watched() -> None:
    world = DeployWorld(runs=believable())
    second = "20261121-115900-second"
    world.runs.rows[second] = aks_run()
    async with pane(world, row=FRAUD) as (_, pilot):
        assert world.runs.watching == [FRAUD]
        await pilot.press("k")
        await until(pilot, lambda: world.runs.watching == [second], "the other run")


async def test_nothing_is_drawn_again_when_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, (160, 48), CHURN) as (app, pilot):
        drawn: list[str] = []
        for widget in (table(app), app.screen.query_one(DetailPanel)):
            monkeypatch.setattr(widget, "redraw", lambda: drawn.append("again"))
        shown(app)._tick()
        shown(app)._take(await world.runs.runs())
        await settled(pilot)
        assert drawn == []


async def test_cancel_asks_says_what_stays_and_offers_its_removal() -> None:
    world = DeployWorld(runs=believable())
    world.runs.left = (Leftover("service", "fraud", "service fraud (Transitioning)"),)
    world.runs.rows[FRAUD].say(Noted(at=AT, step="submit", facts={"operation": "op-2"}))
    async with pane(world, row=FRAUD) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        compare("deploy-cancel-80x24", screen_text(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: f"leftovers {FRAUD}" in world.runs.asked, "the leftovers")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the offer")
        assert "service fraud (Transitioning)" in screen_text(app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: len(world.runs.asked) == 3, "the removal")
        assert world.runs.asked == [f"cancel {FRAUD}", f"leftovers {FRAUD}", f"remove {FRAUD} 1"]
        await until(pilot, lambda: "■ cancelled" in screen_text(app), "the new state")
        assert not any("Cancelled after" in toast for toast in toasts(app))


async def test_leftovers_of_a_failed_run_are_not_removed_by_enter_alone() -> None:
    world = DeployWorld(runs=believable())
    world.runs.left = (Leftover("service", "churn", "service churn (Failed)"),)
    async with pane(world, row=CHURN) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the offer")
        await pilot.press("enter")
        await settled(pilot)
        assert world.runs.asked == [f"leftovers {CHURN}"]


async def chosen(pilot: Pilot[int], app: Console, words: str) -> None:
    """Choose from the dialog that `u` opens."""
    await pilot.press("u")
    await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
    await pilot.press(*words, "enter")
    await settled(pilot)


@pytest.mark.parametrize(
    ("words", "asked"), [("resume", f"resume {CHURN}"), ("repeat", f"repeat {CHURN} start")]
)
async def test_a_failed_run_goes_on(words: str, asked: str) -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await chosen(pilot, app, words)
        await until(pilot, lambda: world.runs.watching == [CHURN], "the run to be watched again")
        assert world.runs.asked == [asked]
        view = shown(app).view
        assert view is not None
        assert view.state is RunState.RUNNING


async def test_what_can_be_done_is_told_and_offered() -> None:
    async with pane(row=CHURN) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "Diagnosis" in detail(app), "the diagnosis")
        assert "What can be done (u)" in detail(app)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        compare("deploy-go-on-80x24", screen_text(app))


async def test_e_tells_what_the_selected_run_failed_of() -> None:
    async with pane(row=CHURN) as (app, pilot):
        failed = shown(app).problem
        assert failed is not None
        await pilot.press("e")
        assert isinstance(app.screen, ErrorDialog)
        assert failed.title in screen_text(app)
    async with pane(row=DIABETES) as (app, pilot):
        await pilot.press("e")
        assert any("No error stands." in toast for toast in toasts(app))


async def test_more_memory_is_shown_before_the_run_goes_on_with_it() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await chosen(pilot, app, "memory_gb")
        compare("deploy-more-memory-80x24", screen_text(app))
        assert world.runs.asked == []
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(world.runs.edited), "the edit")
        (edited,) = world.runs.edited
        assert edited.to_dict()["target"] == {"kind": "aci", "memory_gb": 1.0}
        assert world.started == []


async def test_the_same_is_deployed_on_this_machine_as_a_run_of_its_own() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await chosen(pilot, app, "this machine")
        assert "target: aci → local" in screen_text(app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(world.started), "the run")
        ((started, folder),) = world.started
        assert started.target.kind == "local"
        assert folder == "/home/sam/project"
        assert world.runs.asked == []


async def test_editing_opens_the_wizard_which_knows_the_service_as_ours(tmp_path: Path) -> None:
    world = DeployWorld(runs=believable(), folder=tmp_path)
    async with pane(world, row=CHURN) as (app, pilot):
        await chosen(pilot, app, "edit")
        await until(pilot, lambda: isinstance(app.screen, WizardPane), "the wizard")
        wizard = cast(WizardPane, app.screen)
        assert wizard.form.plan() == plan("churn", "aci")
        assert wizard.own == "churn"


async def test_an_edited_plan_says_what_is_repeated(tmp_path: Path) -> None:
    world = DeployWorld(runs=believable(), folder=tmp_path)
    async with pane(world, row=CHURN) as (app, pilot):
        changed = replace(plan("churn", "aci"), options=Options(description="new"))
        going = shown(app).run_worker(shown(app)._start_edited(CHURN, changed, "/home/sam/project"))
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        text = screen_text(app)
        assert "options.description: not said → new" in text
        assert "Done again: submit, image." in text
        assert "Kept, unless their files have changed: check, register, environment." in text
        await pilot.press("tab", "enter")
        assert await going.wait() == CHURN
        assert world.runs.edited == [changed]


async def test_a_fix_of_a_file_is_shown_and_made(tmp_path: Path) -> None:
    """The container lacks a package: the conda file gets it, and the run goes on."""
    world = DeployWorld(runs=believable(), folder=tmp_path / "drafts")
    world.runs.folder = tmp_path
    (tmp_path / CHURN).mkdir()
    (tmp_path / CHURN / "container.log").write_text(MISSING)
    conda = tmp_path / "env.yml"
    conda.write_text("dependencies:\n  - python=3.10\n  - pip:\n      - azureml-defaults==1.61.0\n")
    world.runs.home = str(tmp_path)
    async with pane(world, row=CHURN) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "xgboost" in detail(app), "the diagnosis")
        await chosen(pilot, app, "xgboost")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the difference")
        assert "+      - xgboost" in screen_text(app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(world.runs.asked), "the run")
        assert "- xgboost" in conda.read_text()


MISSING = """2026-11-21 11:55:10 | root | INFO | Starting up app insights client
Traceback (most recent call last):
  File "/var/azureml-server/create_app.py", line 5, in <module>
    from app import main
  File "/var/azureml-app/score.py", line 3, in <module>
    import xgboost
ModuleNotFoundError: No module named 'xgboost'

Worker exiting (pid: 41)
"""


async def test_a_run_whose_demo_has_ended_says_so_and_offers_nothing() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "F fixes" in detail(app), "the offers of before")
        world.runs.stranded = "The demo that it ran in has ended."
        await pilot.press("r")
        await until(pilot, lambda: "The demo that it ran in" in detail(app), "the reason")
        await until(pilot, lambda: "The container crashes" in detail(app), "the diagnosis")
        assert "F fixes" not in detail(app)
        assert "It cannot be resumed" in detail(app)
        assert "What can be done" not in detail(app)
        assert "Go on" not in screen_text(app)
        await pilot.press("u")
        await settled(pilot)
        assert app.screen is shown(app)
        assert world.runs.asked == []


async def test_a_refused_resume_is_told() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        world.runs.error = AmltuiError("It is still under way", problem=Problem.REFUSED)
        await chosen(pilot, app, "resume")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the error")
        assert "It is still under way" in screen_text(app)


async def test_logs_of_a_run_are_chosen_and_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(LogsPane, "open", lambda _, source: opened.append(source.path))
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the choice")
        compare("deploy-logs-80x24", screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: bool(opened), "the log")
        assert opened == [f"/nowhere/{CHURN}/container.log"]


async def test_the_build_log_is_fetched_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(LogsPane, "open", lambda _, source: opened.append(source.path))
    world = DeployWorld(runs=believable())
    async with pane(world, row=CHURN) as (app, pilot):
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the choice")
        await pilot.press(*"build", "enter")
        await until(pilot, lambda: bool(opened), "the log")
        assert opened == [f"/nowhere/{CHURN}/build.log"]


def test_a_log_that_is_fetched_after_the_end_changes_no_state() -> None:
    late = LogKept(at=AT, step="build", title="late log", file="late.log"), RunBrokeOff(at=AT)
    view = deploy_list._after(begin("local"), (*healthy_run().events, *late), deque())
    assert view.state is RunState.HEALTHY
    assert [log.title for log in view.logs] == ["late log"]


async def test_the_log_of_a_service_elsewhere_is_not_offered() -> None:
    world = DeployWorld(runs=believable(), workspace=MemoryWorkspace())
    async with pane(world, row=CHURN) as (app, pilot):
        info = app.workspace_info
        assert info is not None
        app.workspace_info = replace(info, name="another")
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the choice")
        assert "ACI, live" not in screen_text(app)
        assert "container log" in screen_text(app)


async def test_the_scoring_uri_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Console, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with pane(row=DIABETES) as (app, pilot):
        await pilot.press("y")
        table(app).highlight(f"run:{CHURN}")
        await until(pilot, lambda: seen(app) == CHURN, "the other run")
        await pilot.press("y")
        assert copied == ["http://localhost:6789/score", "churn"]


async def test_the_filter_narrows_the_list() -> None:
    async with pane() as (app, pilot):
        await pilot.press("slash", *"aks", "enter")
        assert table(app).shown == 1
        await pilot.press("escape")
        assert table(app).shown == 3


async def test_read_only_mode_has_no_key_that_changes_anything() -> None:
    settings = Settings("sub", "rg", "prod", refresh_seconds=3600, read_only=True)
    async with pane(DeployWorld(runs=believable(), settings=settings), row=CHURN) as (app, pilot):
        await pilot.press("n", "u", "x")
        await settled(pilot)
        assert app.screen is shown(app)
        assert "Resume" not in screen_text(app)


@pytest.mark.parametrize("row", [FRAUD, CHURN, DIABETES])
async def test_the_footer_names_six_keys_at_most(row: str) -> None:
    async with pane(row=row) as (app, pilot):
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        shown_keys = {
            active.binding.description
            for active in app.screen.active_bindings.values()
            if active.binding.show and active.enabled
        }
        assert len(shown_keys) <= 6, shown_keys


async def test_runs_that_cannot_be_read_are_told_and_stay() -> None:
    world = DeployWorld(runs=believable())
    async with pane(world) as (app, pilot):
        world.runs.error = AmltuiError("The disk is gone", "I/O error.", problem=Problem.INTERNAL)
        await pilot.press("r")
        await until(pilot, lambda: bool(toasts(app)), "the error")
        assert table(app).total == 3
        assert table(app).dimmed


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_hostile_texts_stay_text(size: tuple[int, int]) -> None:
    failure = Failure(HOSTILE, HOSTILE, HOSTILE, (Failure(HOSTILE, HOSTILE),))
    error = AmltuiError(HOSTILE, HOSTILE, HOSTILE)
    run = aks_run()
    run.say(
        StepLogged(at=AT, step="start", text=HOSTILE, output=True),
        LogKept(at=AT, step="start", title=HOSTILE, file="x.log"),
        Noted(at=AT, step="start", facts={"scoring_uri": HOSTILE}),
        StepFailed(at=AT, step="start", error=error.to_wire(), failure=failure),
    )
    world = DeployWorld(runs=MemoryDeployments({FRAUD: run}))
    async with pane(world, size, FRAUD) as (app, pilot):
        run.say(RunEnded(at=AT, outcome=Outcome.FAILED))
        await until(pilot, lambda: bool(toasts(app)), "the toast")
        await pilot.press("enter")
        await settled(pilot)
        text = screen_text(app) + detail(app)
        assert "[bold]" in text
        assert not set(text) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0:00"), (7.9, "0:07"), (760, "12:40"), (3723, "1:02:03")],
)
def test_lengths_of_time_read_like_a_stop_watch(seconds: float | None, text: str) -> None:
    assert stopwatch(seconds) == text
