"""A log that is being read: its lines so far, and how its source is doing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.run_log import batch

from .containers import Containers
from .deployments import Deployments
from .feed import Feed, Follow, Item, LogEvent
from .filelog import FileFollower, follow_file
from .logs import ContainerFollower
from .merge import merge
from .polled import LogUpdate
from .services import Services

POLLED = (SourceKind.SERVICE, SourceKind.INIT, SourceKind.BUILD)

Update = Batch | LogEvent | LogUpdate
Updates = AsyncGenerator[Update, None]


class Tailed(Protocol):
    """A reader that began with the last lines of its log."""

    def older(self) -> Feed:
        """The lines before the first one that it read, oldest first; they end the iteration."""


@dataclass(eq=False)  # each is itself, whatever it holds
class OpenLog:
    """One source and what has come of it; `take` notes each update."""

    source: LogSource
    buffer: LogBuffer = field(default_factory=LogBuffer)
    taken_at: datetime | None = None
    error: AmltuiError | None = None
    retry_in: float | None = None  # seconds, after an error; None: not by itself
    remark: str = ""  # of how the source stands, where it is not just live
    over: bool = False  # nothing more comes unless somebody asks
    parts: dict[int, str] = field(default_factory=dict)  # what there is to say of each part
    tailed: Tailed | None = None  # what can read the lines before the first one
    tail: int = 0  # as many lines as it began with, until they are read
    reading_older: bool = False

    def begun(self, reader: Tailed, tail: int) -> None:
        """Who reads it; one that reads it again knows nothing of what was first."""
        if self.tailed is None:
            self.tailed, self.tail = reader, tail

    def take(self, update: Update) -> None:
        """Keep an update's lines and what it says of the source."""
        self.over = False
        if isinstance(update, Batch):
            self.buffer.append(update)
        elif isinstance(update, LogEvent):
            if self.source.parts:  # one that is in trouble leaves the others going
                told = update.error.title if update.error is not None else update.text
                self.parts[update.source] = "" if update.state is Follow.LIVE else told
                return
            self.error = update.error
            self.retry_in = 0.0
            self.remark = "" if update.state is Follow.LIVE else update.text
        else:
            if update.batch.lines or update.batch.marker:
                self.buffer.append(update.batch)
            self.taken_at = update.taken_at or self.taken_at
            self.error = update.error
            self.retry_in = update.retry_in
            self.remark = _nothing(self.source.kind) if update.waiting else ""

    def end(self, error: AmltuiError | None = None) -> None:
        """The source has ended, or given up."""
        self.error = error or self.error
        self.retry_in = None
        self.over = True

    def words(self, age: str) -> str:
        """What is shown, from where, and how it is doing; `age` of the last reading in words."""
        name = self.source.words
        if self.error is not None:
            again = "r tries again"
            if self.retry_in is not None and not self.over:
                again = f"again in {self.retry_in:.0f} s" if self.retry_in else "tried again"
            return f"✗ {name}: {self.error.title}. {self.error.message} ({again})"
        if self.reading_older:
            return f"{name}, reading its older lines"
        if self.remark:
            return f"{name}: {self.remark}"
        if self.over:
            return f"{name}, ended" + ("" if self.source.once else " (r reads it again)")
        if self.source.parts:
            return f"{name}{self._troubles() or ', live'}"
        if self.source.kind in POLLED:
            return f"{name}, polled" + (f", read {age}" if age else "")
        return f"{name}, live" + (", O reads older lines" if self.is_short else "")

    @property
    def is_short(self) -> bool:
        """Whether there may be lines before the first one."""
        return 0 < self.tail <= len(self.buffer)

    def _troubles(self) -> str:
        """What there is to say of the parts, once where it is the same of all."""
        labels = self.source.labels
        told = {at: text for at, text in sorted(self.parts.items()) if text}
        if len(told) == len(labels) and len(set(told.values())) == 1:
            return f": {told[0]}"
        return "".join(f"; {labels[at]}: {text}" for at, text in told.items())


def _nothing(kind: SourceKind) -> str:
    if kind is SourceKind.BUILD:
        return "no build is known: an existing image is used, or its log is gone"
    return "there is no container yet"


async def updates_of(
    source: LogSource,
    containers: Containers,
    services: Services,
    tail: int,
    deployments: Deployments | None = None,
    begun: Callable[[Tailed, int], None] = lambda *_: None,
) -> Updates:
    """What comes of a source, from its last `tail` lines (0: all).

    `begun` is given the reader and the tail of one log of which older lines can be read.

    Raises:
        AmltuiError: it can never be read.
    """
    if source.parts:
        parts = [
            _items(updates_of(part, containers, services, tail, deployments), part.kind)
            for part in source.parts
        ]
        async with aclosing(merge(parts)) as merged:
            async for item in merged:
                yield item
        return
    if source.kind in (SourceKind.CONTAINER, SourceKind.FILE):
        reader: ContainerFollower | FileFollower
        if source.kind is SourceKind.FILE:
            reader = follow_file(source.path, tail=tail or None)
        else:
            reader = containers.follow(source.container_id, tail or None)
        if not source.once:
            begun(reader, tail)
        async with aclosing(reader) as items:
            async for item in items:
                yield item
        return
    async with aclosing(_updates(source, services, tail, deployments)) as updates:
        async for update in updates:
            yield update


async def read_older(log: OpenLog) -> int:
    """Put the lines before the first one in front; how many there were room for.

    Raises:
        AmltuiError: they cannot be read.
    """
    if log.tailed is None:
        return 0
    older = LogBuffer(max(1, log.buffer.limit_bytes - log.buffer.memory))
    log.reading_older = True
    try:
        async with aclosing(log.tailed.older()) as feed:
            async for item in feed:
                if isinstance(item, Batch):
                    older.append(item)
    finally:
        log.reading_older = False
    log.tail = 0
    return log.buffer.prepend(older)


def _updates(
    source: LogSource, services: Services, tail: int, deployments: Deployments | None
) -> Updates:
    """The reader of a log that is not near."""
    if source.kind is SourceKind.DEPLOYMENT and deployments is not None:
        return _progress(deployments, source.run)
    if source.ref is not None and source.kind is SourceKind.BUILD:
        return services.follow_build(source.ref, tail)
    if source.ref is not None:
        return services.follow(source.ref, tail, source.kind is SourceKind.INIT)
    raise AmltuiError("This log cannot be read", source.words, problem=Problem.INTERNAL)


async def _progress(deployments: Deployments, run: str) -> Updates:
    """What a deployment has said and says, to its end."""
    async with aclosing(deployments.watch(run)) as news:
        async for events in news:
            yield batch(events)


async def _items(updates: Updates, kind: SourceKind) -> AsyncGenerator[Item, None]:
    """A log among others: its lines and how it stands."""
    async with aclosing(updates) as found:
        async for update in found:
            if not isinstance(update, LogUpdate):
                yield update
                continue
            if update.error is not None:
                yield LogEvent(Follow.BROKEN, update.error.title, error=update.error)
            elif update.waiting:
                yield LogEvent(Follow.ENDED, _nothing(kind))
            else:
                yield LogEvent(Follow.LIVE)
            yield update.batch
