"""What mends a failed service: offered, shown as a change, and only then done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from amltui.adapters.files.drafts import PlanFiles
from amltui.app import Console
from amltui.domain.errors import AmltuiError
from amltui.domain.models import (
    Can,
    Container,
    Failure,
    Kind,
    Ref,
    Resources,
    Scale,
    Service,
    State,
)
from amltui.domain.plan import Plan
from amltui.domain.plan_parts import Environment, Inference
from amltui.domain.plan_targets import AciTarget, AksTarget, LocalTarget, Target
from amltui.panes.container_shell import ContainerShell
from amltui.panes.report import ReportDialog
from amltui.widgets.dialogs import ChoiceDialog, ConfirmDialog, ErrorDialog
from amltui.widgets.path_dialog import PathDialog
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.deployments import Deployments
from amltui.workers.planning import Planning
from tests.golden import screen_text

from .containers_world import ROWS, MemoryTools
from .world import NO_ENGINE, MemoryEngine, MemoryWorkspace, World, cloud, running, until


def failed(code: str, message: str, **fields: Any) -> Service:
    about = {
        "kind": Kind.AKS, "state": State.FAILED, "raw_state": "Failed",
        "can": Can.LOGS | Can.UPDATE, "resources": Resources(cpu=1, memory_gb=2),
        "scale": Scale(autoscale=True, min_replicas=1, max_replicas=10),
        "failure": Failure("DeploymentFailed", "failed", details=(Failure(code, message),)),
    }  # fmt: skip
    return cloud("fraud", **{**about, **fields})


KILLED = failed("OOMKilled", "Container was OOMKilled, exitCode: 137")
REGISTRY = failed(
    "InaccessibleImage",
    "The image 'ws.azurecr.io/azureml' in container group 'fraud' is not accessible. "
    "Please check the image and registry credential.",
    kind=Kind.ACI,
)
BUSY = failed("ServiceOverloaded", "Too many requests for service fraud (overloaded)")


def world(service: Service, **fields: Any) -> World:
    return World(MemoryWorkspace((service,)), **fields)


def said(app: Console) -> str:
    return " ".join(f"{n.title} {n.message}" for n in app._notifications)


async def test_more_memory_is_reviewed_and_then_sent() -> None:
    given = world(KILLED)
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        assert "memory_gb: 2 → 4" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the review")
        assert not given.workspace.updated
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(given.workspace.updated), "the update")
        assert given.workspace.updated[0][1].settings["memory_gb"] == 4


async def test_what_can_only_be_done_elsewhere_is_read() -> None:
    given = world(REGISTRY)
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReportDialog), "the text")
        assert "--admin-enabled true" in screen_text(app)
        assert not given.workspace.updated


async def test_read_only_mode_offers_nothing_that_changes() -> None:
    given = world(KILLED, settings=replace(World().settings, read_only=True))
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the advice")
        shown = screen_text(app)
        assert "Read: The container" in shown
        assert "memory_gb: 2" not in shown


async def test_a_healthy_service_has_nothing_to_mend() -> None:
    async with running(world(cloud("fraud"))) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: "No failure is recognised" in said(app), "a word")


async def test_for_too_many_requests_the_calculator_is_offered() -> None:
    async with running(world(BUSY)) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        assert "replica calculator" in screen_text(app)


MISSING = failed(
    "CrashLoopBackOff",
    "Error in entry script, ModuleNotFoundError: No module named 'sklearn', "
    "please run print(service.get_logs()) to get details.",
)
CONDA = "dependencies:\n  - python=3.10\n  - pip\n  - pip:\n      - azureml-defaults==1.61.0\n"


class Deployed:
    """The runs of this user: one, of the service's plan."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._run = SimpleNamespace(name=plan.name, plan=plan, folder=str(folder))

    async def runs(self) -> tuple[SimpleNamespace, ...]:
        return (self._run,)


def deployed(service: Service, target: Target, folder: Path) -> World:
    """A world whose service was deployed from a plan in a folder."""
    (folder / "env.yml").write_text(CONDA, encoding="utf-8")
    inference = Inference(entry_script="score.py", environment=Environment(conda_file="env.yml"))
    plan = Plan(name=service.name, inference=inference, target=target)

    class Planned(World):
        def console(self) -> Console:
            app = super().console()
            planning = Planning(PlanFiles(folder / "drafts"), self.clock, str(folder))
            runs = cast(Deployments, Deployed(plan, folder))
            app.launch = replace(app.launch, planning=lambda: planning, deployments=lambda: runs)
            return app

    return Planned(MemoryWorkspace((service,)))


async def take_first_offer(app: Console, pilot: Pilot[int], words: str) -> None:
    """F, and the first of what is offered."""
    await pilot.press("F")
    await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
    assert words in screen_text(app)
    await pilot.press("enter")


async def name_the_file(app: Console, pilot: Pilot[int]) -> None:
    """Answer which conda file is meant."""
    await until(pilot, lambda: isinstance(app.screen, PathDialog), "the question")
    app.screen.query_one(Input).value = "env.yml"
    await pilot.press("enter")


