"""What the log view costs and how it answers: keys, bytes, frames on a slow link.

    python -m tests.bench.log_view [KEYS]

Bytes and key latency are taken outside, through a pty that answers as a terminal does.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amltui.domain.logbuffer import LogBuffer
from tests.bench.figures import Figure, progress, quantile, show
from tests.bench.link import LinkTerminal
from tests.pty.log_terminal import Flooded

PROGRAM = "tests.pty.log_terminal"
UNBOUNDED = 10_000_000.0  # lines a second: as many as the program can take in
SIZES = ((80, 24), (160, 48))
# What happens, its mode, lines a second, the link, and which part of the keys has which limit.
KEYS = (
    ("nothing arrives", "flood", 0.0, (0.0, 0.0), 0.99, None),
    ("unbounded flood", "flood", UNBOUNDED, (0.0, 0.0), 0.99, 40),
    ("endless search of 1,000,000 lines", "search", 0.0, (0.0, 0.0), 0.99, 40),
    ("2,000 lines/s, 125 kB/s and 40 ms", "flood", 2_000.0, (125_000.0, 0.04), 0.95, 150),
    ("2,000 lines/s, 50 kB/s and 40 ms", "flood", 2_000.0, (50_000.0, 0.04), 0.95, None),
)


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


def keys(presses: int) -> list[Figure]:
    """Key latency in floods and during a search, on a fast and on slow links."""
    progress(f"{'key to screen, ms':<52} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}")
    found = []
    for name, mode, rate, link, part, target in KEYS:
        held = 1_000_000 if mode == "search" else 5_000
        for size in SIZES:
            fewer = 4 if link[0] or target is None else 1
            with running(mode, rate, held, size, link) as terminal:
                took = key_latencies(terminal, max(20, presses // fewer))
            label = f"{name}, {size[0]}x{size[1]}"
            parts = [quantile(took, part) for part in (0.5, 0.95, 0.99, 1.0)]
            progress(f"{label:<52} " + " ".join(f"{each:7.1f}" for each in parts))
            what = f"key to screen, p{part:.0%}".rstrip("%")
            found.append(Figure(f"{what}, {label}", quantile(took, part), "ms", target))
    return found


def frames(seconds: float = 8.0) -> list[Figure]:
    """Whether a frame is sent while the one ahead of it has not been read."""
    found = []
    for rate in (125_000.0, 50_000.0):
        for size in SIZES:
            with running("flood", 2_000, 5_000, size, (rate, 0.04)) as terminal:
                before = terminal.overtaking
                terminal.pump(seconds)
                queued = terminal.overtaking - before
            what = f"frames queued behind an unread one, {rate / 1000:.0f} kB/s"
            found.append(Figure(f"{what}, {size[0]}x{size[1]}", queued, "frames", 0))
    return found


def volumes(seconds: float = 5.0) -> list[Figure]:
    """Bytes and processor time, in a flood and while nothing arrives."""
    found = []
    for size, most in zip(SIZES, (32, 100), strict=True):
        sent, used = volume(UNBOUNDED, 5_000, size, seconds)
        what = f"{size[0]}x{size[1]}"
        found.append(Figure(f"terminal bytes, unbounded flood, {what}", sent / 1000, "kB/s", most))
        found.append(Figure(f"processor, unbounded flood, {what}", used, "%"))
    for size in SIZES:
        sent, used = volume(0, 200_000, size, 4 * seconds)
        what = f"nothing arrives, {size[0]}x{size[1]}"
        found.append(Figure(f"terminal bytes, {what}", sent, "B/s", 0))
        found.append(Figure(f"processor, {what}", used, "%", 0.2))
    return found


def volume(rate: float, held: int, size: tuple[int, int], seconds: float) -> tuple[float, float]:
    """Bytes to the terminal per second, and percent of a core."""
    with running("flood", rate, held, size) as terminal:
        before, cpu, start = terminal.received, terminal.cpu(), time.monotonic()
        terminal.pump(seconds)
        took = time.monotonic() - start
        return (terminal.received - before) / took, 100 * (terminal.cpu() - cpu) / took


async def lateness(size: tuple[int, int], seconds: float = 4.0) -> Figure:
    """How late the event loop comes round in an unbounded flood."""
    app = Flooded(LogBuffer(128 << 20), UNBOUNDED)
    late: list[float] = []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        end = time.perf_counter() + seconds
        while (before := time.perf_counter()) < end:
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - before - 0.001) * 1000)
    what = f"event loop late, p99, unbounded flood, {size[0]}x{size[1]}"
    return Figure(what, quantile(late, 0.99), "ms", remark=f"at most {max(late):.0f} ms")


def measure(presses: int) -> list[Figure]:
    """All of it."""
    late = [asyncio.run(lateness(size)) for size in SIZES]
    return keys(presses) + frames() + volumes() + late


if __name__ == "__main__":
    show(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
