"""One host process and its pipes."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, mask

_ROOT = Path(__file__).resolve().parents[3]
_KEPT_OUTPUT = 40  # pieces of up to 4 KiB of what the SDK printed last, for error details


class Answers:
    """What the host sends for one request, in order."""

    def __init__(self, host: HostProcess, number: int) -> None:
        self._host = host
        self._number = number
        self.queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def next(self, limit: float) -> tuple[str, Any]:
        """The next message, `(kind, value)`; TimeoutError when it does not come in time."""
        try:
            return self.queue.get(timeout=max(0.0, limit))
        except queue.Empty:
            raise TimeoutError from None

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.forget(self._number)


class HostProcess:
    """A running host: requests go in, answers come out, and it can be killed at any time.

    It has pipes instead of the terminal and a session of its own, so that neither what it prints
    nor ctrl-c reaches the other side. It ends by itself when its standard input closes, which the
    kernel does however the console ends.
    """

    def __init__(self, python: str, hello: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "amltui.adapters.azureml.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=_ROOT,  # `-m` puts it first on the path: never the user's, with a token.py in it
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.dead = False
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._number = 0
        self._pending: dict[int, Answers] = {}
        self._output: deque[bytes] = deque(maxlen=_KEPT_OUTPUT)
        self._drain = threading.Thread(target=self._keep_output, name="host output", daemon=True)
        self._drain.start()
        threading.Thread(target=self._read, name="host answers", daemon=True).start()
        self._write(hello)

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return not self._pending

    def request(self, call: str, args: dict[str, Any]) -> Answers:
        """Send a request; the answers are a context manager that forgets it."""
        with self._lock:
            self._number += 1
            number = self._number
            answers = Answers(self, number)
            self._pending[number] = answers
            dead = self.dead
        if dead:
            answers.queue.put(("error", self._died().to_wire()))
        else:
            self._write({"id": number, "call": call, "args": args})
        return answers

    def forget(self, number: int) -> None:
        """Drop whatever still comes for a request."""
        with self._lock:
            self._pending.pop(number, None)

    def kill(self) -> None:
        """End it and its children at once; returns without waiting."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            with self._writing:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
        except (OSError, ValueError):  # it has died: the reader tells everybody who waits
            return

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
                number = message.pop("id")
                kind, value = message.popitem()
            except (ValueError, KeyError, AttributeError):
                continue  # a line that was cut off by its end
            with self._lock:
                answers = self._pending.get(number)
            if answers is not None:
                answers.queue.put((kind, value))
        self._process.wait()
        self._drain.join(1)
        with self._lock:
            self.dead = True
            waiting = list(self._pending.values())
        for answers in waiting:
            answers.queue.put(("error", self._died().to_wire()))
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()

    def _keep_output(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._process.stderr.fileno(), 4096):
                self._output.append(chunk)

    def _died(self) -> AmltuiError:
        code = self._process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        said = mask(clean(b"".join(self._output).decode("utf-8", "replace")))[-8_000:]
        return AmltuiError(
            "The connection to the workspace broke",
            f"The process that runs the Azure ML SDK ended ({how}).",
            "The next call starts a new one; should it happen again, see the details.",
            problem=Problem.INTERNAL,
            detail=said.strip(),
        )
