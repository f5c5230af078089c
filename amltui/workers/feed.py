"""Batches of a log, made on a daemon thread and taken from there at most every 50 ms.

One wake-up for many lines is what keeps a flood from stalling the event loop; a bound on what lies
between the two is what keeps it from filling the memory: the thread waits, and then the engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum

from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import Batch, join

PERIOD = 0.05  # seconds between two batches; the first after a silence comes at once
_WAITING = 60_000  # lines between thread and loop, ...
_WAITING_BYTES = 32 << 20  # ... or bytes, at which the thread waits
_TOGETHER = 2_048  # lines that are put together to one batch, or ...
_TOGETHER_BYTES = 256 << 10  # ... bytes: packed, it is a block of the store
_AT_ONCE = 0.002  # seconds of one batch after the other until others have their turn


class Follow(str, Enum):
    """How it stands with the log that is being followed."""

    LIVE = "live"
    ENDED = "ended"  # the container has; its next start is waited for
    BROKEN = "broken"  # no connection; tried again
    GONE = "gone"  # the container was removed: the end


@dataclass(frozen=True)
class LogEvent:
    """A change of what is being followed, in words; `error` says why a connection is not there."""

    state: Follow
    text: str = ""
    source: int = 0
    error: AmltuiError | None = None


Item = Batch | LogEvent


class Feed(AsyncIterator[Item]):
    """What a function makes on a daemon thread, as an asynchronous iterator.

    `work` gets the feed: it calls `put`, looks at `closed` and names what to close with `holds`.
    `close`, from any thread, and cancelling whoever iterates end everything at once; leaving the
    loop by `break` does not: use `contextlib.aclosing`.
    """

    def __init__(self, work: Callable[[Feed], None], name: str) -> None:
        self.closed = threading.Event()
        self._work = work
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._space = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._lines = self._bytes = 0
        self._told = False
        self._finished = False
        self._error: BaseException | None = None
        self._close: Callable[[], None] | None = None
        self._ready: deque[Item] = deque()

    # -- the thread's side ----------------------------------------------------------------------

    def put(self, item: Item) -> None:
        """Hand an item over; waits while too much lies there already."""
        count, size = _weight(item)
        with self._space:
            while (
                self._lines
                and (self._lines + count > _WAITING or self._bytes + size > _WAITING_BYTES)
                and not self.closed.is_set()
            ):
                self._space.wait()
            self._waiting.append(item)
            self._lines += count
            self._bytes += size
        self._tell()

    def holds(self, close: Callable[[], None]) -> None:
        """What to call to end a blocking read; called at once if the feed is closed already."""
        with self._space:
            self._close = close
            closed = self.closed.is_set()
        if closed:
            close()

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - it is raised where the feed is read
            if not self.closed.is_set():
                self._error = error
        self._finished = True
        self._told = False
        self._tell()

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop has closed: nobody reads any more
            self.close()

    # -- the loop's side ------------------------------------------------------------------------

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Item:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._arrived = asyncio.Event()
            self._taken_at = self._turn_ends = 0.0
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        try:
            while not self._ready:
                finished = self._finished
                if not self._waiting and finished:
                    if self._error is not None:
                        raise self._error
                    raise StopAsyncIteration
                await self._arrived.wait()
                early = self._taken_at + PERIOD - self._loop.time()
                if early > 0:
                    await asyncio.sleep(early)
                self._take()
            if self._ready and self._loop.time() > self._turn_ends:
                await asyncio.sleep(0.001)
                self._turn_ends = self._loop.time() + _AT_ONCE
        except asyncio.CancelledError:
            self.close()
            raise
        return self._ready.popleft()

    def _take(self) -> None:
        assert self._loop is not None
        self._taken_at = self._loop.time()
        self._arrived.clear()
        with self._space:
            self._told = False
            items = list(self._waiting)
            self._waiting.clear()
            self._lines = self._bytes = 0
            self._space.notify_all()
        if self._finished:
            self._arrived.set()
        together: list[Batch] = []
        count = size = 0
        for item in items:
            more, bytes_more = _weight(item)
            full = count + more > _TOGETHER or size + bytes_more > _TOGETHER_BYTES
            if isinstance(item, LogEvent) or item.marker or full:
                self._flush(together)
                together, count, size = [], 0, 0
            if isinstance(item, LogEvent) or item.marker:
                self._ready.append(item)
            else:
                together.append(item)
                count += more
                size += bytes_more
        self._flush(together)

    def _flush(self, together: list[Batch]) -> None:
        if together:
            self._ready.append(join(together))

    def close(self) -> None:
        """End it at once, from any thread."""
        self.closed.set()
        with self._space:
            close, self._close = self._close, None
            self._space.notify_all()
        if close is not None:
            close()

    async def aclose(self) -> None:
        """`close`, for `contextlib.aclosing`."""
        self.close()


def _weight(item: Item) -> tuple[int, int]:
    if isinstance(item, LogEvent):
        return 0, 0
    return len(item.lines), item.size
