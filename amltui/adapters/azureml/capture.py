"""Keep what the SDK prints off the real stdout: it becomes events, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable

_CHUNK = 65536
_DRAIN_SECONDS = 2.0


class EventStream:
    """Owns the process's real stdout; file descriptors 1 and 2 lead to *on_line* and to events.

    At the level of descriptors, because child processes and C code print, too, and print more
    than ``sys.stdout`` ever sees. The text is passed on as it is: its reader sanitises it.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        """Redirect from now on; *on_line* is called, on a thread, with each complete line."""
        self._on_line = on_line
        self._lock = threading.Lock()
        self._wire = os.dup(1)
        reading, writing = os.pipe()
        for descriptor in (1, 2):
            os.dup2(writing, descriptor)
        os.close(writing)
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()

    def emit(self, event: str, **fields: object) -> None:
        """Write one event; nobody listening any more is no error."""
        line = json.dumps({"event": event, **fields}) + "\n"
        data = memoryview(line.encode())
        with self._lock, contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._wire, data) :]

    def drain(self) -> None:
        """End the capture: everything printed until now has been emitted when this returns."""
        sys.stdout.flush()
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        # A child process of the SDK may still hold the pipe: it is not waited for.
        self._reader.join(_DRAIN_SECONDS)

    def _read(self, descriptor: int) -> None:
        rest = b""
        while chunk := os.read(descriptor, _CHUNK):
            done, newline, rest = (rest + chunk).rpartition(b"\n")
            if len(rest) > _CHUNK:
                done, newline, rest = done + newline + rest, b"", b""
            if done or newline:
                self._pass_on((done + newline).decode("utf-8", "replace"))
        if rest:
            self._pass_on(rest.decode("utf-8", "replace"))

    def _pass_on(self, text: str) -> None:
        for line in text.splitlines():
            self._on_line(line)
        self.emit("output", text=text)
