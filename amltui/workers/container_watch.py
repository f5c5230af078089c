"""What containers are and use now, for those on screen: asked for no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Container
from amltui.domain.workbench import ContainerDetail, Usage
from amltui.ports import Tools

from .bridge import call

LIMIT = 35.0  # seconds; the engine's own limits are a little shorter and say more


class ContainerWatch:
    """Details, asked again only when a container's state has changed, and streams of usage."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._details: dict[str, tuple[str, ContainerDetail]] = {}

    async def details(self, containers: Iterable[Container]) -> Mapping[str, ContainerDetail]:
        """All that is worth knowing of these containers, by id; those that are gone are missing."""
        rows = tuple(containers)
        # A restart sets back the time in the status, so an equal status is an equal container.
        stale = [row for row in rows if self._details.get(row.id, ("",))[0] != row.status]
        if stale:
            found = await call(lambda: self._ask(stale), limit=LIMIT, what="inspecting containers")
            kept = {row.id: self._details[row.id] for row in rows if row.id in self._details}
            self._details = {**kept, **found}
        return {row.id: self._details[row.id][1] for row in rows if row.id in self._details}

    def _ask(self, containers: Iterable[Container]) -> dict[str, tuple[str, ContainerDetail]]:
        found = {}
        for row in containers:
            try:
                found[row.id] = row.status, self._tools.detail(row.id)
            except AmltuiError:  # gone since; the list tells what is wrong with the engine
                continue
        return found

    async def usage(
        self,
        shown: Callable[[], Iterable[str]],
        known: Mapping[str, Usage],
        every: float = 1.0,
    ) -> AsyncIterator[Mapping[str, Usage]]:
        """What the running containers use that `shown` names now, about once a second.

        `known` holds until there is something newer. Streams are opened and closed as containers
        come and go; all are closed at the end.
        """
        newest = dict(known)

        def keep(usage: Usage) -> None:
            before = newest.get(usage.container_id)
            if usage.cpu_percent is None and before is not None:  # a stream's first sample
                usage = replace(usage, cpu_percent=before.cpu_percent)
            newest[usage.container_id] = usage

        watch = self._tools.watch_usage(keep)
        try:
            while True:
                wanted = frozenset(shown())
                watch.show(wanted)
                # Not a walk through `newest`, to which threads may be adding.
                yield {name: newest[name] for name in wanted if name in newest}
                await asyncio.sleep(every)
                for gone in newest.keys() - wanted:
                    newest.pop(gone, None)
        finally:
            watch.close()
