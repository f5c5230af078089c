"""The containers of the engine, awaited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from amltui.domain.models import Container, EngineChoice, EngineInfo, Image, Ref, Snapshot
from amltui.ports import Engine

from .bridge import call
from .feed import Feed
from .logs import ContainerFollower, follow_container
from .snapshots import Source

LIST_LIMIT = 12.0  # seconds: a little longer than the engine's own, which says more
DELETE_LIMIT = 40.0


class Containers:
    """Snapshots of the engine's containers; after an error the last good rows, with their age."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._list: Source[Container] = Source(
            self._engine.containers, "listing the containers", LIST_LIMIT, self._clock
        )
        self._images: Source[Image] = Source(
            self._engine.images, "listing the images", LIST_LIMIT, self._clock
        )

    @property
    def snapshot(self) -> Snapshot[Container]:
        """The containers as last seen."""
        return self._list.snapshot

    @property
    def taken_at(self) -> datetime | None:
        """When the engine last gave a list, be it of containers or of images."""
        times = (self._list.snapshot.taken_at, self._images.snapshot.taken_at)
        return max((time for time in times if time is not None), default=None)

    async def refresh(self) -> Snapshot[Container]:
        """The containers now, or the last known ones and why there are no newer."""
        return await self._list.refresh()

    async def refresh_images(self) -> Snapshot[Image]:
        """The images now, or the last known ones and why there are no newer."""
        return await self._images.refresh()

    def now(self) -> datetime:
        """The time by the worker's clock."""
        return self._clock()

    def follow(self, container_id: str, tail: int | None, source: int = 0) -> ContainerFollower:
        """The container's log from its last `tail` lines (None: all) on; see `follow_container`."""
        return follow_container(self._engine, container_id, source, tail)

    def read(self, container_id: str, tail: int | None) -> Feed:
        """The last `tail` lines (None: all) of the container's log, then its end."""

        def work(feed: Feed) -> None:
            stream = self._engine.open_log(container_id, tail=tail, follow=False)
            feed.holds(stream.close)
            for batch in stream.batches():
                feed.put(batch)

        return Feed(work, f"log of {container_id[:12]}")

    async def info(self) -> EngineInfo:
        """Who answers; raises with the remedy when nobody does."""
        return await call(self._engine.info, limit=LIST_LIMIT, what="asking for the engine")

    async def engines(self) -> tuple[EngineChoice, ...]:
        """The engines that could be asked: the configured one and the Docker contexts."""
        return await call(self._engine.engines, limit=LIST_LIMIT, what="reading the contexts")

    async def use(self, choice: EngineChoice) -> None:
        """Ask another engine from now on; what is known of the old one is forgotten."""
        await call(
            lambda: self._engine.use(choice.key), limit=LIST_LIMIT, what="leaving the engine"
        )
        self._begin()

    async def delete(self, ref: Ref) -> None:
        """Stop and remove the container of a local service."""
        await call(
            lambda: self._engine.delete(ref), limit=DELETE_LIMIT, what=f"deleting {ref.endpoint}"
        )
