"""`amltui shell` on a real terminal: whatever dies, the terminal is put right."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from shutil import which

import pytest

from tests.bench import shells
from tests.pty.terminal import Terminal
from tests.workers.box import Box, wait_until

pytestmark = pytest.mark.engine

COMMAND = (
    "import sys; from amltui.cli import say_error; from amltui.domain.errors import AmltuiError; "
    "from amltui.container_commands import shell; from amltui.settings import load\n"
    "try: sys.exit(shell(load({}, file=None), sys.argv[1], image='--image' in sys.argv))\n"
    "except AmltuiError as error: say_error(error); sys.exit(99)"
)


class Outer:
    """A shell of the test in a terminal, from which the command is run."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.terminal = terminal
        self.folder = folder

    def settings(self, name: str) -> str:
        """What `stty -g` says now."""
        path = self.folder / name
        self.terminal.send(f"stty -g > {path}.new; mv {path}.new {path}", "enter")
        wait_until(path.exists, "stty's answer")
        return path.read_text()

    def run(self, *words: str) -> None:
        """Run the command; its exit code comes as "code=N" after it."""
        (self.folder / "command.py").write_text(COMMAND)
        line = f"{sys.executable} {self.folder / 'command.py'} {' '.join(words)}; echo code=$?"
        self.terminal.send(line, "enter")


@pytest.fixture
def outer(tmp_path: Path) -> Iterator[Outer]:
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path, "PS1": "$ ", "HOME": str(tmp_path), "ENV": ""}
    with Terminal(["/bin/sh"], environment=environment) as terminal:
        yield Outer(terminal, tmp_path)


def test_exit_code_folder_and_size(box: Box, outer: Outer) -> None:
    name = box.run()
    before = outer.settings("before")
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send('echo "at=$(pwd) size=$(stty size) term=$TERM"', "enter")
    outer.terminal.wait_for("at=/var/azureml-app size=24 80")
    outer.terminal.send("touch edited; exit 7", "enter")
    outer.terminal.wait_for("code=7")
    assert f"Not committed: 1 file. `amltui commit {name}` keeps" in outer.terminal.text
    assert outer.settings("after") == before


def test_what_is_typed_comes_through_unchanged(box: Box, outer: Outer) -> None:
    name = box.run()
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send("cat > /tmp/typed", "enter")
    wait_until(lambda: any(each.startswith("cat") for each in box.processes(name)), "cat")
    text = "ünï ✓ 漢字 " + "x" * 200
    outer.terminal.send_bytes(text.encode() + b"\r")
    outer.terminal.send_bytes(b"\x04")
    outer.terminal.send("exit", "enter")
    outer.terminal.wait_for("code=0")
    # The shell may have asked where the cursor is, and the terminal's answer is typing, too.
    assert box.sh(name, "cat /tmp/typed").removeprefix("\x1b[1;1R") == text + "\n"


