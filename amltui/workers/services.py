"""The web services, cloud and local: what panes and commands call. No Textual, no SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TypeVar

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbuffer import Batch
from amltui.domain.logmerge import Event, Merger
from amltui.domain.models import (
    Keys,
    Progress,
    Ref,
    Service,
    Snapshot,
    State,
    Token,
    WorkspaceInfo,
)
from amltui.ports import Engine, Workspace

from . import bridge
from .snapshots import Source, retry_in

Result = TypeVar("Result")

CLOUD = "azureml"

# Seconds, a little above the adapter's own limits, which know better what is going on.
CONNECT_LIMIT = 1_060.0  # a person may have to type a code, which Azure accepts for 15 minutes
LIST_LIMIT = 80.0
LOCAL_LIMIT = 15.0
CALL_LIMIT = 50.0

QUICK_POLL = 2.0  # seconds between two readings of a log that changes
IDLE_POLL = 10.0  # and of one that does not, reached by and by
DEFAULT_TAIL = 500

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
    waiting: bool = False  # there is no container yet


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


class Services:
    """The services of one workspace and of the engine; either may be missing."""

    def __init__(
        self,
        workspace: Workspace | None,
        engine: Engine | None,
        clock: Callable[[], datetime] = now,
        *,
        read_only: bool = False,
    ) -> None:
        self.read_only = read_only
        self._workspace = workspace
        self._engine = engine
        self._clock = clock
        self._deleting: set[Ref] = set()
        self._cloud: Source[Service] | None = None
        self._local: Source[Service] | None = None
        if workspace is not None:
            self._cloud = Source(workspace.services, "listing the services", LIST_LIMIT, clock)
        if engine is not None:
            self._local = Source(engine.services, "listing the containers", LOCAL_LIMIT, clock)

    @property
    def cloud(self) -> Snapshot[Service]:
        """The workspace's services as last seen; empty without a workspace."""
        return self._marked(self._cloud.snapshot) if self._cloud else Snapshot()

    @property
    def local(self) -> Snapshot[Service]:
        """The engine's services as last seen; empty without an engine."""
        return self._local.snapshot if self._local else Snapshot()

    @property
    def rows(self) -> tuple[Service, ...]:
        """All services, cloud and local."""
        return (*self.cloud.rows, *self.local.rows)

    def close(self) -> None:
        """Let go of the workspace at once, whatever it is doing."""
        if self._workspace is not None:
            self._workspace.close()

    async def connect(self, on_progress: Callable[[Progress], None]) -> WorkspaceInfo:
        """Sign in and find the workspace; `on_progress` is called on the event loop."""
        workspace = self._need_workspace()
        loop = asyncio.get_running_loop()

        def tell(progress: Progress) -> None:
            loop.call_soon_threadsafe(on_progress, progress)

        return await bridge.call(
            lambda: workspace.connect(tell), limit=CONNECT_LIMIT, what="connecting"
        )

    async def refresh_cloud(self) -> Snapshot[Service]:
        """Fetch the workspace's services; on an error the rows stay and `error` says why."""
        if self._cloud is not None:
            rows = (await self._cloud.refresh()).rows
            self._deleting &= {row.ref for row in rows}
        return self.cloud

    async def refresh_local(self) -> Snapshot[Service]:
        """Fetch the engine's services; on an error the rows stay and `error` says why."""
        if self._local is not None:
            await self._local.refresh()
        return self.local

    async def service(self, ref: Ref) -> Service:
        """One cloud service, fresh."""
        return await self._ask(ref, lambda workspace: workspace.service(ref), "reading the service")

    async def keys(self, ref: Ref) -> Keys:
        """The keys of a service with key authentication."""
        return await self._ask(ref, lambda workspace: workspace.keys(ref), "reading the keys")

    async def token(self, ref: Ref) -> Token:
        """An access token of a service with token authentication."""
        return await self._ask(ref, lambda workspace: workspace.token(ref), "asking for a token")

    async def logs(self, ref: Ref, tail: int = DEFAULT_TAIL, init: bool = False) -> str | None:
        """The last lines of a cloud service's log, raw; None while there is no container."""
        return await self._ask(
            ref, lambda workspace: workspace.logs(ref, tail, init), "reading the log"
        )

    async def delete(self, ref: Ref) -> None:
        """Delete a service, cloud or local; refused in read-only mode."""
        if self.read_only:
            raise AmltuiError(
                "Read-only mode",
                f"{ref.endpoint} was not deleted.",
                "Start amltui without --read-only to change things.",
                problem=Problem.REFUSED,
            )
        if ref.backend != CLOUD:
            engine = self._engine
            if engine is None:
                raise AmltuiError(
                    "No container engine",
                    f"{ref.endpoint} is a local service and no engine is connected.",
                    "Start Docker, or set DOCKER_HOST.",
                    problem=Problem.ENGINE,
                )
            await bridge.call(
                lambda: engine.delete(ref), limit=CALL_LIMIT, what="deleting the service"
            )
            return
        await self._ask(ref, lambda workspace: workspace.delete(ref), "deleting the service")
        self._deleting.add(ref)

    async def follow(
        self,
        ref: Ref,
        tail: int = DEFAULT_TAIL,
        init: bool = False,
        *,
        source: int = 0,
        quick: float = QUICK_POLL,
        idle: float = IDLE_POLL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> AsyncGenerator[LogUpdate, None]:
        """New lines of a cloud service's log for as long as it exists.

        The log is read again after the last reading was dealt with, every `quick` seconds while
        it changes, ever slower up to `idle` while it does not. Errors are updates too, with the
        time of the next try; the iteration only ends when the service is gone.
        """
        merger = Merger(tail)
        delay, failures = quick, 0
        taken_at: datetime | None = None
        waiting: bool | None = None
        while True:
            try:
                text = await self.logs(ref, merger.tail, init)
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
            taken_at = self._clock()
            marker = _MARKERS.get(reading.event, "")
            if reading.lines or marker or failures or waiting is not (text is None):
                waiting = text is None
                lines = tuple(line.encode("utf-8", "replace") for line in reading.lines)
                yield LogUpdate(Batch(source, lines, marker=marker), taken_at, waiting=waiting)
            failures = 0
            delay = quick if reading.lines else min(idle, delay * 1.5)
            await sleep(delay)

    def _marked(self, snapshot: Snapshot[Service]) -> Snapshot[Service]:
        """The workspace calls a service that it deletes Transitioning: we know better."""
        if not self._deleting:
            return snapshot
        rows = tuple(
            replace(row, state=State.DELETING)
            if row.ref in self._deleting and row.state is not State.FAILED
            else row
            for row in snapshot.rows
        )
        return replace(snapshot, rows=rows)

    def _need_workspace(self) -> Workspace:
        if self._workspace is None:
            raise AmltuiError(
                "No workspace",
                "No Azure ML workspace is configured.",
                "Name one with --subscription-id, --resource-group and --workspace-name, or put a"
                " config.json into this folder; `amltui demo` needs none.",
                problem=Problem.CONFIGURATION,
            )
        return self._workspace

    async def _ask(self, ref: Ref, ask: Callable[[Workspace], Result], what: str) -> Result:
        if ref.backend != CLOUD:
            raise AmltuiError(
                "Not for local services",
                f"{ref.endpoint} runs in a container on this machine.",
                "It has no keys, and its log is that of its container.",
                problem=Problem.REFUSED,
            )
        workspace = self._need_workspace()
        return await bridge.call(lambda: ask(workspace), limit=CALL_LIMIT, what=what)
