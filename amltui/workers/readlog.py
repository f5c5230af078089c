"""What is in a log now, without following it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from amltui.domain.logbatch import Batch
from amltui.domain.logsource import LogSource, SourceKind

from .containers import Containers
from .feed import LogEvent
from .merge import merge
from .services import Services

ALL_LINES = 1_000_000  # the workspace has no word for "all"


async def read(
    containers: Containers, services: Services, source: LogSource, tail: int
) -> AsyncGenerator[Batch, None]:
    """The last `tail` lines of a log (0: all), then its end.

    Raises:
        AmltuiError: it cannot be read.
    """
    if source.parts:
        parts = [read(containers, services, part, tail) for part in source.parts]
        async with aclosing(merge(parts)) as merged:
            async for item in merged:
                if isinstance(item, LogEvent) and item.error is not None:
                    raise item.error
                if not isinstance(item, LogEvent):
                    yield item
    elif source.kind is SourceKind.CONTAINER:
        async with aclosing(containers.read(source.container_id, tail or None)) as feed:
            async for item in feed:
                if not isinstance(item, LogEvent):
                    yield item
    elif source.ref is not None:
        if source.kind is SourceKind.BUILD:
            text = await services.build_log(source.ref) or ""
        else:
            init = source.kind is SourceKind.INIT
            text = await services.logs(source.ref, tail or ALL_LINES, init) or ""
        lines = text.encode("utf-8", "replace").split(b"\n")
        yield Batch(0, (lines if lines[-1] else lines[:-1])[-tail:])
