"""The web services, cloud and local: what panes and commands call. No Textual, no SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from amltui.domain.changes import Changes
from amltui.domain.computes import Compute, cluster_of
from amltui.domain.errors import AmltuiError, Problem, refused_read_only
from amltui.domain.images import EnvironmentImage, EnvironmentVersion, LegacyImage
from amltui.domain.model_paths import ModelContent
from amltui.domain.models import (
    Keys,
    Kind,
    Progress,
    Ref,
    Service,
    Snapshot,
    State,
    Token,
    WorkspaceInfo,
)
from amltui.domain.replicas import Cluster
from amltui.ports import Engine, Workspace

from . import bridge
from .operations import Operation
from .polled import IDLE_POLL, QUICK_POLL, LogUpdate, poll
from .snapshots import Source
from .updates import update_operation

Result = TypeVar("Result")

CLOUD = "azureml"

# Seconds, a little above the adapter's own limits, which know better what is going on.
CONNECT_LIMIT = 1_060.0  # a person may have to type a code, which Azure accepts for 15 minutes
LIST_LIMIT = 80.0
LOCAL_LIMIT = 15.0
CALL_LIMIT = 50.0
KEY_LIMIT = 125.0

DEFAULT_TAIL = 500


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

    async def build_log(self, ref: Ref) -> str | None:
        """The build log of a cloud service's image, raw; None where no build is known."""
        return await self._ask(
            ref, lambda workspace: workspace.build_log(ref), "reading the image build log"
        )

    async def delete(self, ref: Ref) -> None:
        """Delete a service, cloud or local; refused in read-only mode."""
        self._refuse(f"{ref.endpoint} was not deleted.")
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

    def update(self, service: Service, changes: Changes, folder: Path = Path()) -> Operation:
        """The update of a cloud service, to be run; paths of its plan begin at `folder`.

        Raises:
            AmltuiError: read-only mode, no workspace, or a local service.
        """
        self._refuse(f"{service.name} was not changed.")
        _only_cloud(service.ref)
        return update_operation(self._need_workspace(), service, changes, folder)

    async def regenerate_key(self, ref: Ref, which: str) -> Keys:
        """Replace the "Primary" or "Secondary" key; callers with the old one are refused."""
        self._refuse(f"The keys of {ref.endpoint} stay as they are.")
        _only_cloud(ref)
        workspace = self._need_workspace()
        return await bridge.call(
            lambda: workspace.regenerate_key(ref, which), limit=KEY_LIMIT, what="replacing a key"
        )

    async def computes(self) -> tuple[Compute, ...]:
        """The compute targets of the workspace."""
        workspace = self._need_workspace()
        what = "listing the compute targets"
        return await bridge.call(workspace.computes, limit=CALL_LIMIT, what=what)

    async def images(self) -> tuple[LegacyImage, ...]:
        """The legacy images, newest first; `build_log` and `follow_build` read their logs."""
        workspace = self._need_workspace()
        return await bridge.call(workspace.images, limit=LIST_LIMIT, what="listing the images")

    async def models(self) -> Mapping[str, tuple[int, ...]] | None:
        """The versions of every registered model by name; None where they are too many to list."""
        workspace = self._need_workspace()
        return await bridge.call(workspace.models, limit=CALL_LIMIT, what="listing the models")

    async def model_content(self, name: str, version: int) -> ModelContent:
        """The files of a registered model."""
        workspace = self._need_workspace()
        what = f"looking into model {name}:{version}"
        return await bridge.call(
            lambda: workspace.model_content(name, version), limit=CALL_LIMIT, what=what
        )

    async def environments(self) -> tuple[EnvironmentVersion, ...] | None:
        """The environments, by name; None where they are too many to list."""
        workspace = self._need_workspace()
        what = "listing the environments"
        return await bridge.call(workspace.environments, limit=CALL_LIMIT, what=what)

    async def environment_image(self, one: EnvironmentVersion) -> EnvironmentImage:
        """The image of an environment."""
        workspace = self._need_workspace()
        return await bridge.call(
            lambda: workspace.environment_image(one.name, one.version),
            limit=CALL_LIMIT,
            what=f"asking for the image of {one.id}",
        )

    async def build_environment(self, one: EnvironmentVersion) -> str:
        """Have an environment's image built unless it is there; returns where its log is."""
        self._refuse(f"The image of {one.id} was not built.")
        workspace = self._need_workspace()
        return await bridge.call(
            lambda: workspace.build_environment(one.name, one.version),
            limit=CALL_LIMIT,
            what=f"building the image of {one.id}",
        )

    async def cluster_of(self, service: Service) -> Cluster | None:
        """The room on the cluster that a service runs on; None where that is not known."""
        if service.kind is not Kind.AKS:
            return None
        return cluster_of(
            next((one for one in await self.computes() if one.name == service.target), None)
        )

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
        """New lines of a cloud service's log for as long as it exists; see `poll`."""
        async with aclosing(
            poll(
                lambda lines: self.logs(ref, lines, init), tail, self._clock,
                source=source, quick=quick, idle=idle, sleep=sleep,
            )
        ) as updates:  # fmt: skip
            async for update in updates:
                yield update

    async def follow_build(
        self, ref: Ref, tail: int = DEFAULT_TAIL
    ) -> AsyncGenerator[LogUpdate, None]:
        """New lines of the build log of a cloud service's image; see `poll`."""

        async def read(lines: int) -> str | None:
            text = await self.build_log(ref)
            return None if text is None else "".join(text.splitlines(keepends=True)[-lines:])

        async with aclosing(poll(read, tail, self._clock)) as updates:
            async for update in updates:
                yield update

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

    def _refuse(self, what: str) -> None:
        if self.read_only:
            raise refused_read_only(what)

    async def _ask(self, ref: Ref, ask: Callable[[Workspace], Result], what: str) -> Result:
        _only_cloud(ref)
        workspace = self._need_workspace()
        return await bridge.call(lambda: ask(workspace), limit=CALL_LIMIT, what=what)


def _only_cloud(ref: Ref) -> None:
    if ref.backend != CLOUD:
        raise AmltuiError(
            "Not for local services",
            f"{ref.endpoint} runs in a container on this machine.",
            "It has no keys, and its log is that of its container.",
            problem=Problem.REFUSED,
        )
