"""What the log view costs and how it answers: keys, bytes, stalls.

    python -m tests.bench.log_view [KEYS]

Bytes and key latency are taken outside, through a pty that answers as a terminal does.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amltui.domain.logbuffer import LogBuffer
from tests.bench.link import LinkTerminal
from tests.pty.log_terminal import Flooded, batch

PROGRAM = "tests.pty.log_terminal"
UNBOUNDED = 10_000_000.0  # lines a second: as many as the program can take in
SIZES = ((80, 24), (160, 48))


@contextmanager
def running(
    mode: str,
    rate: float,
    held: int,
    size: tuple[int, int],
    link: tuple[float, float] = (0, 0),
) -> Iterator[LinkTerminal]:
    """The view on a terminal, its first lines drawn."""
    terminal = LinkTerminal(["-m", PROGRAM, mode, str(rate), str(held)], *size, *link)
    try:
        if not terminal.pump(30, b"lines"):
            raise RuntimeError("the view did not start")
        terminal.pump(1.5)
        yield terminal
    finally:
        terminal.close()


def key_latencies(terminal: LinkTerminal, presses: int) -> list[float]:
    """Milliseconds from a press of space to the frame that says FOLLOW or PAUSED."""
    random.seed(7)
    found = []
    for at in range(presses):
        terminal.pump(random.uniform(0.02, 0.12))
        wanted = b"PAUSED" if at % 2 == 0 else b"FOLLOW"
        start = time.monotonic()
        terminal.press(b" ")
        if not terminal.pump(5, wanted):
            raise RuntimeError(f"no answer to key {at}")
        found.append((time.monotonic() - start) * 1000)
    return found


def quantile(values: list[float], part: float) -> float:
    """The value that so much of the values do not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def print_keys(presses: int) -> None:
    """Key latency in floods and during a search, on a fast and on slow links."""
    print(f"{'key to screen, ms':<52} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}")
    cases = [
        ("nothing arrives", "flood", 0.0, (0.0, 0.0)),
        ("unbounded flood", "flood", UNBOUNDED, (0.0, 0.0)),
        ("endless regex search over 1,000,000 lines", "search", 0.0, (0.0, 0.0)),
        ("2,000 lines/s over 1 Mbit/s, 40 ms", "flood", 2_000.0, (125_000.0, 0.04)),
        ("2,000 lines/s over 50 kB/s, 40 ms", "flood", 2_000.0, (50_000.0, 0.04)),
    ]
    for name, mode, rate, link in cases:
        held = 1_000_000 if mode == "search" else 5_000
        for size in SIZES:
            slow = 1 if not link[0] else 4
            with running(mode, rate, held, size, link) as terminal:
                found = key_latencies(terminal, max(20, presses // slow))
            label = f"{name}, {size[0]}x{size[1]}"
            figures = [quantile(found, part) for part in (0.5, 0.95, 0.99, 1.0)]
            print(f"{label:<52} " + " ".join(f"{figure:7.1f}" for figure in figures), flush=True)


def print_bytes(seconds: float = 5.0) -> None:
    """Bytes and processor time, in a flood and while nothing arrives."""
    print(f"\n{'':<52} {'bytes/s':>9} {'% of a core':>12}")
    for name, rate, held in (
        ("unbounded flood", UNBOUNDED, 5_000),
        ("nothing arrives", 0, 200_000),
    ):
        for size in SIZES:
            with running("flood", rate, held, size) as terminal:
                before, cpu, start = terminal.received, terminal.cpu(), time.monotonic()
                terminal.pump(seconds)
                took = time.monotonic() - start
                sent, used = terminal.received - before, terminal.cpu() - cpu
            label = f"{name}, {size[0]}x{size[1]}"
            print(f"{label:<52} {sent / took:9.0f} {100 * used / took:12.1f}", flush=True)


async def open_at_the_end(held: int, size: tuple[int, int]) -> float:
    """Milliseconds from choosing a log to its last lines being drawn, the store being filled."""
    buffer = LogBuffer(256 << 20)
    for first in range(0, held, 10_000):
        buffer.append(batch(first, 10_000))
    app = Flooded(LogBuffer(), 0)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        start = time.perf_counter()
        app.view.show(buffer)
        await asyncio.sleep(0)
        strips = [app.view.render_line(y) for y in range(app.view.size.height)]
        took = (time.perf_counter() - start) * 1000
        assert f"{held - 1:08d}" in strips[-1].text
    return took


async def stalls(rate: float, size: tuple[int, int], seconds: float = 4.0) -> list[float]:
    """How late the event loop came round, in ms, while lines arrive."""
    app = Flooded(LogBuffer(128 << 20), rate)
    late: list[float] = []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        end = time.perf_counter() + seconds
        while (before := time.perf_counter()) < end:
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - before - 0.001) * 1000)
    return late


def print_inside() -> None:
    """What is measured inside the process."""
    print(f"\n{'ms':<52} {'median':>9} {'p99':>9} {'max':>9}")
    for size in SIZES:
        took = [asyncio.run(open_at_the_end(200_000, size)) for _ in range(3)]
        label = f"200,000 lines opened at their end, {size[0]}x{size[1]}"
        print(f"{label:<52} {statistics.median(took):9.1f} {'':>9} {max(took):9.1f}")
        late = asyncio.run(stalls(UNBOUNDED, size))
        label = f"event loop late in an unbounded flood, {size[0]}x{size[1]}"
        figures = (statistics.median(late), quantile(late, 0.99), max(late))
        print(f"{label:<52} " + " ".join(f"{figure:9.1f}" for figure in figures), flush=True)


def main() -> None:
    """Print the tables."""
    print_keys(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    print_bytes()
    print_inside()


if __name__ == "__main__":
    main()
