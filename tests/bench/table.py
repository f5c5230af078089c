"""What the table costs: bytes to the terminal per key, and time of the event loop.

    python -m tests.bench.table

Bytes are counted outside, through a pty, so that they are what an SSH connection would carry.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, ComposeResult
from textual.binding import Binding

from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow

ROOT = Path(__file__).parents[2]

COLUMNS = (
    Column("name", "NAME", min_width=16, max_width=40, priority=9),
    Column("target", "TARGET", priority=7),
    Column("state", "STATE", priority=8),
    Column("cpu", "CPU", "right", priority=3),
    Column("memory", "MEMORY", "right", priority=2),
    Column("replicas", "REPLICAS", "right", priority=4),
    Column("auth", "AUTH", priority=1),
    Column("age", "AGE", "right", priority=5),
)
STATES: tuple[tuple[str, CellStyle], ...] = (
    ("● Healthy", "ok"),
    ("◐ Transitioning", "pending"),
    ("▲ Unhealthy", "degraded"),
    ("✖ Failed", "failed"),
)


def service_rows(count: int, changed: int = 0) -> list[TableRow]:
    """Believable rows; the first `changed` have another age."""
    rows = []
    for at in range(count):
        state, style = STATES[at % 7 % 4]
        age = at + 1 if at < changed else at
        cells = (
            Cell(f"fraud-scorer-{at * 7919 % 10007:05}"),
            Cell(("AKS", "ACI", "Local")[at % 3]),
            Cell(state, style),
            Cell(f"{at % 8 / 10:.1f}", sort=at % 8),
            Cell(f"{at % 5 / 2:.1f} GB", sort=at % 5),
            Cell(f"{at % 4}/{at % 4}", sort=at % 4),
            Cell(("key", "token", "none")[at % 3], "muted"),
            Cell(f"{age} h", sort=age),
        )
        rows.append(TableRow(f"svc-{at}", cells, haystack=f"team=risk id={at}"))
    return rows


class TableApp(App[None]):
    """One table over the whole screen; `r` gives it equal rows, `c` one changed row."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [Binding("r", "again(0)"), Binding("c", "again(1)"), Binding("q", "quit")]  # noqa: RUF012

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def compose(self) -> ComposeResult:
        """The table alone."""
        yield ResourceTable(COLUMNS)

    def on_mount(self) -> None:
        """Fill it."""
        table = self.query_one(ResourceTable)
        table.set_rows(service_rows(self.count))
        table.focus()

    def action_again(self, changed: int) -> None:
        """A refresh, as a pane's poll brings it."""
        self.query_one(ResourceTable).set_rows(service_rows(self.count, changed))


class PtyChild:
    """A program on a terminal of its own, whose output is counted."""

    def __init__(self, arguments: Sequence[str], columns: int, lines: int) -> None:
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            for name in ("NO_COLOR", "COLUMNS", "LINES"):  # readline sets the last two
                environment.pop(name, None)
            os.chdir(ROOT)
            size = struct.pack("HHHH", lines, columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # before anybody asks for it
            os.execve(sys.executable, [sys.executable, *arguments], environment)

    def read(self, quiet: float = 0.06, first: float = 0.4) -> bytes:
        """What it writes until it has been silent for `quiet` seconds."""
        data = b""
        wait = first
        while select.select([self.fd], [], [], wait)[0]:
            try:
                data += os.read(self.fd, 1 << 16)
            except OSError:  # the other side is closed
                break
            wait = quiet
        self.output += data
        return data

    def press(self, key: bytes, wait: float = 3.0) -> int:
        """How many bytes the answer to a key is; none after `wait` seconds is none at all."""
        os.write(self.fd, key)
        return len(self.read(first=wait))

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextmanager
def table_on_pty(count: int, columns: int, lines: int) -> Iterator[PtyChild]:
    """The table app with so many rows, started and drawn."""
    child = PtyChild(["-m", "tests.bench.table", "--serve", str(count)], columns, lines)
    try:
        child.read(quiet=0.5, first=20)
        yield child
    finally:
        child.close()


def bytes_of_keys(count: int, columns: int, lines: int, presses: int = 60) -> dict[str, float]:
    """Bytes per cursor key (walking down, and back up in a short list), refresh and mouse move."""
    with table_on_pty(count, columns, lines) as child:
        walk = [b"j" if at // (count - 1) % 2 == 0 else b"k" for at in range(presses)]
        costs = [child.press(key) for key in walk]
        child.press(b"g")
        return {
            "median": statistics.median(costs),
            "mean": statistics.mean(costs),
            "most": max(costs),
            "equal": child.press(b"r", 0.4),
            "1 row": child.press(b"c"),
            "mouse": child.press(b"\x1b[<35;10;5M", 0.4),
            "idle 3 s": len(child.read(first=3)),
        }


async def longest_stall(work: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds that the work takes and that the event loop stands still at most."""
    loop = asyncio.get_running_loop()
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            worst = max(worst, loop.time() - before - 0.001)

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0.02)
    worst, start = 0.0, time.perf_counter()
    work()
    spent = time.perf_counter() - start
    await asyncio.sleep(0.1)
    heart.cancel()
    return spent * 1000, worst * 1000


async def times(count: int) -> dict[str, tuple[float, float]]:
    """Time and stall of each thing a pane does to a table of so many rows."""
    app = TableApp(0)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        table = app.query_one(ResourceTable)
        await pilot.pause()
        rows, again = service_rows(count), service_rows(count)
        changed = service_rows(count, count)
        return {
            "set_rows": await longest_stall(lambda: table.set_rows(rows)),
            "set_rows, equal": await longest_stall(lambda: table.set_rows(again)),
            "set_rows, all changed": await longest_stall(lambda: table.set_rows(changed)),
            "filter": await longest_stall(lambda: table.filter("0")),
            "filter off": await longest_stall(lambda: table.filter("")),
            "sort": await longest_stall(lambda: table.sort("name")),
            "sort reversed": await longest_stall(lambda: table.sort("age", reverse=True)),
        }


def main() -> None:
    """Print both tables."""
    if sys.argv[1:2] == ["--serve"]:
        TableApp(int(sys.argv[2])).run()
        return
    print("bytes to the terminal: per key `j`, per refresh, per mouse move, in 3 s of nothing")
    titled = False
    for columns, lines in ((80, 24), (160, 48)):
        for count in (14, 1000):
            cost = bytes_of_keys(count, columns, lines)
            if not titled:
                print(f"{'rows':>6} {'screen':>8} " + " ".join(f"{name:>8}" for name in cost))
                titled = True
            figures = " ".join(f"{value:8.0f}" for value in cost.values())
            print(f"{count:6} {f'{columns}x{lines}':>8} {figures}")
    for count in (1000, 5000):
        print(f"\nmilliseconds, {count} rows (the call / longest stall of the event loop)")
        for name, (spent, stall) in asyncio.run(times(count)).items():
            print(f"  {name:24} {spent:7.1f} {stall:7.1f}")


if __name__ == "__main__":
    main()
