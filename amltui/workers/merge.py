"""Several logs as one, in the order of their time stamps."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from amltui.domain.errors import AmltuiError
from amltui.domain.logbuffer import Batch

from .feed import Feed, Follow, Item, LogEvent

WINDOW = 0.2  # seconds that a line waits for older ones of another log


class _Line(NamedTuple):
    stamp: bytes
    order: int
    source: int
    stream: int
    raw: bytes
    marker: str


async def merge(feeds: Sequence[Feed]) -> AsyncIterator[Item]:
    """Follow several logs at once; each feed's batches name their source.

    Lines are sorted within a small window, so that a slow log does not hold up the others. A log
    that cannot be read ends with an event of its own and leaves the others going.
    """
    merger = _Merger(feeds)
    try:
        async for item in merger.items():
            yield item
    finally:
        merger.close()


class _Merger:
    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = feeds
        self._arrived = asyncio.Event()
        self._lines: list[_Line] = []
        self._batches: deque[tuple[float, bytes]] = deque()  # when each came, its newest stamp
        self._events: deque[LogEvent] = deque()
        self._newest: dict[int, bytes] = {}
        self._order = 0
        self._tasks = [
            asyncio.create_task(self._pump(feed, source)) for source, feed in enumerate(feeds)
        ]

    def close(self) -> None:
        for feed in self._feeds:
            feed.close()
        for task in self._tasks:
            task.cancel()

    async def items(self) -> AsyncIterator[Item]:
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
            early = self._batches[0][0] + WINDOW - loop.time()
            if early > 0 and not finished:
                await asyncio.sleep(early)
            watermark = b""
            while self._batches and (
                finished or self._batches[0][0] <= loop.time() - WINDOW + 0.001
            ):
                watermark = max(watermark, self._batches.popleft()[1])
            self._lines.sort()
            ready = [line for line in self._lines if line.stamp <= watermark]
            del self._lines[: len(ready)]
            for batch in _batches(ready):
                yield batch

    async def _pump(self, feed: Feed, source: int) -> None:
        try:
            async for item in feed:
                self._take(item)
        except AmltuiError as error:
            self._events.append(LogEvent(Follow.GONE, error.title, source, error))
        finally:
            self._arrived.set()

    def _take(self, item: Item) -> None:
        self._arrived.set()
        if isinstance(item, LogEvent):
            self._events.append(item)
            return
        newest = self._newest.get(item.source, b"")
        if item.marker:
            self._add(newest, item.source, 0, b"", item.marker)
        stamps = item.stamps or [newest] * len(item.lines)
        streams = item.streams or b"\1" * len(item.lines)
        for stamp, stream, raw in zip(stamps, streams, item.lines, strict=True):
            self._add(stamp, item.source, stream, raw, "")
        if item.lines:
            newest = max(newest, max(stamps))
        self._newest[item.source] = newest
        self._batches.append((asyncio.get_running_loop().time(), newest))

    def _add(self, stamp: bytes, source: int, stream: int, raw: bytes, marker: str) -> None:
        self._order += 1
        self._lines.append(_Line(stamp, self._order, source, stream, raw, marker))


def _batches(lines: list[_Line]) -> Iterator[Batch]:
    """Sorted lines as batches: one for each run between two markers."""
    run: list[_Line] = []
    for line in lines:
        if line.marker:
            if run:
                yield _batch(run)
                run = []
            yield Batch(line.source, marker=line.marker)
        else:
            run.append(line)
    if run:
        yield _batch(run)


def _batch(run: list[_Line]) -> Batch:
    return Batch(
        run[0].source,
        [line.raw for line in run],
        [line.stamp for line in run],
        bytes(line.stream for line in run),
        sources=bytes(line.source & 255 for line in run),
    )
