"""Runs to ACI and AKS: real processes, the real SDK, the demo workspace."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from amltui.demo import launcher
from amltui.domain.plan import Plan
from amltui.domain.run import Noted, RunStarted, StepLogged, StepStarted
from amltui.domain.run_view import RunState, StepState
from amltui.workers.deployments import Leftover, RunSummary

from .conftest import wait_for
from .run_world import ACI, AKS, World, name

KNOWN = [{"registered": "churn-xgb"}]
PACKAGES = "[python=3.11, pip, {pip: [azureml-defaults==1.61.0, does-not-exist==1.0]}]"
UNSOLVABLE = f"name: x\ndependencies: {PACKAGES}\n"
SECRET = "hunter2-not-a-real-secret"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=50) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


def _plans(world: World) -> dict[str, Plan]:
    unsolvable = world.project / "unsolvable.yml"
    unsolvable.write_text(UNSOLVABLE)
    inference = {"entry_script": "score.py", "source_directory": "."}
    key = {"auth_enabled": True, "primary_key_variable": "AMLTUI_RUNTEST_KEY"}
    large = [{"registered": "demand-forecast"}]
    return {
        "aci": world.plan({**ACI, **key}),
        "aks": world.plan(AKS),
        "no-wait": world.plan(ACI, options={"wait": False}),
        "crash": world.plan({**ACI, "memory_gb": 0.5}, models=large),
        "build": world.plan(
            ACI, inference={**inference, "environment": {"conda_file": "unsolvable.yml"}}
        ),
        "taken": world.plan(ACI, name="churn-predictor"),
        "check": world.plan(ACI, inference={**inference, "entry_script": "nowhere.py"}),
        "environment": world.plan(
            ACI, models=KNOWN, inference={**inference, "environment": {"registered": "nobodys"}}
        ),
        "cluster": world.plan({**AKS, "cluster": "aks-of-nobody"}),
        "trained": world.plan(ACI, models=[output()], options={"wait": False}),
        "unwritten": world.plan(ACI, models=[output(path="outputs/model.pkl")]),
        "untrained": world.plan(ACI, models=[output(run="nobody_1")]),
    }


def output(run: str = "wine_1763600000_a1", path: str = "outputs/model.json") -> dict[str, str]:
    """A model from the outputs of a run of the demo."""
    return {"run": run, "path": path, "name": name()}


@dataclass
class Ended:
    """What came of the scenarios, which all run at the same time: each waits most of its time."""

    runs: dict[str, RunSummary]
    mended: tuple[RunSummary, RunSummary, list[str]]
    repeated: tuple[RunSummary, RunSummary, RunSummary]
    changed: tuple[RunSummary, RunSummary, list[str]]
    cancelled: tuple[RunSummary, tuple[Leftover, ...]]
    lost: RunSummary
    unanswered: RunSummary

    def __getitem__(self, kind: str) -> RunSummary:
        return self.runs[kind]


@pytest.fixture(scope="module")
def ended(world: World) -> Ended:
    os.environ["AMLTUI_RUNTEST_KEY"] = SECRET
    plans = _plans(world)

    async def run(plan: Plan) -> RunSummary:
        return await world.finish(await world.start(plan))

    async def run_all() -> Ended:
        each = asyncio.gather(*(run(plan) for plan in plans.values()))
        mended, repeated = (
            asyncio.create_task(_mended(world)),
            asyncio.create_task(_repeated(world)),
        )
        changed = asyncio.create_task(_changed(world))
        cancelled, lost = asyncio.create_task(_cancelled(world)), asyncio.create_task(_lost(world))
        unanswered = await _unanswered(world)
        return Ended(
            dict(zip(plans, await each, strict=True)),
            await mended,
            await repeated,
            await changed,
            await cancelled,
            await lost,
            unanswered,
        )

    try:
        return asyncio.run(run_all())
    finally:
        del os.environ["AMLTUI_RUNTEST_KEY"]
        world.control("DELETE", "faults")


async def _mended(world: World) -> tuple[RunSummary, RunSummary, list[str]]:
    """No room on the cluster; then the plan is edited and the run goes on."""
    plan = world.plan({**AKS, "gpu_cores": 1}, models=KNOWN)
    run = await world.start(plan)
    failed = await world.finish(run)
    mended = {**plan.to_dict(), "target": AKS, "models": [{"registered": "address-parser"}]}
    await world.deployments.resume(run, Plan.from_dict(mended))
    events = await world.events(run)
    last = max(i for i, event in enumerate(events) if isinstance(event, RunStarted))
    again = [event.step for event in events[last:] if isinstance(event, StepStarted)]
    return failed, await world.deployments.run(run), again


async def _repeated(world: World) -> tuple[RunSummary, RunSummary, RunSummary]:
    """A step that fails is repeated alone, then the others are done."""
    plan = world.plan(ACI, options={"wait": False})
    world.control("POST", "faults", [refuse(f"/models\\?.*{plan.name}")])
    run = await world.start(plan)
    failed = await world.finish(run)
    await world.deployments.repeat(run, "register")
    stopped = await world.finish(run)
    await world.deployments.resume(run)
    return failed, stopped, await world.finish(run)


async def _changed(world: World) -> tuple[RunSummary, RunSummary, list[str]]:
    """An image cannot be built; then the model and the conda file change, and that is repeated."""
    project = world.folder / "changed"
    shutil.copytree(world.project, project, ignore=shutil.ignore_patterns("unsolvable.yml"))
    conda = project / "conda.yml"
    good = conda.read_text()
    conda.write_text(UNSOLVABLE)
    run = await world.start(world.plan(ACI), project)
    failed = await world.finish(run)
    conda.write_text(good)
    (project / "model.json").write_text('{"intercept": 1, "coefficients": []}')
    await world.deployments.repeat(run, "image")
    events = await world.events(run)
    last = max(i for i, event in enumerate(events) if isinstance(event, RunStarted))
    told = [event.text for event in events[last:] if isinstance(event, StepLogged)]
    await world.deployments.resume(run)
    return failed, await world.finish(run), told


def refuse(path: str) -> dict[str, object]:
    return {"path": path, "kind": "status", "status": 403, "count": 1}


async def _cancelled(world: World) -> tuple[RunSummary, tuple[Leftover, ...]]:
    """Cancelled while it is watched; what is left is offered and removed."""
    run = await world.start(world.plan(ACI, models=KNOWN))
    async for events in world.deployments.watch(run):
        if any(isinstance(event, StepStarted) and event.step == "image" for event in events):
            await world.deployments.cancel(run)
    left = await world.deployments.leftovers(run)
    await world.deployments.remove_leftovers(run, left)
    return await world.deployments.run(run), left


async def _lost(world: World) -> RunSummary:
    """The line is cut while the operation is watched."""
    run = await world.start(world.plan(ACI, models=KNOWN))
    async for events in world.deployments.watch(run):
        for event in events:
            if isinstance(event, Noted) and event.facts.get("operation"):
                path = f"/operations/{event.facts['operation']}"
                world.control("POST", "faults", [{"path": path, "kind": "drop", "count": 1}])
    return await world.deployments.run(run)


async def _unanswered(world: World) -> RunSummary:
    """The service is made, but reading it right after, as the SDK does, does not work."""
    plan = world.plan(ACI, models=KNOWN, options={"wait": False})
    fault = {"path": f"/services/{plan.name}\\?", "kind": "drop", "method": "GET", "count": 4}
    world.control("POST", "faults", [fault])
    run = await world.finish(await world.start(plan))
    if run.state is RunState.FAILED:
        await world.deployments.resume(run.id)
        run = await world.finish(run.id)
    return run


def states(run: RunSummary) -> dict[str, StepState]:
    return {step.step: step.state for step in run.view.steps}


@pytest.mark.parametrize("kind", ["aci", "aks"])
def test_a_deployment_becomes_healthy(ended: Ended, kind: str) -> None:
    run = ended[kind]
    assert run.view.error is None
    assert run.state is RunState.HEALTHY
    assert {StepState.DONE, StepState.REUSED} >= set(states(run).values())
    assert run.view.facts["scoring_uri"].endswith(f"/{run.name}/score")
    assert run.view.resume_at == ""


def test_without_waiting_it_ends_once_it_is_submitted(ended: Ended) -> None:
    run = ended["no-wait"]
    assert run.state is RunState.SUBMITTED
    assert states(run)["submit"] is StepState.DONE
    assert states(run)["image"] is StepState.WAITING


def test_no_room_on_the_cluster_is_told_as_such(ended: Ended) -> None:
    run, _, _ = ended.mended
    assert run.state is RunState.FAILED
    assert run.view.failed_step == "start"
    assert run.view.error is not None
    assert "Insufficient nvidia.com/gpu" in run.view.error.message
    assert run.view.failure is not None


def test_a_crash_is_told_with_the_container_log(world: World, ended: Ended) -> None:
    run = ended["crash"]
    assert run.view.failed_step == "start"
    assert run.view.error is not None
    assert "CrashLoopBackOff" in run.view.error.message
    (log,) = run.view.logs
    kept = (world.runs_dir / run.id / log.file).read_text()
    assert "Booting worker with pid" in kept


def test_a_failing_image_build_is_told_with_its_log(world: World, ended: Ended) -> None:
    run = ended["build"]
    assert run.view.failed_step == "image"
    assert run.view.error is not None
    assert run.view.error.title.startswith("The image could not be built")
    (log,) = run.view.logs
    assert log.title == "Image build log"
    assert "does-not-exist" in (world.runs_dir / run.id / log.file).read_text()


def test_a_name_that_is_taken_costs_nothing(ended: Ended) -> None:
    run = ended["taken"]
    assert run.view.failed_step == "submit"
    assert run.view.error is not None
    assert run.view.error.title == "There is a service named churn-predictor already."
    assert "submitting" not in run.view.facts


def test_what_the_service_refuses_is_told_in_its_words(ended: Ended) -> None:
    error = ended["cluster"].view.error
    assert error is not None
    assert error.message == "ComputeNotFound: Compute target 'aks-of-nobody' was not found."


def test_an_environment_that_is_not_there_is_told(ended: Ended) -> None:
    run = ended["environment"]
    assert run.view.failed_step == "environment"
    assert run.view.error is not None
    assert run.view.error.title == "The workspace has no environment nobodys."


def test_an_output_of_a_run_is_registered_and_deployed(ended: Ended) -> None:
    run = ended["trained"]
    assert run.state is RunState.SUBMITTED, run.view.error
    assert run.view.facts["model.0"] == f"{run.plan.models[0].name}:1"


def test_a_run_or_output_that_is_not_there_is_told(ended: Ended) -> None:
    output, run = ended["unwritten"].view.error, ended["untrained"].view.error
    assert output is not None
    assert run is not None
    assert output.title == "The run wine_1763600000_a1 has no output outputs/model.pkl."
    assert output.message == "It has written outputs/model.json."
    assert run.title == "The workspace has no run nobody_1."


async def test_a_sign_in_that_needs_a_person_is_told_at_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where no sign-in is kept
    connection = {**world.connection, "auth": "interactive"}
    run = await world.deployments.start(world.plan(ACI), connection, world.project)
    ended = await world.finish(run)
    assert ended.view.failed_step == "check"
    assert ended.view.error is not None
    assert ended.view.error.title == "Not signed in"
    assert "The console shows a code" in ended.view.error.hint


async def test_runs_of_a_demo_that_ends_are_cancelled_and_say_why(world: World) -> None:
    run = await world.start(world.plan(ACI, models=KNOWN))
    wait_for(lambda: (world.runs_dir / run / "events.jsonl").exists())
    ended = world.deployments.end_with(world.server.url, "The demo was left.")
    assert (await world.deployments.run(run)).name in ended
    assert world.deployments.end_with(world.server.url, "") == ()
    summary = await world.deployments.run(run)
    assert summary.state is RunState.CANCELLED
    assert summary.view.current is not None
    assert "The demo was left." in (world.runs_dir / run / "events.jsonl").read_text()
    assert summary.view.resume_at  # it is still there


def test_a_demo_that_has_ended_is_known_by_its_address_and_certificates(world: World) -> None:
    server, ended = world.server, world.processes.demo_ended
    assert not ended(server.url, server.ca_bundle)
    assert ended(server.url, "/nowhere/ca.pem")  # its port is another demo's by now
    with launcher.start() as other:
        bundle = Path(other.ca_bundle)
        kept = bundle.read_bytes()
    bundle.parent.mkdir()
    bundle.write_bytes(kept)  # as if it had been killed
    assert ended(other.url, other.ca_bundle)
    shutil.rmtree(bundle.parent)


def test_a_plan_that_cannot_work_sends_nothing(ended: Ended) -> None:
    run = ended["check"]
    assert run.view.failed_step == "check"
    assert run.view.error is not None
    assert "nowhere.py does not exist" in run.view.error.title


def test_each_was_submitted_once_at_most(world: World, ended: Ended) -> None:
    unsent = ("check", "taken", "environment", "unwritten", "untrained")
    sent = [kind for kind in ended.runs if kind not in unsent]
    # And once each: repeated, cancelled, lost, unanswered; twice those that were mended.
    assert world.submissions() == len(sent) + 4 + 2 * 2


def test_the_progress_text_belongs_to_its_steps(world: World, ended: Ended) -> None:
    lines = (world.runs_dir / ended["aci"].id / "events.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    words = [(e["step"], e["text"]) for e in told if e["event"] == "StepLogged"]
    assert ("image", "Building image..") in words or ("image", "Use the existing image.") in words
    assert ("start", "Submitting deployment to compute.") in words


def test_nothing_secret_and_nothing_open_is_on_the_disk(world: World, ended: Ended) -> None:
    files = [path for path in world.runs_dir.rglob("*") if path.is_file()]
    assert len(files) > len(ended.runs)
    for path in files:
        assert SECRET not in path.read_text(errors="replace"), path
        assert "sig=" not in path.read_text(errors="replace"), path
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    folders = [world.runs_dir, *(path for path in world.runs_dir.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert not list(world.runs_dir.glob("*/tmp"))


def test_the_environment_of_the_plan_came_along(world: World, ended: Ended) -> None:
    assert SECRET not in json.dumps(world.control("GET", "requests"))
    assert ended["aci"].view.facts["model.0"] == f"{ended['aci'].name}:1"


async def test_the_same_model_is_not_registered_twice(
    world: World, ended: dict[str, RunSummary]
) -> None:
    same = ended["aci"].name
    model = {"file": "model.json", "name": same}
    again = world.plan(ACI, models=[model], options={"wait": False})
    run = await world.finish(await world.start(again))
    assert run.view.facts["model.0"] == f"{same}:1"
    assert states(run)["register"] is StepState.REUSED


def test_an_edited_plan_goes_on_where_the_edit_matters(ended: Ended) -> None:
    failed, healed, again = ended.mended
    assert failed.view.failed_step == "start"
    assert again == ["register", "environment", "submit", "image", "start", "healthy"]
    assert healed.view.error is None
    assert healed.view.facts["model.0"] == "address-parser:2"
    assert healed.state is RunState.HEALTHY


def test_a_failed_step_is_repeated_alone_and_the_rest_resumed(ended: Ended) -> None:
    failed, stopped, done = ended.repeated
    assert failed.view.failed_step == "register"
    assert failed.view.error is not None
    assert "No permission" in failed.view.error.title
    assert stopped.state is RunState.STOPPED
    assert states(stopped)["register"] is StepState.DONE
    assert states(stopped)["submit"] is StepState.WAITING
    assert done.state is RunState.SUBMITTED


def test_what_was_made_of_files_that_changed_is_not_used_again(ended: Ended) -> None:
    failed, done, told = ended.changed
    assert failed.view.failed_step == "image"
    assert failed.view.facts["model.0"] == f"{failed.name}:1"
    changed = "Changed on disk: the folder of the plan, conda.yml, model.json."
    assert f"{changed} All begins again." in told
    assert f"{failed.name}:2 is registered" in told
    assert done.state is RunState.HEALTHY, done.view.error
    assert done.view.facts["model.0"] == f"{failed.name}:2"


def test_cancelling_offers_what_is_left(ended: Ended) -> None:
    run, (left,) = ended.cancelled
    assert run.state is RunState.CANCELLED
    assert (left.kind, left.name) == ("service", run.name)
    assert run.view.resume_at == "submit"  # what was removed is made again


async def test_two_processes_never_work_on_one_run(world: World) -> None:
    run = await world.start(world.plan(ACI, models=KNOWN))
    first = world.pid(run)
    async for events in world.deployments.watch(run):
        if any(isinstance(event, StepStarted) for event in events):
            break
    world.processes.start(world.runs_dir / run, "check", "healthy")
    crash = world.runs_dir / run / "process.log"
    await asyncio.to_thread(wait_for, lambda: "another process" in crash.read_text())
    os.kill(first, 0)  # it is still there
    os.killpg(first, signal.SIGKILL)


def test_a_lost_line_is_waited_for(world: World, ended: Ended) -> None:
    assert ended.lost.state is RunState.HEALTHY
    journal = (world.runs_dir / ended.lost.id / "events.jsonl").read_text()
    assert "the deployment goes on, asking again" in journal


def test_a_submission_whose_answer_is_lost_is_found_again(ended: Ended) -> None:
    assert ended.unanswered.state is RunState.SUBMITTED
    assert ended.unanswered.view.facts["operation"]


def test_output_is_told_apart_from_remarks(world: World, ended: Ended) -> None:
    async def read() -> list[StepLogged]:
        return [e for e in await world.events(ended["aci"].id) if isinstance(e, StepLogged)]

    logged = asyncio.run(read())
    service = name()
    assert service not in {event.text for event in logged}
    printed = {event.text for event in logged if event.output}
    assert f"Registering model {ended['aci'].name}" in printed


def test_the_folder_of_the_project_is_left_as_it_was(world: World) -> None:
    made = {"unsolvable.yml"}
    original = {path.name for path in Path(launcher.__file__).with_name("project").iterdir()}
    assert {path.name for path in world.project.iterdir()} - {"__pycache__"} <= original | made


async def test_the_build_log_is_fetched_when_somebody_asks(world: World, ended: Ended) -> None:
    run = ended["build"].id
    kept = world.runs_dir / run / ended["build"].view.logs[0].file
    kept.unlink()
    assert await world.deployments.fetch_build_log(run)
    assert "does-not-exist" in kept.read_text()
    assert not await world.deployments.fetch_build_log(ended["check"].id)
