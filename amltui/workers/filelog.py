"""A log in a file, followed as it grows, is cut short or replaced; or from a pipe, to its end."""

from __future__ import annotations

import os
import stat

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LINE_LIMIT

from .feed import Feed, Follow, LogEvent

_READ = 256 << 10
_POLL = 0.25  # seconds between two looks at a file that does not grow
_BACK = 64 << 10  # bytes of a step back, looking for the last lines


class FileFollower(Feed):
    """The lines of one file; `tail` None means all of them."""

    def __init__(self, path: str, source: int, tail: int | None) -> None:
        super().__init__(lambda _: self._follow(), f"log of {path}")
        self._path = path
        self._source = source
        self._tail = tail
        self._pieces = _Lines()
        self._start = 0  # where in the file the first line followed begins, ...
        self._file = (0, 0)  # ... and in which

    def older(self) -> Feed:
        """The lines before the first one followed, oldest first; they end the iteration.

        Raises (from the iteration):
            AmltuiError: the file is another one now.
        """
        return Feed(self._read_older, f"older log of {self._path}")

    # -- on the thread --------------------------------------------------------------------------

    def _follow(self) -> None:
        descriptor = self._open()
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                self._read_pipe(descriptor)
                return
            if self._tail is not None:
                self._start = _start_of_tail(descriptor, self._tail)
                os.lseek(descriptor, self._start, os.SEEK_SET)
            self._file = _which(os.fstat(descriptor))
            self.put(LogEvent(Follow.LIVE, source=self._source))
            while not self.closed.is_set():
                self._read_on(descriptor)
                if self._replaced(descriptor):
                    os.close(descriptor)
                    descriptor = self._open()
                self.closed.wait(_POLL)
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise AmltuiError(
                "The log cannot be read",
                f"{self._path}: {error.strerror or error}.",
                "Check the name of the file and whether you may read it.",
                problem=Problem.USAGE,
            ) from None

    def _read_pipe(self, descriptor: int) -> None:
        self.put(LogEvent(Follow.LIVE, source=self._source))
        while not self.closed.is_set() and (data := os.read(descriptor, _READ)):
            self._split(data)
        if self._pieces.rest:
            self.put(Batch(self._source, [self._pieces.rest]))

    def _read_on(self, descriptor: int) -> None:
        if os.fstat(descriptor).st_size < os.lseek(descriptor, 0, os.SEEK_CUR):
            self._pieces = _Lines()
            self._start = 0
            self.put(
                Batch(self._source, marker="the file was cut short: it is read from its start")
            )
            os.lseek(descriptor, 0, os.SEEK_SET)
        while not self.closed.is_set() and (data := os.read(descriptor, _READ)):
            self._split(data)

    def _split(self, data: bytes) -> None:
        lines = self._pieces.split(data)
        if lines:
            self.put(Batch(self._source, lines))

    def _replaced(self, descriptor: int) -> bool:
        """Whether the name stands for another file now, as after a rotation."""
        try:
            now = os.stat(self._path)
        except OSError:
            return False  # it may come back
        if _which(now) == _which(os.fstat(descriptor)):
            return False
        self._read_on(descriptor)
        if self._pieces.rest:
            self._split(b"\n")
        self.put(Batch(self._source, marker="the file was replaced: the new one follows"))
        return True

    def _read_older(self, feed: Feed) -> None:
        if not self._start:
            return
        descriptor = self._open()
        try:
            if _which(os.fstat(descriptor)) != self._file:
                raise AmltuiError(
                    "The older lines are not there any more",
                    f"{self._path} is another file than the one that was opened.",
                    "A rotated log is often kept beside it, under a name with a number.",
                    problem=Problem.NOT_FOUND,
                )
            lines, at = _Lines(), 0
            while at < self._start and not feed.closed.is_set():
                data = os.pread(descriptor, min(_READ, self._start - at), at)
                if not data:
                    break
                at += len(data)
                if found := lines.split(data):
                    feed.put(Batch(self._source, found))
        finally:
            os.close(descriptor)


class _Lines:
    """Lines from pieces of a file; `rest` is one without its end."""

    def __init__(self) -> None:
        self.rest = b""

    def split(self, data: bytes) -> list[bytes]:
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) > LINE_LIMIT:  # it is cut there anyway
            lines.append(self.rest)
            self.rest = b""
        return lines


def _which(found: os.stat_result) -> tuple[int, int]:
    """What tells a file from all others."""
    return found.st_dev, found.st_ino


def follow_file(path: str, source: int = 0, tail: int | None = None) -> FileFollower:
    """Follow a file from its last `tail` lines; a pipe is read to its end.

    Raises (from the iteration):
        AmltuiError: it cannot be read.
    """
    return FileFollower(path, source, tail)


def _start_of_tail(descriptor: int, tail: int) -> int:
    """Where the last `tail` lines of a file begin."""
    end = position = os.lseek(descriptor, 0, os.SEEK_END)
    wanted = tail
    while position > 0:
        start = max(0, position - _BACK)
        block = os.pread(descriptor, position - start, start)
        at = len(block)
        if position == end and block.endswith(b"\n"):
            at -= 1
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
            if wanted <= 0:
                return start + at + 1
        position = start
    return 0
