"""Local web services: reload, also when a file is saved, promote, and delete with all of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

from amltui.domain.errors import AmltuiError, Problem, refused_read_only
from amltui.domain.models import Leftover, Service
from amltui.domain.plan import Plan
from amltui.ports import LocalTools

from . import bridge
from .deployments import Deployments, RunSummary

LOOK = 1.0  # seconds between two looks at a source that is watched
_LIMIT = 60.0  # seconds


class LocalServices:
    """The local services of this machine; `deployments` knows what they were deployed from."""

    def __init__(
        self,
        tools: LocalTools,
        deployments: Callable[[], Deployments],
        *,
        read_only: bool = False,
    ) -> None:
        self._tools = tools
        self._deployments = deployments
        self.read_only = read_only
        self._sources: dict[str, Path] = {}  # by container, once they were named

    async def plan_of(self, service: Service) -> tuple[Plan, Path] | None:
        """The plan that a service was deployed from and where its paths begin; None if unknown."""
        run = await self._run_of(service)
        return None if run is None else (run.plan, Path(run.folder))

    async def source_of(self, service: Service) -> Path | None:
        """The source directory (or entry script) of a service; None while nobody has named it."""
        if service.container_id in self._sources:
            return self._sources[service.container_id]
        found = await self.plan_of(service)
        if found is None:
            return None
        inference = found[0].inference
        return found[1] / (inference.source_directory or inference.entry_script)

    @staticmethod
    def path(typed: str) -> Path:
        """An absolute path of what a person typed."""
        return Path(os.path.abspath(os.path.expanduser(typed)))

    async def reload(self, service: Service, source: Path) -> None:
        """Copy the source into the container and start it anew.

        Raises:
            AmltuiError: read-only mode, a wrong source, or the engine refuses it.
        """
        self._refuse(f"{service.name} was not reloaded.")
        await bridge.call(
            lambda: self._tools.reload(service.container_id, source),
            limit=_LIMIT,
            what=f"reloading {service.name}",
        )
        self._sources[service.container_id] = source

    async def reload_on_save(
        self,
        service: Service,
        source: Path,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> AsyncGenerator[AmltuiError | None, None]:
        """Reload whenever a file of the source was saved: None for each, or why it failed.

        A save of several files is one reload, once they rest.
        """
        self._refuse(f"{service.name} is not watched.")
        reloaded = await self._stamp(source)
        before = reloaded
        while True:
            await sleep(LOOK)
            stamp = await self._stamp(source)
            rests, before = stamp == before, stamp
            if not rests or stamp == reloaded:
                continue
            reloaded = stamp
            try:
                await self.reload(service, source)
            except AmltuiError as error:
                yield error
                if error.problem is Problem.ENGINE:  # its container is gone
                    return
            else:
                yield None

    async def leftovers(self, service: Service) -> tuple[Leftover, ...]:
        """What would stay if only the container were deleted."""
        return await bridge.call(
            lambda: self._tools.leftovers(service.container_id),
            limit=_LIMIT,
            what="looking for what it leaves",
        )

    async def remove(self, leftovers: tuple[Leftover, ...]) -> list[AmltuiError]:
        """Remove these, after the service; what cannot be removed is told, the rest goes."""
        self._refuse("Nothing was removed.")
        failed = []
        for one in leftovers:
            try:
                await bridge.call(
                    lambda one=one: self._tools.remove(one),  # type: ignore[misc]
                    limit=_LIMIT,
                    what=f"removing {one.text}",
                )
            except AmltuiError as error:
                failed.append(error)
        return failed

    async def _stamp(self, source: Path) -> object:
        return await bridge.call(
            lambda: self._tools.stamp(source), limit=_LIMIT, what="looking at the source"
        )

    async def _run_of(self, service: Service) -> RunSummary | None:
        """The newest run that started the service's container, or else that has its name."""
        runs = [
            run
            for run in await self._deployments().runs()
            if run.name == service.name and run.plan.target.kind == "local"
        ]
        exact = [run for run in runs if run.view.facts.get("container") == service.container_id]
        return next(iter([*exact, *runs]), None)

    def _refuse(self, what: str) -> None:
        if self.read_only:
            raise refused_read_only(what)
