"""Going on with a log where its connection broke: no line lost, none twice.

The engine's `since` is inclusive, and lines of stdout and stderr come out of order by some
milliseconds and share time stamps. So the last second is read again, and what is held of it,
counted by (stamp, stream, line), is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

from .logbuffer import Batch

WINDOW = timedelta(seconds=1)
_LATE = timedelta(milliseconds=100)  # lines came late by up to 3.2 ms
_PART = 16_384  # bytes from which on the engine splits a line
_MANY = 50_000  # lines after which less than the window is remembered, to bound the memory

Entry = tuple[bytes, int, bytes]


def earlier(stamp: bytes, by: timedelta) -> bytes:
    """An engine's time stamp, moved back by less than a day or so."""
    whole = datetime.strptime(stamp[:19].decode("ascii"), "%Y-%m-%dT%H:%M:%S")
    micros = int(stamp[20:26])
    moved = whole + timedelta(microseconds=micros) - by
    return moved.strftime("%Y-%m-%dT%H:%M:%S.%f").encode("ascii") + stamp[26:]


def entries(batch: Batch) -> list[Entry]:
    """A batch's lines with what tells them apart."""
    assert batch.stamps is not None
    assert batch.streams is not None
    return list(zip(batch.stamps, batch.streams, batch.lines, strict=True))


class Resume:
    """What is remembered of a log's end, and the lines to leave out after a break."""

    def __init__(self) -> None:
        self.newest = b""
        self._recent: deque[tuple[bytes, Batch]] = deque()  # with the newest stamp of each
        self._count = 0
        self._forgotten = b""  # the newest stamp of a line that is no longer remembered
        self._held: Counter[Entry] = Counter()
        self._since = self._floor = b""  # older than this, up to this: held or not wanted
        self._until = b""  # up to this a line may be held
        self._past = b""  # from here on none is

    def remember(self, batch: Batch) -> None:
        """Take note of a batch that went on to the store."""
        if not batch.stamps:
            return
        newest = max(batch.stamps)
        self._recent.append((newest, batch))
        self._count += len(batch.lines)
        if newest <= self.newest:
            return
        self.newest = newest
        window = earlier(newest, WINDOW)
        late = earlier(newest, _LATE)
        while len(self._recent) > 1:
            stamp, oldest = self._recent[0]
            if stamp >= window and (self._count <= _MANY or stamp >= late):
                break
            self._recent.popleft()
            self._count -= len(oldest.lines)
            self._forgotten = max(self._forgotten, stamp)

    @property
    def since(self) -> bytes:
        """The oldest time to read again from; empty before the first line."""
        if not self.newest:
            return b""
        return max(earlier(self.newest, WINDOW), self._forgotten)

    def holds(self, entry: Entry) -> bool:
        """Whether a line of the log's end is held; of a long one its last part is enough."""
        stamp, stream, line = entry
        for _, batch in reversed(self._recent):
            for held in entries(batch):
                if held[:2] == (stamp, stream) and (held[2] == line or len(held[2]) >= _PART):
                    return True
        return False

    def begin(self) -> None:
        """A connection broke: from now on, leave out what is held."""
        if not self.newest:
            return
        self._since, self._floor, self._until = self.since, self._forgotten, self.newest
        self._past = earlier(self.newest, -WINDOW)
        self._held = Counter(
            entry
            for _, batch in self._recent
            for entry in entries(batch)
            if entry[0] >= self._since and entry[0] > self._floor
        )

    def new(self, batch: Batch) -> Batch | None:
        """The lines of a batch that are not held yet; call `begin` first, then for each batch."""
        if not self._until or not batch.stamps:
            return batch
        kept: list[Entry] = []
        for entry in entries(batch):
            stamp = entry[0]
            if stamp <= self._until:
                if stamp < self._since or stamp <= self._floor:
                    continue
                if self._held[entry] > 0:
                    self._held[entry] -= 1
                    continue
            kept.append(entry)
        if min(batch.stamps) > self._past:
            self._until = b""
            self._held.clear()
        if not kept:
            return None
        return Batch(
            batch.source,
            [entry[2] for entry in kept],
            [entry[0] for entry in kept],
            bytes(entry[1] for entry in kept),
        )
