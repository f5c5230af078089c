"""What a log costs from the engine into the searchable store, beside `docker logs > /dev/null`.

    python -m tests.bench.log_source [LINES] [ROUNDS]

Both read the same container's log in turn, so the ratio counts, not the seconds. Ours is a view in
a terminal of its own, and its time ends when the last line has come out of it. A search has a
heartbeat of the event loop beside it: its longest stall is what a key would have waited.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from statistics import median
from typing import Any

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsearch import Search
from amltui.workers.feed import Follow, LogEvent
from amltui.workers.logs import follow_container
from amltui.workers.search import RUNAWAY, run
from tests.bench.figures import Figure, progress, show
from tests.bench.link import LinkTerminal
from tests.engine import Containers, containers

WIDTH = 120
SIZE = (80, 24)
LIMIT = 64  # MB of a store that cannot hold it all
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
    ("regex, classes", r"took\s+9\d\d ms, [^,]*v3", True),
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


@contextmanager
def following(container: Any, tail: int, limit: int) -> Iterator[LinkTerminal]:
    """A view in a terminal that follows a container's log as soon as "s" is typed."""
    arguments = ["-m", "tests.bench.follow_view", container.id, str(tail), str(limit)]
    terminal = LinkTerminal(arguments, *SIZE)
    try:
        if not terminal.pump(30, b"lines"):
            raise RuntimeError("the view did not start")
        terminal.pump(1)
        yield terminal
    finally:
        terminal.close()


def until_shown(terminal: LinkTerminal, count: int) -> float:
    """Seconds until the last of so many lines has come out."""
    start = time.perf_counter()
    if not terminal.pump(120, b"%07d 2026" % (count - 1)):
        raise RuntimeError("the last line did not come")
    return time.perf_counter() - start


def timed(command: subprocess.Popen[bytes]) -> float:
    """Seconds until a command ends."""
    start = time.perf_counter()
    command.wait()
    return time.perf_counter() - start


def backlog(container: Any, count: int, rounds: int) -> list[Figure]:
    """Everything a container has said."""
    ratios, above, bounded = [], [], 0.0
    for limit in [1_024] * rounds + [LIMIT]:
        theirs = timed(docker_logs(container))
        with following(container, 0, limit) as terminal:
            before, cpu = terminal.memory(), terminal.cpu()
            terminal.press(b"s")
            ours = until_shown(terminal, count)
            grown, cpu = terminal.memory() - before, terminal.cpu() - cpu
        if limit == LIMIT:
            bounded = grown / 1e6
            break
        ratios.append(ours / theirs)
        above.append(grown / count - WIDTH)
        progress(
            f"backlog of {count:,}: docker logs {theirs:5.2f} s, ours {ours:5.2f} s,"
            f" processor {cpu:.2f} s, ratio {ours / theirs:.2f}, {above[-1]:.1f} bytes a line more"
        )
    beside = "x docker logs > /dev/null"
    return [
        Figure(f"backlog of {count:,} lines, {beside}", median(ratios), "x", 0.7, _spread(ratios)),
        Figure("memory of the process above the text", median(above), "B/line", 40),
        Figure(f"the same, held in a store of {LIMIT} MiB", bounded, "MB", LIMIT * 1.5),
    ]


def burst(made: Containers, count: int, rounds: int) -> list[Figure]:
    """Lines that come while one follows, as fast as the container can; then the log's end."""
    code = ON_SIGNAL + PRINT.format(count=count, width=WIDTH)
    ratios, opened = [], []
    for _ in range(rounds):
        container = made.run(code)
        command = docker_logs(container, "-f")
        time.sleep(0.7)
        container.kill(10)
        theirs = timed(command)
        with following(container, 5_000, 256) as terminal:
            terminal.press(b"s")
            opened.append(1000 * until_shown(terminal, count))
        made.remove(container)
        container = made.run(code)
        with following(container, 5_000, 256) as terminal:
            terminal.press(b"s")
            terminal.pump(0.7)
            container.kill(10)
            ours = until_shown(terminal, count)
        made.remove(container)
        ratios.append(ours / theirs)
        progress(
            f"burst of {count:,}: docker logs -f {theirs:5.2f} s, ours {ours:5.2f} s,"
            f" ratio {ours / theirs:.2f}; opened at its end in {opened[-1]:.0f} ms"
        )
    return [
        Figure(f"burst of {count:,}, last line visible", median(ratios), "x", 1, _spread(ratios)),
        Figure(f"a log of {count:,} lines opened at its end", median(opened), "ms", 300),
    ]


async def searches(container: Any, count: int) -> list[Figure]:
    """Each search in 4 ms slices beside the loop."""
    buffer = await into_store(container)
    slowest = first_hit = worst = 0.0
    progress(f"{f'search of {len(buffer):,}':24} {'hits':>8} {'first':>8} {'all':>8} {'stall':>7}")
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
        hit = (first[0] - start) * 1000 if first else 0.0
        progress(
            f"  {name:22} {search.count:8,} {hit:5.0f} ms {spent:5.0f} ms {beating.worst:4.0f} ms"
        )
        slowest, first_hit = max(slowest, spent), max(first_hit, hit)
        worst = max(worst, beating.worst)
    runaway = Search(buffer, r"(\d*\w*)*!", regex=True)
    start = time.perf_counter()
    await run(runaway)
    stopped = (time.perf_counter() - start) * 1000 if runaway.error == RUNAWAY else float("inf")
    name = f"search of {count:,} lines, slowest of {len(SEARCHES)} patterns: "
    return [
        Figure(f"{name}first hits", first_hit, "ms", 100),
        Figure(f"{name}all", slowest, "ms", 1000),
        Figure("the event loop's longest stall meanwhile", worst, "ms", 50),
        Figure("a runaway regex is stopped with a message", stopped, "ms", 1000),
    ]


async def into_store(container: Any) -> LogBuffer:
    """What an ended container has said."""
    buffer = LogBuffer(1 << 30)
    feed = follow_container(DockerEngine(), container.id, tail=None)
    async for item in feed:
        if not isinstance(item, LogEvent):
            buffer.append(item)
        elif item.state is Follow.ENDED:
            break
    feed.close()
    return buffer


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def measure(count: int, rounds: int) -> list[Figure]:
    """All of it."""
    with containers() as made:
        container = made.finished(PRINT.format(count=count, width=WIDTH))
        found = backlog(container, count, rounds)
        found += asyncio.run(searches(container, count))
        return found + burst(made, min(count, 200_000), rounds)


if __name__ == "__main__":
    show(
        measure(
            int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 3,
        )
    )
