"""A log that is being read: its lines so far, and how its source is doing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from amltui.domain.errors import AmltuiError
from amltui.domain.logbuffer import Batch, LogBuffer
from amltui.domain.logsource import LogSource, SourceKind

from .containers import Containers
from .feed import Follow, LogEvent
from .filelog import follow_file
from .merge import merge
from .services import LogUpdate, Services

POLLED = (SourceKind.SERVICE, SourceKind.INIT)

Update = Batch | LogEvent | LogUpdate
Updates = AsyncGenerator[Update, None]


@dataclass
class OpenLog:
    """One source and what has come of it; `take` notes each update."""

    source: LogSource
    buffer: LogBuffer = field(default_factory=LogBuffer)
    taken_at: datetime | None = None
    error: AmltuiError | None = None
    retry_in: float | None = None  # seconds, after an error; None: not by itself
    remark: str = ""  # of how the source stands, where it is not just live
    over: bool = False  # nothing more comes unless somebody asks

    def take(self, update: Update) -> None:
        """Keep an update's lines and what it says of the source."""
        self.over = False
        if isinstance(update, Batch):
            self.buffer.append(update)
        elif isinstance(update, LogEvent):
            self.error = update.error
            self.retry_in = 0.0
            self.remark = "" if update.state is Follow.LIVE else update.text
        else:
            if update.batch.lines or update.batch.marker:
                self.buffer.append(update.batch)
            self.taken_at = update.taken_at or self.taken_at
            self.error = update.error
            self.retry_in = update.retry_in
            self.remark = "there is no container yet" if update.waiting else ""

    def end(self, error: AmltuiError | None = None) -> None:
        """The source has ended, or given up."""
        self.error = error or self.error
        self.retry_in = None
        self.over = True

    def words(self, age: str) -> str:
        """What is shown, from where, and how it is doing; `age` of the last reading in words."""
        name = self.source.words
        polled = self.source.kind in POLLED
        if self.error is not None:
            again = "r tries again"
            if self.retry_in is not None and not self.over:
                again = f"again in {self.retry_in:.0f} s" if self.retry_in else "tried again"
            return f"✗ {name}: {self.error.title}. {self.error.message} ({again})"
        if self.remark:
            return f"{name}: {self.remark}"
        if self.over:
            return f"{name}, ended (r reads it again)"
        if polled:
            return f"{name}, polled" + (f", read {age}" if age else "")
        return f"{name}, live"


async def updates_of(
    source: LogSource, containers: Containers, services: Services, tail: int
) -> Updates:
    """What comes of a source, from its last `tail` lines (0: all).

    Raises:
        AmltuiError: it can never be read.
    """
    if source.parts:
        ids = [part.container_id for part in source.parts]
        feeds = [containers.follow(each, tail or None, at) for at, each in enumerate(ids)]
        try:
            async for item in merge(feeds):
                yield item
        finally:
            for feed in feeds:
                feed.close()
    elif source.kind is SourceKind.CONTAINER:
        async with aclosing(containers.follow(source.container_id, tail or None)) as feed:
            async for item in feed:
                yield item
    elif source.kind is SourceKind.FILE:
        async with aclosing(follow_file(source.path, tail=tail or None)) as file:
            async for item in file:
                yield item
    elif source.ref is not None:
        init = source.kind is SourceKind.INIT
        async for update in services.follow(source.ref, tail, init):
            yield update
