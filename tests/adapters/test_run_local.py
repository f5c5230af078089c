"""Runs into the local engine: a real build, a real container."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.azureml.local_tools import LocalTools
from amltui.adapters.docker import janitor
from amltui.demo import launcher
from amltui.domain.errors import AmltuiError
from amltui.domain.run import StepLogged, StepStarted
from amltui.domain.run_view import RunState, StepState
from amltui.workers.deployments import Leftover, RunSummary

from .conftest import wait_for
from .run_world import LOCAL, PREFIX, World

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, client: Any) -> Iterator[World]:
    with launcher.start(speed=50) as server:
        world = World(server, tmp_path_factory.mktemp("world"))
        yield world
        for name in ("healthy", "crashing"):
            for container in mine(client, f"{PREFIX}-{name}"):
                container.remove(force=True, v=True)
        janitor.remove(server.url.removeprefix("http://"))


def mine(client: Any, service: str) -> list[Any]:
    found: list[Any] = client.containers.list(
        all=True, filters={"label": f"containerName={service}"}
    )
    return found


@dataclass
class Ended:
    """Two runs at the same time, for each waits most of its time."""

    broken: RunSummary
    healthy: RunSummary
    crashed: RunSummary
    crash_log: str
    left: tuple[Leftover, ...]
    mended: RunSummary


@pytest.fixture(scope="module")
def ended(world: World) -> Ended:
    async def run_both() -> Ended:
        first, second = await asyncio.gather(_killed_in_the_build(world), _crashing(world))
        crashed, log, left, mended = second
        return Ended(*first, crashed, log, left, mended)

    return asyncio.run(run_both())


@pytest.fixture(scope="module")
def deployed(ended: Ended) -> RunSummary:
    return ended.healthy


async def _killed_in_the_build(world: World) -> tuple[RunSummary, RunSummary]:
    run = await world.start(world.plan(LOCAL, name=f"{PREFIX}-healthy"))
    async for events in world.deployments.watch(run):
        if any(isinstance(e, StepStarted) and e.step == "build" for e in events):
            os.killpg(world.pid(run), signal.SIGKILL)
    broken = await world.deployments.run(run)
    await world.deployments.resume(run)
    return broken, await world.finish(run, 120)


async def _crashing(world: World) -> tuple[RunSummary, str, tuple[Leftover, ...], RunSummary]:
    """An entry script that raises; then it is mended and the step repeated."""
    project = world.folder / "crashing"
    shutil.copytree(world.project, project)
    script = project / "score.py"
    good = script.read_text()
    script.write_text(good + "\n\ndef init():\n    raise ValueError('no such table: patients')\n")
    plan = world.plan(LOCAL, name=f"{PREFIX}-crashing")
    crashed = await world.finish(await world.start(plan, project), 120)
    log = "".join(
        (world.runs_dir / crashed.id / kept.file).read_text() for kept in crashed.view.logs
    )
    left = await world.deployments.leftovers(crashed.id)
    script.write_text(good)
    await world.deployments.repeat(crashed.id, "healthy")
    return crashed, log, left, await world.finish(crashed.id, 120)


def test_it_ends_in_a_container_that_scores(
    world: World, deployed: RunSummary, client: Any
) -> None:
    assert deployed.view.error is None
    assert deployed.state is RunState.HEALTHY
    (container,) = mine(client, deployed.name)
    assert container.id == deployed.view.facts["container"]
    body = (world.project / "sample-request.json").read_bytes()
    request = urllib.request.Request(deployed.view.facts["scoring_uri"], data=body)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert len(json.load(answer)["predictions"]) == 2


async def test_its_output_belongs_to_its_steps(world: World, deployed: RunSummary) -> None:
    events = await world.events(deployed.id)
    printed = [(e.step, e.text) for e in events if isinstance(e, StepLogged) and e.output]
    assert ("context", "Generating Docker build context.") in printed
    assert [step for step, text in printed if text.startswith("Successfully built")] == ["build"]
    assert ("start", "Docker container running.") in printed


def test_a_build_that_was_killed_begins_with_its_context(ended: Ended) -> None:
    assert ended.broken.state is RunState.BROKEN_OFF
    assert ended.broken.view.resume_at == "context"


def test_no_build_container_is_left(deployed: RunSummary, client: Any, world: World) -> None:
    owner = world.server.url.removeprefix("http://")
    containers = client.containers.list(all=True, filters={"label": f"amltui.demo={owner}"})
    services = {container.labels.get("amlServiceName") for container in containers}
    assert services <= {deployed.name, f"{PREFIX}-crashing"}


async def test_resumed_after_its_container_had_started(
    world: World, deployed: RunSummary, client: Any
) -> None:
    """Killed between the start and the note of it: found, not started twice."""
    journal = world.runs_dir / deployed.id / "events.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    started = [
        at for at, line in enumerate(lines) if '"starting":"yes"' in line and "Noted" in line
    ]
    journal.write_text("".join(lines[: started[-1] + 1]))
    before = mine(client, deployed.name)[0].id
    fresh = World(world.server, world.folder)  # as after the console was started again
    await fresh.deployments.resume(deployed.id)
    again = await fresh.finish(deployed.id)
    assert again.state is RunState.HEALTHY
    assert again.view.step("build").state is StepState.REUSED
    assert [container.id for container in mine(client, deployed.name)] == [before]


def test_a_changed_script_is_reloaded_into_its_container(
    world: World, deployed: RunSummary, client: Any, tmp_path: Path
) -> None:
    project = tmp_path / world.project.name
    shutil.copytree(world.project, project)
    script = "def init():\n    pass\n\ndef run(data):\n    return 'reloaded'\n"
    (project / "score.py").write_text(script)
    (container,) = mine(client, deployed.name)
    tools = LocalTools(lambda: None)
    with pytest.raises(AmltuiError, match="not this service's source"):
        tools.reload(container.id, tmp_path)
    before = tools.stamp(project)
    tools.reload(container.id, project)
    assert tools.stamp(project) == before
    (left,) = tools.leftovers(container.id)
    assert (left.kind, left.name) == ("image", f"{deployed.name}:latest")

    def answer() -> str:
        request = urllib.request.Request(deployed.view.facts["scoring_uri"], data=b"{}")
        request.add_header("Content-Type", "application/json")
        with suppress(OSError), urllib.request.urlopen(request, timeout=5) as reply:
            return str(json.load(reply))
        return ""

    wait_for(lambda: answer() == "reloaded", 30)
    assert [one.id for one in mine(client, deployed.name)] == [container.id]


async def test_a_name_that_is_taken_is_refused_at_once(world: World, deployed: RunSummary) -> None:
    run = await world.finish(await world.start(world.plan(LOCAL, name=deployed.name)))
    assert run.view.failed_step == "check"
    assert run.view.error is not None
    assert "already" in run.view.error.title


async def test_a_crash_is_told_and_mended(world: World, client: Any, ended: Ended) -> None:
    crashed, mended = ended.crashed, ended.mended
    assert crashed.view.failed_step == "healthy"
    assert crashed.view.error is not None
    assert crashed.view.error.message.startswith("ValueError: no such table: patients")
    assert "Traceback" in ended.crash_log
    assert [one.kind for one in ended.left] == ["container", "image"]
    assert mended.view.error is None
    assert [step.state for step in mended.view.steps][-1] is StepState.DONE
    assert len(mine(client, mended.name)) == 1
    left = await world.deployments.leftovers(mended.id)
    await world.deployments.remove_leftovers(mended.id, left)
    assert mine(client, mended.name) == []
    assert await world.deployments.leftovers(mended.id) == ()
