"""Diagnosing a log beside the screen: the lines that come have the right of way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from amltui.domain.logsource import LogSource, SourceKind

from .bridge import call
from .openlog import OpenLog

if TYPE_CHECKING:
    from amltui.domain.diagnosis import Target
    from amltui.domain.diagnosis.watch import LogWatch

BEFORE = 0.25  # seconds that a log has for its first lines before anything is diagnosed
SLICE = 0.003  # seconds of diagnosis between two looks at the keyboard
REST = 0.002
REST_WHILE_READING = 0.03  # with new lines since the slice before: it lags rather than slows them
LIMIT = 30.0  # seconds to read the catalogue, on a machine that is very busy


async def diagnose_on(
    log: OpenLog,
    watch: LogWatch | None,
    more: asyncio.Event,
    changed: Callable[[LogWatch], None],
) -> None:
    """Diagnose what is held and what comes, until cancelled; `changed` is called after slices.

    `watch` is what is known of the log from before; `more` says that lines have come, or that it
    has ended.
    """
    await asyncio.sleep(BEFORE)
    if watch is None:  # the catalogue takes a quarter of a second to read, once
        watch = await call(lambda: _watch_of(log), limit=LIMIT, what="reading the known failures")
    while True:
        held = log.buffer.stop
        while not watch.step(SLICE, perf_counter):
            changed(watch)
            reading = log.buffer.stop != held
            held = log.buffer.stop
            await asyncio.sleep(REST_WHILE_READING if reading else REST)
        if log.over:
            watch.end()
        changed(watch)
        await more.wait()
        more.clear()
        await asyncio.sleep(REST)


def _watch_of(log: OpenLog) -> LogWatch:
    """What diagnoses an open log, from its first line on."""
    from amltui.domain.diagnosis import Source
    from amltui.domain.diagnosis.watch import LogWatch

    source = {
        SourceKind.FILE: Source.AUTO,
        SourceKind.BUILD: Source.IMAGE_BUILD_LOG,
        SourceKind.DEPLOYMENT: Source.SDK_OUTPUT,
    }.get(log.source.kind, Source.CONTAINER_LOG)
    return LogWatch(log.buffer, source, _target(log.source), several=bool(log.source.parts))


def _target(source: LogSource) -> Target:
    from amltui.domain.diagnosis import Target

    if source.container_id or source.parts:
        return Target.LOCAL
    where = source.where.partition(" ")[0]
    return {"ACI": Target.ACI, "AKS": Target.AKS}.get(where, Target.UNKNOWN)
