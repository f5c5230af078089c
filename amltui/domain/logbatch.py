"""Lines that arrived together: one object each, or packed as a flood brings them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

STAMP = 30  # bytes of an engine's time stamp, "2026-11-21T06:01:02.123456789Z"
STDOUT, STDERR, MARKER = 1, 2, 3


class _Packed(Sequence[bytes]):
    """Many bytes objects in one, taken apart where somebody looks at them.

    A million lines a second are a matter of not touching each of them: what is packed while it is
    in the processor's cache goes on to the store as it is.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text

    @abstractmethod
    def split(self) -> list[bytes]:
        """The single ones."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.split())

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        return self.split()[at]


class PackedLines(_Packed):
    """`count` lines, at least one, with newlines between them."""

    def __init__(self, text: bytes, count: int) -> None:
        super().__init__(text)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def split(self) -> list[bytes]:
        return self.text.split(b"\n")


class PackedStamps(_Packed):
    """Time stamps column by column: what all of them begin with once, then the other columns.

    Of a flood that is a third of the bytes. ``newest`` is the newest stamp.
    """

    def __init__(self, columns: Sequence[bytes], newest: bytes = b"") -> None:
        count = len(columns[0])
        same = 0
        while same < STAMP and columns[same] == columns[same][:1] * count:
            same += 1
        super().__init__(b"".join(columns[same:]))
        self.common = b"".join(column[:1] for column in columns[:same])
        self.newest = newest or self.common + _newest(columns[same:])
        self._count = count

    @classmethod
    def of(cls, stamps: Sequence[bytes]) -> PackedStamps:
        """Single stamps, at least one, put together; what is no stamp is cut or filled up."""
        text = b"".join(stamps)
        if any(len(stamp) != STAMP for stamp in stamps):
            text = b"".join(stamp[:STAMP].ljust(STAMP, b"\0") for stamp in stamps)
        return cls([text[at::STAMP] for at in range(STAMP)], max(stamps))

    def __len__(self) -> int:
        return self._count

    def split(self) -> list[bytes]:
        return split_stamps(self.common, self.text, self._count)

    def column(self, at: int) -> bytes:
        """One column, whole."""
        at -= len(self.common)
        if at < 0:
            return self.common[at:][:1] * self._count
        return self.text[at * self._count : (at + 1) * self._count]


def split_stamps(
    common: bytes, columns: bytes, count: int, start: int = 0, stop: int | None = None
) -> list[bytes]:
    """Some of `count` stamps that begin in common, from the columns in which they differ."""
    places = range(count)[start:stop]
    text = bytearray(common.ljust(STAMP, b"\0") * len(places))
    for at in range(STAMP - len(common)):
        text[len(common) + at :: STAMP] = columns[at * count :][places.start : places.stop]
    return [bytes(text[at : at + STAMP]) for at in range(0, len(text), STAMP)]


def _newest(columns: Sequence[bytes]) -> bytes:
    """The greatest row, found column by column: most stamps rise, so few rows are looked at."""
    start, stop = 0, len(columns[0]) if columns else 0
    newest = b""
    for column in columns:
        top = max(column[start:stop])
        first, last = column.find(top, start, stop), column.rfind(top, start, stop)
        if column.count(top, first, last + 1) <= last - first:  # not one after the other
            return max(map(bytes, zip(*(each[start:stop] for each in columns), strict=True)))
        start, stop = first, last + 1
        newest += column[first:][:1]
    return newest


@dataclass(frozen=True)
class Batch:
    """Lines that arrived together, as raw bytes without their newlines.

    ``stamps`` are the engine's (RFC 3339, nanoseconds, UTC) and ``streams`` says 1 for stdout and
    2 for stderr, one per line. ``sources`` names each line's source where a batch mixes several.
    ``marker`` is a remark of ours, shown as a line of its own kind before the others.
    """

    source: int
    lines: Sequence[bytes] = ()
    stamps: Sequence[bytes] | None = None
    streams: bytes | None = None
    marker: str = ""
    sources: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of the lines, about."""
        if isinstance(self.lines, PackedLines):
            return len(self.lines.text)
        return sum(map(len, self.lines))

    @property
    def newest(self) -> bytes:
        """The newest stamp, empty without any."""
        if isinstance(self.stamps, PackedStamps):
            return self.stamps.newest
        return max(self.stamps, default=b"") if self.stamps is not None else b""


def join(batches: Sequence[Batch]) -> Batch:
    """Several batches of one source, without markers, as one."""
    if len(batches) == 1:
        return batches[0]
    texts = [each.lines.text for each in batches if isinstance(each.lines, PackedLines)]
    packed = [each.stamps for each in batches if isinstance(each.stamps, PackedStamps)]
    streams = b"".join(each.streams or b"" for each in batches) or None
    source = batches[0].source
    if len(texts) == len(packed) == len(batches):
        stamps = PackedStamps(
            [b"".join(each.column(at) for each in packed) for at in range(STAMP)],
            max(each.newest for each in packed),
        )
        lines = PackedLines(b"\n".join(texts), sum(len(each.lines) for each in batches))
        return Batch(source, lines, stamps, streams)
    return Batch(
        source,
        [line for each in batches for line in each.lines],
        [stamp for each in batches for stamp in each.stamps or ()] or None,
        streams,
    )
