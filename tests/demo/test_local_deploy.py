"""The sample project as a local service: real SDK, real engine, nothing pulled from anywhere."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from amltui.adapters.azureml.build_leftovers import BuildLeftovers
from amltui.adapters.docker import janitor
from amltui.demo import launcher

pytestmark = pytest.mark.engine

PROJECT = Path(launcher.__file__).with_name("project")
COMMAND = [sys.executable, "-m", "amltui.adapters.azureml.local"]
MODEL = "amltui-imgtest-diabetes"

Event = dict[str, Any]


@dataclass
class Demo:
    """A running demo workspace."""

    server: launcher.DemoServer

    @property
    def owner(self) -> str:
        return self.server.url.removeprefix("http://")

    def job(self, **changes: Any) -> Event:
        """Describe the deployment of the sample project under a name of its own."""
        job = {
            "connection": self.server.connection,
            "source_dir": str(PROJECT),
            "entry_script": "score.py",
            "conda_file": "conda.yml",
            "model_path": "model.json",
            "model_name": MODEL,
            "service_name": f"amltui-imgtest-{uuid4().hex[:8]}",
        }
        return {**job, **changes}


@dataclass
class Run:
    """One job and what came of it."""

    job: Event
    events: list[Event]
    seconds: float
    code: int
    errors: str

    @property
    def last(self) -> Event:
        return self.events[-1]

    @property
    def steps(self) -> list[str]:
        return [event["step"] for event in self.events if event["event"] == "step"]

    @property
    def output(self) -> str:
        return "".join(event["text"] for event in self.events if event["event"] == "output")


def run(job: Event, **environment: str) -> Run:
    started = time.monotonic()
    ran = subprocess.run(
        COMMAND,
        input=json.dumps(job) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    seconds = time.monotonic() - started
    # Every line has to be an event: whatever else the SDK prints would be in between.
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    return Run(job, events, seconds, ran.returncode, ran.stderr)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def demo(client: Any) -> Iterator[Demo]:
    with launcher.start(speed=50) as server:
        demo = Demo(server)
        yield demo
        janitor.remove(demo.owner)
        assert not client.containers.list(all=True, filters={"label": f"amltui.demo={demo.owner}"})
        assert not client.images.list(all=True, filters={"label": f"amltui.demo={demo.owner}"})
        assert not client.images.list(filters={"reference": f"{demo.owner}/*/*"})


@pytest.fixture(scope="module")
def deployed(demo: Demo) -> Run:
    """The one deployment that most tests look at, with HOSTNAME exported as some shells do."""
    deployed = run(demo.job(), HOSTNAME="laptop42")
    assert deployed.last["event"] == "done", deployed.last
    return deployed


def score(port: int, body: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/score",
        data=body.encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def mine(client: Any, demo: Demo) -> list[Any]:
    label = {"label": f"amltui.demo={demo.owner}"}
    found: list[Any] = client.containers.list(all=True, filters=label)
    return found


# -- one deployment


def test_it_scores_the_sample_request(deployed: Run) -> None:
    model = json.loads((PROJECT / "model.json").read_text())
    request = (PROJECT / "sample-request.json").read_text()
    expected = [
        model["intercept"] + sum(w * x for w, x in zip(model["coefficients"], row, strict=True))
        for row in json.loads(request)["data"]
    ]
    answer = score(deployed.last["port"], request)
    assert answer["predictions"] == pytest.approx(expected)
    assert len(expected) == 2


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"data": [[1, 2]]}', "row 1: expected 10 numbers (age, sex, "),
        ('{"data": []}', "at least one row"),
        ('{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, true]]}', "row 1: glu is true, not a number"),
        ("[1]", 'expected {"data"'),
    ],
)
def test_it_says_what_is_wrong_with_a_request(deployed: Run, body: str, complaint: str) -> None:
    assert complaint in score(deployed.last["port"], body)["error"]


def test_its_log_has_a_line_per_request(deployed: Run, client: Any) -> None:
    score(deployed.last["port"], (PROJECT / "sample-request.json").read_text())
    log = client.containers.get(deployed.last["container"]).logs().decode()
    assert "score - loaded diabetes-progression with 10 features" in log
    assert "score - scored 2 rows in " in log


def test_it_tells_the_steps_and_what_was_printed(deployed: Run) -> None:
    steps = ["engine", "connect", "register", "context", "build", "start", "wait", "sweep"]
    assert deployed.steps == steps
    assert "Successfully built" in deployed.output
    assert "Checking container health..." in deployed.output
    assert deployed.errors == ""
    assert deployed.code == 0


def test_it_is_there_in_seconds(deployed: Run, record_property: Any) -> None:
    record_property("seconds", deployed.seconds)
    assert deployed.last["seconds"] <= deployed.seconds < 30


def test_the_container_belongs_to_the_demo_and_only_the_service_is_left(
    deployed: Run, client: Any, demo: Demo
) -> None:
    services = {container.labels.get("amlServiceName") for container in mine(client, demo)}
    assert deployed.job["service_name"] in services
    assert None not in services  # a container of a build step has no such label
    dangling = {"label": f"amltui.demo={demo.owner}", "dangling": True}
    assert client.images.list(filters=dangling) == []


def test_a_name_that_is_taken_is_refused(deployed: Run, demo: Demo) -> None:
    again = run(demo.job(service_name=deployed.job["service_name"]))
    assert again.code == 1
    assert again.steps == ["engine"]
    assert "already" in again.last["title"]


# -- what can go wrong


def test_a_crash_in_init_is_told_with_the_log(
    deployed: Run, demo: Demo, client: Any, tmp_path: Path
) -> None:
    source = tmp_path / "broken"
    shutil.copytree(PROJECT, source)
    (source / "score.py").write_text(
        "def init():\n    raise ValueError('no such table: \\x1b]0;title\\x07patients')\n"
        "def run(data):\n    return data\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    failed = run(demo.job(source_dir=str(source)), TMPDIR=str(temporary))
    assert failed.code == 1
    assert failed.last["event"] == "failed"
    assert list(temporary.iterdir()) == []  # the SDK would leave the model's copies
    assert failed.last["message"].startswith("ValueError: no such table: ")
    assert "Invoking user's init function" in failed.last["detail"]
    assert "Traceback" in failed.last["detail"]
    assert not any("\x1b" in value for value in failed.last.values())
    assert "ValueError: no such table" in failed.output
    # The crashed container stays: its log is what one looks at next.
    (crashed,) = client.containers.list(
        all=True, filters={"label": f"containerName={failed.job['service_name']}"}
    )
    assert crashed.status == "exited"
    assert None not in {c.labels.get("amlServiceName") for c in mine(client, demo)}
    # The same content is not registered twice.
    assert "Registering model" in deployed.output
    assert "Registering model" not in failed.output


@pytest.mark.parametrize("lacking", ["entry_script", "conda_file", "model_path"])
def test_a_missing_file_is_told_at_once(demo: Demo, lacking: str) -> None:
    failed = run(demo.job(**{lacking: "nowhere.txt"}))
    assert failed.last["title"] == "nowhere.txt does not exist."
    assert failed.steps == []


def test_no_engine_is_told_as_such(demo: Demo) -> None:
    failed = run(demo.job(), DOCKER_HOST="tcp://127.0.0.1:1")
    assert failed.last["title"] == "The engine does not answer"
    assert failed.last["problem"] == "engine"


def test_a_port_in_use_is_told_before_anything_is_built(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        failed = run(demo.job(port=busy.getsockname()[1]))
    assert failed.last["title"].endswith("is in use.")
    assert failed.steps == ["engine"]


def test_on_a_leash_it_ends_with_whoever_started_it(demo: Demo, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        job = demo.job(leash=True)
        job["connection"]["url"] = url
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        connection, _ = silent.accept()  # it is at work and waits for an answer
        with connection, process:
            process.stdin.close()
            assert process.wait(10) == 130
    assert not list(tmp_path.glob("amltui-local-*"))


# -- what a build leaves behind


def build(client: Any, folder: Path, name: str, *lines: str) -> list[str]:
    (folder / "Dockerfile").write_text("\n".join(["FROM scratch", *lines]) + "\n")
    printed = client.api.build(path=str(folder), tag=name, rm=False, decode=True)
    text = "".join(status.get("stream", "") for status in printed)
    return text.splitlines()


def test_only_what_the_build_itself_left_is_removed(client: Any, tmp_path: Path) -> None:
    name, other = (f"amltui-imgtest-{uuid4().hex[:8]}" for _ in range(2))
    label = f"amltui-imgtest={name}"
    marks = ["LABEL amltui-imgtest=" + name, "ENV A=1"]
    build(client, tmp_path, name, *marks, "ENV B=old")
    innocent = client.containers.create(name, ["/x"], name=other)
    replaced = client.images.get(name).id
    try:
        leftovers = BuildLeftovers()
        for container in client.containers.list(all=True, filters={"label": label}):
            if container.name != other:
                container.remove()
        leftovers.remember(client, name)
        lines = build(client, tmp_path, name, *marks, f"ENV B={uuid4()}")
        # A step may print anything, also the id of somebody else's container.
        for line in [*lines, f" ---> Running in {innocent.short_id}"]:
            leftovers.read(line)
        assert len(client.containers.list(all=True, filters={"label": label})) > 1
        leftovers.remove(client, name)
        left = client.containers.list(all=True, filters={"label": label})
        assert [container.name for container in left] == [other]
        # Its image is in use by that container; without it, the old image goes.
        assert client.images.get(replaced).tags == []
        innocent.remove()
        leftovers.remove(client, name)
        assert replaced not in {image.id for image in client.images.list(all=True)}
        assert client.images.get(name).tags == [f"{name}:latest"]
    finally:
        for container in client.containers.list(all=True, filters={"label": label}):
            container.remove(force=True)
        client.images.remove(name, force=True)
