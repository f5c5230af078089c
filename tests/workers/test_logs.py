"""Following real containers through everything that breaks: every line once."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.exitcodes import describe
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer, LogLine
from amltui.domain.logsource import LogSource, SourceKind
from amltui.workers.containers import Containers as ContainersWorker
from amltui.workers.feed import Feed, Follow, LogEvent
from amltui.workers.logs import ContainerFollower, follow_container
from amltui.workers.merge import merge
from amltui.workers.readlog import read as read_log
from amltui.workers.services import Services, now
from tests.engine import Containers, Proxy, containers, eventually

LIMIT = 60.0  # seconds

# Two streams, numbered, at a pace that takes about three seconds; waits for nobody.
NUMBERED = """
import os, time
for first in range(0, {count}, 500):
    for fd in (1, 2):
        os.write(fd, b"".join(b"%d\\n" % n for n in range(first + fd - 1, first + 500, 2)))
    time.sleep({pause})
os.write(1, b"end\\n")
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Containers]:
    with containers() as found:
        yield found


class Reader:
    """What a feed brings, kept."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.buffer = LogBuffer()
        self.events: list[LogEvent] = []
        self.batches: list[Batch] = []

    @property
    def lines(self) -> list[bytes]:
        return [line.raw for line in self._all() if not line.is_marker]

    @property
    def markers(self) -> list[str]:
        return [line.raw.decode() for line in self._all() if line.is_marker]

    def _all(self) -> list[LogLine]:
        return self.buffer.lines(self.buffer.start, self.buffer.stop)

    def take(self, item: Batch | LogEvent) -> None:
        if isinstance(item, LogEvent):
            self.events.append(item)
        else:
            self.buffer.append(item)
            self.batches.append(item)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Read until something is so."""

        async def read() -> None:
            while not condition():
                self.take(await self.feed.__anext__())

        await asyncio.wait_for(read(), LIMIT)

    async def to_end(self) -> None:
        """Read until the feed ends by itself."""

        async def read() -> None:
            async for item in self.feed:
                self.take(item)

        await asyncio.wait_for(read(), LIMIT)

    def ended(self) -> bool:
        return any(event.state is Follow.ENDED for event in self.events)


def follow(container_id: str, tail: int | None = None, url: str | None = None) -> Reader:
    """A container being followed."""
    return Reader(follow_container(DockerEngine(url), container_id, tail=tail))


def doubled_or_missing(lines: list[bytes], count: int, times: int = 1) -> dict[int, int]:
    """Numbers that are not there the right number of times."""
    found = Counter(int(line) for line in lines if line.isdigit())
    return {n: found[n] for n in range(count) if found[n] != times}


@pytest.mark.engine
async def test_an_ended_container(made: Containers) -> None:
    container = made.finished("for i in range(20000): print(i)\nimport os; os._exit(3)")
    reader = follow(container.id, tail=5_000)
    await reader.until(reader.ended)
    assert [int(line) for line in reader.lines] == list(range(15_000, 20_000))
    assert reader.markers == [THREE]
    assert reader.events[-1].text == THREE
    assert isinstance(reader.feed, ContainerFollower)
    older = Reader(reader.feed.older())
    await older.to_end()
    assert [int(line) for line in older.lines] == list(range(15_000))
    assert reader.buffer.prepend(older.buffer) == 15_000
    assert [int(line) for line in reader.lines] == list(range(20_000))
    reader.feed.close()
    await reader.to_end()


