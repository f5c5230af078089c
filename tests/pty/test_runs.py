"""Deploying from a terminal: watched to its end, left by ctrl+c, cut off with the line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from amltui.adapters.runs import RunProcesses
from amltui.demo import launcher
from amltui.domain.plan import Plan
from amltui.domain.run_view import RunState
from amltui.workers.deployments import Deployments, RunSummary
from tests.adapters.run_world import ACI, World

from .dying_console import Round
from .terminal import Terminal

KNOWN = [{"registered": "churn-xgb"}]
DEPLOY = """
import sys
from pathlib import Path
from amltui import deploy_commands
from amltui.settings import load
sys.exit(deploy_commands.deploy(
    load({}), Path(sys.argv[1]), demo=True, as_json=False, yes=True, detach=False
))
"""
CANCEL = """
import sys
from amltui import deploy_commands
sys.exit(deploy_commands.cancel_run(sys.argv[1], remove=True, read_only=False))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=20) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


@pytest.fixture
def environment(world: World, tmp_path: Path) -> dict[str, str]:
    return {"AMLTUI_DEMO_SERVER": world.server.address, "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def plan(world: World) -> Path:
    made = world.plan(ACI, models=KNOWN)
    return write(world.project / f"{made.name}.yml", made)


def write(path: Path, plan: Plan) -> Path:
    with open(path, "w", encoding="utf-8") as file:
        YAML().dump(plan.to_dict(), file)
    return path


def command(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def only_run(environment: dict[str, str]) -> RunSummary:
    runs = Path(environment["XDG_STATE_HOME"]) / "amltui" / "runs"
    (found,) = asyncio.run(Deployments(runs, RunProcesses(), time.time).runs())
    return found


def ended(environment: dict[str, str], limit: float = 30.0) -> RunSummary:
    deadline = time.monotonic() + limit
    while not (run := only_run(environment)).view.over:
        assert time.monotonic() < deadline, run.view
        time.sleep(0.05)
    return run


def test_it_is_watched_until_it_is_healthy(plan: Path, environment: dict[str, str]) -> None:
    with Terminal(command(DEPLOY, str(plan)), environment=environment, rows=40) as terminal:
        terminal.wait_for("/score", 30)
        terminal.wait_for("healthy", 30)
        assert terminal.wait(10) == 0
        for step in ("check", "register", "environment", "submit", "image", "start"):
            assert any(line.startswith(step) for line in terminal.lines), terminal.text


def test_ctrl_c_stops_the_watching_and_says_how_to_go_on(
    plan: Path, environment: dict[str, str]
) -> None:
    with Terminal(command(DEPLOY, str(plan)), environment=environment) as terminal:
        terminal.wait_for("Build or reuse the image", 30)
        terminal.send("\x03")
        terminal.wait_for("amltui runs cancel", 10)
        assert terminal.wait(10) == 130
    run = only_run(environment)
    assert run.state is RunState.RUNNING
    with Terminal(command(CANCEL, run.id), environment=environment) as terminal:
        terminal.wait_for("removed: 1", 30)
        assert terminal.wait(10) == 0
    assert only_run(environment).state is RunState.CANCELLED


def test_a_run_outlives_whoever_watches_it(
    plan: Path, environment: dict[str, str], world: World, tmp_path: Path
) -> None:
    before = world.submissions()
    other = world.plan(ACI, models=KNOWN)
    beside = write(plan.with_name(f"{other.name}.yml"), other)
    cut_off = {**environment, "XDG_STATE_HOME": str(tmp_path / "other")}
    with (
        Terminal(command(DEPLOY, str(plan)), environment=environment) as killed,
        Terminal(command(DEPLOY, str(beside)), environment=cut_off) as dropped,
    ):
        killed.wait_for("Register the models", 30)
        os.kill(killed.pid, signal.SIGKILL)
        dropped.wait_for("Register the models", 30)
        dropped.hang_up()
        assert killed.wait(10) == -signal.SIGKILL
        assert dropped.wait(10) not in (None, 0)
    assert ended(environment).state is RunState.HEALTHY
    assert ended(cut_off).state is RunState.HEALTHY
    assert world.submissions() == before + 2


@pytest.mark.parametrize(
    ("how", "step"),
    [(signal.SIGKILL, "check"), (signal.SIGHUP, "submit")],
    ids=["killed", "hung up"],
)
def test_a_run_outlives_the_console_that_started_it(
    how: signal.Signals, step: str, world: World, tmp_path: Path
) -> None:
    """At one stage each; `tests.bench.runs consoles` goes through all of them."""
    before = world.submissions()
    one = Round(world, world.plan(ACI, models=KNOWN, options={"wait": False}), tmp_path)
    one.die(how, lambda terminal: terminal.wait_until(lambda: one.reached(step), step, 30))
    run = one.ended()
    assert run is not None
    assert run.state is RunState.SUBMITTED, run.view
    (told,) = one.told()
    assert (told["state"], told["service"]) == ("submitted", one.plan.name)
    assert world.submissions() == before + 1


def test_lines_for_scripts(world: World, environment: dict[str, str]) -> None:
    made = world.plan(ACI, models=KNOWN, options={"wait": False})
    plan = write(world.project / f"{made.name}.yml", made)
    code = DEPLOY.replace("as_json=False", "as_json=True")
    with Terminal(command(code, str(plan)), environment=environment, columns=2000) as terminal:
        assert terminal.wait(30) == 0
        lines = [line for line in bytes(terminal.raw).decode().splitlines() if line.strip()]
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert events[0]["event"] == "RunStarted"
    assert events[-1]["event"] == "RunEnded"
    assert len({event["run"] for event in events}) == 1
