"""A shell out of the running console: the terminal is lent, and the screen comes back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from tests.workers.box import Box, wait_until

pytestmark = pytest.mark.engine

APP = """
import subprocess, sys
from amltui.adapters.docker.engine import DockerEngine
from amltui.adapters.docker.tools import ContainerTools
from amltui.adapters.editor import edit
from amltui.app import Console
from amltui.panes.containers import ContainersPane
from amltui.panes.launch import Launch, utc_now
from amltui.settings import Settings
from amltui.workers.containers import Containers
from amltui.workers.services import Services
from amltui.workers.workbench import Workbench

class One(DockerEngine):
    def containers(self):
        return tuple(row for row in super().containers() if row.name == sys.argv[1])
    def services(self):
        return ()

def key_z(pane):
    def fail():
        print("printed while lent")
        raise ValueError("in the middle")
    async def lend():
        async with pane.telling():
            await pane.lend_terminal(fail)
    pane.run_worker(lend())

ContainersPane.key_z = key_z
engine = One()
bench = Workbench(ContainerTools(engine.access), editor=edit)
launch = Launch(
    Settings(), Containers(engine, utc_now), lambda: bench,
    lambda choice: Services(None, engine, utc_now), pane="containers", banner=False,
)
stty = lambda: subprocess.run(["stty", "-g"], capture_output=True).stdout
before = stty()
Console(launch).run()
print("left", "same" if stty() == before else "DIFFERENT", flush=True)
"""


class Console:
    """The app in a terminal, and keys for it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def open_shell(self) -> None:
        self.terminal.wait_for("1/1")
        count = self.terminal.raw.count(b"ctrl+]")
        self.terminal.send("s")
        self.terminal.wait_until(
            lambda: self.terminal.raw.count(b"ctrl+]") > count, "the shell's greeting"
        )

    def leave(self) -> None:
        self.terminal.wait_for("1/1")
        self.terminal.send("q")
        self.terminal.wait_until(
            lambda: b"left same" in self.terminal.raw or "Leave without" in self.terminal.text,
            "the end, or a question",
        )
        if b"left same" not in self.terminal.raw:
            self.terminal.send("\x1b[C", "enter")
            self.terminal.wait_for("left same")


@pytest.fixture
def container(box: Box) -> str:
    return box.run()


@pytest.fixture
def console(container: str, tmp_path: Path) -> Iterator[Console]:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "editor").write_text("#!/bin/sh\necho '# by the editor' >> \"$1\"\n")
    (tmp_path / "editor").chmod(0o755)
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path, "EDITOR": str(tmp_path / "editor"), "VISUAL": ""}
    command = [sys.executable, str(tmp_path / "app.py"), container]
    with Terminal(command, environment=environment, columns=100) as terminal:
        yield Console(terminal)


def test_a_shell_and_back(console: Console) -> None:
    console.open_shell()
    console.terminal.send("echo in=$(pwd) size=$(stty size)", "enter")
    console.terminal.wait_for("in=/var/azureml-app size=24 100")
    console.terminal.send("touch edited; exit 5", "enter")
    console.terminal.wait_for("exit code 5")
    console.terminal.wait_for("1 changed file is not committed")
    console.leave()


def test_a_container_that_dies_meanwhile(console: Console, box: Box, container: str) -> None:
    console.open_shell()
    console.terminal.send("vi score.py", "enter")
    console.terminal.wait_for("def init()")
    box.api.kill(container)
    console.terminal.wait_for("The container has ended")
    console.leave()


def test_an_error_while_the_terminal_is_lent(console: Console) -> None:
    console.terminal.wait_for("1/1")
    console.terminal.send("z")
    console.terminal.wait_for("The terminal came back early")
    assert b"printed while lent" in console.terminal.raw
    console.terminal.send("esc")
    console.terminal.wait_until(
        lambda: "came back early" not in console.terminal.text, "the dialog's end"
    )
    console.leave()


def test_the_editor(console: Console, box: Box, container: str) -> None:
    console.terminal.wait_for("1/1")
    console.terminal.send("v")
    console.terminal.wait_for("Edit a file of")
    console.terminal.wait_for("score.py")
    console.terminal.send("score")
    console.terminal.wait_until(lambda: "model.json" not in console.terminal.text, "the choice")
    console.terminal.send("enter")
    wait_until(
        lambda: "by the editor" in box.sh(container, "cat /var/azureml-app/score.py"), "the edit"
    )
    console.terminal.wait_for("score.py is written")
    console.leave()


def test_a_hang_up_while_the_terminal_is_lent(console: Console, box: Box, container: str) -> None:
    console.open_shell()
    console.terminal.send("sleep 4242", "enter")
    wait_until(lambda: any("4242" in each for each in box.processes(container)), "sleep")
    console.terminal.hang_up()
    assert console.terminal.wait(8) is not None
    assert not any("4242" in each for each in box.processes(container))
