"""The janitor removes what a demo put into a real engine, and nothing else."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from amltui.adapters.docker import janitor

pytestmark = pytest.mark.engine


@dataclass
class Engine:
    """The real engine, with a record of what a test makes in it."""

    client: Any
    names: list[str] = field(default_factory=list)

    def demo(self, owner: str, *, keep: bool = False) -> str:
        """Make an image and a container as a demo of *owner* leaves them; return their name."""
        name = f"amltui-imgtest-{uuid4().hex[:8]}"
        kept = ' amltui.demo.keep="true"' if keep else ""
        lines = f'FROM scratch\nLABEL amltui.demo="{owner}"{kept}\nENV NAME={name}\nCMD ["/x"]\n'
        self.client.images.build(fileobj=io.BytesIO(lines.encode()), tag=name, rm=True)
        self.client.containers.create(name, name=name)
        self.names.append(name)
        return name

    def has(self, name: str) -> bool:
        """Whether both the container and the image of that name are there."""
        containers = self.client.containers.list(
            all=True, filters={"name": name}, ignore_removed=True
        )
        return bool(containers and self.client.images.list(name))

    def has_trace(self, name: str) -> bool:
        """Whether the container or the image of that name is there."""
        containers = self.client.containers.list(
            all=True, filters={"name": name}, ignore_removed=True
        )
        return bool(containers or self.client.images.list(name))

    def tidy(self) -> None:
        for name in self.names:
            for container in self.client.containers.list(
                all=True, filters={"name": name}, ignore_removed=True
            ):
                container.remove(force=True)
            for image in self.client.images.list(name):
                self.client.images.remove(image.id, force=True)
        self.client.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    import docker

    engine = Engine(docker.from_env())
    yield engine
    engine.tidy()


@pytest.fixture
def live() -> Iterator[str]:
    """Give the address of something that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def dead_owner() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_removes_its_own_demo_only(engine: Engine, live: str) -> None:
    mine, other = engine.demo(dead_owner()), engine.demo(live)
    owner = engine.client.containers.get(mine).labels[janitor.LABEL]
    assert janitor.remove(owner) == 2
    assert not engine.has_trace(mine)
    assert engine.has(other)
    assert janitor.remove(owner) == 0


def test_two_images_of_one_name_go_both(engine: Engine) -> None:
    """A rebuilt image loses its name to the next one, and keeps its label."""
    owner = dead_owner()
    name = engine.demo(owner)
    old = engine.client.images.get(name).id
    text = f'FROM scratch\nLABEL amltui.demo="{owner}"\nENV NAME=again\n'
    engine.client.images.build(fileobj=io.BytesIO(text.encode()), tag=name, rm=True)
    janitor.remove(owner)
    assert not engine.has_trace(name)
    assert old not in {image.id for image in engine.client.images.list(all=True)}


def test_it_acts_when_its_parent_is_killed(engine: Engine) -> None:
    owner = dead_owner()
    name = engine.demo(owner)
    code = (
        "import sys, time; from amltui.adapters.docker import janitor;"
        "print(janitor.start(sys.argv[1]).pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, owner], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert engine.has(name)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not engine.has_trace(name))
    wait_until(lambda: is_gone(pid))


def test_interrupt_and_hangup_are_not_for_it_but_the_end_of_its_input_is(engine: Engine) -> None:
    owner = dead_owner()
    name = engine.demo(owner)
    process = janitor.start(owner)
    assert process.stdin is not None
    wait_until(lambda: all(_does(process.pid, "SigIgn", s) for s in (signal.SIGINT, signal.SIGHUP)))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    assert engine.has(name)
    process.stdin.close()
    assert process.wait(15) == 0
    assert not engine.has_trace(name)


def _does(pid: int, what: str, number: int) -> bool:
    """Whether the kernel has the signal in that mask (SigIgn, SigCgt) of the process."""
    with open(f"/proc/{pid}/status") as file:
        mask = next(line.split()[1] for line in file if line.startswith(what))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_polite_end_is_the_moment_too(engine: Engine) -> None:
    owner = dead_owner()
    name = engine.demo(owner)
    process = janitor.start(owner)
    wait_until(lambda: _does(process.pid, "SigCgt", signal.SIGTERM))
    process.terminate()
    assert process.wait(15) == 0
    assert not engine.has_trace(name)
    assert process.stdin is not None
    process.stdin.close()


def test_the_sweep_takes_the_dead_and_leaves_the_living_the_kept_and_the_foreign(
    engine: Engine, live: str
) -> None:
    dead = dead_owner()
    left_over = engine.demo(dead)
    stays = [
        engine.demo(live),
        engine.demo(dead_owner(), keep=True),
        engine.demo("registry.example:80"),
    ]
    assert dead in janitor.sweep()
    assert not engine.has_trace(left_over)
    assert all(engine.has(name) for name in stays)


def test_the_sweep_takes_a_base_image_that_nothing_was_built_on(engine: Engine, live: str) -> None:
    name = engine.demo(live)
    shared = engine.client.images.get(name)
    dead, alive = (f"{owner}/amltui-demo/python:latest" for owner in (dead_owner(), live))
    for tag in (dead, alive):
        shared.tag(tag)
        engine.names.append(tag)
    janitor.sweep()
    assert not engine.client.images.list(dead)
    assert engine.client.images.list(alive)


@pytest.mark.parametrize("argument", ["", "registry.example:80", "127.0.0.1:1; rm"])
def test_a_wrong_owner_is_a_usage_error(argument: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "amltui.adapters.docker.janitor", argument],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("usage:")
