"""Going on with a log where its connection broke: no line lost, none twice.

The engine's `since` is inclusive, and lines of stdout and stderr come out of order by some
milliseconds and share time stamps. So the last second is read again, and what is held of it,
counted by (stamp, stream, line), is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

from .logbatch import Batch

WINDOW = timedelta(seconds=1)
LATE = timedelta(milliseconds=100)  # lines came late by up to 3.2 ms
_PART = 16_384  # bytes from which on the engine splits a line
_MOMENT = 22  # bytes of a stamp up to its hundredths of a second, in which no batch is forgotten
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
        self._kept_from = b""  # lines of this time and later are remembered
        self._met = True  # what is held has come again, as it must
        self.gap = False  # it has not: the engine removed what came between

    def remember(self, batch: Batch) -> None:
        """Take note of a batch that went on to the store."""
        if not batch.stamps:
            return
        newest = batch.newest
        self._recent.append((newest, batch))
        self._count += len(batch.lines)
        if newest <= self.newest:
            return
        moment, self.newest = self.newest[:_MOMENT], newest
        if newest[:_MOMENT] == moment:
            return
        window = earlier(newest, WINDOW)
        late = earlier(newest, LATE)
        while len(self._recent) > 1:
            stamp, oldest = self._recent[0]
            if stamp >= window and (self._count <= _MANY or stamp >= late):
                break
            if self._kept_from and stamp >= self._kept_from:
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

    def keep(self, stamp: bytes) -> None:
        """Remember all lines since a time, however many come: they may be read again."""
        self._kept_from = stamp

    def begin(self, since: bytes = b"") -> bytes:
        """A connection ended: from now on, leave out what is held.

        Returns the time to read again from: `since`, if that is remembered, else a second before
        the end; empty before the first line.
        """
        if not self.newest:
            return b""
        self._since = max(since or self.since, self._forgotten)
        self._floor, self._until = self._forgotten, self.newest
        self._past = earlier(self.newest, -WINDOW)
        self._met = False
        self._held = Counter(
            entry
            for _, batch in self._recent
            for entry in entries(batch)
            if entry[0] >= self._since and entry[0] > self._floor
        )
        return self._since

    def new(self, batch: Batch) -> Batch | None:
        """The lines of a batch that are not held yet; call `begin` first, then for each batch."""
        self.gap = False
        if not self._until or not batch.stamps:
            return batch
        kept: list[Entry] = []
        for entry in entries(batch):
            stamp = entry[0]
            if stamp <= self._until:
                if stamp < self._since or stamp <= self._floor:
                    self._met = True
                    continue
                if self._held[entry] > 0:
                    self._held[entry] -= 1
                    self._met = True
                    continue
            elif not self._met:
                self._met = self.gap = True
            kept.append(entry)
        if min(batch.stamps) > self._past:
            self._until = b""
            self._held.clear()
        return of_entries(batch.source, kept) if kept else None


class Repeats:
    """Leaves out what an engine sends again, out of order, when it begins another file of a log."""

    def __init__(self) -> None:
        self._latest = b""
        self._young: set[Entry] = set()
        self._old: set[Entry] = set()
        self._repeating = False

    def new(self, batch: Batch) -> Batch | None:
        """The lines of a batch that have not come before."""
        found = entries(batch)
        kept = [entry for entry in found if self._is_new(entry)]
        if len(self._young) > _MANY:
            self._old, self._young = self._young, set()
        if len(kept) == len(found):
            return batch
        return of_entries(batch.source, kept) if kept else None

    def _is_new(self, entry: Entry) -> bool:
        if entry[0] > self._latest:
            self._latest = entry[0]
            self._repeating = False
        elif entry[0] < self._latest or self._repeating:  # equal lines may share a stamp
            self._repeating = entry in self._young or entry in self._old
            if self._repeating:
                return False
        self._young.add(entry)
        return True


def of_entries(source: int, kept: list[Entry]) -> Batch:
    """Entries as a batch."""
    return Batch(
        source,
        [entry[2] for entry in kept],
        [entry[0] for entry in kept],
        bytes(entry[1] for entry in kept),
    )
