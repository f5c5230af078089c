"""Several logs as one, in the order of their time stamps."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import STAMP, Batch
from amltui.domain.logtime import stamp_in

from .feed import Feed, Follow, Item, LogEvent

WINDOW = 0.2  # seconds that a line waits for older ones of another log
FIRST = 2.0  # ... and before any line is given out, for each log to bring its first
_PIECE = 2_048  # lines that are taken in or given out at once: a few milliseconds
_WAITING = 40_000  # lines at which a log is not read further
_NO_STAMP = bytes(STAMP)

Log = Feed | AsyncGenerator[Item, None]


class _Line(NamedTuple):
    stamp: bytes
    order: int
    source: int
    stream: int
    raw: bytes
    marker: str


async def merge(logs: Sequence[Log]) -> AsyncGenerator[Item, None]:
    """Follow several logs at once; a line's source is the place of its log among them.

    Lines are sorted within a small window, so that a slow log does not hold up the others. Where
    the engine gives no stamps, a line's own time counts, or that of the line before it. A log that
    cannot be read ends with an event of its own and leaves the others going.
    """
    merger = _Merger(logs)
    try:
        async for item in merger.items():
            yield item
    finally:
        await merger.close()


class _Merger:
    def __init__(self, logs: Sequence[Log]) -> None:
        self._arrived = asyncio.Event()
        self._space = asyncio.Event()
        self._lines: list[_Line] = []
        self._batches: deque[tuple[float, bytes]] = deque()  # when each came, its newest stamp
        self._events: deque[LogEvent] = deque()
        self._newest: dict[int, bytes] = {}
        self._silent = set(range(len(logs)))  # logs that have brought nothing yet
        self._first_due = asyncio.get_running_loop().time() + FIRST
        self._order = 0
        self._tasks = [asyncio.create_task(self._pump(log, at)) for at, log in enumerate(logs)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def items(self) -> AsyncGenerator[Item, None]:
        loop = asyncio.get_running_loop()
        while True:
            while self._events:
                yield self._events.popleft()
            finished = all(task.done() for task in self._tasks)
            if not self._batches:
                if finished and not self._events:
                    return
                await self._arrived.wait()
                self._arrived.clear()
                continue
            due = max(self._batches[0][0] + WINDOW, self._first_due)
            if due > loop.time() and not finished and len(self._lines) < _WAITING:
                await self._wait(due - loop.time())
                continue
            for batch in self._ready(loop.time(), everything=finished):
                yield batch
                await asyncio.sleep(0.001)  # others first

    async def _wait(self, seconds: float) -> None:
        """Until it is time, or more has come: the last silent log may have spoken."""
        self._arrived.clear()
        arrival = asyncio.ensure_future(self._arrived.wait())
        try:
            await asyncio.wait((arrival,), timeout=seconds)  # wait_for may drop a cancel
        finally:
            arrival.cancel()

    def _ready(self, now: float, *, everything: bool) -> Iterator[Batch]:
        """The lines that have waited long enough, sorted."""
        full = len(self._lines) >= _WAITING
        watermark = b""
        while self._batches and (everything or full or self._batches[0][0] <= now - WINDOW + 0.001):
            watermark = max(watermark, self._batches.popleft()[1])
        self._lines.sort()
        ready = [line for line in self._lines if line.stamp <= watermark]
        del self._lines[: len(ready)]
        self._space.set()
        return _batches(ready)

    async def _pump(self, log: Log, source: int) -> None:
        try:
            async with aclosing(log) as items:
                async for item in items:
                    await self._take(item, source)
        except AmltuiError as error:
            self._events.append(LogEvent(Follow.GONE, error.title, source, error))
        finally:
            self._spoke(source)
            self._arrived.set()

    async def _take(self, item: Item, source: int) -> None:
        if isinstance(item, LogEvent):
            if item.state is not Follow.LIVE:
                self._spoke(source)
            self._events.append(replace(item, source=source))
            self._arrived.set()
            return
        if item.marker:
            self._add(self._newest.get(source, b""), source, 0, b"", item.marker)
            self._came(source)
        every = list(item.lines)
        stamps = list(item.stamps) if item.stamps is not None else None
        for first in range(0, len(every), _PIECE):
            piece = slice(first, first + _PIECE)
            lines = every[piece]
            own = stamps[piece] if stamps is not None else map(stamp_in, lines)
            self._add_lines(source, lines, own, (item.streams or b"")[piece])
            self._came(source)
            while len(self._lines) >= _WAITING:
                self._space.clear()
                await self._space.wait()
            if first + _PIECE < len(every):
                await asyncio.sleep(0.001)

    def _add_lines(
        self, source: int, lines: Sequence[bytes], own: Iterable[bytes | None], streams: bytes
    ) -> None:
        newest = self._newest.get(source, b"")
        for at, (raw, stamp) in enumerate(zip(lines, own, strict=True)):
            stamp = stamp or newest
            newest = max(newest, stamp)
            self._add(stamp, source, streams[at] if streams else 1, raw, "")
        self._newest[source] = newest

    def _came(self, source: int) -> None:
        self._spoke(source)
        self._batches.append((asyncio.get_running_loop().time(), self._newest.get(source, b"")))
        self._arrived.set()

    def _spoke(self, source: int) -> None:
        """When the last silent log begins, the others wait for no more than its first lines."""
        if self._silent:
            self._silent.discard(source)
            if not self._silent:
                soon = asyncio.get_running_loop().time() + WINDOW
                self._first_due = min(self._first_due, soon)

    def _add(self, stamp: bytes, source: int, stream: int, raw: bytes, marker: str) -> None:
        self._order += 1
        self._lines.append(_Line(stamp, self._order, source, stream, raw, marker))


def _batches(lines: list[_Line]) -> Iterator[Batch]:
    """Sorted lines as batches that end at a marker or are large enough."""
    run: list[_Line] = []
    for line in lines:
        if run and (line.marker or len(run) >= _PIECE):
            yield _batch(run)
            run = []
        if line.marker:
            yield Batch(line.source, marker=line.marker)
        else:
            run.append(line)
    if run:
        yield _batch(run)


def _batch(run: list[_Line]) -> Batch:
    return Batch(
        run[0].source,
        [line.raw for line in run],
        [line.stamp or _NO_STAMP for line in run],
        bytes(line.stream for line in run),
        sources=bytes(line.source & 255 for line in run),
    )
