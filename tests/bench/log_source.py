"""What a log costs from the engine into the searchable store, beside `docker logs > /dev/null`.

    python -m tests.bench.log_source [LINES] [ROUNDS]

Both read the same container's log in turn, so the ratio counts, not the seconds. The event loop
has a heartbeat meanwhile: its longest stall is what a key would have waited.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsearch import Search
from amltui.workers.feed import Follow, LogEvent
from amltui.workers.logs import follow_container
from amltui.workers.search import run
from tests.engine import Containers, containers

WIDTH = 120
PRINT = """
import os, random
random.seed(1)
for first in range(0, {count}, 1000):
    os.write(1, b"".join(
        (b"%07d 2026-11-21 06:01:02,123 INFO scoring request %08x took %d ms, model fraud-v%d, "
         b"status %d, payload accepted" % (n, random.getrandbits(32), n % 997, n % 13, 200 + n % 3)
        ).ljust({width}, b".")[:{width}] + b"\\n" for n in range(first, first + 1000)))
"""
ON_SIGNAL = "import signal; signal.pthread_sigmask(0, [10]); signal.sigwait([10])\n"
SEARCHES = (
    ("literal, rare", "0999999 ", False),
    ("literal, 8 %", "fraud-v7", False),
    ("regex", r"took \d+7 ms", True),
    ("regex, alternation", r"took (13|17|19) ms|v12,", True),
    ("regex, smart case", r"error|failed|status 201", True),
    ("regex, line by line", r"took\s+9\d\d ms, [^,]*v3", True),
)


class Heart:
    """The longest stall of the event loop, in milliseconds."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def beat(self) -> None:
        """Go on until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            self.worst = max(self.worst, (time.perf_counter() - before - 0.002) * 1000)


@asynccontextmanager
async def heart() -> AsyncIterator[Heart]:
    """A heartbeat beside the work."""
    beating = Heart()
    task = asyncio.create_task(beating.beat())
    try:
        yield beating
    finally:
        task.cancel()


def docker_logs(container: Any, *options: str) -> subprocess.Popen[bytes]:
    """The command to compare with."""
    return subprocess.Popen(
        ["docker", "logs", *options, container.id],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def into_store(
    container: Any, tail: int | None, when_live: Callable[[], None] = lambda: None
) -> tuple[LogBuffer, float]:
    """Follow a container into a store until it ends; the store and the seconds that took."""
    buffer = LogBuffer(1 << 30)
    feed = follow_container(DockerEngine(), container.id, tail=tail)
    start = time.perf_counter()
    async for item in feed:
        if not isinstance(item, LogEvent):
            buffer.append(item)
        elif item.state is Follow.ENDED:
            break
        elif item.state is Follow.LIVE:
            start = time.perf_counter()
            when_live()
    spent = time.perf_counter() - start
    feed.close()
    return buffer, spent


async def backlog(made: Containers, count: int, rounds: int) -> LogBuffer:
    """Everything a container has said."""
    container = made.finished(PRINT.format(count=count, width=WIDTH))
    ratios = []
    for _ in range(rounds):
        start = time.perf_counter()
        await asyncio.to_thread(docker_logs(container).wait)
        theirs = time.perf_counter() - start
        async with heart() as beating:
            buffer, ours = await into_store(container, None)
        assert len(buffer) == count + 1, len(buffer)  # and the marker of its end
        ratios.append(ours / theirs)
        print(
            f"backlog of {count:,}: docker logs {theirs:5.2f} s, ours {ours:5.2f} s,"
            f" ratio {ours / theirs:.2f}, longest stall {beating.worst:.0f} ms"
        )
    above = (buffer.memory - WIDTH * count) / count
    print(f"  ratio, median of {rounds}: {statistics.median(ratios):.2f} (target 0.70)")
    print(f"  memory above the text: {above:.1f} bytes a line (target 40)")
    return buffer


async def burst(made: Containers, count: int, rounds: int) -> None:
    """Lines that come while one follows, as fast as the container can."""
    code = ON_SIGNAL + PRINT.format(count=count, width=WIDTH)
    ratios = []
    for _ in range(rounds):
        container = made.run(code)
        command = docker_logs(container, "-f")
        await asyncio.sleep(0.7)
        start = time.perf_counter()
        container.kill(10)
        await asyncio.to_thread(command.wait)
        theirs = time.perf_counter() - start
        container = made.run(code)
        await asyncio.sleep(0.7)
        async with heart() as beating:
            buffer, ours = await into_store(container, None, lambda made=container: made.kill(10))  # type: ignore[misc]
        assert len(buffer) == count + 1
        ratios.append(ours / theirs)
        print(
            f"burst of {count:,}: docker logs -f {theirs:5.2f} s, ours {ours:5.2f} s,"
            f" ratio {ours / theirs:.2f}, longest stall {beating.worst:.0f} ms"
        )
    print(f"  ratio, median of {rounds}: {statistics.median(ratios):.2f} (target 1.00)")


async def searches(buffer: LogBuffer) -> None:
    """Each search in 4 ms slices beside the loop."""
    title = f"search of {len(buffer):,}"
    print(f"{title:24} {'hits':>8} {'first':>8} {'all':>8} {'stall':>7}")
    for name, pattern, regex in SEARCHES:
        search = Search(buffer, pattern, regex=regex)
        first: list[float] = []
        start = time.perf_counter()

        def slice_done(search: Search = search, first: list[float] = first) -> None:
            if search.count and not first:
                first.append(time.perf_counter())

        async with heart() as beating:
            await run(search, slice_done)
        spent = (time.perf_counter() - start) * 1000
        shown = f"{(first[0] - start) * 1000:.0f} ms" if first else "-"
        print(f"  {name:22} {search.count:8,} {shown:>8} {spent:5.0f} ms {beating.worst:4.0f} ms")


async def measure(count: int, rounds: int) -> None:
    """All of it."""
    with containers() as made:
        buffer = await backlog(made, count, rounds)
        await searches(buffer)
        await burst(made, min(count, 200_000), rounds)


if __name__ == "__main__":
    asyncio.run(
        measure(
            int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 3,
        )
    )
