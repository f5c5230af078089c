"""The engine adapter against a real engine, and against every way of having none."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.docker import rows
from amltui.adapters.docker.address import Address, find
from amltui.adapters.docker.engine import DockerEngine
from amltui.adapters.docker.problems import explain
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.exitcodes import describe
from amltui.domain.models import Can, Kind, Ref, State
from tests.engine import Containers, containers

LABELS = {"amlIsService": "True", "containerName": "fraud", "amlServiceName": "fraud"}
BOOM = "gASVHwAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAR0cnVllIWUUpQu"  # a pickle that runs `true`


@pytest.fixture(autouse=True)
def _no_docker_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("DOCKER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture(scope="module")
def made() -> Iterator[Containers]:
    with containers() as found:
        yield found


# -- against the real engine ----------------------------------------------------------------------


@pytest.mark.engine
def test_it_says_who_answers() -> None:
    info = DockerEngine().info()
    assert info.name in ("Docker", "Podman")
    assert info.version
    assert info.api_version >= "1.40"
    assert info.address == "unix:///var/run/docker.sock"
    assert info.operating_system.startswith("linux/")


@pytest.mark.engine
def test_a_container_and_its_service(made: Containers) -> None:
    labels = {**LABELS, "amlModelsLocal": BOOM, "amlServiceName": "fraud\x1b]0;x\x07.v1"}
    container = made.run("import time; time.sleep(600)", labels=labels, stop_signal="SIGKILL")
    engine = DockerEngine()
    found = next(row for row in engine.containers() if row.id == container.id)
    assert (found.name, found.state, found.service) == (container.name, "running", "fraud.v1")
    assert found.status.startswith("Up ")
    assert found.created_at is not None
    service = next(row for row in engine.services() if row.container_id == container.id)
    assert service.ref == Ref("docker", "fraud.v1")
    assert (service.kind, service.state, service.raw_state) == (Kind.LOCAL, State.OK, "running")
    assert Can.FOLLOW | Can.EXEC | Can.DELETE in service.can
    assert engine.container_run(container.id).running
    engine.delete(service.ref)
    assert all(row.id != container.id for row in engine.containers())
    made.forget(container)
    with pytest.raises(AmltuiError, match="no local service"):
        engine.delete(service.ref)
    with pytest.raises(AmltuiError) as caught:
        engine.container_run(container.id)
    assert caught.value.problem is Problem.NOT_FOUND
    engine.close()


@pytest.mark.engine
def test_how_a_container_ended(made: Containers) -> None:
    container = made.finished("import os; os._exit(3)", labels=LABELS)
    engine = DockerEngine()
    run = engine.container_run(container.id)
    assert (run.running, run.exit_code, run.ending) == (False, 3, str(describe(3)))
    service = next(row for row in engine.services() if row.container_id == container.id)
    assert service.state is State.FAILED
    assert service.failure is not None
    assert service.failure.message == f"The container ended: {describe(3)}"
    made.remove(container)


@pytest.mark.engine
def test_out_of_memory_is_told(made: Containers) -> None:
    container = made.finished("x = bytearray(400 << 20)", mem_limit="24m", memswap_limit="24m")
    run = DockerEngine().container_run(container.id)
    assert run.ending == "exit code 137 (killed: it needed more memory than its limit)"
    made.remove(container)


@pytest.mark.engine
def test_waiting_for_a_start(made: Containers) -> None:
    container = made.make("pass")
    engine = DockerEngine()
    watch = engine.watch_start(container.id)
    container.start()
    assert watch.wait()
    container.wait(timeout=30)
    watch = engine.watch_start(container.id)
    threading.Timer(0.05, watch.close).start()
    assert not watch.wait()
    watch = engine.watch_start(container.id)
    made.remove(container)
    assert not watch.wait()


@pytest.mark.engine
def test_calls_from_several_threads() -> None:
    engine = DockerEngine()
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(10):
                engine.containers()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.engine
def test_the_current_context_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(tmp_path / "docker", "there", "unix:///var/run/docker.sock")
    assert find(None).url == "unix:///var/run/docker.sock"
    (tmp_path / "docker" / "config.json").write_text('{"currentContext": "there"}')
    assert find(None).origin == "the Docker context 'there'"
    assert DockerEngine().info().version
    make_context(tmp_path / "docker", "other", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert find(None).url == "tcp://127.0.0.1:1"
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/third.sock")
    assert find(None).origin == "DOCKER_HOST"
    assert find("unix:///run/given.sock").url == "unix:///run/given.sock"


def make_context(folder: Path, name: str, host: str) -> None:
    """A context as `docker context create` writes it."""
    meta = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (meta / "meta.json").write_text(json.dumps(content))
    (folder / "config.json").write_text("{}")


# -- no engine ------------------------------------------------------------------------------------


def problem_of(engine: DockerEngine) -> AmltuiError:
    """What the engine says when it is asked."""
    with pytest.raises(AmltuiError) as caught:
        engine.containers()
    return caught.value


def test_no_socket_where_one_is_named(tmp_path: Path) -> None:
    error = problem_of(DockerEngine(f"unix://{tmp_path}/none.sock"))
    assert error.title == "There is no engine where it should be"
    assert str(tmp_path) in error.message
    assert "docker context use default" in error.hint


def test_nobody_listens(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "dead.sock"))
    listener.close()
    error = problem_of(DockerEngine(f"unix://{tmp_path}/dead.sock"))
    assert error.title == "The Docker engine is not running"
    assert "start" in error.hint.lower()


def test_nobody_listens_over_tcp() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        error = problem_of(DockerEngine(f"tcp://127.0.0.1:{port}"))
    assert error.title == "The engine does not answer"
    assert f":{port}" in error.message


def test_an_engine_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amltui.adapters.docker.access.LIMIT", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "slow.sock"))
        listener.listen(8)
        error = problem_of(DockerEngine(f"unix://{tmp_path}/slow.sock"))
    assert error.problem is Problem.TIMEOUT


@pytest.mark.parametrize("host", ["nonsense", "ftp://x", "unix://", "tcp://"])
def test_an_address_that_is_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    error = problem_of(DockerEngine())
    assert error.problem is Problem.CONFIGURATION
    assert "DOCKER_HOST" in error.message


def test_a_context_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    assert problem_of(DockerEngine()).title == "There is no Docker context 'gone'"


def test_no_permission(tmp_path: Path) -> None:
    """As another user, in a process of its own: root may open every socket."""
    path = tmp_path / "private.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)
    os.chmod(path, 0o600)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            os.chmod(folder, folder.stat().st_mode | 0o711)
    code = (
        "import os, sys, requests, docker.errors, docker.tls\n"
        "from amltui.adapters.docker.engine import DockerEngine\n"
        "from amltui.domain.errors import AmltuiError\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "else: os.chmod(sys.argv[1], 0)\n"
        "try: DockerEngine('unix://' + sys.argv[1]).containers()\n"
        "except AmltuiError as error: print(error.problem.value, error.hint)\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.getcwd(), "USER": "nobody"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, env=environment
    )
    listener.close()
    assert done.stdout.startswith("permission Join the group"), done.stderr


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (FileNotFoundError(2, "x"), "Docker is not installed"),
        (PermissionError(13, "x"), "No permission to use Docker"),
        (socket.gaierror(-2, "x"), "The engine's host is not known"),
        (OSError("x", ConnectionRefusedError(111, "x")), "The Docker engine is not running"),
        (ValueError("odd \x1b[31m"), "The engine does not answer"),
    ],
)  # fmt: skip
def test_troubles_are_explained(
    error: BaseException, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    told = explain(error, Address("unix:///var/run/docker.sock", "the default address"))
    assert told.title == title
    assert told.message
    assert told.hint
    assert "\x1b" not in str(told)


# -- rows -----------------------------------------------------------------------------------------


def answer(**changes: Any) -> dict[str, Any]:
    """A container as the engine lists it."""
    return {
        "Id": "c" * 64,
        "Names": ["/quiet_hopper"],
        "Image": "fraud:latest",
        "State": "running",
        "Status": "Up 3 minutes",
        "Created": 1_763_700_000,
        "Ports": [
            {"IP": "127.0.0.1", "PrivatePort": 5001, "PublicPort": 32768, "Type": "tcp"},
            {"PrivatePort": 8883, "Type": "tcp"},
        ],
        "Labels": LABELS,
        **changes,
    }


@pytest.mark.parametrize(
    ("state", "status", "wanted"),
    [
        ("running", "Up 3 minutes", State.OK),
        ("created", "Created", State.PENDING),
        ("restarting", "Restarting (1) 2 seconds ago", State.PENDING),
        ("exited", "Exited (0) 2 hours ago", State.STOPPED),
        ("exited", "Exited (137) 2 hours ago", State.FAILED),
        ("paused", "Up 2 hours (Paused)", State.STOPPED),
        ("removing", "Removal In Progress", State.DELETING),
        ("dead", "Dead", State.FAILED),
        ("new-word", "?", State.UNKNOWN),
    ],
)
def test_states(state: str, status: str, wanted: State) -> None:
    (service,) = rows.services([answer(State=state, Status=status)])
    assert (service.state, service.raw_state) == (wanted, state)
    assert (service.failure is not None) == ("137" in status)
    assert (Can.INVOKE in service.can) == (state == "running")


def test_addresses_of_a_service() -> None:
    (service,) = rows.services([answer()])
    assert service.scoring_uri == "http://localhost:32768/score"
    assert service.swagger_uri == "http://localhost:32768/swagger.json"
    (container,) = rows.containers([answer()])
    assert container.ports == ("127.0.0.1:32768->5001/tcp", "8883/tcp")


def test_several_containers_of_one_service() -> None:
    found = rows.services([answer(Id="a" * 64, Created=1), answer(Id="b" * 64, Created=2)])
    assert [(row.ref.deployment, row.container_id[0]) for row in found] == [
        ("", "b"),
        ("a" * 12, "a"),
    ]


def test_services_first_then_the_running_ones() -> None:
    found = rows.containers(
        [
            answer(Id="1", Labels={}, State="exited", Created=9),
            answer(Id="2", Labels={}, Created=1),
            answer(Id="3", Labels={}, Created=2),
            answer(Id="4", State="exited"),
        ]
    )
    assert [row.id for row in found] == ["4", "3", "2", "1"]


def test_odd_answers_make_rows() -> None:
    odd = answer(Names=None, Image=None, Labels=None, Ports=None, Created=None, Status=None)
    (container,) = rows.containers([odd])
    assert (container.name, container.service, container.created_at) == ("c" * 12, "", None)
    assert rows.services([odd]) == ()
    hostile = {"amlIsService": "True", "amlServiceName": "\x1b[2J[/x]\u202e" * 100}
    (service,) = rows.services([answer(Labels=hostile)])
    assert service.name.isprintable()
    (service,) = rows.services([answer(Labels={"amlIsService": "true"})])
    assert service.name == "(no name)"


@pytest.mark.engine
def test_images_and_who_uses_them(made: Containers) -> None:
    container = made.make("pass")
    found = DockerEngine().images()
    image = next(row for row in found if container.name in row.used_by)
    assert image.names == tuple(container.image.tags)
    assert image.size > 1 << 20
    assert image.created_at is not None
    made.remove(container)


def test_images_without_a_name() -> None:
    listed: list[dict[str, Any]] = [
        {"Id": "sha256:1", "RepoTags": ["<none>:<none>"], "Size": 5, "Created": 2},
        {"Id": "sha256:2", "RepoTags": ["evil\x1b[31m:1"], "Size": 7, "Created": 3},
        {"Id": "sha256:3", "RepoTags": None, "Size": 9, "Created": 1},
    ]
    users = [answer(ImageID="sha256:2"), answer(ImageID="sha256:2", Names=["/b"])]
    found = rows.images(listed, users)
    assert [image.name for image in found] == ["evil:1", "1", "3"]
    assert found[0].used_by == ("b", "quiet_hopper")
    assert found[1].names == ()


def test_engines_to_choose_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(tmp_path / "docker", "far", "ssh://me@far")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    engine = DockerEngine("unix:///run/given.sock")
    found = {choice.key: choice.address for choice in engine.engines()}
    assert found == {
        "unix:///run/given.sock": "unix:///run/given.sock",
        "tcp://127.0.0.1:1": "tcp://127.0.0.1:1",
        "context:default": "unix:///var/run/docker.sock",
        "context:far": "ssh://me@far",
    }
    engine.use("context:far")
    assert engine.access.address.url == "ssh://me@far"
    assert "'far'" in engine.access.address.origin
    engine.use("context:gone")
    assert problem_of(engine).title == "There is no Docker context 'gone'"


@pytest.mark.engine
def test_what_is_missing_is_said(made: Containers) -> None:
    engine = DockerEngine()
    with pytest.raises(AmltuiError) as caught:
        engine.container_run("nobody")
    assert caught.value.title == "The container is gone"
    with pytest.raises(AmltuiError) as caught, engine.access.api() as api:
        api.inspect_image("nothing:1")
    assert caught.value.title == "There is no such image here"
