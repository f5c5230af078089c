"""Start the demo workspace as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


class DemoError(RuntimeError):
    """The demo workspace did not start; the text says why."""


@dataclass
class DemoServer:
    """A running demo workspace; leaving the `with` block stops it."""

    url: str
    ca_bundle: str
    subscription_id: str
    resource_group: str
    workspace_name: str
    control: str = ""
    pid: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def stop(self) -> None:
        """End the server; harmless when it has ended already. Takes a few milliseconds."""
        if self._process is not None:
            _end(self._process)

    @property
    def is_own(self) -> bool:
        """Whether we started the server, so that it ends with us."""
        return self._process is not None

    @property
    def address(self) -> str:
        """What `join` needs to find the server: one line of text, without the control token."""
        return json.dumps(self._place)

    @property
    def connection(self) -> dict[str, str]:
        """How to sign in to it, for whoever runs the SDK."""
        return {"auth": "demo", **self._place}

    @property
    def _place(self) -> dict[str, str]:
        names = ("url", "ca_bundle", "subscription_id", "resource_group", "workspace_name")
        return {name: getattr(self, name) for name in names}

    def __enter__(self) -> DemoServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def join(address: str) -> DemoServer:
    """A server that somebody else started and will stop; raise DemoError for a bad address."""
    try:
        return DemoServer(**json.loads(address))
    except (ValueError, TypeError) as error:
        raise DemoError(f"No demo workspace has this address: {error}") from error


def start(
    *,
    images: bool = True,
    clock: float | None = None,
    services: int = 0,
    timeout: float = 10,
    speed: float = 1.0,
) -> DemoServer:
    """Start a demo workspace of one's own on a free port; raise DemoError when it cannot.

    `clock` freezes its time (epoch seconds), `services` adds generated ones, `speed` divides the
    time that operations take, `timeout` is how long to wait for the server in seconds.
    """
    command = [sys.executable, "-m", "amltui.demo", "--services", str(services)]
    command += ["--speed", str(speed)]
    command += [] if images else ["--no-images"]
    command += [] if clock is None else ["--clock", repr(clock)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # `-m` puts the working directory first on the path: in the user's own, a file json.py
        # would be imported instead of the library's.
        cwd=Path(__file__).resolve().parents[2],
        start_new_session=True,
    )
    try:
        line = _first_line(process, timeout)
        ready = json.loads(line)
        return DemoServer(**ready, pid=process.pid, _process=process)
    except (ValueError, TypeError, TimeoutError) as error:
        complaint = _end(process)
        raise DemoError(f"The demo workspace did not start: {complaint or error}") from error
    except BaseException:
        _end(process)
        raise


def _first_line(process: subprocess.Popen[bytes], timeout: float) -> bytes:
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    deadline, line = time.monotonic() + timeout, b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError(f"no answer within {timeout:g} s")
        chunk = os.read(descriptor, 65536)
        if not chunk:
            break
        line += chunk
    return line


def _end(process: subprocess.Popen[bytes]) -> str:
    """Let the child go, insist when it does not, and return the last line it complained with."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    complaint = b""
    if process.stderr is not None and not process.stderr.closed:
        complaint = process.stderr.read()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
