"""What the console costs, seen from outside, in a table: `python -m tests.bench.console`.

Every figure stands beside its limit; times of the start stand beside a Textual program that shows
one label, or a bare interpreter, run in turns with it, since machines are noisy.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from amltui.app import Console
from amltui.backends import Backends
from amltui.demo.launcher import DemoServer, start
from amltui.panes.launch import Launch
from amltui.settings import Settings
from amltui.widgets.resource_table import ResourceTable
from tests.demo.demo_sdk import ControlClient
from tests.pty.terminal import Terminal

AMLTUI = (sys.executable, "-m", "amltui")
LABEL = (
    "from textual.app import App\n"
    "from textual.widgets import Label\n"
    "class Hello(App):\n"
    "    def compose(self): yield Label('Hello')\n"
    "Hello().run()\n"
)
NO_ENGINE = "unix:///nowhere/docker.sock"
ROW = "address-parser"
TICKS = os.sysconf("SC_CLK_TCK")


def console(server: DemoServer | None = None, columns: int = 80, rows: int = 24) -> Terminal:
    """The demo's console without an engine, on a server of its own or on `server`."""
    environment = {"DOCKER_HOST": NO_ENGINE}
    if server is not None:
        environment["AMLTUI_DEMO_SERVER"] = server.address
    return Terminal((*AMLTUI, "demo"), columns=columns, rows=rows, environment=environment)


def leave(terminal: Terminal) -> float:
    """Quit; the seconds it took."""
    asked = time.monotonic()
    terminal.send("q")
    if terminal.wait(10) is None:
        raise RuntimeError("it did not quit")
    return time.monotonic() - asked


def starts(rounds: int) -> tuple[list[float], ...]:
    """Seconds to the first frame, to Textual's, to the services, and to a label's, in turns."""
    first, interactive, services, label = [], [], [], []
    for _ in range(rounds):
        with Terminal((sys.executable, "-c", LABEL)) as terminal:
            label.append(terminal.wait_for("Hello"))
        with console() as terminal:
            first.append(terminal.wait_for("1 Services"))
            interactive.append(terminal.wait_for("[1 Services]"))
            services.append(terminal.wait_for(ROW))
            leave(terminal)
    return first, interactive, services, label


def help_times(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of `amltui --help` and of a bare interpreter, in turns."""

    def timed(*command: str) -> float:
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begin

    pairs = [(timed(*AMLTUI, "--help"), timed(sys.executable, "-c", "pass")) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def idle(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Bytes/s to the terminal and percent of a core while nothing changes."""
    time.sleep(12)  # until the toasts have gone
    begin, used = len(terminal.raw), cpu_seconds(terminal.pid)
    time.sleep(seconds)
    written = (len(terminal.raw) - begin) / seconds
    return written, 100 * (cpu_seconds(terminal.pid) - used) / seconds


def keys(terminal: Terminal, presses: int) -> tuple[list[float], list[int]]:
    """Milliseconds and bytes of cursor keys, at random intervals."""
    chance = random.Random(1)
    times, sizes = [], []
    for press in range(presses):
        time.sleep(chance.uniform(0.05, 0.15))
        before = len(terminal.raw)
        begin = time.perf_counter()
        terminal.send("j" if press % 2 == 0 else "k")
        while len(terminal.raw) == before:
            time.sleep(0.0005)
            if time.perf_counter() - begin > 2:
                raise RuntimeError("a key was not answered")
        times.append(1000 * (time.perf_counter() - begin))
        time.sleep(0.04)
        sizes.append(len(terminal.raw) - before)
    return times, sizes


async def thousand() -> tuple[float, float, float]:
    """Longest stalls of the event loop in ms: while 1,000 services come, are asked for again
    (nothing has changed), and are filtered.
    """
    os.environ["DOCKER_HOST"] = NO_ENGINE
    with start(images=False, services=1000) as server:
        os.environ["AMLTUI_DEMO_SERVER"] = server.address
        backends = Backends(Settings(), demo=True)
        launch = Launch(
            backends.settings, backends.containers, lambda: backends.bench, backends.open_services
        )
        console = Console(launch)
        try:
            async with console.run_test(size=(160, 48)) as pilot:
                heart = Heart()
                while not (tables := console.screen.query(ResourceTable)):
                    await pilot.pause()
                while tables.first().total < 1000:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(1)
                coming = heart.stop()
                heart = Heart()
                for _ in range(3):
                    await pilot.press("r")
                    await asyncio.sleep(1)
                again = heart.stop()
                heart = Heart()
                await pilot.press("slash", *"healthy", *["backspace"] * 7, *"score-0")
                return coming, again, heart.stop()
        finally:
            backends.close()
            del os.environ["AMLTUI_DEMO_SERVER"]


class Heart:
    """Beats every millisecond and remembers the longest pause, in ms."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self._worst = max(self._worst, time.perf_counter() - before - 0.001)

    def stop(self) -> float:
        """The longest pause so far."""
        self._task.cancel()
        return 1000 * self._worst


def p95(values: list[float]) -> float:
    """The value that 95 % do not exceed."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def main() -> None:
    """Measure everything and print the table."""
    table: list[tuple[str, str, str]] = []

    def row(what: str, value: str, limit: str) -> None:
        table.append((what, value, limit))
        print(f"  … {what}: {value}", file=sys.stderr)

    median: Callable[[list[float]], float] = statistics.median
    first, interactive, services, label = starts(7)
    for what, times in (("first frame", first), ("answers keys", interactive)):
        ratio = median([a / b for a, b in zip(times, label, strict=True)])
        value = f"{1000 * median(times):.0f} ms, {ratio:.2f} x a label's first frame"
        row(what, value, "1.3 x" if times is first else "")
    row("services on screen after start", f"{median(services):.2f} s", "2.5 s")
    helps, bare = help_times(15)
    ratio = median([a / b for a, b in zip(helps, bare, strict=True)])
    row("amltui --help / python -c pass", f"{ratio:.2f} x", "3 x")
    coming, again, filtering = asyncio.run(thousand())
    row("loop stall, 1,000 services listed and drawn", f"{coming:.0f} ms", "50 ms")
    row("loop stall, 1,000 services asked for again", f"{again:.0f} ms", "50 ms")
    row("loop stall, 1,000 services filtered", f"{filtering:.0f} ms", "50 ms")
    for columns, rows in ((80, 24), (160, 48)):
        with start(images=False) as server, console(server, columns, rows) as terminal:
            terminal.wait_for(ROW)
            written, busy = idle(terminal, 20)
            size = f"{columns}x{rows}"
            row(f"idle, {size}", f"{written:.0f} bytes/s, {busy:.2f} % CPU", "100 bytes/s, 1 %")
            times, sizes = keys(terminal, 60)
            row(f"cursor key, {size}", f"{statistics.median(sizes):.0f} bytes", "2000 bytes")
            row(f"key to screen, {size}", f"p95 {p95(times):.0f} ms", "50 ms")
            row(f"memory of the console, {size}", f"{memory_mb(terminal.pid):.0f} MB", "70 MB")
            ControlClient(server).fault(".*", "hang", seconds=600)
            terminal.send("r")
            times, _ = keys(terminal, 60)
            row(f"key while it hangs, {size}", f"p95 {p95(times):.0f} ms", "50 ms")
            row(f"quit while it hangs, {size}", f"{leave(terminal):.2f} s", "1 s")
    widths = [max(len(line[at]) for line in table) for at in range(3)]
    for line in (("what", "measured", "limit"), *table):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


if __name__ == "__main__":
    main()
