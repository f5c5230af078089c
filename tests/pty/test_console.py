"""The console in a real terminal: it starts, survives trouble, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amltui.demo.launcher import DemoServer, start
from tests.demo.demo_sdk import ControlClient

from .terminal import Terminal

AMLTUI = (sys.executable, "-m", "amltui")
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
ROW = "address-parser"


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with start(images=False) as running:
        yield running


def console(server: DemoServer | None = None, *, columns: int = 80, rows: int = 24) -> Terminal:
    """`amltui demo` in a terminal, without an engine unless a test names one."""
    environment = dict(NO_ENGINE)
    if server is not None:
        environment["AMLTUI_DEMO_SERVER"] = server.address
    return Terminal((*AMLTUI, "demo"), columns=columns, rows=rows, environment=environment)


def descendants(pid: int) -> set[int]:
    """All processes below one, however they are grouped."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those that still run."""
    living = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            living.add(pid)
    return living


def gone(pids: set[int], limit: float = 10) -> bool:
    """Whether all of them end within the limit."""
    deadline = time.monotonic() + limit
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pids)


def test_from_start_to_quit(server: DemoServer) -> None:
    with console(server) as terminal:
        terminal.wait_for(ROW)
        terminal.send("j", "enter")
        terminal.wait_for("Scoring URI")
        terminal.quiet()
        terminal.send("esc")
        terminal.wait_until(lambda: "Scoring URI" not in terminal.text, "the list")
        terminal.quiet()
        terminal.send("l")
        terminal.wait_for("FOLLOW")
        terminal.wait_for("azmlinfsrv")
        terminal.send("4")
        terminal.wait_for("[4 Containers]")
        terminal.send("?")
        terminal.wait_for("esc close")
        terminal.quiet()
        terminal.send("esc")
        terminal.wait_until(lambda: "esc close" not in terminal.text, "the end of the help")
        terminal.quiet()
        terminal.send("1")
        terminal.wait_for(ROW)
        terminal.send("q")
        assert terminal.wait(5) == 0
        # The terminal is as it was: no alternate screen, cursor shown, mouse and paste modes off.
        for mode in (b"?1049l", b"?25h", b"?1000l", b"?2004l"):
            assert b"\x1b[" + mode in terminal.raw, mode


def test_no_child_holds_the_terminal(server: DemoServer) -> None:
    with console(server) as terminal:
        terminal.wait_for(ROW)
        terminal.send("l")
        terminal.wait_for("FOLLOW")
        children = descendants(terminal.pid)
        assert children, "the process that owns the SDK"
        for child in children:
            for descriptor in Path(f"/proc/{child}/fd").iterdir():
                target = os.readlink(descriptor)
                assert not target.startswith(("/dev/pts", "/dev/tty")), (child, target)
        terminal.send("q")
        assert terminal.wait(5) == 0


def test_it_quits_at_once_while_the_workspace_hangs(server: DemoServer) -> None:
    ControlClient(server).fault(".*", "hang", seconds=60)
    with console(server) as terminal:
        terminal.wait_for("connecting")
        terminal.send("4")
        terminal.wait_for("[4 Containers]")
        children = descendants(terminal.pid)
        asked = time.monotonic()
        terminal.send("q")
        assert terminal.wait(5) == 0
        assert time.monotonic() - asked < 1
        assert gone(children - {server.pid})


def test_it_lives_on_when_the_workspace_goes_away(server: DemoServer) -> None:
    with console(server) as terminal:
        terminal.wait_for(ROW)
        server.stop()
        terminal.send("r")
        terminal.wait_for("✗")
        assert ROW in terminal.text
        terminal.send("e")
        terminal.wait_for("esc close")
        terminal.quiet()
        terminal.send("esc")
        terminal.wait_until(lambda: "esc close" not in terminal.text, "the end of the dialog")
        terminal.quiet()
        terminal.send("j", "4")
        terminal.wait_for("[4 Containers]")
        terminal.send("q")
        assert terminal.wait(5) == 0


@pytest.mark.parametrize("ending", ["hang-up", "SIGKILL"])
def test_whatever_it_started_ends_with_it(ending: str) -> None:
    terminal = console()
    terminal.wait_for(ROW)
    children = descendants(terminal.pid)
    assert len(children) >= 2, "the demo's server and the process that owns the SDK"
    if ending == "SIGKILL":
        os.kill(terminal.pid, signal.SIGKILL)
    else:
        terminal.hang_up()
    assert terminal.wait(5) is not None
    assert gone(children)


def test_a_polite_end_restores_the_terminal(server: DemoServer) -> None:
    with console(server) as terminal:
        terminal.wait_for(ROW)
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait(5) == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in terminal.raw


def test_ctrl_c_quits(server: DemoServer) -> None:
    with console(server) as terminal:
        terminal.wait_for(ROW)
        terminal.send("\x03")
        assert terminal.wait(5) == 0


def test_hostile_text_never_reaches_the_terminal_raw(server: DemoServer) -> None:
    with console(server, columns=120, rows=40) as terminal:
        terminal.wait_for(ROW)
        begin = len(terminal.raw)
        terminal.send("/", "supplier", "enter")
        terminal.wait_until(lambda: ROW not in terminal.text, "the filter")
        terminal.send("enter", "l")
        terminal.wait_for("comment")
        terminal.send("g")
        terminal.wait_for("markup: [/foo]")
        shown = bytes(terminal.raw[begin:])
        commands = set(re.findall(rb"\x1b\]([0-9]+)", shown))
        assert commands <= {b"22"}, "Textual's own: the shape of the mouse pointer"
        assert shown.count(b"\x07") == shown.count(b"\x1b]22;")
        assert b"\x1bP" not in shown
        assert "\u202e".encode() not in shown
        assert "\u009b".encode() not in shown
        terminal.send("q")
        assert terminal.wait(5) == 0


def test_the_smallest_screen_is_still_readable(server: DemoServer) -> None:
    with console(server, columns=60, rows=16) as terminal:
        terminal.wait_for(ROW)
        assert "[1 Services] 2 Logs 3 Deploy 4 Containers 5 Replicas" in terminal.lines[0]
        assert "Quit" not in terminal.lines[-1]
        terminal.send("q")
        assert terminal.wait(5) == 0


def test_a_log_from_a_pipe_is_read_and_the_keys_come_from_the_terminal() -> None:
    script = f"seq 30000 | {shlex.join(AMLTUI)} logs --file -"
    with Terminal(("/bin/sh", "-c", script), environment=NO_ENGINE) as terminal:
        terminal.wait_for("30000")
        terminal.wait_for("FOLLOW")
        terminal.send("g")
        terminal.wait_for("PAUSED")
        terminal.send("q")
        assert terminal.wait(5) == 0
