"""An engine on another machine, through what stands for the person's ssh: all but the network."""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path

import pytest

from amltui.adapters.docker.access import EngineAccess
from amltui.adapters.docker.client import connect
from amltui.adapters.docker.engine import DockerEngine
from amltui.adapters.docker.tools import ContainerTools
from amltui.domain.errors import AmltuiError, Problem
from tests.adapters.test_shell import read_until, send
from tests.workers.box import APP, Box, _image, box, wait_until

__all__ = ["_image", "box"]
pytestmark = pytest.mark.engine

FAR = "ssh://me@far:2222"
SSH = """#!{python}
import os, select, socket, sys
wanted = ["-p", "2222", "--", "me@far", "docker", "system", "dial-stdio"]
if sys.argv[-7:] != wanted or "BatchMode=yes" not in sys.argv:
    sys.exit("odd arguments: %s" % sys.argv)
engine = socket.socket(socket.AF_UNIX); engine.connect("/var/run/docker.sock")
while True:
    for ready in select.select([engine, 0], [], [])[0]:
        data = engine.recv(65536) if ready is engine else os.read(0, 65536)
        if not data: sys.exit()
        if ready is engine: os.write(1, data)
        else: engine.sendall(data)
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only program on the PATH."""
    program = tmp_path / "ssh"
    program.write_text(SSH.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def connections() -> list[str]:
    """The ssh processes that still run."""
    listing = subprocess.run(["/bin/ps", "-eo", "stat,args"], capture_output=True, text=True)
    return [line for line in listing.stdout.splitlines() if "me@far" in line and line[0] != "Z"]


def test_lists_shells_and_files(box: Box, ssh: Path) -> None:
    name = box.run()
    access = EngineAccess(FAR)
    tools = ContainerTools(access)
    session = tools.open_shell(name, 90, 30, "xterm")
    send(session, b"stty size; echo re''ady\n")
    assert b"30 90" in read_until(session, b"ready\r\n")
    session.resize(100, 40)
    send(session, b"seq 60000; stty size; echo do''ne\n")
    output = read_until(session, b"done\r\n")
    assert b"\r\n60000\r\n40 100\r\n" in output
    send(session, b"exit 3\n")
    while session.receive() != b"":
        select.select([session], [], [], 1)
    assert session.end().code == 3
    data, original = tools.read_file(name, f"{APP}/score.py")
    assert tools.write_back(original, data + b"# edited\n")
    assert [change.path for change in tools.dirty(name)] == [f"{APP}/score.py"]
    client, url = connect(FAR)
    assert url == FAR
    assert client.containers.get(name).status == "running"
    client.close()
    access.close()
    wait_until(lambda: not connections(), "the end of the connections")


def test_the_log(box: Box, ssh: Path) -> None:
    name = box.run(["/bin/sh", "-c", "seq 5000"])
    box.api.wait(name)
    engine = DockerEngine(FAR)
    identity = next(row.id for row in engine.containers() if row.name == name)
    log = engine.open_log(identity, tail=None, follow=False)
    lines = [int(line) for batch in log.batches() for line in batch.lines]
    assert lines == list(range(1, 5_001))
    engine.close()


def test_what_ssh_says_is_told(ssh: Path) -> None:
    ssh.write_text("#!/bin/sh\necho 'me@far: Permission denied (publickey).' >&2\nexit 255\n")
    with pytest.raises(AmltuiError) as caught:
        DockerEngine(FAR).info()
    assert caught.value.title == "No SSH connection to the engine"
    assert "Permission denied (publickey)" in caught.value.message
    assert "`ssh -T " in caught.value.hint
    assert "-- me@far docker version`" in caught.value.hint
    ssh.unlink()
    with pytest.raises(AmltuiError) as caught:
        DockerEngine(FAR).info()
    assert caught.value.title == "No SSH client"
    assert caught.value.problem is Problem.CONFIGURATION
