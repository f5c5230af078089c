"""Runs against the SDK, and killed: `python -m tests.bench.runs [sdk|kills|consoles] [N]`.

`sdk` deploys the same plan with a script on the SDK and with a run, at the demo's own speed, and
prints the seconds from submission to "healthy" and the requests of both. `kills` kills N runs, and
the processes that watch them, at random moments and counts what was deployed. `consoles` does so
with N consoles that started a run, each stage of it in turn: killed, or their terminal hung up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amltui.demo import launcher
from amltui.domain.equivalent import python
from amltui.domain.plan import Plan
from amltui.domain.run import CLOUD_STEPS, StepFinished, StepStarted
from amltui.domain.run_view import RunState
from amltui.workers.deployments import Deployments
from tests.adapters.run_world import ACI, AKS, World
from tests.pty.dying_console import Round

SDK = """
import json, os, sys, time
sys.path.insert(0, {root!r})
from amltui.adapters.azureml import host
connection = json.loads(sys.argv[1])
host.prepare({{**connection, "home": sys.argv[2]}})
from amltui.adapters.azureml.auth import connect
from azureml.core import Workspace
Workspace.from_config = staticmethod(lambda: connect(connection, None))
script = open(sys.argv[3]).read()
before, after = script.split("service.wait_for_deployment")
exec(before)
begin = time.monotonic()
service.wait_for_deployment()
print("SECONDS", time.monotonic() - begin)
"""


def mms(world: World) -> list[str]:
    """What was asked of the workspace; a run's connection is the same as the script's."""
    asked = world.requests()
    world.control("DELETE", "requests")
    return asked


async def compare(target: dict[str, Any]) -> None:
    """The same twice by both, each in a fresh workspace: the second time the image is there."""
    model = {"file": "model.json", "name": "bench"}
    told = []
    for by in (by_run, by_sdk):
        with launcher.start() as server, tempfile.TemporaryDirectory() as folder:
            world = World(server, Path(folder))
            for _ in range(2):
                mms(world)
                seconds = await by(world, world.plan(target, models=[model]))
                told.append(f"{seconds:.2f} s, {len(mms(world))} requests")
    first, again, sdk_first, sdk_again = told
    print(f"{target['kind']}, image built:  run {first}; SDK {sdk_first}")
    print(f"{target['kind']}, image reused: run {again}; SDK {sdk_again}", flush=True)


async def by_run(world: World, plan: Plan) -> float:
    """Seconds from the submission to healthy, by a run."""
    events = await world.events(await world.start(plan))
    finished = {e.step: e.at for e in events if isinstance(e, StepFinished)}
    return finished["healthy"] - finished["submit"]


async def by_sdk(world: World, plan: Plan) -> float:
    """Seconds of wait_for_deployment, by the plan's equivalent Python."""
    script = world.folder / "script.py"
    script.write_text(python(plan))
    code = SDK.format(root=str(Path(__file__).parents[2]))
    command = [sys.executable, "-c", code, json.dumps(world.connection)]
    process = await asyncio.create_subprocess_exec(
        *command,
        str(world.folder),
        str(script),
        cwd=world.project,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    said = [line for line in printed.splitlines() if line.startswith(b"SECONDS")]
    assert said, printed
    return float(said[-1].split()[1])


WATCH = """
import asyncio, sys, time
from pathlib import Path
from amltui.adapters.runs import RunProcesses
from amltui.workers.deployments import Deployments
async def watch():
    async for _ in Deployments(Path(sys.argv[1]), RunProcesses(), time.time).watch(sys.argv[2]):
        pass
asyncio.run(watch())
"""


async def kill_one(world: World, when: float, watcher_when: float, gate: asyncio.Semaphore) -> str:
    """Kill a run and its watcher at these moments, then resume it until it is through."""
    async with gate:
        run = await world.start(world.plan(ACI))
        watcher = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WATCH, str(world.runs_dir), run
        )

        async def later(seconds: float, pid: int) -> None:
            await asyncio.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        await asyncio.gather(
            later(when, world.pid(run)), later(watcher_when, watcher.pid), asyncio.sleep(when)
        )
        await watcher.wait()
        world.processes.stop(world.runs_dir / run)
        again = Deployments(world.runs_dir, world.processes, time.time)
        broken = await again.run(run)
        step = broken.view.current.step if broken.view.current else "none"
        assert broken.state in (RunState.BROKEN_OFF, RunState.HEALTHY), broken
        if broken.state is RunState.BROKEN_OFF:
            await again.resume(run)
        healed = await world.finish(run)
        assert healed.state is RunState.HEALTHY, healed.view
        return step


async def kills(count: int) -> None:
    """Kill `count` runs; what is deployed is counted by the server."""
    generator = random.Random()
    with launcher.start(speed=10) as server, tempfile.TemporaryDirectory() as folder:
        world = World(server, Path(folder))
        gate = asyncio.Semaphore(6)
        begin = time.monotonic()
        # Half of them in the first two seconds, in which a run does most.
        ends = [2.0 if number % 2 else 6.5 for number in range(count)]
        moments = [(generator.uniform(0.0, end), generator.uniform(0.0, end)) for end in ends]
        steps = await asyncio.gather(*(kill_one(world, *moment, gate) for moment in moments))
        counted = {step: steps.count(step) for step in dict.fromkeys(steps)}
        print(f"{count} runs killed while at {counted}, in {time.monotonic() - begin:.0f} s")
        print(f"{world.submissions()} deployments were submitted")
        assert world.submissions() == count


