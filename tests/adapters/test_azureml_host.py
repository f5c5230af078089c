"""The host process with the real SDK against the demo server: limits, faults and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.azureml.client import HostWorkspace, Limits
from amltui.demo import launcher
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import AuthMode, Can, Kind, Ref, Service, State

from .conftest import Demo, wait_for

WITH_KEYS = "pricing-rules"


def named(rows: tuple[Service, ...], **wanted: Any) -> Service:
    """The first row with these fields."""
    return next(
        row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())
    )


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_connecting_tells_who_and_where(demo: Demo, own_workspace: HostWorkspace) -> None:
    info = own_workspace.connect(lambda _: None)
    assert info.name == demo.server.workspace_name
    assert info.location
    assert info.identity == "demo"
    assert info.sdk.startswith("1.61")
    assert len(demo.requests()) == 2  # resource manager and discovery
    assert own_workspace.connect(lambda _: None) == info
    assert demo.requests() == []


def test_starting_waits_for_nothing(demo: Demo) -> None:
    known, asked = threading.Event(), threading.Event()

    def describe() -> dict[str, Any]:
        asked.set()
        known.wait(10)
        return demo.connection

    workspace = HostWorkspace(describe)
    try:
        begin = time.monotonic()
        workspace.start()
        assert time.monotonic() - begin < 1  # a call hangs for minutes
        assert asked.wait(10)
        assert workspace.pid is None
        known.set()
        wait_for(lambda: workspace.pid)
        assert workspace.services()
    finally:
        workspace.close()


def test_the_services_of_every_kind_and_state(workspace: HostWorkspace) -> None:
    rows = workspace.services()
    assert {row.kind for row in rows} >= {Kind.ACI, Kind.AKS, Kind.AKS_ENDPOINT}
    assert {row.state for row in rows} >= {State.OK, State.FAILED, State.DEGRADED}
    assert len({row.ref for row in rows}) == len(rows)
    failed = named(rows, state=State.FAILED)
    assert failed.failure is not None
    endpoint = next(row for row in rows if row.kind is Kind.AKS_ENDPOINT)
    versions = [row for row in rows if row.ref.endpoint == endpoint.name and row.ref.deployment]
    assert versions
    assert all(row.can & Can.SCALE and not row.can & Can.DELETE for row in versions)
    aks = named(rows, kind=Kind.AKS, state=State.OK)
    assert aks.target
    assert aks.resources.cpu
    assert aks.scale.max_concurrent


def test_a_refresh_is_one_request_a_page() -> None:
    with launcher.start(images=False, services=1_000) as server:
        demo = Demo(server)
        workspace = HostWorkspace(demo.connection)
        try:
            workspace.connect(lambda _: None)
            demo.requests()
            rows = workspace.services()
            served = demo.requests()
        finally:
            workspace.close()
    assert len(rows) > 1_000
    pages = {line for line in served if "/services?" in line}
    assert len(served) == len(pages) > 1


def test_one_service_and_one_version(workspace: HostWorkspace) -> None:
    rows = workspace.services()
    for row in (rows[0], next(row for row in rows if row.ref.deployment)):
        assert workspace.service(row.ref).name == row.name
    with pytest.raises(AmltuiError) as caught:
        workspace.service(Ref("azureml", "no-such-service"))
    assert caught.value.problem is Problem.NOT_FOUND


def test_logs_keys_and_token(workspace: HostWorkspace) -> None:
    rows = workspace.services()
    healthy = named(rows, state=State.OK, kind=Kind.ACI)
    log = workspace.logs(healthy.ref, 5)
    assert log is not None
    assert 0 < log.count("\n") <= 5
    keys = workspace.keys(named(rows, auth=AuthMode.KEY, state=State.OK).ref)
    assert keys.primary
    assert keys.primary not in repr(keys)
    token = workspace.token(named(rows, auth=AuthMode.TOKEN, state=State.OK).ref)
    assert token.value
    assert token.expires_at is not None


def test_a_big_log_comes_whole(demo: Demo, workspace: HostWorkspace) -> None:
    ref = named(workspace.services(), state=State.OK, kind=Kind.ACI).ref
    lines = [f"line {number} " + "é" * 100 for number in range(2_000)]
    demo.control("POST", f"services/{ref.endpoint}", {"log": {"append": lines}})
    log = workspace.logs(ref, 4_000)
    assert log is not None
    assert [line for line in log.split("\n") if line.startswith("line ")] == lines


def test_deleting_is_accepted_at_once() -> None:
    with launcher.start(images=False) as server:
        workspace = HostWorkspace(Demo(server).connection)
        try:
            ref = named(workspace.services(), state=State.OK, kind=Kind.ACI).ref
            begin = time.monotonic()
            workspace.delete(ref)
            assert time.monotonic() - begin < 2  # the SDK's own delete polls for 5 s at least
            workspace.delete(Ref("azureml", "gone-already"))
            version = next(row.ref for row in workspace.services() if row.ref.deployment)
            with pytest.raises(AmltuiError) as caught:
                workspace.delete(version)
            assert caught.value.problem is Problem.REFUSED
        finally:
            workspace.close()


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, Problem.SIGN_IN),
        (403, Problem.PERMISSION),
        (404, Problem.NOT_FOUND),
        (409, Problem.REFUSED),
        (429, Problem.THROTTLED),
        (500, Problem.SERVER),
        (503, Problem.SERVER),
        (504, Problem.TIMEOUT),
    ],
)
def test_bad_answers_are_sentences_at_once(
    demo: Demo, workspace: HostWorkspace, status: int, problem: Problem
) -> None:
    demo.fault("status", status=status)
    begin = time.monotonic()
    with pytest.raises(AmltuiError) as caught:
        workspace.services()
    assert time.monotonic() - begin < 2
    assert caught.value.problem is problem
    assert caught.value.title
    assert caught.value.hint
    assert len(demo.requests()) == 1  # not tried again by itself
    if status in (429, 503):
        assert "1 s" in caught.value.hint
    demo.calm()
    assert workspace.services()


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_broken_answers_are_sentences(demo: Demo, workspace: HostWorkspace, kind: str) -> None:
    demo.fault(kind, count=1)
    with pytest.raises(AmltuiError) as caught:
        workspace.services()
    assert caught.value.problem is Problem.NETWORK
    assert workspace.services()


def test_odd_services_are_rows_and_harm_no_other(demo: Demo, workspace: HostWorkspace) -> None:
    good = workspace.services()
    demo.fault("bad_rows")
    rows = workspace.services()
    assert {row.ref for row in good} <= {row.ref for row in rows}
    odd = [row for row in rows if row.ref not in {row.ref for row in good}]
    assert len(odd) == 5
    unreadable = next(row for row in odd if row.name.startswith("(unreadable"))
    assert unreadable.state is State.UNKNOWN
    assert unreadable.can is Can.NOTHING
    assert "bad-wrong-types" in unreadable.raw
    assert unreadable.notes
    text = "".join(str(row) for row in odd)
    assert not {"\x1b", "\x9b", "\x00", "\u202e", "\x07"} & set(text)


def test_a_hanging_call_is_abandoned_and_the_next_one_works(
    demo: Demo, own_workspace: HostWorkspace
) -> None:
    own_workspace.connect(lambda _: None)
    first = own_workspace.pid
    assert first is not None
    demo.fault("hang", count=1)
    begin = time.monotonic()
    with pytest.raises(AmltuiError) as caught:
        own_workspace.services()
    assert 1 <= time.monotonic() - begin < 3
    assert caught.value.problem is Problem.TIMEOUT
    assert own_workspace.service(Ref("azureml", WITH_KEYS)).name == WITH_KEYS
    assert own_workspace.pid != first
    wait_for(lambda: not alive(first))


def test_a_retired_host_finishes_its_other_calls(demo: Demo) -> None:
    workspace = HostWorkspace(demo.connection, limits=Limits(services=0.5, keys=20))
    results: list[Any] = []
    try:
        workspace.connect(lambda _: None)
        first = workspace.pid
        assert first is not None
        demo.fault("hang", "/services[?]", count=1)
        demo.fault("latency", "/listkeys", seconds=1.5)
        ref = Ref("azureml", WITH_KEYS)
        slow = threading.Thread(target=lambda: results.append(workspace.keys(ref)))
        slow.start()
        with pytest.raises(AmltuiError):
            workspace.services()
        assert alive(first)
        slow.join(10)
        assert len(results) == 1
        wait_for(lambda: not alive(first))
    finally:
        workspace.close()


def test_closing_is_immediate_whatever_hangs(demo: Demo) -> None:
    workspace = HostWorkspace(demo.connection)
    workspace.connect(lambda _: None)
    pid = workspace.pid
    assert pid is not None
    demo.fault("hang")
    errors: list[AmltuiError] = []

    def hang() -> None:
        try:
            workspace.services()
        except AmltuiError as error:
            errors.append(error)

    threads = [threading.Thread(target=hang) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(demo.control("GET", "requests")) >= 5)
    begin = time.monotonic()
    workspace.close()
    assert time.monotonic() - begin < 1  # a call hangs for minutes
    for thread in threads:
        thread.join(5)
    assert len(errors) == 3
    wait_for(lambda: not alive(pid))
    with pytest.raises(AmltuiError) as caught:
        workspace.services()
    assert caught.value.problem is Problem.REFUSED


def test_a_killed_host_is_one_error(demo: Demo, own_workspace: HostWorkspace) -> None:
    own_workspace.connect(lambda _: None)
    demo.fault("latency", seconds=5)
    pid = own_workspace.pid
    assert pid is not None
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(AmltuiError) as caught:
        own_workspace.services()
    assert "SDK ended" in caught.value.message
    demo.calm()
    own_workspace.connect(lambda _: None)  # a fresh host imports the SDK: longer than a list takes
    assert own_workspace.services()
    assert own_workspace.pid != pid


def test_an_interpreter_without_the_sdk_is_one_error_with_details(demo: Demo) -> None:
    workspace = HostWorkspace(demo.connection, python="/bin/false")
    try:
        with pytest.raises(AmltuiError) as caught:
            workspace.services()
        assert "exit code 1" in caught.value.message
    finally:
        workspace.close()


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_the_host_ends_with_its_parent(demo: Demo, end: str) -> None:
    demo.fault("hang")
    script = (
        "import sys, threading, time\n"
        "from amltui.adapters.azureml.client import HostWorkspace\n"
        f"workspace = HostWorkspace({demo.connection!r})\n"
        "workspace.connect(lambda _: None)\n"
        "threading.Thread(target=workspace.services, daemon=True).start()\n"
        "print(workspace.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    if end == "kill":
        parent.kill()
    else:
        assert parent.stdin is not None
        parent.stdin.close()
    parent.wait(10)
    wait_for(lambda: not alive(pid))
    parent.stdout.close()


def test_nothing_reaches_the_terminal(
    demo: Demo, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A user's folder with modules that have the names of ours or of the standard library.
    for name in ("token.py", "requests.py", "amltui.py"):
        (tmp_path / name).write_text("print('imported from the wrong place')\nraise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOSTNAME", "laptop42")
    workspace = HostWorkspace(demo.connection)
    try:
        workspace.connect(lambda _: None)
        assert workspace.services()  # endpoints: the SDK warns once for each
        demo.fault("status", status=500)
        with pytest.raises(AmltuiError):
            workspace.services()
    finally:
        workspace.close()
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_the_home_of_the_user_is_left_alone_in_the_demo(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # must not be asked for loopback
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    workspace = HostWorkspace(demo.connection)
    workspace.connect(lambda _: None)
    workspace.close()
    assert list(tmp_path.iterdir()) == []
