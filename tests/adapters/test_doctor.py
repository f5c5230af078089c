"""The checks against the real engine, a server on loopback and the demo workspace."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import run
from typing import Any, cast

import pytest

from amltui.adapters.azureml.client import HostWorkspace
from amltui.adapters.docker.client import connect
from amltui.adapters.doctor import machine
from amltui.adapters.doctor.hello import GREETING, Engine, greeter
from amltui.adapters.doctor.network import Endpoint
from amltui.adapters.doctor.workspace import Standing
from amltui.domain.doctor import Mark
from amltui.domain.errors import AmltuiError, Problem


class Clockwork(BaseHTTPRequestHandler):
    """Answers every HEAD with the year 2001."""

    def do_HEAD(self) -> None:
        self.send_response_only(404)
        self.send_header("Date", "Mon, 01 Jan 2001 00:00:00 GMT")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    held = HTTPServer(("127.0.0.1", 0), Clockwork)
    threading.Thread(target=held.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{held.server_port}"
    held.shutdown()
    held.server_close()


def test_an_answer_is_an_answer_and_its_clock_is_read(server: str) -> None:
    endpoint = Endpoint(lambda: (server, ""))
    assert endpoint.reachable().mark is Mark.OK
    assert endpoint.clock().mark is Mark.FAILED


def test_who_does_not_answer_is_told_with_a_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        endpoint = Endpoint(lambda: (f"https://127.0.0.1:{taken.getsockname()[1]}", ""))
        found, clock = endpoint.reachable(), endpoint.clock()
    assert found.mark is Mark.FAILED
    assert "refused" in found.text
    assert found.remedy
    assert clock.mark is Mark.NOT_TRIED


def test_az_is_asked_once_for_itself_and_its_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"azure-cli": "2.60.0", "extensions": {"ml": "2.25.0"}})
    az = tmp_path / "az"
    az.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho '{answer}'\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    held = machine.AzureCli()
    assert held.cli().text == "azure-cli 2.60.0"
    assert held.extension().text == "ml 2.25.0 (v2)"
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_an_az_that_is_broken_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    az = tmp_path / "az"
    az.write_text("#!/bin/sh\nexit 1\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.AzureCli().cli().mark is Mark.WARNING


@pytest.mark.parametrize(("processor", "number"), [("amd64", 62), ("arm64", 183)])
def test_the_program_of_the_hello_container_is_one_whole_file(processor: str, number: int) -> None:
    program = greeter(processor)
    assert program is not None
    assert program[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", program, 18)[0] == number
    assert struct.unpack_from("<Q", program, 64 + 32)[0] == len(program)  # what is loaded
    assert program.endswith(GREETING)
    assert greeter("s390x") is None


def test_without_an_engine_the_container_is_not_tried(tmp_path: Path) -> None:
    engine = Engine(f"unix://{tmp_path}/none.sock")
    found = engine.hello()
    assert found.mark is Mark.NOT_TRIED
    assert found.remedy


@pytest.mark.engine
def test_a_container_really_runs_and_nothing_of_it_is_left(alone_with_copies: None) -> None:
    engine, client = Engine(), connect()[0].api
    before = {image["Id"] for image in client.images(all=True)}
    try:
        found = engine.hello()
    finally:
        engine.close()
    assert found.mark is Mark.OK, found.text
    temporary = {"label": "amltui.temporary"}
    owner = f"{os.getpid()}@"
    left = client.containers(all=True, filters=temporary)
    assert not [one for one in left if one["Labels"]["amltui.temporary"].startswith(owner)]
    new = [image for image in client.images(all=True) if image["Id"] not in before]
    assert not [one for one in new if (one.get("Labels") or {}).get("amltui.temporary")]


@pytest.mark.engine
def test_against_the_demo_all_of_the_workspace_is_checked(alone_with_copies: None) -> None:
    command = [sys.executable, "-m", "amltui", "--demo", "doctor", "--json"]
    done = run(command, capture_output=True, text=True, timeout=120, check=False)
    found = {one["key"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    for key in (
        "demo", "clock", "token", "role", "address", "registry", "engine", "hello", "sdk",
    ):  # fmt: skip
        assert found[key]["mark"] == "ok", found[key]
    assert all(one["remedy"] or one["mark"] == "ok" for one in found.values())


def test_read_only_mode_starts_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without engine and network each check still says what to do, and the proxy's password not."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:s3cret@{address}")
        command = [sys.executable, "-m", "amltui", "--read-only", "doctor", "--json"]
        done = run(command, capture_output=True, text=True, timeout=120, check=False)
    found = {one["key"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["hello"]["mark"] == "not tried"
    assert {found[key]["mark"] for key in ("engine", "login", "arm", "mcr")} == {"failed"}
    assert all(one["remedy"] or one["mark"] == "ok" for one in found.values())
    assert "s3cret" not in done.stdout + done.stderr


def test_who_is_not_signed_in_is_asked_once_and_told_once() -> None:
    asked: list[str] = []

    class Silent:
        def standing(self) -> dict[str, Any]:
            asked.append("standing")
            raise AmltuiError("No answer", "Gave up.", "By itself.", problem=Problem.TIMEOUT)

    held = Standing(cast(HostWorkspace, Silent()), lambda _: "")
    with pytest.raises(AmltuiError) as raised:
        held.token()
    assert "try it again" in raised.value.hint
    found = (held.role(), held.registry(), held.reachable("address"))
    assert {one.mark for one in found} == {Mark.NOT_TRIED}
    assert all(one.remedy for one in found)
    assert asked == ["standing"]
