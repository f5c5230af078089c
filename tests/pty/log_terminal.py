"""A log view alone in a terminal, for tests and benchmarks that read the bytes.

python -m tests.pty.log_terminal hostile
python -m tests.pty.log_terminal flood LINES_PER_SECOND HELD
"""

from __future__ import annotations

import struct
import sys
import time
from itertools import cycle
from typing import ClassVar

from textual.binding import Binding, BindingType

from amltui.adapters.docker.logs import Frames
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsearch import Search
from amltui.workers.feed import Feed, LogEvent
from amltui.workers.search import run
from tests.domain.hostile import CASES
from tests.widgets.log_app import LogApp, stamp

TEXT = (
    b"2026-11-21 06:10:20,123 I [71] azmlinfsrv - %08d scored one row of the sample, in 12.5 ms, "
    b"status 200, as usual"
)
PAUSE = 0.000_5  # seconds between two reads, ...
READ = 220  # ... lines of a read: the engine's socket holds no more


def batch(first: int, count: int) -> Batch:
    """Numbered lines of 120 characters."""
    numbers = range(first, first + count)
    return Batch(0, [TEXT % n for n in numbers], [stamp(n) for n in numbers])


def frames(first: int, count: int) -> bytes:
    """The same as an engine sends them."""
    made = batch(first, count)
    return b"".join(
        struct.pack(">B3xI", 1, len(stamped) + len(line) + 2) + stamped + b" " + line + b"\n"
        for stamped, line in zip(made.stamps or (), made.lines, strict=True)
    )


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
        self.call_after_refresh(self.settle_memory)
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
        """Take in what the thread makes, as the logs pane does."""
        view = self.view
        feed = Feed(self.make, "flood")
        async for item in feed:
            if not isinstance(item, LogEvent):
                self.buffer.append(item)
                view.update()

    def make(self, feed: Feed) -> None:
        """As many lines a second as were asked for, at most as many as an engine sends."""
        reads = cycle([frames(first, READ) for first in range(0, 50 * READ, READ)])
        parser = Frames()
        first = sent = self.buffer.stop
        started = time.monotonic()
        while not feed.closed.is_set():
            wanted = first + int((time.monotonic() - started) * self.rate)
            count = min(READ, wanted - sent)
            if count > 0:
                read = next(reads) if count == READ else frames(sent, count)
                lines = parser.feed(read)
                assert lines is not None
                feed.put(lines)
                sent += count
            time.sleep(PAUSE)

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
