"""Kill -9 of a run's process: what was sent is found again, and nothing is deployed twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
from collections.abc import Callable, Iterator

import pytest

from amltui.demo import launcher
from amltui.domain.run import Event, Noted, StepStarted
from amltui.domain.run_view import RunState
from amltui.workers.deployments import RunSummary

from .run_world import ACI, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=20) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


def noted(fact: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Noted) and bool(event.facts.get(fact))


def began(step: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StepStarted) and event.step == step


KNOWN = [{"registered": "churn-xgb"}]
MOMENTS: dict[str, Callable[[Event], bool]] = {
    "before anything": lambda _: True,
    "while it registers": began("register"),
    "after the intent to submit": noted("submitting"),
    "after it was submitted": noted("operation"),
}


def kill(world: World, run: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(world.pid(run), signal.SIGKILL)


async def killed(
    world: World, when: Callable[[Event], bool] | float, **changes: object
) -> tuple[str, RunSummary]:
    """A run that was killed at the moment, or after so many seconds."""
    run = await world.start(world.plan(ACI, **changes))
    if isinstance(when, float):
        await asyncio.sleep(when)
        kill(world, run)
    else:
        async for events in world.deployments.watch(run, sleep=lambda _: asyncio.sleep(0.002)):
            if any(when(event) for event in events):
                kill(world, run)
    world.processes.stop(world.runs_dir / run)
    return run, await world.deployments.run(run)


async def resumed(world: World, run: str, summary: RunSummary) -> RunSummary:
    if summary.state is RunState.SUBMITTED:  # it was faster
        return summary
    assert summary.state is RunState.BROKEN_OFF
    assert summary.view.resume_at
    await world.deployments.resume(run)
    return await world.finish(run)


async def test_a_killed_run_is_resumed_and_deploys_once(world: World) -> None:
    generator = random.Random(20261121)
    times = [generator.uniform(0.1, 2.0) for _ in range(3)]
    before = world.submissions()
    moments: list[Callable[[Event], bool] | float] = [*MOMENTS.values(), *times]
    short = {"options": {"wait": False}}
    broken = await asyncio.gather(
        killed(world, began("image"), models=KNOWN), *(killed(world, at, **short) for at in moments)
    )
    ended = await asyncio.gather(*(resumed(world, run, summary) for run, summary in broken))
    states = [run.state for run in ended]
    assert states == [RunState.HEALTHY, *[RunState.SUBMITTED] * len(moments)]
    assert world.submissions() == before + len(ended)
    for run in ended:
        models = [r for r in world.requests() if f"models/{run.name}:2" in r]
        assert not models  # nor was a model registered twice
        assert not (world.runs_dir / run.id / "tmp").exists()


async def test_what_changed_after_it_was_sent_is_said_and_not_sent_again(world: World) -> None:
    before = world.submissions()
    run, summary = await killed(world, began("image"))
    model = world.project / "model.json"
    model.write_text(f"{model.read_text()}\n")
    ended = await resumed(world, run, summary)
    assert ended.state is RunState.HEALTHY
    assert ended.view.facts["model.0"].endswith(":1")
    assert world.submissions() == before + 1
    journal = (world.runs_dir / run / "events.jsonl").read_text()
    assert "model.json. What was sent before goes on as it was." in journal


async def test_a_journal_that_was_torn_goes_on(world: World) -> None:
    run, summary = await killed(world, began("register"), options={"wait": False})
    journal = world.runs_dir / run / "events.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"event":"StepFini')
    ended = await resumed(world, run, summary)
    assert ended.state is RunState.SUBMITTED


async def test_a_stranger_with_the_same_number_is_not_the_run(world: World) -> None:
    run, _ = await killed(world, began("check"))
    told = world.runs_dir / run / "process.json"
    known = json.loads(told.read_text())
    told.write_text(json.dumps({**known, "pid": os.getpid()}))
    assert (await world.deployments.run(run)).state is RunState.BROKEN_OFF
    await world.deployments.cancel(run)  # must not end us


async def test_the_end_of_who_started_it_is_nothing_to_a_run(world: World) -> None:
    """Signals that a terminal sends at its end leave it alone."""
    run = await world.start(world.plan(ACI, models=KNOWN, options={"wait": False}))
    for sent in (signal.SIGHUP, signal.SIGINT):
        async for events in world.deployments.watch(run):
            if any(isinstance(event, StepStarted) for event in events):
                os.killpg(world.pid(run), sent)
                break
    assert (await world.finish(run)).state is RunState.SUBMITTED
