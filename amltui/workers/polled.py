"""A log that can only be read again and again, put together from its readings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logmerge import Event, Merger

from .snapshots import retry_in

QUICK_POLL = 2.0  # seconds between two readings of a log that changes
IDLE_POLL = 10.0  # and of one that does not, reached by and by

_MARKERS = {
    Event.RESTARTED: "the log starts anew: the container was restarted or replaced",
    Event.GAP: "lines are missing here: more was written than one reading holds",
}


@dataclass(frozen=True)
class LogUpdate:
    """What one reading of a followed log brought, or why it brought nothing."""

    batch: Batch
    taken_at: datetime | None = None  # when the log was last read
    error: AmltuiError | None = None
    retry_in: float | None = None  # seconds, after an error; None: it is not tried again
    waiting: bool = False  # there is nothing to read yet


async def poll(
    read: Callable[[int], Awaitable[str | None]],
    tail: int,
    clock: Callable[[], datetime],
    *,
    source: int = 0,
    quick: float = QUICK_POLL,
    idle: float = IDLE_POLL,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[LogUpdate, None]:
    """New lines of a log, of which `read` gives the last so many, for as long as it exists.

    It is read again after the last reading was dealt with, every `quick` seconds while it
    changes, ever slower up to `idle` while it does not. Errors are updates too, with the time of
    the next try; the iteration only ends when the log is gone.
    """
    merger = Merger(tail)
    delay, failures = quick, 0
    taken_at: datetime | None = None
    waiting: bool | None = None
    while True:
        try:
            text = await read(merger.tail)
        except AmltuiError as error:
            failures += 1
            gone = error.problem in (Problem.NOT_FOUND, Problem.REFUSED)
            pause = None if gone else retry_in(failures)
            yield LogUpdate(Batch(source), taken_at, error, pause)
            if pause is None:
                return
            await sleep(pause)
            continue
        reading = merger.feed(text)
        if reading.again:
            continue
        taken_at = clock()
        marker = _MARKERS.get(reading.event, "")
        if reading.lines or marker or failures or waiting is not (text is None):
            waiting = text is None
            lines = tuple(line.encode("utf-8", "replace") for line in reading.lines)
            yield LogUpdate(Batch(source, lines, marker=marker), taken_at, waiting=waiting)
        failures = 0
        delay = quick if reading.lines else min(idle, delay * 1.5)
        await sleep(delay)
