"""Several logs as one: the order of their times, whatever each of them does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsource import LogSource, SourceKind
from amltui.workers import merge as merging
from amltui.workers.feed import Follow, Item, LogEvent
from amltui.workers.merge import merge
from amltui.workers.openlog import OpenLog, updates_of
from tests.workers.test_deployments import BEGIN, CHECKED, FAILED, Bench

LIMIT = 20.0  # seconds


def stamp(number: int) -> bytes:
    return b"2026-11-21T06:%02d:%02d.%03d000000Z" % (
        number // 60_000, number // 1_000 % 60, number % 1_000
    )  # fmt: skip


def numbered(numbers: range, text: bytes) -> Batch:
    return Batch(0, [text % n for n in numbers], [stamp(n) for n in numbers])


async def sent(*items: Item | float | AmltuiError) -> AsyncGenerator[Item, None]:
    """A log that brings these; a number is a pause in seconds."""
    for item in items:
        if isinstance(item, AmltuiError):
            raise item
        if isinstance(item, float):
            await asyncio.sleep(item)
        else:
            yield item


async def all_of(*logs: AsyncGenerator[Item, None]) -> tuple[list[bytes], list[LogEvent]]:
    buffer, events = LogBuffer(), []

    async def read() -> None:
        async for item in merge(logs):
            if isinstance(item, LogEvent):
                events.append(item)
            else:
                buffer.append(item)

    await asyncio.wait_for(read(), LIMIT)
    lines = buffer.lines(buffer.start, buffer.stop)
    return [b"%d:%s" % (line.source, line.raw) for line in lines], events


async def test_a_backlog_that_comes_later_is_still_in_order() -> None:
    lines, _ = await all_of(
        sent(numbered(range(0, 10_000, 2), b"%d")),
        sent(0.3, numbered(range(1, 10_000, 2), b"%d")),
    )
    assert lines == [b"%d:%d" % (n % 2, n) for n in range(10_000)]


async def test_lines_without_a_time_stay_behind_the_one_before_and_markers_where_they_are() -> None:
    odd = Batch(0, [b"5", b"of 5", b"9"], [stamp(5), b"", stamp(9)])
    lines, _ = await all_of(
        sent(odd, Batch(0, marker="ended")), sent(numbered(range(4, 12, 2), b"%d"))
    )
    assert lines == [b"1:4", b"0:5", b"0:of 5", b"1:6", b"1:8", b"0:9", b"0:ended", b"1:10"]


async def test_a_log_in_trouble_leaves_the_others_going() -> None:
    gone = AmltuiError("The container is gone")
    lines, events = await all_of(sent(LogEvent(Follow.LIVE), numbered(range(3), b"%d")), sent(gone))
    assert lines == [b"0:0", b"0:1", b"0:2"]
    log = OpenLog(LogSource.of_several(tuple(
        LogSource(SourceKind.CONTAINER, name, "this machine") for name in ("api", "db")
    )))  # fmt: skip
    for event in events:
        log.take(event)
    assert log.words("") == "2 logs by time: api, db (this machine); db: The container is gone"


async def test_what_waits_is_bounded() -> None:
    """A log that is far ahead is not read on until its lines are taken."""
    given = 0

    async def endless() -> AsyncGenerator[Item, None]:
        nonlocal given
        while True:
            yield numbered(range(given, given + 5_000), b"%d")
            given += 5_000

    merged = merge([endless(), sent(3600.0)])
    taken = 0
    while taken < 100_000:
        item = await asyncio.wait_for(merged.__anext__(), LIMIT)
        taken += len(item.lines) if isinstance(item, Batch) else 0
        assert given - taken < 3 * merging._WAITING
    await merged.aclose()


async def test_the_progress_of_a_deployment_is_a_log(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "runs")
    run = await bench.start()
    bench.write(run, BEGIN, *CHECKED, *FAILED)
    bench.processes.living.clear()
    log = OpenLog(LogSource.of_run(run, "churn", "prod"))
    none = cast(Any, None)
    async for update in updates_of(log.source, none, none, 0, bench.deployments):
        log.take(update)
    log.end()
    lines = [line.raw.decode() for line in log.buffer.lines(0, log.buffer.stop)]
    assert lines == [
        "INFO run taken up by process 7, steps check to healthy",
        "INFO check: Check the plan",
        "INFO check: done",
        "INFO register: Register the models",
        "ERROR register: It failed.",
        "INFO the run ended: failed",
    ]
    assert log.words("") == "deployment of churn (prod), ended (r reads it again)"
