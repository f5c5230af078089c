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
from textual.app import ComposeResult
from textual.widgets import Static
from amltui.adapters.docker.tools import ContainerTools
from amltui.adapters.editor import edit
from amltui.domain.models import Container
from amltui.panes.container_actions import ContainerActions
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers.workbench import Workbench

class Pane(ContainerActions):
    bench = Workbench(ContainerTools(), editor=edit)
    @property
    def selected(self):
        detail = ContainerTools().detail(sys.argv[1])
        return Container(detail.id, "it", detail.image, detail.state, "")
    def compose(self) -> ComposeResult:
        yield Static("the pane is here", markup=False)
    def key_q(self):
        self.app.exit()
    def key_z(self):
        def fail():
            print("printed while lent")
            raise ValueError("in the middle")
        async def lend():
            async with self.telling():
                await self.lend_terminal(fail)
        self.run_worker(lend())

class Host(LinkedApp):
    def on_mount(self):
        self.push_screen(Pane())

stty = lambda: subprocess.run(["stty", "-g"], capture_output=True).stdout
before = stty()
Host().run()
print("left", "same" if stty() == before else "DIFFERENT", flush=True)
"""


class Console:
    """The app in a terminal, and keys for it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def open_shell(self) -> None:
        self.terminal.wait_for("the pane is here")
        count = self.terminal.raw.count(b"ctrl+]")
        self.terminal.send("s")
        self.terminal.wait_until(
            lambda: self.terminal.raw.count(b"ctrl+]") > count, "the shell's greeting"
        )

    def leave(self) -> None:
        self.terminal.wait_for("the pane is here")
        self.terminal.send("q")
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
    console.terminal.wait_for("the pane is here")
    console.terminal.send("z")
    console.terminal.wait_for("The terminal came back early")
    assert b"printed while lent" in console.terminal.raw
    console.terminal.send("esc")
    console.terminal.wait_until(
        lambda: "came back early" not in console.terminal.text, "the dialog's end"
    )
    console.leave()


def test_the_editor(console: Console, box: Box, container: str) -> None:
    console.terminal.wait_for("the pane is here")
    console.terminal.send("v")
    console.terminal.wait_for("Edit a file of it")
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
