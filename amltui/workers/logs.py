"""Following a container's log through everything that happens to it and to the engine."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from amltui.domain.containers import ContainerRun
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logresume import (
    LATE,
    WINDOW,
    Entry,
    Repeats,
    Resume,
    earlier,
    entries,
    of_entries,
)
from amltui.ports import Engine, LogStream

from .feed import Feed, Follow, LogEvent

TAIL = 5_000
_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds between tries of a broken connection
# Lines that are read again after a break, until they reach back.
_RESUME_TAILS = (10_000, 60_000, 400_000, None)
_SETTLING = 0.1  # seconds that the engine may take to notice that a container has ended
_FIRST = 32  # lines that tell where the part of a log begins that is held
_BROKE = "the connection to the engine broke here; what follows was read after it"
_AWAY = (
    "the connection to the engine broke here, which was away; "
    "lines that it had not written yet when it ended are lost"
)
_REMOVED = "lines may be missing here: the engine removed them before they could be read"
_WRAPPED = 75  # bytes of JSON round each line in the engine's file
_TRIES = 3  # readings that broke off, in a row
_CALM = 2.0  # seconds in which a log that is followed while it rotates may grow by a quarter file
_LASTING = 5.0  # seconds after which a connection counts as one that worked
_HOPELESS = (Problem.REFUSED, Problem.PERMISSION, Problem.CONFIGURATION, Problem.NOT_FOUND)


class ContainerFollower(Feed):
    """The log of one container: batches, and events when what is followed changes."""

    def __init__(self, engine: Engine, container_id: str, source: int, tail: int | None) -> None:
        super().__init__(self._follow, f"log of {container_id[:12]}")
        self._engine = engine
        self._id = container_id
        self._source = source
        self._tail = tail
        self._resume = Resume()
        self._repeats = Repeats()
        self._size = 0  # bytes that were new, about as the engine writes them
        self._state: Follow | None = None  # what was told last
        self._broke = ""  # how the connection did, while nothing has come since
        self._doubtful = False  # ... and it may have been the end of the container
        self._exact = b""  # of a log that is rotated: up to here nothing is missing
        self._first: list[Entry] = []
        self._started = ""  # the start of the run that was read last
        self._ended: ContainerRun | None = None  # the ending that was told

    def older(self) -> Feed:
        """The lines before the first one followed, oldest first; they end the iteration."""
        first = list(self._first)
        return Feed(lambda feed: self._read_older(feed, first), f"older log of {self._id[:12]}")

    # -- on the thread --------------------------------------------------------------------------

    def _follow(self, feed: Feed) -> None:
        failures = 0
        while not self.closed.is_set():
            began = monotonic()
            try:
                before = self._engine.container_run(self._id)
                if before == self._ended:
                    if self._state is Follow.BROKEN:  # the engine was away and is back
                        self._event(Follow.ENDED, _ending(before))
                    self._await_start(before)
                    continue
                if self._started and before.started_at != self._started:
                    self._mark("the container was started")
                self._started, self._ended = before.started_at, None
                got = self._read(before)
                if self.closed.is_set():
                    return
                after = self._settled()
                self._doubtful = after.running
                whole = not after.running and self._complete()
                if not whole:
                    after = self._engine.container_run(self._id)  # it may have been started since
                if after.started_at == before.started_at:  # else: read on in the new run
                    if whole:
                        self._end(after)
                    else:
                        self._broke = self._broke or _BROKE
                        self._event(Follow.BROKEN, "The connection broke; reading on.")
                failures = 0 if got or monotonic() - began > _LASTING else failures + 1
            except AmltuiError as error:
                if _is_gone(error):
                    self._mark("the container was removed")
                    self._event(Follow.GONE, "The container was removed.")
                    return
                if error.problem in _HOPELESS:
                    raise
                if self._ended is None:
                    self._broke = _AWAY if error.problem is Problem.ENGINE else _BROKE
                failures += 1
                self._event(Follow.BROKEN, error.title, error)
            if failures:
                self.closed.wait(_BACK_OFF[min(failures, len(_BACK_OFF)) - 1])

    def _read(self, run: ContainerRun) -> bool:
        """Read until the stream ends; whether anything new came."""
        got = False
        if run.running:
            self._event(Follow.LIVE)
        elif self._doubtful and self._broke == _BROKE:
            self._broke = ""  # it was the end of the container, seen before the engine knew of it
        for batch in self._whole(run.rotated_at) if run.rotated_at else self._batches():
            fresh = self._resume.new(batch)
            if self._resume.gap:
                self._mark(_REMOVED)
            if fresh is not None and run.rotated_at:
                fresh = self._repeats.new(fresh)
            if fresh is None:
                continue
            got = True
            self._tell_break()
            self._size += fresh.size + _WRAPPED * len(fresh.lines)
            if len(self._first) < _FIRST:
                self._first += entries(fresh)[: _FIRST - len(self._first)]
            self._resume.remember(fresh)
            self.put(replace(fresh, source=self._source))
        return got

    def _whole(self, rotated_at: int) -> Iterator[Batch]:
        """The log from where we are, of an engine that rotates it.

        While it is followed, the engine skips files that fill up faster than it sends them, and
        sends lines twice (20.10). Read without following it is exact. So it is followed only
        while it grows slowly.
        """
        much = rotated_at // 4
        failures = 0
        while not self.closed.is_set():
            before = self._size
            if not (yield from self._in_order()) and failures < _TRIES:
                failures += 1
                continue
            failures = 0
            if self._size - before >= much // 8:
                continue
            since, before = monotonic(), self._size
            for batch in self._batches(since=self._exact):
                yield batch
                if self._size - before < much:
                    continue
                if monotonic() - since < _CALM:
                    self._stream.close()
                    break
                since, before = monotonic(), self._size
                self._is_exact()
            else:
                yield from self._in_order()
                return

    def _in_order(self) -> Generator[Batch, None, bool]:
        """What the engine has after the last line up to which nothing is missing.

        Returns whether it came whole: a connection that broke looks like the end.
        """
        newest, reached = self._resume.newest, b""
        for batch in self._batches(follow=False, since=self._exact):
            reached = max(reached, batch.newest)
            yield batch
        if reached < newest:
            return False
        self._is_exact()
        return True

    def _is_exact(self) -> None:
        """Nothing is missing up to the newest line, but for lines that are late."""
        if self._resume.newest:
            self._exact = earlier(self._resume.newest, LATE)
            self._resume.keep(self._exact)

    def _batches(self, *, follow: bool = True, since: bytes = b"") -> Iterator[Batch]:
        """The log from where we are: after a break, from a little earlier."""
        since = self._resume.begin(since)
        if not since:
            yield from self._open(self._tail, follow=follow).batches()
            return
        # `since` alone reads the whole file, `tail` is fast, but may not reach back far enough.
        for tail in _RESUME_TAILS:
            stream = self._open(tail, since.decode("ascii") if tail is None else None, follow)
            for at, batch in enumerate(stream.batches()):
                if at == 0 and tail is not None and (not batch.stamps or batch.stamps[0] >= since):
                    stream.close()
                    break
                yield batch
            else:
                return

    def _open(self, tail: int | None, since: str | None = None, follow: bool = True) -> LogStream:
        self._stream = self._engine.open_log(self._id, tail=tail, since=since, follow=follow)
        self.holds(self._stream.close)
        return self._stream

    def _settled(self) -> ContainerRun:
        """How the container stands after the stream ended; a moment is given to its ending."""
        run = self._engine.container_run(self._id)
        for _ in range(3):
            if not run.running or self.closed.wait(_SETTLING):
                break
            run = self._engine.container_run(self._id)
        return run

    def _complete(self) -> bool:
        """Whether the last line of an ended container has arrived: the end of a stream is none."""
        last = self._engine.open_log(self._id, tail=1, follow=False)
        self.holds(last.close)
        found = [entry for batch in last.batches() for entry in entries(batch)]
        found += _rest_of(last)
        if not found:
            return not self._resume.newest
        return found[-1] in _rest_of(self._stream) or self._resume.holds(found[-1])

    def _end(self, run: ContainerRun) -> None:
        rest = self._stream.remainder()
        if rest is not None:
            fresh = self._resume.new(rest)
            if fresh is not None:
                self._resume.remember(fresh)
                self.put(replace(fresh, source=self._source))
        self._ended, self._broke = run, ""
        if run.was_started:
            self._mark(_ending(run))
        self._event(Follow.ENDED, _ending(run))

    def _await_start(self, ended: ContainerRun) -> None:
        while not self.closed.is_set():
            watch = self._engine.watch_start(self._id)
            self.holds(watch.close)
            if self._engine.container_run(self._id).started_at != ended.started_at:
                watch.close()
                return
            if not watch.wait():
                self.closed.wait(_SETTLING)

    def _tell_break(self) -> None:
        """Mark a break once something follows it: an end that was noticed late is none."""
        if self._broke:
            self.put(Batch(self._source, marker=self._broke))
            self._broke = ""

    def _mark(self, text: str) -> None:
        self._tell_break()
        self.put(Batch(self._source, marker=text))

    def _event(self, state: Follow, text: str = "", error: AmltuiError | None = None) -> None:
        self._state = state
        self.put(LogEvent(state, text, self._source, error))

    def _read_older(self, feed: Feed, first: list[Entry]) -> None:
        """Everything before the first lines held: the engine cannot read backwards."""
        if not first:
            return
        oldest = min(entry[0] for entry in first)
        near = earlier(oldest, WINDOW)
        until = earlier(max(entry[0] for entry in first), -timedelta(seconds=1))
        stream = self._engine.open_log(
            self._id, tail=None, until=until.decode("ascii"), follow=False
        )
        feed.holds(stream.close)
        zone: list[Entry] = []
        for batch in stream.batches():
            assert batch.stamps is not None
            if not zone and max(batch.stamps) < near:
                feed.put(replace(batch, source=self._source))
            else:
                zone += entries(batch)
        at = _place(zone, first)
        if at < 0 and not feed.closed.is_set() and all(entry[0] < oldest for entry in zone):
            raise AmltuiError(
                "The older lines did not arrive whole",
                "The connection to the engine broke while they were read.",
                "Ask for them again.",
                problem=Problem.NETWORK,
            )
        rest = zone[:at] if at >= 0 else [entry for entry in zone if entry[0] < oldest]
        if rest:
            feed.put(of_entries(self._source, rest))


def _ending(run: ContainerRun) -> str:
    if not run.was_started:
        return "The container has not been started yet."
    return f"the container ended: {run.ending}"


def _is_gone(error: AmltuiError) -> bool:
    """Whether the container itself is missing: an engine, or what stands for one, may miss more."""
    return error.problem is Problem.NOT_FOUND and "container" in error.message.lower()


def _rest_of(stream: LogStream) -> list[Entry]:
    rest = stream.remainder()
    return entries(rest) if rest is not None else []


def _place(zone: list[Entry], first: list[Entry]) -> int:
    """Where a sequence of entries stands in a longer one, -1 for nowhere."""
    for at, entry in enumerate(zone):
        if entry == first[0] and zone[at : at + len(first)] == first:
            return at
    return -1


def follow_container(
    engine: Engine, container_id: str, source: int = 0, tail: int | None = TAIL
) -> ContainerFollower:
    """Follow a container's log from its last `tail` lines (None: all, 0: none).

    Goes on after the container or the engine restarts, from the last time stamp, with a marker
    where it broke. Ends when the container is removed, on `close` or when cancelled.

    Raises (from the iteration):
        AmltuiError: this log can never be read.
    """
    return ContainerFollower(engine, container_id, source, tail)
