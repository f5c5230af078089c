"""The store of a log: raw lines under absolute numbers, within a limit of bytes.

Lines live in blocks of one bytes object each, their time stamps (without what is common to them)
and streams apart: some 13 bytes above the text instead of the 49 of a list of bytes. What comes
packed already becomes a block as it is. Old blocks are compressed, the oldest are dropped when the
limit is reached, and how many lines that cost is kept. Nothing is written to disk: logs hold
secrets. Not thread-safe: it belongs to the event loop.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from .logbatch import MARKER, STAMP, STDOUT, Batch, PackedLines, PackedStamps
from .logblock import NO_STAMP, Block

LINE_LIMIT = 1 << 20
LIMIT = 256 << 20

_BLOCK_LINES = 1_024
_BLOCK_BYTES = 256 << 10


class LogLine(NamedTuple):
    """One line of the store."""

    number: int
    raw: bytes
    stamp: bytes | None
    stream: int
    source: int
    is_marker: bool


class LogBuffer:
    """A log, bounded in bytes; the oldest whole blocks are dropped at the limit."""

    def __init__(self, limit_bytes: int = LIMIT) -> None:
        self.limit_bytes = limit_bytes
        self.version = 0
        self.dropped = 0
        self._blocks: list[Block] = []
        self._hot = 0  # index of the oldest block that is not compressed
        self._bytes = 0  # of all blocks
        self._hot_bytes = 0
        self._open()
        self._tail_first = 0
        self._latest = b""
        self._split: dict[int, list[bytes]] = {}  # the lines of the blocks looked at last

    def _open(self) -> None:
        self._lines: list[bytes] = []
        self._stamps: list[bytes] = []
        self._streams = bytearray()
        self._sources = bytearray()
        self._tail_bytes = 0

    # -- what is held ---------------------------------------------------------------------------

    @property
    def start(self) -> int:
        """The number of the oldest line held."""
        return self._blocks[0].first if self._blocks else self._tail_first

    @property
    def stop(self) -> int:
        """The number that the next line will get."""
        return self._tail_first + len(self._lines)

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def memory(self) -> int:
        """Bytes held: text, stamps and an estimate of the objects round them."""
        return self._bytes + self._tail_bytes + len(self._lines) * (STAMP + 33 + 33 + 18)

    # -- writing --------------------------------------------------------------------------------

    def append(self, batch: Batch) -> None:
        """Add a batch; lines over 1 MiB are cut, the oldest lines go where the limit is passed."""
        if batch.marker:
            text = batch.marker.replace("\n", " ").encode("utf-8", "replace")
            self._extend(
                [text],
                [self._stamps[-1] if self._stamps else self._latest or NO_STAMP],
                bytes([MARKER]),
                bytes([batch.source & 255]),
            )
        lines, stamps = batch.lines, batch.stamps
        if (
            isinstance(lines, PackedLines)
            and isinstance(stamps, PackedStamps)
            and (len(lines) >= _BLOCK_LINES // 2 or len(lines.text) >= _BLOCK_BYTES // 4)
            and len(lines.text) <= _BLOCK_BYTES
        ):  # a block as it is
            self._seal_rest()
            streams = batch.streams or bytes([STDOUT])
            sources = batch.sources or bytes([batch.source & 255])
            self._add(lines.text, len(lines), stamps, streams, sources)
        elif batch.lines:
            lines = list(batch.lines)
            count = len(lines)
            self._extend(
                lines,
                list(batch.stamps) if batch.stamps is not None else [NO_STAMP] * count,
                batch.streams if batch.streams is not None else bytes([STDOUT]) * count,
                batch.sources if batch.sources is not None else bytes([batch.source & 255]) * count,
            )
        self.version += 1

    def _extend(
        self, lines: list[bytes], stamps: list[bytes], streams: bytes, sources: bytes
    ) -> None:
        if not len(lines) == len(stamps) == len(streams) == len(sources):
            raise ValueError("a batch's stamps, streams and sources are one per line")
        at = 0
        while at < len(lines):
            end = at + _BLOCK_LINES - len(self._lines)
            part = lines[at:end]
            size = sum(map(len, part))
            if size + self._tail_bytes > _BLOCK_BYTES:
                part, size = self._fitting([line[:LINE_LIMIT] for line in part])
            end = at + len(part)
            self._lines += part
            self._stamps += stamps[at:end]
            self._streams += streams[at:end]
            self._sources += sources[at:end]
            self._tail_bytes += size
            at = end
            if len(self._lines) == _BLOCK_LINES or self._tail_bytes >= _BLOCK_BYTES:
                self._seal()

    def _fitting(self, lines: list[bytes]) -> tuple[list[bytes], int]:
        """As many of the lines as fill the block: long ones make shorter blocks."""
        size = 0
        for index, line in enumerate(lines):
            size += len(line)
            if self._tail_bytes + size >= _BLOCK_BYTES:
                return lines[: index + 1], size
        return lines, size

    def _seal(self) -> None:
        text = b"\n".join(self._lines)
        if text.count(b"\n") != len(self._lines) - 1:  # a line that holds a newline is a mistake
            text = b"\n".join(line.replace(b"\n", b" ") for line in self._lines)
        self._add(
            text,
            len(self._lines),
            PackedStamps.of(self._stamps),
            bytes(self._streams),
            bytes(self._sources),
        )
        self._open()

    def _add(
        self, text: bytes, count: int, stamps: PackedStamps, streams: bytes, sources: bytes
    ) -> None:
        """Put a block behind the others; there is no tail."""
        self._latest = max(self._latest, stamps.newest)
        block = Block(self._tail_first, text, count, stamps, streams, sources, self._latest)
        self._blocks.append(block)
        self._bytes += block.size
        self._hot_bytes += block.size
        self._tail_first += count
        self._shrink()

    def _shrink(self) -> None:
        while self._hot_bytes > self.limit_bytes // 2 and self._hot < len(self._blocks) - 1:
            block = self._blocks[self._hot]
            self._hot += 1
            if block.packed:
                continue
            self._hot_bytes -= block.size
            self._bytes -= block.size
            block.pack()
            self._bytes += block.size
        gone = 0
        while self._bytes > self.limit_bytes and gone < len(self._blocks) - 1:
            block = self._blocks[gone]
            self._bytes -= block.size
            if not block.packed:
                self._hot_bytes -= block.size
            self.dropped += block.count
            self._split.pop(block.first, None)
            gone += 1
        if gone:
            del self._blocks[:gone]
            self._hot = max(0, self._hot - gone)

    def prepend(self, older: LogBuffer) -> int:
        """Put an older log in front, under numbers that go on downwards (below zero, if need be).

        `older` is used up. What passes the limit is left out, its oldest lines first, and counts
        as dropped. Returns how many lines were added.
        """
        older._seal_rest()
        room = self.limit_bytes - self._bytes
        first = self.start
        taken = 0
        for block in reversed(older._blocks):
            if block.size > room:
                break
            room -= block.size
            taken += 1
            first -= block.count
            block.first = first
            self._bytes += block.size
            if not block.packed:
                self._hot_bytes += block.size
        blocks = older._blocks[len(older._blocks) - taken :]
        added = self.start - first
        self.dropped += older.dropped + sum(
            block.count for block in older._blocks[: len(older._blocks) - taken]
        )
        if blocks:
            hot = next((at for at, block in enumerate(blocks) if not block.packed), taken)
            self._hot = hot if hot < taken else taken + self._hot
            self._blocks[:0] = blocks
            self._split.clear()
            self._shrink()
        self.version += 1
        return added

    def _seal_rest(self) -> None:
        if self._lines:
            self._seal()

    def clear(self) -> None:
        """Forget every line; numbers go on where they were, and nothing counts as dropped."""
        self._tail_first = self.stop
        self._blocks.clear()
        self._split.clear()
        self._hot = self._bytes = self._hot_bytes = 0
        self._open()
        self._latest = b""
        self.dropped = 0
        self.version += 1

    # -- reading --------------------------------------------------------------------------------

    def line(self, number: int) -> LogLine:
        """The line of that number; IndexError where it is not held."""
        if not self.start <= number < self.stop:
            raise IndexError(number)
        return self.lines(number, number + 1)[0]

    def lines(self, start: int, stop: int) -> list[LogLine]:
        """The lines held of `start` up to `stop`."""
        found: list[LogLine] = []
        at = max(start, self.start)
        stop = min(stop, self.stop)
        while at < stop:
            first, end = self.block(at)
            found += self._read(at, min(stop, end), first)
            at = min(stop, end)
        return found

    def block(self, number: int) -> tuple[int, int]:
        """Where the block that holds a line starts and stops: the unit that searching works in."""
        if number >= self._tail_first:
            return self._tail_first, self.stop
        block = self._blocks[self._find(number)]
        return block.first, block.first + block.count

    def text(self, start: int, stop: int) -> bytes:
        """The raw lines of a part of one block, joined by newlines."""
        if start >= self._tail_first:
            lines = self._lines[start - self._tail_first : stop - self._tail_first]
            return b"\n".join(line.replace(b"\n", b" ") for line in lines)
        block = self._blocks[self._find(start)]
        text = block.read_text()
        if (start, stop) == (block.first, block.first + block.count):
            return text
        return b"\n".join(text.split(b"\n")[start - block.first : stop - block.first])

    def find_time(self, stamp: bytes) -> int:
        """The number of the first line as new as `stamp`, in whatever order lines came; else stop.

        A shorter stamp means the start of its minute, hour or day.
        """
        index = bisect_left(self._blocks, stamp, key=lambda block: block.latest)
        if index < len(self._blocks):
            block = self._blocks[index]
            for at, held in enumerate(block.read_stamps()):
                if held >= stamp:
                    return block.first + at
        for at, held in enumerate(self._stamps):
            if held >= stamp:
                return self._tail_first + at
        return self.stop

    def _find(self, number: int) -> int:
        return bisect_right(self._blocks, number, key=lambda block: block.first) - 1

    def _read(self, start: int, stop: int, first: int) -> list[LogLine]:
        if first == self._tail_first:
            lines, stamps = self._lines, self._stamps[start - first : stop - first]
            streams, sources = bytes(self._streams), bytes(self._sources)
        else:
            block = self._blocks[self._find(first)]
            lines = self._split_block(block)
            stamps = block.read_stamps(start - first, stop - first)
            streams = block.streams * (block.count if len(block.streams) == 1 else 1)
            sources = block.sources * (block.count if len(block.sources) == 1 else 1)
        found = []
        for number in range(start, stop):
            at = number - first
            stream = streams[at]
            stamp = stamps[number - start]
            found.append(
                LogLine(
                    number,
                    lines[at],
                    stamp if stamp[:1] != b"\0" else None,
                    stream,
                    sources[at],
                    stream == MARKER,
                )
            )
        return found

    def _split_block(self, block: Block) -> list[bytes]:
        lines = self._split.pop(block.first, None)
        if lines is None:
            lines = block.read_text().split(b"\n")
            if len(self._split) >= 4:
                del self._split[next(iter(self._split))]
        self._split[block.first] = lines
        return lines
