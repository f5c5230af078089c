"""Processes of runs: start one, see whether it lives, stop it. It knows nothing of what they do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.run import CRASH, PROCESS
from amltui.domain.text import clean, mask

from .run_record import read_json, write_json

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = ("-m", "amltui.adapters.azureml.run")
_POLITE = 5.0  # seconds that a process gets to tidy up after it was asked to stop
_LOOPBACK = 0.5  # seconds that a connection on this machine may take
_ASIDE = 120.0  # seconds for a question that is answered beside the run
_UNREADABLE = "The run's process printed no answer."


class RunProcesses:
    """Starts and stops the processes of runs, each detached from the terminal and from us."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    def start(self, directory: Path, first: str, last: str) -> None:
        """Start a process for some steps of a run; it goes on whatever becomes of this one."""
        crash = os.open(directory / CRASH, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(
                [self._python, *_COMMAND, str(directory), "work", first, last],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=crash,
                env=_environment(),
                cwd=_ROOT,  # `-m` puts it first on the path: never the user's, with a token.py
                start_new_session=True,
            )
        finally:
            os.close(crash)
        mark(directory, process.pid)
        # Somebody has to take note of its end, else it stays in the process table while we live.
        threading.Thread(target=process.wait, name="run", daemon=True).start()

    def alive(self, directory: Path) -> bool:
        """Whether the process that was started last for this run still works on it."""
        known = read_json(directory / PROCESS)
        pid, since = known.get("pid"), known.get("since")
        return isinstance(pid, int) and bool(since) and started_at(pid) == since

    def stop(self, directory: Path) -> None:
        """End the process of a run and its children; blocks until it is gone (5 s at most)."""
        pid = read_json(directory / PROCESS).get("pid")
        if not self.alive(directory) or not isinstance(pid, int):
            return
        deadline = time.monotonic() + _POLITE
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
        while self.alive(directory):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            if time.monotonic() > deadline + _POLITE:
                raise AmltuiError(
                    "The run cannot be stopped",
                    f"Its process {pid} does not end.",
                    "It may hang in a disk or network call; look at it with ps.",
                    problem=Problem.INTERNAL,
                )
            time.sleep(0.02)

    def demo_ended(self, url: str, ca_bundle: str) -> bool:
        """Whether the demo with this address and authority is no more; it never comes back.

        Its port may be another's by now, but a demo that ends takes its certificates along.
        """
        if not os.path.exists(ca_bundle):
            return True
        address = urlsplit(url)
        with socket.socket() as probe:
            probe.settimeout(_LOOPBACK)
            return probe.connect_ex((address.hostname or "", address.port or 0)) != 0

    def ask(self, directory: Path, question: str, *words: str) -> Any:
        """What a process beside the run answers to a question about it; blocks."""
        try:
            done = subprocess.run(
                [self._python, *_COMMAND, str(directory), question, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_environment(),
                cwd=_ROOT,
                timeout=_ASIDE,
                start_new_session=True,
                check=False,
            )
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            raise AmltuiError(
                f"No answer within {_ASIDE:g} s",
                "The workspace or the engine does not answer.",
                "Try again.",
                problem=Problem.TIMEOUT,
            ) from None
        except ValueError:
            said = mask(clean(done.stderr.decode("utf-8", "replace")))[-4_000:]
            raise AmltuiError(_UNREADABLE, problem=Problem.INTERNAL, detail=said) from None
        if "error" in answer:
            raise AmltuiError.from_wire(answer["error"])
        return answer.get("ok")

    def remove(self, directory: Path) -> None:
        """Forget a run that has ended."""
        shutil.rmtree(directory, ignore_errors=True)


def mark(directory: Path, pid: int) -> None:
    """Write down which process works on a run, so that no other is taken for it later."""
    write_json(directory / PROCESS, {"pid": pid, "since": started_at(pid)})


def started_at(pid: int) -> str:
    """What tells a process from an earlier or later one of its number; "" when there is none."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""
        # After the name, which is in parentheses and may hold anything: state is 3, start 22.
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    state, _, since = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else since.strip()


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop("HOSTNAME", None)  # exported, it makes the SDK look for a container
    return environment