async def agree_to_the_difference(app: Console, pilot: Pilot[int], folder: Path) -> None:
    """The difference is shown before the file is written."""
    await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the difference")
    assert "+      - scikit-learn" in screen_text(app)
    assert (folder / "env.yml").read_text() == CONDA
    await pilot.press("tab", "enter")
    await until(pilot, lambda: "is changed" in said(app), "a word")


async def test_a_missing_package_is_written_to_the_plans_conda_file(tmp_path: Path) -> None:
    given = deployed(MISSING, AksTarget(cluster="aks"), tmp_path)
    async with running(given) as (app, pilot):
        await take_first_offer(app, pilot, "Add scikit-learn")
        await agree_to_the_difference(app, pilot, tmp_path)
    assert (tmp_path / "env.yml").read_text() == CONDA + "      - scikit-learn\n"


async def test_without_a_plan_a_conda_file_of_ones_own_is_changed(tmp_path: Path) -> None:
    given = deployed(cloud("other"), AksTarget(cluster="aks"), tmp_path)
    given.workspace.rows = (MISSING,)
    async with running(given) as (app, pilot):
        await take_first_offer(app, pilot, "Ask pip for scikit-learn")
        await name_the_file(app, pilot)
        await agree_to_the_difference(app, pilot, tmp_path)
        assert (tmp_path / "env.yml").read_text() == CONDA + "      - scikit-learn\n"
        await take_first_offer(app, pilot, "Ask pip for scikit-learn")
        await name_the_file(app, pilot)
        await until(pilot, lambda: "already" in said(app), "that it is there")


RAISED = failed(
    "CrashLoopBackOff",
    "Exception on /score [POST]\nTraceback (most recent call last):\n"
    '  File "/var/azureml-server/synchronous/routes.py", line 30, in run_scoring\n'
    "  File \"/var/azureml-app/score.py\", line 12, in run\nKeyError: 'data'",
)
SCRIPT = "def init(): ...\n\n\ndef run(data):\n    return data['data']  # rows\n"


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        (Kind.AKS, AksTarget(cluster="aks"), "next deployment"),
        (Kind.LOCAL, LocalTarget(), "R in Services"),
    ],
)
async def test_run_is_made_to_return_its_errors(
    kind: Kind, target: Target, told: str, tmp_path: Path
) -> None:
    can = Can.LOGS | (Can.RELOAD if kind is Kind.LOCAL else Can.UPDATE)
    given = deployed(replace(RAISED, kind=kind, can=can), target, tmp_path)
    script = tmp_path / "score.py"
    script.write_bytes(SCRIPT.replace("\n", "\r\n").encode())
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        await pilot.press(*"return", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the difference")
        shown = screen_text(app)
        assert "Only while you debug" in shown
        assert "+    except Exception as e:" in shown
        assert script.read_bytes().decode() == SCRIPT.replace("\n", "\r\n")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "is changed" in said(app), "a word")
        assert told in said(app)
    assert script.read_bytes().decode() == (
        "def init(): ...\r\n\r\n\r\ndef run(data):\r\n    try:\r\n"
        "        return data['data']  # rows\r\n"
        '    except Exception as e:\r\n        return {"error": str(e)}\r\n'
    )


@pytest.mark.parametrize(
    ("left", "error", "told"),
    [(ROWS, None, ""), ((), None, "container is gone"), (ROWS, NO_ENGINE, "No engine")],
)
async def test_a_shell_is_opened_where_the_failure_was_seen(
    left: tuple[Container, ...],
    error: AmltuiError | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []

    async def note(self: ContainerShell, container: str, name: str) -> None:
        opened.append(name)

    monkeypatch.setattr(ContainerShell, "shell_in", note)
    ref = Ref("docker", "debug")
    here = replace(KILLED, ref=ref, name="debug", kind=Kind.LOCAL, container_id="debug")
    given = World(engine=MemoryEngine(left, local=(here,)), tools=MemoryTools())
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        given.engine.error = error
        await pilot.press(*"shell", "enter")
        if not told:
            await until(pilot, lambda: opened == ["debug"], "the shell")
            assert app.screen.query_one(ResourceTable).highlighted == "debug"
        else:
            await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the news")
            assert told in screen_text(app)
        assert app.current_mode == "containers"


async def test_what_a_living_service_cannot_change_goes_on_as_a_plan(tmp_path: Path) -> None:
    """ACI has no update of its memory: the plan is opened with it, and nothing is sent."""
    killed = replace(KILLED, kind=Kind.ACI)
    given = deployed(killed, AciTarget(memory_gb=2.0), tmp_path)
    async with running(given) as (app, pilot):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offers")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the change")
        shown = screen_text(app)
        assert "memory_gb: 2 → 4" in shown
        assert "overwrite: false → true" in shown
        assert not given.workspace.updated
        await pilot.press("escape")
        assert not isinstance(app.screen, ConfirmDialog)
