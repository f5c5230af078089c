"""A shell over TLS, as to an engine on another machine: no byte is stuck in a buffer."""

from __future__ import annotations

import asyncio
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from amltui.adapters.docker import shell
from amltui.adapters.docker.access import EngineAccess
from amltui.adapters.docker.address import Address
from amltui.demo.certificates import create
from tests.workers.box import Box, _image, box

__all__ = ["_image", "box"]
pytestmark = pytest.mark.engine


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[EngineAccess]:
    """The engine behind TLS."""
    from docker.tls import TLSConfig

    authority, context = create(tmp_path)
    port: list[int] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near = await asyncio.open_unix_connection("/var/run/docker.sock")
        await asyncio.gather(pump(reader, near[1]), pump(near[0], writer))

    async def serve() -> None:
        server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
        port.append(server.sockets[0].getsockname()[1])
        started.set()

    serving = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    assert started.wait(5)
    assert serving
    access = EngineAccess()
    tls = TLSConfig(ca_cert=str(authority), verify=True)
    access._address = Address(f"https://127.0.0.1:{port[0]}", "the test", tls)
    yield access
    access.close()

    async def finish() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        loop.call_soon(loop.stop)

    asyncio.run_coroutine_threadsafe(finish(), loop)
    thread.join(5)
    loop.close()


def read_until(session: shell.ContainerShell, mark: bytes, limit: float = 15.0) -> bytes:
    """Output as the terminal's loop takes it, up to a mark."""
    deadline = time.monotonic() + limit
    output = b""
    while mark not in output:
        left = deadline - time.monotonic()
        assert left > 0, output[-300:]
        if select.select([session], [], [], min(left, 1))[0]:
            output += session.receive() or b""
    return output


def send(session: shell.ContainerShell, keys: bytes) -> None:
    while keys:
        keys = keys[session.send(keys) :]


def test_a_shell_over_tls(box: Box, remote: EngineAccess) -> None:
    name = box.run()
    session = shell.open_shell(remote, name, columns=90, rows=30, term="xterm")
    send(session, b"stty size; echo re''ady\n")
    assert b"30 90" in read_until(session, b"ready\r\n")
    send(session, b"seq 60000; echo do''ne\n")
    output = read_until(session, b"done\r\n")
    numbers = [int(word) for word in output.split() if word.isdigit()]
    assert numbers[-60000:] == list(range(1, 60001))
    send(session, b"exit 3\n")
    while session.receive() != b"":
        select.select([session], [], [], 1)
    assert session.end().code == 3


def test_a_hang_up_ends_all_but_what_ignores_it(box: Box) -> None:
    name = box.run()
    session = shell.open_shell(box.access, name)
    send(session, b"sleep 1111 &\n")
    send(session, b"(trap '' HUP; exec sleep 2222) &\n")
    send(session, b"trap '' HUP INT; (trap - HUP; exec sleep 3333); echo re''ady\n")
    deadline = time.monotonic() + 10
    while len([each for each in box.processes(name) if each.endswith(("11", "22", "33"))]) < 3:
        assert time.monotonic() < deadline, box.processes(name)
    session.hang_up()
    left = [each for each in box.processes(name) if "sleep" in each and "0.2" not in each]
    assert left == ["sleep 2222"]


def test_the_users_own_shell_is_taken(box: Box) -> None:
    name = box.run()
    box.sh(name, "cp /bin/sh /bin/mine; sed -i 's#:/root:/bin/sh#:/root:/bin/mine#' /etc/passwd")
    session = shell.open_shell(box.access, name)
    wanted = "/bin/mine" if "busybox" not in box.sh(name, "readlink /bin/sh") else None
    assert wanted is None or session.program == wanted
    session.hang_up()
    box.sh(name, "sed -i 's#:/root:.*#:/root:/usr/sbin/nologin#' /etc/passwd")
    session = shell.open_shell(box.access, name)
    assert session.program.endswith("sh")
    session.hang_up()
    assert len(box.processes(name)) <= 2