def test_resizing_is_seen_inside(box: Box, outer: Outer) -> None:
    import fcntl
    import struct
    import termios

    name = box.run()
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    fcntl.ioctl(outer.terminal._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.killpg(os.tcgetpgrp(outer.terminal._fd), signal.SIGWINCH)
    # Ends by itself: after a ^C the shell may drop what is typed next with what it flushes.
    outer.terminal.send("until stty size | grep '40 100'; do sleep 0.1; done; exit 0", "enter")
    outer.terminal.wait_for("code=0")


def test_a_container_killed_in_vi(box: Box, outer: Outer) -> None:
    name = box.run()
    before = outer.settings("before")
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send(
        "printf '\\033[?1049h\\033[?1000h\\033[?2004h\\033[?25l\\033='; vi score.py"
    )
    outer.terminal.send("enter")
    outer.terminal.wait_for("def init()")
    box.api.kill(name)
    outer.terminal.wait_for("The container has ended")
    outer.terminal.wait_for("code=137")
    assert outer.settings("after") == before
    raw = bytes(outer.terminal.raw)
    undone = raw[raw.rindex(b"def init()") :]
    for mode in (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[?25h", b"\x1b>"):
        assert mode in undone, mode


def test_a_lost_line_leaves_nothing_in_the_container(box: Box, tmp_path: Path) -> None:
    name = box.run()
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    (tmp_path / "command.py").write_text(COMMAND)
    command = [sys.executable, str(tmp_path / "command.py"), name]
    with Terminal(command, environment={"PYTHONPATH": path}) as terminal:
        terminal.wait_for("ctrl+]")
        terminal.send("sleep 1234 & vi score.py", "enter")
        terminal.wait_for("def init()")
        assert any("sleep 1234" in each for each in box.processes(name))
        terminal.hang_up()
        assert terminal.wait(8) is not None
    left = box.processes(name)
    assert not [each for each in left if "vi " in each or "1234" in each], left
    assert len([each for each in left if "sleep" in each]) == len(left), left


def test_a_polite_end_of_the_program_restores_everything(box: Box, outer: Outer) -> None:
    name = box.run()
    before = outer.settings("before")
    (outer.folder / "command.py").write_text(COMMAND)
    outer.terminal.send(
        f"{sys.executable} {outer.folder / 'command.py'} {name} & "
        f"echo $! > {outer.folder / 'pid'}; fg; echo code=$?", "enter"
    )  # fmt: skip
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send("vi score.py", "enter")
    outer.terminal.wait_for("def init()")
    os.kill(int((outer.folder / "pid").read_text()), signal.SIGTERM)
    outer.terminal.wait_for("code=143")
    assert outer.settings("after") == before
    assert not [each for each in box.processes(name) if "vi " in each]


def test_a_long_paste_arrives_whole(box: Box, outer: Outer) -> None:
    name = box.run()
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send("stty -echo; cat > /tmp/pasted", "enter")
    wait_until(lambda: any(each.startswith("cat") for each in box.processes(name)), "cat")
    text = "".join(f"{number:06} of the pasted lines\n" for number in range(8_000))
    for start in range(0, len(text), 50_000):
        outer.terminal.send_bytes(text[start : start + 50_000].replace("\n", "\r").encode())
    outer.terminal.send_bytes(b"\x04")
    outer.terminal.send("exit", "enter")
    outer.terminal.wait_for("code=0")
    assert box.sh(name, "cat /tmp/pasted").removeprefix("\x1b[1;1R") == text


def test_a_shell_that_hangs_is_let_go(box: Box, outer: Outer) -> None:
    name = box.run()
    before = outer.settings("before")
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send("trap '' INT HUP; stty -isig; sleep 4321; echo never", "enter")
    wait_until(lambda: any("4321" in each for each in box.processes(name)), "sleep")
    echoed = len(outer.terminal.raw)
    for number in range(1, 4):  # each as a key of its own: the next after the last one's echo
        outer.terminal.send_bytes(b"\x1d")
        with suppress(AssertionError):
            outer.terminal.wait_until(
                partial(lambda wanted: len(outer.terminal.raw) >= wanted, echoed + 2 * number),
                "its echo",
                0.3,
            )
    outer.terminal.wait_for("Let go")
    assert outer.settings("after") == before
    assert not any("sh -c" in each and "amltui" in each for each in box.processes(name))


@pytest.mark.usefixtures("alone_with_copies")
def test_a_crashed_container_gets_a_copy(box: Box, outer: Outer, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "there").write_text("mounted")
    name = box.run(
        ["/bin/sh", "-c", "echo broken > /var/azureml-app/state; exit 3"],
        Env=["COLOUR=green"],
        HostConfig={"Binds": [f"{tmp_path / 'data'}:/data"]},
    )
    wait_until(lambda: not box.api.inspect_container(name)["State"]["Running"], "the crash")
    outer.run(name)
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send('echo "$COLOUR-$(cat state)-$(cat /data/there)"', "enter")
    outer.terminal.wait_for("green-broken-mounted")
    outer.terminal.send("exit", "enter")
    outer.terminal.wait_for("code=0")
    # Those of other tests come and go meanwhile.
    mark = {"label": "amltui.temporary"}
    wait_until(lambda: not box.api.images(filters=mark), "the end of the copy's image", 30)
    wait_until(lambda: not box.api.containers(all=True, filters=mark), "the end of the copy", 30)


@pytest.mark.usefixtures("alone_with_copies")
def test_an_image_gets_a_shell(box: Box, outer: Outer) -> None:
    outer.run(box.image, "--image")
    outer.terminal.wait_for("ctrl+]")
    outer.terminal.send("echo in=$(pwd)", "enter")
    outer.terminal.wait_for("in=/var/azureml-app")
    outer.terminal.send("exit 4", "enter")
    outer.terminal.wait_for("code=4")
    mark = {"label": "amltui.temporary"}  # those of other tests come and go meanwhile
    wait_until(lambda: not box.api.containers(all=True, filters=mark), "the end of the copy", 30)


def test_a_paused_container_is_a_sentence(box: Box, outer: Outer) -> None:
    name = box.run()
    box.api.pause(name)
    outer.run(name)
    outer.terminal.wait_for("The container is paused")
    outer.terminal.wait_for("code=99")


@contextmanager
def relay(path: str) -> Iterator[list[socket.socket]]:
    """A socket to the engine that can be cut: what an engine that stops looks like from here."""
    ends: list[socket.socket] = []
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    ends.append(server)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield ends
    finally:
        cut(ends)


def cut(ends: list[socket.socket]) -> None:
    """End all connections."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def test_an_engine_that_stops(box: Box, outer: Outer, tmp_path: Path) -> None:
    name = box.run()
    before = outer.settings("before")
    with relay(str(tmp_path / "engine.sock")) as ends:
        outer.terminal.send(f"export DOCKER_HOST=unix://{tmp_path}/engine.sock", "enter")
        outer.run(name)
        outer.terminal.wait_for("ctrl+]")
        outer.terminal.send("top", "enter")
        outer.terminal.wait_for("PID")
        cut(ends)
        outer.terminal.wait_for("The engine has gone")
        outer.terminal.wait_for("code=125")
    assert outer.settings("after") == before


@pytest.mark.skipif(os.geteuid() != 0 or not which("dockerd"), reason="starts an engine: not root")
def test_shells_that_lose_what_they_run_in() -> None:
    """As the bench does it fifty times; it fails where a terminal or a process is left behind."""
    kinds = ("container removed", "engine restarted", "line cut")
    assert set(shells.run(len(kinds), 5, chosen=kinds)) == set(kinds)
