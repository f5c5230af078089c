"""A log view alone in a terminal, for tests and benchmarks that read the bytes.

python -m tests.pty.log_terminal hostile
python -m tests.pty.log_terminal flood LINES_PER_SECOND HELD
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from amltui.domain.logbuffer import Batch, LogBuffer
from amltui.domain.logsearch import Search
from amltui.workers.search import run
from tests.domain.hostile import CASES
from tests.widgets.log_app import LogApp, stamp

TEXT = (
    b"2026-11-21 06:10:20,123 I [71] azmlinfsrv - %08d scored one row of the sample, in 12.5 ms, "
    b"status 200, as usual"
)
PERIOD = 0.05
MOST = 16_384  # lines of a batch, as the followers hand them over


def batch(first: int, count: int) -> Batch:
    """Numbered lines of 120 characters."""
    numbers = range(first, first + count)
    return Batch(0, [TEXT % n for n in numbers], [stamp(n) for n in numbers])


def hostile() -> LogBuffer:
    """Every case of the corpus, each under a line with its name."""
    lines: list[bytes] = []
    for name, raw in CASES.items():
        lines += [f"<{name}>".encode(), raw.replace(b"\n", b" ")]
    buffer = LogBuffer()
    buffer.append(Batch(0, lines))
    return buffer


class Flooded(LogApp):
    """The view with lines that arrive."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "leave", "Quit")]

    def __init__(self, buffer: LogBuffer, rate: float, *, searching: bool = False) -> None:
        super().__init__(buffer)
        self.rate = rate
        self.searching = searching

    def on_mount(self) -> None:
        super().on_mount()
        if self.rate:
            self.run_worker(self.flow())
        if self.searching:
            self.run_worker(self.look())

    async def look(self) -> None:
        """Search all that is held, over and over."""
        while True:
            search = Search(self.buffer, r"line|scored (one|two) \w+ .*99[0-9] ", regex=True)
            self.view.find(search)
            await run(search, self.view.update)

    async def flow(self) -> None:
        """As many lines a second as were asked for, twenty batches of them."""
        made = batch(0, 2 * MOST)  # once: making lines is not what is measured
        turn = 0
        started, sent = time.monotonic(), 0
        while True:
            wanted = int((time.monotonic() - started) * self.rate)
            if wanted > sent:
                count = wanted - sent
                turn = (turn + 997) % MOST
                some = slice(turn, turn + MOST)
                most = Batch(0, made.lines[some], (made.stamps or ())[some])
                self.buffer.append(most if count >= MOST else batch(self.buffer.stop, count))
                sent = wanted
                self.view.update()
            await asyncio.sleep(PERIOD)

    async def action_leave(self) -> None:
        """Leave without an answer of the terminal's under way."""
        await self.terminal_settled()
        self.exit()


def main(arguments: list[str]) -> None:
    """Run it on this terminal."""
    if arguments[0] == "hostile":
        Flooded(hostile(), 0).run()
        return
    buffer = LogBuffer(256 << 20)
    for first in range(0, int(arguments[2]), 10_000):
        buffer.append(batch(first, min(10_000, int(arguments[2]) - first)))
    Flooded(buffer, float(arguments[1]), searching=arguments[0] == "search").run()


if __name__ == "__main__":
    main(sys.argv[1:])