STARTING = "starting"  # the console, before there is a run
STAGES = (STARTING, *CLOUD_STEPS)
ENVIRONMENT = "AzureML-minimal-ubuntu20.04-py38-cpu-inference"  # one that has to be fetched
# Each stage lasts long enough to be hit; what Azure does is slowed down by `speed`.
SLOW = [
    {"path": path, "method": method, "kind": "latency", "seconds": 1.0}
    for path, method in (
        (r"^/subscriptions/.*/workspaces/[^/]+\?", "GET"),
        (r"/models\?", "GET"),
        ("/environment/", "GET"),
        (r"/services(\?|$)", "POST"),
        (r"/services/[^/]+(\?|$)", "GET"),
    )
]


def slow_plan(world: World) -> Plan:
    """One whose steps all ask the workspace for something."""
    inference = {
        "entry_script": "score.py",
        "source_directory": ".",
        "environment": {"registered": ENVIRONMENT},
    }
    return world.plan(ACI, models=[{"registered": "churn-xgb"}], inference=inference)


async def stages(world: World) -> dict[str, float]:
    """The seconds that each step of such a run lasts."""
    events = await world.events(await world.start(slow_plan(world)))
    began = {event.step: event.at for event in events if isinstance(event, StepStarted)}
    assert tuple(began) == CLOUD_STEPS, events
    return {e.step: e.at - began[e.step] for e in events if isinstance(e, StepFinished)}


@dataclass(frozen=True)
class Ended:
    """What became of a run whose console was ended: `at` is where it was then."""

    at: str
    began: bool
    healthy: bool
    resumed: bool


def end_one(world: World, folder: Path, stage: str, how: signal.Signals, when: float) -> Ended:
    """End a console so long after a stage has begun, and see its run through."""
    one = Round(world, slow_plan(world), folder)
    if stage == STARTING:
        one.die(how, lambda _: None, when)
    else:
        reached = lambda t: t.wait_until(lambda: one.reached(stage), stage, 60)  # noqa: E731
        one.die(how, reached, when)
    at = one.step()
    assert stage == STARTING or at == "through" or STAGES.index(at) >= STAGES.index(stage), at
    run = one.ended()
    if run is None:
        assert one.told() == []
        return Ended(at, began=False, healthy=False, resumed=False)
    (told,) = one.told()
    assert told["state"] == run.state.value, told
    if run.state is RunState.BROKEN_OFF:  # its console died between its folder and its process
        assert (stage, told["resume_at"]) == (STARTING, "check"), told
        return Ended(at, True, one.go_on().state is RunState.HEALTHY, resumed=True)
    return Ended(at, True, run.state is RunState.HEALTHY, resumed=False)


def consoles(count: int) -> None:
    """End `count` consoles, stage by stage; what is deployed is counted by the server."""
    generator, begin, wrong = random.Random(), time.monotonic(), 0
    with (
        launcher.start(speed=3) as server,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(3) as pool,
    ):
        world = World(server, Path(folder))
        world.control("POST", "faults", SLOW)
        lasts = {STARTING: 8.0, **asyncio.run(stages(world))}
        print("stage        lasts  kills  hit  began  healthy  resumed  submissions")
        for at, stage in enumerate(STAGES):
            before = world.submissions()
            rounds = [
                pool.submit(
                    end_one,
                    world,
                    Path(folder) / str(number),
                    stage,
                    (signal.SIGKILL, signal.SIGHUP)[number // len(STAGES) % 2],
                    generator.uniform(0.0, lasts[stage]),
                )
                for number in range(at, count, len(STAGES))
            ]
            ended = [one.result() for one in rounds]
            hit = sum(one.at in (stage, "before it began") for one in ended)
            began, healthy = sum(one.began for one in ended), sum(one.healthy for one in ended)
            resumed, sent = sum(one.resumed for one in ended), world.submissions() - before
            wrong += not began == healthy == sent
            print(
                f"{stage:11} {lasts[stage]:4.1f} s  {len(ended):5}  {hit:3}  {began:5}  {healthy:7}"
                f"  {resumed:7}  {sent:11}",
                flush=True,
            )
    print(f"{count} consoles ended in {time.monotonic() - begin:.0f} s")
    assert not wrong, "a run did not become healthy, or was not submitted once"


if __name__ == "__main__":
    if sys.argv[1:2] == ["kills"]:
        asyncio.run(kills(int(sys.argv[2]) if len(sys.argv) > 2 else 30))
    elif sys.argv[1:2] == ["consoles"]:
        consoles(int(sys.argv[2]) if len(sys.argv) > 2 else 30)
    else:
        asyncio.run(compare(ACI))
        asyncio.run(compare(AKS))
