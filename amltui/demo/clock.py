"""The server's time: the real one, or frozen so that screenshots never change."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """Wall time for what people read, and a second hand for operations in flight.

    A frozen clock keeps ages, logs and states still, yet a deployment must still finish: so
    `ticking` goes on from the frozen moment. `speed` makes operations faster (tests use it).
    """

    def __init__(self, frozen: float | None = None, speed: float = 1.0) -> None:
        self._frozen = frozen
        self.is_frozen = frozen is not None
        self._begin = time.monotonic()
        self.start = time.time() if frozen is None else frozen
        self.speed = speed

    def now(self) -> float:
        """Return the time that people see, in epoch seconds."""
        return time.time() if self._frozen is None else self._frozen

    def ticking(self) -> float:
        """Return a time that always advances, in epoch seconds."""
        return self.start + time.monotonic() - self._begin


def iso(moment: float) -> str:
    """Return epoch seconds as the service writes them: `2026-11-21T06:00:00.123456+00:00`."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="microseconds")


def stamp(moment: float, pattern: str) -> str:
    """Return epoch seconds in UTC, written by a strftime pattern."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime(pattern)
