"""From an empty wizard to a service that answers, by keys alone, on a screen of 80x24."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.docker import janitor
from amltui.adapters.files.drafts import PlanFiles
from amltui.adapters.runs import RunProcesses
from amltui.demo import launcher
from amltui.domain.run_view import RunState
from amltui.workers.deployments import Deployments, RunSummary
from tests.adapters.run_world import PROJECT, name

from .terminal import Terminal

# `amltui demo` on its Deploy pane, without the sample service.
CONSOLE = """
from amltui import launch
from amltui.backends import Backends
from amltui.settings import load
backends = Backends(load({}), demo=True)
try:
    launch._run(backends, backends.settings, demo=False, pane="deploy", source=None)
finally:
    backends.close()
"""
NEXT_PAGE = "\x1b[6~"
RIGHT = "\x1b[C"
MODEL = ("enter", "model.json", "enter", "{name}", NEXT_PAGE)
INFERENCE = (".", "enter", "score.py", "enter", "enter", "conda.yml", NEXT_PAGE)
LOCAL = ("{name}", "enter", RIGHT, NEXT_PAGE)
ACI = ("{name}", "enter", RIGHT, RIGHT, "enter", "1", "enter", "1", NEXT_PAGE)
DEPLOY = ("tab", "enter")


@pytest.fixture(scope="module")
def server() -> Iterator[launcher.DemoServer]:
    with launcher.start(speed=20) as running:
        yield running
        janitor.remove(running.url.removeprefix("http://"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample project, which is where the console is started."""
    shutil.copytree(PROJECT, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def console(server: launcher.DemoServer, home: Path) -> Terminal:
    environment = {"AMLTUI_DEMO_SERVER": server.address, "XDG_STATE_HOME": str(home / "state")}
    return Terminal((sys.executable, "-c", CONSOLE), environment=environment)


def runs(home: Path) -> tuple[RunSummary, ...]:
    folder = home / "state" / "amltui" / "runs"
    return asyncio.run(Deployments(folder, RunProcesses(), time.time).runs())


def begin(terminal: Terminal) -> None:
    """Open the wizard on an empty plan."""
    terminal.wait_for("n New", 30)
    terminal.send("n")
    terminal.wait_for("BEGIN WITH")
    terminal.send("enter")
    terminal.wait_for("Model 1")


def deployed(terminal: Terminal, home: Path, *keys: str) -> RunSummary:
    """The run after these keys, typed as fast as a paste once the wizard is open."""
    service = name()
    terminal.wait_for("contoso", 30)
    begin(terminal)
    terminal.send(*(key.format(name=service) for key in keys))
    terminal.wait_for("no errors, no warnings", 30)
    terminal.send("enter")
    terminal.wait_for(f"Deploy {service}", 15)
    terminal.send(*DEPLOY)
    terminal.wait_for("● healthy", 90)
    (run,) = runs(home)
    assert run.state is RunState.HEALTHY
    assert run.name == service
    return run


@pytest.mark.engine
def test_to_a_local_container_that_answers(server: launcher.DemoServer, home: Path) -> None:
    import docker

    with console(server, home) as terminal:
        run = deployed(terminal, home, *MODEL, *INFERENCE, *LOCAL)
        body = (PROJECT / "sample-request.json").read_bytes()
        json_type = {"Content-Type": "application/json"}
        request = urllib.request.Request(run.view.facts["scoring_uri"], body, json_type)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert len(json.load(response)["predictions"]) == 2
        client = docker.from_env()
        client.containers.get(run.view.facts["container"]).remove(force=True, v=True)
        client.close()


def test_to_a_healthy_service_in_aci(server: launcher.DemoServer, home: Path) -> None:
    with console(server, home) as terminal:
        run = deployed(terminal, home, *MODEL, *INFERENCE, *ACI)
        assert run.plan.to_dict()["target"] == {"kind": "aci", "cpu_cores": 1, "memory_gb": 1}
        assert run.view.facts["scoring_uri"].endswith("/score")


def test_a_draft_outlives_the_line_and_the_console(server: launcher.DemoServer, home: Path) -> None:
    drafts = PlanFiles(home / "state" / "amltui" / "drafts")

    def kept() -> Any:
        return [draft.data.get("models") for draft in drafts.drafts()]

    with console(server, home) as terminal:
        begin(terminal)
        terminal.send("enter", "model.json")
        terminal.wait_until(lambda: kept() == [[{"file": "model.json"}]], "the draft")
        terminal.hang_up()
        assert terminal.wait(10) not in (None, 0)
    with console(server, home) as terminal:
        terminal.wait_for("n New", 30)
        terminal.send("n")
        terminal.wait_for("Draft of no name yet")
        terminal.send("down", "enter")
        terminal.wait_for("model.json")
        terminal.send("enter", "enter", "mine")
        named = [[{"file": "model.json", "name": "mine"}]]
        terminal.wait_until(lambda: kept() == named, "the draft")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait(10) == -signal.SIGKILL
    assert kept() == named
