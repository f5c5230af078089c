"""The writing side of a run: its directory, its journal, and the mark of who works on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Failure
from amltui.domain.run import (
    JOURNAL,
    LOCK,
    Event,
    LogKept,
    Noted,
    Outcome,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
    to_line,
)
from amltui.domain.text import clean, clean_line, mask

_MOST_OUTPUT = 4_000_000  # characters of what tools print, for each process
_LINE = 4_000  # characters of one line of it


class RunRecord:
    """Appends to a run's journal, from any thread; one process at a time works on a run.

    Without `exclusive` it is for who adds to a run from beside: each event is one write.

    Raises:
        BlockingIOError: from the constructor, when another process works on the run.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float] = time.time,
        *,
        exclusive: bool = True,
    ) -> None:
        self._clock = clock
        self._writing = threading.Lock()
        self._output = 0
        self.directory = directory
        self.step = ""
        self._lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        if exclusive:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._journal = os.open(directory / JOURNAL, flags, 0o600)
        if exclusive:
            self._end_torn_line()

    def started(self, target: str, first: str, last: str) -> None:
        """A process begins to work on the run."""
        at, pid = self._clock(), os.getpid()
        self.write(RunStarted(at=at, pid=pid, target=target, first=first, last=last), sync=True)

    def begin(self, step: str) -> None:
        """A step begins; on disk when this returns."""
        self.step = step
        self.write(StepStarted(at=self._clock(), step=step), sync=True)

    def log(self, text: str) -> None:
        """A remark of the current step."""
        shown = mask(clean_line(text))[:_LINE]
        self.write(StepLogged(at=self._clock(), step=self.step, text=shown))

    def output(self, line: str) -> None:
        """A line that a tool printed, as it came."""
        shown = mask(clean(line.replace("\n", " ")[: 2 * _LINE])).rstrip()[:_LINE]
        self._output += len(shown) + 80
        if not shown or self._output > _MOST_OUTPUT:
            return
        self.write(StepLogged(at=self._clock(), step=self.step, text=shown, output=True))

    def note(self, **facts: str) -> None:
        """Facts for a resumed run; on disk when this returns."""
        self.write(Noted(at=self._clock(), step=self.step, facts=facts), sync=True)

    def keep_log(self, title: str, file: str, text: str) -> None:
        """Keep a log beside the journal, cleaned and masked."""
        path = self.directory / file
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as out:
            out.write(mask(clean(text)))
        self.write(LogKept(at=self._clock(), step=self.step, title=title, file=file), sync=True)

    def failed(self, error: AmltuiError, failure: Failure | None) -> None:
        """The current step failed."""
        wire = {name: mask(text) for name, text in error.to_wire().items()}
        event = StepFailed(at=self._clock(), step=self.step, error=wire, failure=failure)
        self.write(event, sync=True)

    def finished(self, text: str = "", *, reused: bool = False) -> None:
        """The current step is done."""
        text = mask(clean_line(text))
        event = StepFinished(at=self._clock(), step=self.step, text=text, reused=reused)
        self.write(event, sync=True)

    def ended(self, outcome: Outcome) -> None:
        """The run is over."""
        self.write(RunEnded(at=self._clock(), outcome=outcome), sync=True)

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Append an event; with `sync` it is on the disk when this returns."""
        with self._writing:
            data = memoryview(to_line(event))
            while data:
                data = data[os.write(self._journal, data) :]
            if sync:
                os.fsync(self._journal)

    def _end_torn_line(self) -> None:
        """Close a line that the process before us was killed in."""
        size = os.fstat(self._journal).st_size
        if size and os.pread(self._journal, 1, size - 1) != b"\n":
            os.write(self._journal, b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty when there is none, or none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file at once, readable for its owner only."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(value, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)
