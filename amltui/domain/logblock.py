"""A block of the log's store: lines that are complete in number, as bytes instead of objects."""

from __future__ import annotations

import zlib

from .logbatch import STAMP, PackedStamps, split_stamps

COST = 600  # bytes of the objects that make up a block
NO_STAMP = bytes(STAMP)


class Block:
    """Lines, their time stamps and streams apart; `pack` compresses them.

    ``latest`` is the newest stamp up to here: it never falls, whatever the lines do.
    """

    __slots__ = (
        "_common", "_stamps", "count", "first", "latest", "packed", "size", "sources", "streams",
        "text",
    )  # fmt: skip

    def __init__(
        self,
        first: int,
        text: bytes,
        count: int,
        stamps: PackedStamps,
        streams: bytes,
        sources: bytes,
        latest: bytes,
    ) -> None:
        self.first = first
        self.text = text
        self.count = count
        self._common, self._stamps = stamps.common, stamps.text
        self.streams = streams if streams.strip(streams[:1]) else streams[:1]
        self.sources = sources if sources.strip(sources[:1]) else sources[:1]
        self.latest = latest
        self.packed = False
        self.size = self._weigh()

    def _weigh(self) -> int:
        parts = (self.text, self._stamps, self.streams, self.sources)
        return sum(map(len, parts)) + COST

    def pack(self) -> None:
        """Compress what is seldom looked at."""
        self.text = zlib.compress(self.text, 1)
        self._stamps = zlib.compress(self._stamps, 1)
        self.packed = True
        self.size = self._weigh()

    def read_text(self) -> bytes:
        """The lines, joined by newlines."""
        return zlib.decompress(self.text) if self.packed else self.text

    def read_stamps(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The stamps of some of the lines, counted from the block's first."""
        held = zlib.decompress(self._stamps) if self.packed else self._stamps
        return split_stamps(self._common, held, self.count, start, stop)
