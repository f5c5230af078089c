"""A plan that is being written: kept, checked against the world, mended, saved. No Textual."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from amltui.domain.computes import cluster_of
from amltui.domain.drafts import Draft, Mend
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.facts import Facts, Fix
from amltui.domain.model_paths import ModelContent, content_id
from amltui.domain.old_scripts import import_script
from amltui.domain.plan import Plan
from amltui.domain.plan_parts import RegisteredModel
from amltui.domain.plan_targets import LocalTarget
from amltui.domain.replicas import Cluster
from amltui.ports import PlanFiles

from . import bridge
from .services import Services

Result = TypeVar("Result")

_LIMIT = 30.0  # seconds of disk work; a source directory may be large
_QUICK = 5.0


@dataclass(frozen=True)
class Survey:
    """What the workspace and the engine have that a plan may name; None is not known."""

    cloud: frozenset[str] | None = None  # names of services
    local: frozenset[str] | None = None
    clusters: Mapping[str, Cluster | None] | None = None
    models: Mapping[str, tuple[int, ...]] | None = None
    environments: frozenset[str] | None = None

    def facts(self, known: Facts, plan: Plan) -> Facts:
        """What is known of a plan, with what is known of the world."""
        local = isinstance(plan.target, LocalTarget)
        return replace(
            known,
            services=self.local if local else self.cloud,
            clusters=self.clusters,
            models=self.models,
            environments=self.environments,
        )


class Planning:
    """The files behind a plan, awaited; `folder` is where the paths of a new one begin."""

    def __init__(self, files: PlanFiles, clock: Callable[[], datetime], folder: str) -> None:
        self._files = files
        self._clock = clock
        self.folder = folder

    # Drafts

    def new(self) -> Draft:
        """A draft in which nothing is said; it is on no disk until it is kept."""
        return Draft(f"{self._clock():%Y%m%d-%H%M%S-%f}", self.folder)

    async def drafts(self) -> tuple[Draft, ...]:
        """The drafts that are kept, the newest first."""
        return await self._do(self._files.drafts, "reading the drafts")

    async def keep(self, draft: Draft) -> None:
        """Write a draft."""
        await self._do(lambda: self._files.keep(draft), "keeping the draft")

    def keep_now(self, draft: Draft) -> None:
        """Write a draft before returning: for the moment in which everything ends."""
        self._files.keep(draft)

    async def drop(self, draft: Draft) -> None:
        """Throw a draft away."""
        await self._do(lambda: self._files.drop(draft.id), "removing the draft")

    # Plan files

    async def open_file(self, typed: str) -> Draft:
        """A draft of a plan file; raises where it is not even YAML."""
        path = self.path(typed)
        data = await self._do(lambda: self._files.read(path), "reading the plan")
        return replace(self.new(), folder=str(path.parent), file=str(path), data=data)

    async def import_file(self, typed: str) -> tuple[Draft, tuple[str, ...]]:
        """A draft of an old deployment script, which is read and not run, and what to know of it.

        Raises:
            AmltuiError: it cannot be read, or deploys nothing.
        """
        path = self.path(typed)
        text = await self._do(lambda: self._files.text(path), "reading the script")
        data, remarks = import_script(text, "")
        told = tuple(f"line {remark.line}: {remark.message}" for remark in remarks)
        if not data:
            raise AmltuiError(
                "No deployment was found in it", "\n".join(told), problem=Problem.USAGE
            )
        return replace(self.new(), folder=str(path.parent), data=data), told

    async def save(self, typed: str, draft: Draft) -> Draft:
        """Write a plan file, comments of one that is there kept; the draft that it now is of.

        Paths of the plan are then relative to the folder of the file, as in every plan.
        """
        path = self.path(typed)
        what = "saving the plan"
        await self._do(lambda: self._files.save(path, draft.data, draft.folder), what)
        data = await self._do(lambda: self._files.read(path), what)
        return replace(draft, file=str(path), folder=str(path.parent), data=data)

    async def write_new(self, typed: str, text: str) -> Path:
        """Write a text to a file that is not there yet."""
        path = self.path(typed)
        await self._do(lambda: self._files.write_new(path, text), "saving the file")
        return path

    def path(self, typed: str) -> Path:
        """An absolute path of what a person typed."""
        expanded = os.path.expanduser(typed.strip())  # leaves an unknown user's ~ as it is
        return Path(os.path.normpath(os.path.join(self.folder, expanded)))

    # Looking

    async def gather(self, plan: Plan, folder: str) -> Facts:
        """What this machine knows of a plan."""
        return await self._do(lambda: self._files.gather(plan, folder), "looking at the files")

    async def complete(self, typed: str, folder: str) -> tuple[str, ...]:
        """Paths that begin with what is typed."""
        files = self._files
        return await self._do(lambda: files.complete(typed, folder), "completing", _QUICK)

    async def suggest(self, typed: str) -> str:
        """The first path that begins with what is typed; "" where there is none."""
        found = await self.complete(typed, self.folder) if typed else ()
        return next((one for one in found if one != typed), "")

    async def survey(self, services: Services) -> Survey:
        """Ask the workspace and the engine what there is; what does not answer is not known."""
        cloud = services.cloud if services.cloud.taken_at else await services.refresh_cloud()
        local = services.local if services.local.taken_at else await services.refresh_local()
        in_cloud, here = (
            frozenset(row.name for row in taken.rows) if taken.taken_at else None
            for taken in (cloud, local)
        )
        if in_cloud is None:  # no workspace, or one that does not answer
            return Survey(local=here)
        computes, models, environments = await asyncio.gather(
            _known(services.computes), _known(services.models), _known(services.environments)
        )
        clusters = {one.name: cluster_of(one) for one in computes or () if one.usable}
        names = frozenset(one.name for one in environments or ())
        return Survey(
            in_cloud,
            here,
            clusters=None if computes is None else clusters,
            models=models,
            environments=None if environments is None else names,
        )

    async def look_into(
        self, services: Services, plan: Plan, known: Facts
    ) -> dict[str, ModelContent]:
        """What the plan's registered models consist of, beyond those of which it is known."""
        newest = known.newest
        found: dict[str, ModelContent] = {}
        for model in plan.models:
            if isinstance(model, RegisteredModel) and model.name in newest:
                version = model.version or newest[model.name]
                name = content_id(model, newest)
                if name in known.contents or version not in (known.models or {})[model.name]:
                    continue
                try:
                    found[name] = await services.model_content(model.name, version)
                except AmltuiError as error:
                    found[name] = ModelContent(problem=error.title)
        return found

    # Mending

    async def text(self, path: Path) -> str:
        """The text of a file that is to be mended."""
        return await self._do(lambda: self._files.text(path), "reading the file")

    async def mend(self, fix: Fix, folder: str, seen: str) -> Mend:
        """What a fix would make of its file; `seen` is the text that it was made for."""
        return await self._do(lambda: self._files.mend(fix, folder, seen), "reading the file")

    async def apply(self, mend: Mend) -> None:
        """Make the change."""
        await self._do(lambda: self._files.apply(mend), "changing the file")

    async def _do(self, work: Callable[[], Result], what: str, limit: float = _LIMIT) -> Result:
        return await bridge.call(work, limit=limit, what=what)


async def _known(ask: Callable[[], Awaitable[Result]]) -> Result | None:
    try:
        return await ask()
    except AmltuiError:
        return None
