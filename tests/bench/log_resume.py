"""Following a log through everything that breaks: is every line there, and there once?

    python -m tests.bench.log_resume [LINES [WORDS OF A SCENARIO]]

Numbered lines on two streams and on a terminal, in an engine of its own that is cut off, stopped,
killed and started again. "lost" and "doubled" are what the follower made of what the engine keeps;
"engine lost" is what the engine itself has no more: nobody can read that.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.logbatch import Batch
from amltui.workers.feed import Follow, LogEvent
from amltui.workers.logs import follow_container
from tests.engine import Containers, Proxy, containers
from tests.second_engine import SecondEngine, lacking

LIMIT = 300.0  # seconds that a scenario may take
BLOCK = 500  # lines that the writer writes together
SIZE_OF_A_TEST = 20_000  # lines; the suite has no time for a million
# Goes on where the last run of the container ended, and ends like a service when it is told to.
WRITER = """
import os, signal, sys, time
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
def put(fd, data):
    while data: data = data[os.write(fd, data):]
def save(number):
    with open("/next.new", "w") as file: file.write(str(number))
    os.replace("/next.new", "/next")
try: first = int(open("/next").read())
except OSError: first = 0
while first < {count} and not told:
    for fd in (1, 2):
        numbers = range(first + fd - 1, first + {block}, 2)
        put(fd, b"".join(b"%d {padding}\\n" % n for n in numbers))
    first += {block}
    save(first)
    time.sleep({pause})
if first == {count}:
    put(1, b"end\\n")
    save(first + 1)
