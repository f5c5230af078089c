"""The runs as panes see them: who works on one is a stand-in here, what is on the disk is real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.domain.run import (
    CLOUD_STEPS,
    JOURNAL,
    Event,
    LogKept,
    Noted,
    Outcome,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    to_line,
)
from amltui.domain.run_view import RunState
from amltui.workers.deployments import Deployments, Leftover

NOW = 1_795_241_700.0
ERROR = AmltuiError("It failed.").to_wire()


class Processes:
    """Stands in for real processes (tests/adapters/test_run.py has those): who lives is said."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, str]] = []
        self.living: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.no_demo = False
        self.asked: list[tuple[str, ...]] = []
        self.stopped: Callable[[Path], None] = lambda directory: None

    def start(self, directory: Path, first: str, last: str) -> None:
        self.started.append((directory.name, first, last))
        self.living.add(directory.name)

    def alive(self, directory: Path) -> bool:
        return directory.name in self.living

    def stop(self, directory: Path) -> None:
        self.living.discard(directory.name)
        self.stopped(directory)

    def demo_ended(self, url: str, ca_bundle: str) -> bool:
        return self.no_demo

    def ask(self, directory: Path, question: str, *words: str) -> Any:
        self.asked.append((question, *words))
        return self.answers.get(question)


class Bench:
    """Deployments in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes = Processes()
        self.now = NOW
        self.deployments = self.again()

    def again(self, *, read_only: bool = False) -> Deployments:
        """As after a new start of the console."""
        return Deployments(self.folder, self.processes, lambda: self.now, read_only=read_only)

    async def start(self, **changes: Any) -> str:
        connection = {"auth": "demo", "url": "http://127.0.0.1:1"}
        return await self.deployments.start(plan(**changes), connection, Path("/srv"))

    def write(self, run: str, *events: Event) -> None:
        with open(self.folder / run / JOURNAL, "ab") as journal:
            journal.writelines(to_line(event) for event in events)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "runs")


def plan(**changes: Any) -> Plan:
    data = {
        "name": "churn",
        "inference": {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}},
        "target": {"kind": "aci"},
    }
    return Plan.from_dict({**data, **changes})


BEGIN = RunStarted(at=NOW, pid=7, target="aci", first="check", last="healthy")
CHECKED = (StepStarted(at=NOW, step="check"), StepFinished(at=NOW, step="check"))
REGISTERING = StepStarted(at=NOW, step="register")
FAILED = (
    REGISTERING,
    StepFailed(at=NOW, step="register", error=ERROR),
    RunEnded(at=NOW, outcome=Outcome.FAILED),
)


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


async def test_a_run_is_there_as_soon_as_it_is_started(bench: Bench) -> None:
    run = await bench.start()
    assert bench.processes.started == [(run, "check", "healthy")]
    (summary,) = await bench.deployments.runs()
    assert (summary.id, summary.name, summary.state) == (run, "churn", RunState.STARTING)


async def test_another_console_sees_the_same(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, REGISTERING)
    for deployments in (bench.deployments, bench.again()):
        (summary,) = await deployments.runs()
        assert summary.state is RunState.RUNNING
        assert summary.view.current is not None
        assert summary.view.current.step == "register"


async def test_a_process_that_is_gone_without_a_word_broke_off(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, REGISTERING)
    bench.processes.living.clear()
    bench.now = NOW + 60
    bench.write(run, LogKept(at=NOW + 50, step="image", title="fetched since", file="x.log"))
    summary = await bench.deployments.run(run)
    assert summary.state is RunState.BROKEN_OFF
    assert summary.view.ended_at == NOW  # its last sign of life, whenever somebody looks
    assert summary.view.resume_at == "register"
    events = [event async for batch in bench.deployments.watch(run) for event in batch]
    assert events[-1] == RunBrokeOff(at=NOW)


async def test_a_run_whose_demo_has_ended_cannot_go_on_and_says_why(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    assert (await bench.deployments.run(run)).view.resume_at == "register"
    bench.processes.no_demo = True
    view = (await bench.deployments.run(run)).view
    assert (view.resume_at, view.stranded[:8]) == ("", "The demo")
    bench.processes.no_demo = False  # another has its port: this one does not come back
    for call in (bench.deployments.resume(run), bench.deployments.repeat(run, "register")):
        with pytest.raises(AmltuiError, match="cannot go on"):
            await call
    assert await bench.deployments.leftovers(run) == ()
    assert bench.processes.asked == []


async def test_watching_goes_from_the_first_event_to_the_last(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN)
    seen: list[Event] = []
    async for batch in bench.deployments.watch(run, sleep=no_sleep):
        seen.extend(batch)
        if len(seen) == 1:
            bench.write(run, *CHECKED)
        elif len(seen) == 3:
            bench.write(run, *FAILED)
            bench.processes.living.clear()
    assert seen == [BEGIN, *CHECKED, *FAILED]


async def test_what_was_written_last_is_read_before_the_end_is_told(bench: Bench) -> None:
    """It writes its end and dies between two looks."""
    run = await bench.start()
    bench.write(run, BEGIN)
    seen: list[Event] = []

    async def dies(_: float) -> None:
        bench.write(run, RunEnded(at=NOW, outcome=Outcome.HEALTHY))
        bench.processes.living.clear()

    async for batch in bench.deployments.watch(run, sleep=dies):
        seen.extend(batch)
    assert seen == [BEGIN, RunEnded(at=NOW, outcome=Outcome.HEALTHY)]


async def test_not_watching_any_more_stops_nothing(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN)
    watching = bench.deployments.watch(run)
    await watching.__anext__()
    await watching.aclose()
    assert run in bench.processes.living


async def test_resuming_goes_on_at_the_first_step_that_is_not_done(bench: Bench) -> None:
    run = await bench.start()
    with pytest.raises(AmltuiError) as caught:
        await bench.deployments.resume(run)
    assert caught.value.problem is Problem.REFUSED
    bench.write(run, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    await bench.deployments.resume(run)
    assert bench.processes.started[-1] == (run, "register", "healthy")
    assert (await bench.deployments.run(run)).state is RunState.STARTING


async def test_repeating_does_one_step(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    with pytest.raises(AmltuiError):
        await bench.deployments.repeat(run, "submit")
    await bench.deployments.repeat(run, "register")
    assert bench.processes.started[-1] == (run, "register", "register")


async def test_an_edited_plan_must_be_of_the_same_deployment(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    for other in (plan(name="other"), plan(target={"kind": "local"})):
        with pytest.raises(AmltuiError):
            await bench.deployments.resume(run, other)
    bigger = plan(target={"kind": "aci", "memory_gb": 4})
    await bench.deployments.resume(run, bigger)
    assert (await bench.deployments.run(run)).plan == bigger


async def test_a_run_that_is_through_cannot_be_resumed(bench: Bench) -> None:
    run = await bench.start()
    done = [
        event
        for step in CLOUD_STEPS
        for event in (StepStarted(at=NOW, step=step), StepFinished(at=NOW, step=step))
    ]
    bench.write(run, BEGIN, *done, RunEnded(at=NOW, outcome=Outcome.HEALTHY))
    bench.processes.living.clear()
    with pytest.raises(AmltuiError) as caught:
        await bench.deployments.resume(run)
    assert "through" in caught.value.title


async def test_a_run_that_was_killed_to_cancel_it_is_cancelled(bench: Bench) -> None:
    run = await bench.start()
    bench.write(run, BEGIN, REGISTERING)
    await bench.deployments.cancel(run)
    assert (await bench.deployments.run(run)).state is RunState.CANCELLED
    assert (await bench.again().run(run)).state is RunState.CANCELLED
    await bench.deployments.resume(run)
    bench.processes.living.clear()
    assert (await bench.again().run(run)).state is RunState.BROKEN_OFF


async def test_leftovers_are_asked_for_and_removed_one_by_one(bench: Bench) -> None:
    run = await bench.start()
    bench.processes.answers["leftovers"] = [{"kind": "container", "name": "c1", "text": "it"}]
    left = await bench.deployments.leftovers(run)
    assert left == (Leftover("container", "c1", "it"),)
    await bench.deployments.remove_leftovers(run, left)
    assert bench.processes.asked[-1] == ("remove", "container", "c1")


async def test_the_last_twenty_are_kept_and_living_ones_always(bench: Bench) -> None:
    first = await bench.start()
    for number in range(25):
        bench.now = NOW + number + 1
        run = await bench.start()
        bench.processes.living.discard(run)
    kept = [summary.id for summary in await bench.deployments.runs()]
    assert len(kept) == 21
    assert kept[-1] == first  # still at work
    assert kept[0] == run


async def test_runs_that_went_well_push_out_none_that_failed(bench: Bench) -> None:
    failed = await bench.start()
    bench.write(failed, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    for number in range(25):
        bench.now = NOW + number + 1
        well = await bench.start()
        bench.write(well, BEGIN, *CHECKED, RunEnded(at=NOW, outcome=Outcome.HEALTHY))
        bench.processes.living.clear()
    kept = [summary.id for summary in await bench.deployments.runs()]
    assert failed in kept
    assert len(kept) == 22  # 20 that went well, the one that just did, and the one that failed


async def test_what_was_sent_is_not_edited_before_it_has_ended(bench: Bench) -> None:
    run = await bench.start()
    sent = Noted(at=NOW, step="submit", facts={"operation": "op-1"})
    bench.write(run, BEGIN, *CHECKED, sent)
    bench.processes.living.clear()
    with pytest.raises(AmltuiError) as caught:
        await bench.deployments.resume(run, plan(target={"kind": "aci", "memory_gb": 2}))
    assert caught.value.title == "churn is being deployed as the plan was"
    await bench.deployments.resume(run)  # as it was, it may go on


async def test_a_run_is_found_by_its_service_and_by_the_start_of_its_id(bench: Bench) -> None:
    older = await bench.start()
    bench.now = NOW + 60
    newer = await bench.start()
    assert (await bench.deployments.run("churn")).id == newer
    assert (await bench.deployments.run("20261121-0615")).id == older
    with pytest.raises(AmltuiError) as caught:
        await bench.deployments.run("nobody")
    assert caught.value.problem is Problem.NOT_FOUND


async def test_one_run_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    broken, good = await bench.start(), await bench.start()
    (bench.folder / broken / "run.json").write_text("{")
    assert [summary.id for summary in await bench.deployments.runs()] == [good]


async def test_read_only_changes_nothing(bench: Bench) -> None:
    run = await bench.start()
    deployments = bench.again(read_only=True)
    changes = (
        deployments.start(plan(), {}, Path("/srv")),
        deployments.cancel(run),
        deployments.resume(run),
        deployments.repeat(run, "check"),
        deployments.remove_leftovers(run, ()),
    )
    for change in changes:
        with pytest.raises(AmltuiError) as caught:
            await change
        assert caught.value.problem is Problem.REFUSED
    assert len(bench.processes.started) == 1
    assert (await deployments.run(run)).id == run