@pytest.mark.engine
@pytest.mark.parametrize("tty", [False, True])
async def test_forced_disconnects(made: Containers, tmp_path: Path, tty: bool) -> None:
    count = 100_000
    proxy = Proxy(tmp_path / "engine.sock")
    container = made.run(NUMBERED.format(count=count, pause=0.012), tty=tty)
    reader = follow(container.id, url=proxy.url)
    for part in range(1, 12):
        await reader.until(lambda part=part: len(reader.buffer) >= part * count // 12)  # type: ignore[misc]
        await asyncio.to_thread(eventually, lambda: proxy.cut() > 0)
    await reader.until(reader.ended)
    assert doubled_or_missing(reader.lines, count) == {}
    assert reader.lines.count(b"end") == 1
    assert sum("broke" in marker for marker in reader.markers) >= 5
    reader.feed.close()
    proxy.go_away()


@pytest.mark.engine
async def test_restarts_of_the_container(made: Containers) -> None:
    count, runs = 3_000, 4
    container = made.make(NUMBERED.format(count=count, pause=0))
    reader = follow(container.id)
    await reader.until(reader.ended)
    assert reader.events[-1].text == "The container has not been started yet."
    await asyncio.to_thread(container.start)
    for run in range(1, runs + 1):
        await reader.until(lambda run=run: reader.markers.count(ENDED) >= run)  # type: ignore[misc]
        if run < runs:
            await asyncio.to_thread(container.start)
    assert doubled_or_missing(reader.lines, count, runs) == {}
    assert reader.markers == [AGAIN, ENDED] * runs
    await asyncio.to_thread(made.remove, container)
    await reader.to_end()
    assert reader.events[-1].state is Follow.GONE
    assert reader.markers[-1] == "the container was removed"


ENDED = "the container ended: exit code 0 (it ended by itself, without an error)"
THREE = f"the container ended: {describe(3)}"
AGAIN = "the container was started"


@pytest.mark.engine
async def test_quick_restarts_of_a_running_container(made: Containers) -> None:
    code = "import os, time\nfor i in range(2000): print(i)\ntime.sleep(600)"
    container = made.run(code, stop_signal="SIGKILL")
    reader = follow(container.id)
    for run in range(1, 4):
        await reader.until(lambda run=run: len(reader.lines) >= 2_000 * run)  # type: ignore[misc]
        await asyncio.to_thread(container.restart, timeout=0)
    await reader.until(lambda: len(reader.lines) >= 8_000)
    assert doubled_or_missing(reader.lines, 2_000, 4) == {}
    assert reader.markers.count(AGAIN) == 3, reader.markers
    reader.feed.close()


@pytest.mark.engine
async def test_an_engine_that_goes_and_comes_back(made: Containers, tmp_path: Path) -> None:
    count = 20_000
    proxy = Proxy(tmp_path / "engine.sock")
    container = made.run(NUMBERED.format(count=count, pause=0.05))
    reader = follow(container.id, url=proxy.url)
    await reader.until(lambda: len(reader.lines) > 2_000)
    proxy.go_away()
    await reader.until(
        lambda: any(event.state is Follow.BROKEN and event.error for event in reader.events)
    )
    proxy.come_back()
    await reader.until(reader.ended)
    assert doubled_or_missing(reader.lines, count) == {}
    broken = next(event for event in reader.events if event.error)
    assert broken.text == "The Docker engine is not running"
    assert sum("broke" in marker for marker in reader.markers) == 1
    proxy.go_away()
    await reader.until(lambda: reader.events[-1].state is Follow.BROKEN)
    proxy.come_back()
    await reader.until(lambda: reader.events[-1].state is Follow.ENDED)  # as it was before
    assert sum("broke" in marker for marker in reader.markers) == 1
    proxy.go_away()
    reader.feed.close()
    await reader.to_end()


@pytest.mark.engine
async def test_a_flood_comes_in_few_batches_and_stalls_nothing(made: Containers) -> None:
    container = made.finished("for i in range(100000): print(i, 'x' * 100)")
    loop = asyncio.get_running_loop()
    reader = follow(container.id)
    stall = 0.0

    async def beat() -> None:
        nonlocal stall
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            stall = max(stall, loop.time() - before - 0.005)

    heart = asyncio.create_task(beat())
    await reader.until(reader.ended)
    heart.cancel()
    assert len(reader.lines) == 100_000
    assert len(reader.batches) < 100
    assert stall < 0.25  # 10 to 20 ms alone; this machine may be doing other things


@pytest.mark.engine
async def test_closing_is_at_once(made: Containers) -> None:
    container = made.run("import time; print('x', flush=True); time.sleep(600)")
    reader = follow(container.id)
    await reader.until(lambda: len(reader.lines) == 1)
    task = asyncio.create_task(reader.to_end())
    await asyncio.sleep(0)
    started = asyncio.get_running_loop().time()
    await asyncio.to_thread(reader.feed.close)  # from another thread
    await task
    assert asyncio.get_running_loop().time() - started < 1
    again = follow(container.id)
    await again.until(lambda: len(again.lines) == 1)
    task = asyncio.create_task(again.to_end())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert again.feed.closed.is_set()


@pytest.mark.engine
async def test_a_log_that_can_never_be_read(made: Containers) -> None:
    container = made.finished("print(1)", log_config={"Type": "none"})
    reader = follow(container.id)
    with pytest.raises(AmltuiError) as caught:
        await reader.to_end()
    assert caught.value.problem is Problem.REFUSED


@pytest.mark.engine
async def test_several_containers_in_the_order_of_time(made: Containers) -> None:
    begin = time.time() + 3  # both at the same time, however long each takes to start
    code = (
        f"import time\ntime.sleep(max(0, {begin} - time.time()))\n"
        "for i in range(200): print(i, flush=True); time.sleep(0.003)"
    )
    first, second = made.run(code), made.run(code)
    engine = DockerEngine()
    feeds = [
        follow_container(engine, each.id, source) for source, each in enumerate((first, second))
    ]
    buffer = LogBuffer()

    async def read() -> None:
        ended = 0
        async for item in merge(feeds):
            if isinstance(item, LogEvent):
                ended += item.state is Follow.ENDED
            else:
                buffer.append(item)
            if ended == 2 and len(buffer) == 402:
                return

    await asyncio.wait_for(read(), LIMIT)
    lines = [line for line in buffer.lines(0, buffer.stop) if not line.is_marker]
    stamps = [line.stamp or b"" for line in lines]
    assert stamps == sorted(stamps)
    for source in (0, 1):
        assert [int(line.raw) for line in lines if line.source == source] == list(range(200))
    assert len(re.findall("01|10", "".join(str(line.source) for line in lines))) > 20
    for feed in feeds:
        feed.close()
    await they_are_read_together(engine, first.id, second.id)


async def they_are_read_together(engine: DockerEngine, *ids: str) -> None:
    """Without following them, too."""
    parts = tuple(LogSource(SourceKind.CONTAINER, each[:8], container_id=each) for each in ids)
    known = ContainersWorker(engine, now)
    source = LogSource.of_several(parts)
    batches = [batch async for batch in read_log(known, Services(None, engine), source, 100)]
    stamps = [stamp for batch in batches for stamp in batch.stamps or ()]
    assert len(stamps) == 200
    assert stamps == sorted(stamps)


async def test_a_feed_waits_when_nobody_reads() -> None:
    made = 0

    def work(feed: Feed) -> None:
        nonlocal made
        while not feed.closed.is_set():
            feed.put(Batch(0, [b"x"] * 1_000, [b""] * 1_000, b"\1" * 1_000))
            made += 1_000

    reader = Reader(Feed(work, "endless"))
    await reader.until(lambda: len(reader.buffer) > 0)
    await asyncio.sleep(0.1)
    waiting = made - len(reader.buffer)
    assert waiting < 200_000
    await reader.until(lambda: len(reader.buffer) > 500_000)
    reader.feed.close()


async def test_an_error_on_the_thread_is_raised_where_it_is_read() -> None:
    def work(feed: Feed) -> None:
        feed.put(Batch(0, [b"x"]))
        raise OSError("odd")

    reader = Reader(Feed(work, "broken"))
    with pytest.raises(OSError, match="odd"):
        await reader.to_end()
    assert reader.lines == [b"x"]