"""


@dataclass
class Followed:
    """What a follower brought."""

    lines: Counter[bytes] = field(default_factory=Counter)
    markers: list[str] = field(default_factory=list)
    broken: int = 0  # times that the follower told of a break
    ended: bool = False  # the container has

    @property
    def count(self) -> int:
        """Lines so far."""
        return self._count

    _count: int = 0

    def take(self, item: Batch | LogEvent) -> None:
        """Note an item of the feed."""
        if isinstance(item, LogEvent):
            self.broken += item.state is Follow.BROKEN
            self.ended = item.state is Follow.ENDED or (self.ended and item.state is Follow.BROKEN)
            return
        if item.marker:
            self.markers.append(item.marker)
        self.lines.update(item.lines)
        self._count += len(item.lines)


@dataclass(frozen=True)
class Result:
    """What became of the lines, and what the follower itself said of them."""

    lines: int
    lost: int
    doubled: int
    engine_lost: int
    breaks: int
    seconds: float
    markers: tuple[str, ...]


class Bench:
    """One engine, its containers and a socket in between that can be cut."""

    def __init__(self, engine: SecondEngine, made: Containers) -> None:
        self.engine = engine
        self.made = made
        self.proxy = Proxy(engine.folder / "proxy.sock", str(engine.socket))

    def writer(self, count: int, seconds: float, **options: Any) -> Any:
        """A container, started, that writes so many lines in about so many seconds."""
        pause = seconds * BLOCK / count
        code = WRITER.format(count=count, block=BLOCK, pause=pause, padding="x" * 40)
        return self.made.run(code, **options)

    async def follow(
        self, container: Any, count: int, steps: int, disturb: Callable[[int], object]
    ) -> Result:
        """Follow a container to the line "end", and disturb it at so many places on the way."""
        began = time.perf_counter()
        found = Followed()
        feed = follow_container(DockerEngine(self.proxy.url), container.id, tail=None)
        disturbing: asyncio.Future[object] | None = None
        done = 0

        async def read() -> None:
            nonlocal disturbing, done
            async for item in feed:
                found.take(item)
                idle = disturbing is None or disturbing.done()
                if idle and done < steps and found.count >= (done + 1) * count // (steps + 1):
                    done += 1
                    disturbing = asyncio.ensure_future(asyncio.to_thread(disturb, done))
                # A fast rotation may take the line "end" away; a restart's ending is not the last.
                if found.ended and idle and (found.lines[b"end"] or not steps):
                    return

        try:
            await asyncio.wait_for(read(), LIMIT)
        finally:
            feed.close()
        kept = await asyncio.to_thread(self._kept, container)
        return _result(found, kept, count, time.perf_counter() - began)

    def _kept(self, container: Any) -> Counter[bytes]:
        """What the engine has at the end: one plain reading."""
        log = DockerEngine(self.engine.url).open_log(container.id, tail=None, follow=False)
        lines: Counter[bytes] = Counter()
        for batch in log.batches():
            lines.update(batch.lines)
        return lines


def _result(found: Followed, kept: Counter[bytes], count: int, seconds: float) -> Result:
    numbers = {
        int(line.split(b" ")[0]) for lines in (kept, found.lines) for line in lines
        if line[:1].isdigit()
    }  # fmt: skip
    return Result(
        lines=found.count,
        lost=sum((kept - found.lines).values()),
        doubled=sum(max(0, many - max(1, kept[line])) for line, many in found.lines.items()),
        engine_lost=len(set(range(count)) - numbers),
        breaks=found.broken,
        seconds=seconds,
        markers=tuple(found.markers),
    )


# -- what happens to a log ------------------------------------------------------------------------


async def disconnects(bench: Bench, count: int, seconds: float, *, tty: bool) -> Result:
    """Twelve connections are cut in mid-air."""
    container = bench.writer(count, seconds, tty=tty)
    return await bench.follow(container, count, 12, lambda _: _cut(bench.proxy))


def _cut(proxy: Proxy) -> None:
    while not proxy.cut():
        threading.Event().wait(0.005)


async def restarts(bench: Bench, count: int, seconds: float, *, tty: bool) -> Result:
    """The container is restarted twelve times."""
    container = bench.writer(count, seconds, tty=tty)
    return await bench.follow(container, count, 12, lambda _: container.restart(timeout=10))


async def engine_restart(
    bench: Bench,
    count: int,
    seconds: float,
    *,
    killed: bool,
    live: bool,
    tty: bool = False,
    times: int = 2,
) -> Result:
    """The engine is stopped or killed, and comes back; its containers go on if `live`."""
    engine = bench.engine
    if engine.live_restore != live:
        engine.stop()
        engine.live_restore = live
        engine.start()
    container = bench.writer(count, seconds, tty=tty)

    def restart(_: int) -> None:
        engine.kill() if killed else engine.stop()
        bench.proxy.cut()
        engine.start()
        container.reload()
        if container.status != "running":
            container.start()

    return await bench.follow(container, count, times, restart)


async def rotation(
    bench: Bench, count: int, seconds: float, *, cuts: int = 0, size: str = "1m"
) -> Result:
    """The engine keeps three files of the log of so many bytes each, and removes the older ones."""
    options = {"Type": "json-file", "Config": {"max-size": size, "max-file": "3"}}
    container = bench.writer(count, seconds, log_config=options)
    return await bench.follow(container, count, cuts, lambda _: _cut(bench.proxy))


SCENARIOS: tuple[tuple[str, Callable[[Bench, int], Any]], ...] = (
    ("12 disconnects, two streams", lambda b, n: disconnects(b, n, n / 50_000, tty=False)),
    ("12 disconnects, terminal", lambda b, n: disconnects(b, n, n / 50_000, tty=True)),
    (
        "12 container restarts, two streams",
        lambda b, n: restarts(b, n, max(12, n / 50_000), tty=False),
    ),
    ("12 container restarts, terminal", lambda b, n: restarts(b, n, max(12, n / 50_000), tty=True)),
    (
        "2 engine restarts, containers stop",
        lambda b, n: engine_restart(b, n, max(8, n / 50_000), killed=False, live=False),
    ),
    (
        "2 engine restarts, live-restore",
        lambda b, n: engine_restart(b, n, max(8, n / 50_000), killed=False, live=True),
    ),
    (
        "2 engine restarts, live-restore, terminal",
        lambda b, n: engine_restart(b, n, max(8, n / 50_000), killed=False, live=True, tty=True),
    ),
    (
        "engine killed twice, containers stop",
        lambda b, n: engine_restart(b, n, max(8, n / 50_000), killed=True, live=False),
    ),
    (
        "engine killed twice, live-restore",
        lambda b, n: engine_restart(b, n, max(8, n / 50_000), killed=True, live=True),
    ),
    ("rotation at 1 MB", lambda b, n: rotation(b, n, n / 20_000)),
    ("rotation at 1 MB, 12 disconnects", lambda b, n: rotation(b, n, n / 20_000, cuts=12)),
    ("rotation at 10 MB, as fast as it can", lambda b, n: rotation(b, n, 0, size="10m")),
    ("rotation at 1 MB, as fast as it can", lambda b, n: rotation(b, n, 0)),
)


def main(count: int = 1_000_000, only: str = "") -> None:
    """Print the table."""
    problem = lacking()
    if problem:
        sys.exit(problem)
    print(f"{count:,} numbered lines each")
    heads = ("lines", "lost", "doubled", "engine lost", "breaks", "seconds")
    print(f"{'':<44}" + "".join(f"{head:>12}" for head in heads))
    with SecondEngine() as engine, containers(engine.url) as made:
        bench = Bench(engine, made)
        for name, scenario in SCENARIOS:
            if only not in name:
                continue
            result = asyncio.run(scenario(bench, count))
            cells = (
                f"{result.lines:,}", f"{result.lost:,}", f"{result.doubled:,}",
                f"{result.engine_lost:,}", str(result.breaks), f"{result.seconds:.1f}",
            )  # fmt: skip
            print(f"{name:<44}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
            for marker, many in Counter(result.markers).items():
                print(f"    {many} x {marker}", flush=True)


if __name__ == "__main__":
    said = sys.argv[1:]
    main(int(said[0].replace(",", "")) if said else 1_000_000, said[1] if len(said) > 1 else "")
