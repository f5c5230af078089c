"""Debugging from a terminal: packaged, pulled, attached to, edited, committed, and run again."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from amltui.adapters.azureml.local import free_port
from amltui.adapters.docker.access import EngineAccess
from amltui.adapters.docker.debugging import LABEL, look
from amltui.adapters.docker.tools import ContainerTools
from amltui.demo import launcher
from amltui.domain import launchjson
from amltui.domain.containerdiff import Direction, plan_sync
from amltui.domain.debugwait import Stage
from tests.adapters.run_world import LOCAL, World
from tests.dap import Debugger
from tests.workers.box import wait_until

from .terminal import Terminal

pytestmark = pytest.mark.engine
MINE = '{\n    // mine\n    "configurations": [\n        {"name": "Mine"},\n    ],\n}\n'
LIMIT = 120.0  # seconds that anything may take on a machine that is busy
REQUEST = {"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=1e6) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


@pytest.fixture
def service(world: World) -> Iterator[str]:
    """A service's name; what the engine has of it goes with the test."""
    import docker

    plan = world.plan(LOCAL)
    with open(world.project / "plan.yml", "w", encoding="utf-8") as file:
        YAML().dump(plan.to_dict(), file)
    yield plan.name
    api: Any = docker.APIClient(version="1.41", timeout=LIMIT)
    for each in api.containers(all=True, filters={"label": f"{LABEL}={plan.name}"}):
        api.remove_container(each["Id"], force=True, v=True)
    for image in api.images(filters={"label": f"amltui.demo={world.server.url[7:]}"}):
        api.remove_image(image["Id"], force=True)
    api.close()


def score(port: int) -> Any:
    """What the service answers."""
    url = f"http://127.0.0.1:{port}/score"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(REQUEST).encode(), headers)
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return answer.status, json.load(answer)


def answers(port: int) -> bool:
    """Whether the service is up."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
        return True
    return False


def attached(name: str, entry: dict[str, Any], world: World, http: int) -> Any:
    """Attach as VS Code does, stop in run() on a request, look, and go on; what is answered."""
    access = EngineAccess()
    wait_until(lambda: look(access, name, http).stage is Stage.WAITING, "the wait", LIMIT)
    access.close()
    script = world.project / "score.py"
    lines = script.read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "terms = " in line)
    with Debugger(entry, world.project, LIMIT) as debugger:
        assert debugger.attach({script: [at]}) == [at]
        wait_until(lambda: answers(http), "the service", LIMIT)
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(score, http)
            thread, frame = debugger.stopped()
            assert (frame["line"], frame["source"]["path"]) == (at, str(script))
            assert debugger.variables(frame)["row"] == str(REQUEST["data"][0])
            debugger.ask("setBreakpoints", source={"path": str(script)}, breakpoints=[])
            debugger.ask("continue", threadId=thread)
            return asked.result(LIMIT)


def test_from_a_plan_to_a_breakpoint_an_edit_and_a_second_image(
    world: World, service: str, tmp_path: Path
) -> None:
    untouched = {path: path.read_bytes() for path in world.project.iterdir() if path.is_file()}
    launch = world.project / ".vscode" / "launch.json"
    launch.parent.mkdir()
    launch.write_text(MINE)
    http, port = free_port(), free_port()
    environment = {
        "AMLTUI_DEMO_SERVER": world.server.address,
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "TMPDIR": str(tmp_path),
    }
    amltui = (sys.executable, "-m", "amltui")
    ports = ("--port", str(http), "--debug-port", str(port))
    command = (*amltui, "--demo", "debug", str(world.project / "plan.yml"), "--wait", "300", *ports)
    # The registry is slow to answer, until the login that was given has become void.
    world.control("POST", "faults", [{"path": "/v2/", "kind": "latency", "seconds": 600}])
    with Terminal(command, columns=120, rows=50, environment=environment) as terminal:
        for question, then in (("Package ", "pull      from"), ("Write ", "✓ debug:")):
            terminal.wait_for(question, LIMIT)
            terminal.send("enter")
            terminal.wait_for(then, LIMIT)
            if question == "Package ":
                world.control("POST", "registry-password")
                world.control("DELETE", "faults")
                terminal.wait_for("The login was refused; asking for a new one.", LIMIT)
        terminal.wait_for("Start it now?", LIMIT)
        assert "layers are here" in terminal.text
        terminal.send("enter")
        terminal.wait_for("s left", LIMIT)
        (name,) = re.findall(r"start     container (\S+)", terminal.text)
        (image,) = re.findall(r"tag       (debug:\d+)", terminal.text)
        entry = launchjson.parse(launch.read_text()).value["configurations"][0]
        status, body = attached(name, entry, world, http)
        assert (status, list(body)) == (200, ["predictions"])
        terminal.wait_for("The debugger is attached. The service answers.", LIMIT)
        assert terminal.wait(LIMIT) == 0
        shown = bytes(terminal.raw)
    assert {path: path.read_bytes() for path in untouched} == untouched
    assert set(MINE.splitlines()) < set(launch.read_text().splitlines())
    # Every password of the demo's registry has these words in it.
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in (shown, *held) if b"not-a-secret" in text]
    assert not (tmp_path / "docker").exists()

    # Edit in a shell, commit while it runs, run the second image, and attach to that, too.
    with Terminal((*amltui, "shell", name), environment=environment) as terminal:
        terminal.wait_for("#", LIMIT)
        terminal.send("sed -i s/predictions/edited/g project/score.py; exit", "enter")
        terminal.wait(LIMIT)
    with Terminal((*amltui, "commit", name), environment=environment) as terminal:
        terminal.wait_for("is committed as debug:", LIMIT)
        second = re.findall(r"committed as (debug:\d+)", terminal.text)[0]
    assert second != image
    tools = ContainerTools()
    try:
        tools.replace(name, second)
        assert attached(name, entry, world, http)[1].keys() == {"edited"}
        # Breakpoints fit for as long as the files here are those in there.
        root = entry["pathMappings"][0]["remoteRoot"]
        found = tools.compare(name, root, world.project)
        assert [each.path for each in found] == ["score.py"]
        tools.apply(name, root, world.project, plan_sync(found, Direction.OUT))
        assert b'"edited"' in (world.project / "score.py").read_bytes()
        tools.stop(name)
    finally:
        tools.close()


def test_it_needs_somebody_to_ask(world: World, service: str) -> None:
    command = (sys.executable, "-m", "amltui", "--demo", "debug", str(world.project / "plan.yml"))
    environment = {"AMLTUI_DEMO_SERVER": world.server.address}
    with Terminal(("sh", "-c", f"{' '.join(command)} < /dev/null"), environment=environment) as it:
        it.wait_for("Accept everything with --yes.", LIMIT)
        assert it.wait(LIMIT) == 2
