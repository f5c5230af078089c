"""A log that is diagnosed while it is read: its lines keep their numbers, whatever happens."""

from __future__ import annotations

from itertools import count

from amltui.domain.diagnosis import Source
from amltui.domain.diagnosis.watch import LogWatch
from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer

QUIET = b"2026-11-21 11:00:00,000 | root | INFO | scored request %d in 12 ms"
TIMEOUT = b"[2026-11-21 11:05:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:33)"
BOOT = b"[2026-11-21 11:00:%02d +0000] [7] [INFO] Booting worker with pid: %d"


def quiet(number: int, first: int = 0) -> Batch:
    return Batch(0, [QUIET % at for at in range(first, first + number)])


def watched(buffer: LogBuffer, *, several: bool = False) -> LogWatch:
    return LogWatch(buffer, Source.CONTAINER_LOG, several=several)


def finish(watch: LogWatch) -> LogWatch:
    """Look at all that is held, in slices of one batch each."""
    ticks = count()
    while not watch.step(0.5, lambda: float(next(ticks))):
        pass
    return watch


def test_marks_are_the_buffers_own_numbers() -> None:
    buffer = LogBuffer()
    buffer.append(quiet(3_000))
    buffer.append(Batch(0, [TIMEOUT]))
    buffer.append(quiet(500))
    watch = finish(watched(buffer))
    assert [one.id for one in watch.findings] == ["gunicorn-worker-timeout"]
    assert dict(watch.marks) == {3_000: True}
    assert buffer.line(3_000).raw == TIMEOUT


def test_lines_that_come_later_are_looked_at_too() -> None:
    buffer = LogBuffer()
    buffer.append(quiet(10))
    watch = finish(watched(buffer))
    assert not watch.findings
    buffer.append(Batch(0, [TIMEOUT]))
    assert watch.left == 1
    assert dict(finish(watch).marks) == {10: True}
    assert watch.progress == 1


def test_what_was_dropped_unseen_does_not_shift_the_marks() -> None:
    buffer = LogBuffer(200_000)
    buffer.append(quiet(100))
    watch = finish(watched(buffer))
    buffer.append(quiet(50_000))
    buffer.append(Batch(0, [TIMEOUT]))
    assert buffer.start > 100
    finish(watch)
    assert [buffer.line(number).raw for number in watch.marks] == [TIMEOUT]


def test_older_lines_put_in_front_are_diagnosed_as_well() -> None:
    buffer, older = LogBuffer(), LogBuffer()
    buffer.append(quiet(50))
    watch = finish(watched(buffer))
    older.append(Batch(0, [TIMEOUT, QUIET % 0]))
    buffer.prepend(older)
    finish(watch)
    assert [buffer.line(number).raw for number in watch.marks] == [TIMEOUT]


def test_sources_that_are_mixed_are_replicas_of_their_own() -> None:
    """Four workers of one container would be a loop; one of each of four is none."""
    boots = [BOOT % (at * 10, 30 + at) for at in range(4)]
    one, four = LogBuffer(), LogBuffer()
    one.append(Batch(0, boots))
    four.append(Batch(0, boots, sources=bytes(range(4))))
    found = finish(watched(one, several=True)).findings
    assert [finding.evidence for finding in found] == [boots[-1].decode()]
    assert not finish(watched(four, several=True)).findings


def test_the_end_of_a_log_is_a_sign_until_more_comes() -> None:
    buffer = LogBuffer()
    stuck = b"Installing pip dependencies: ...working..."
    buffer.append(Batch(0, [b"Collecting package metadata: done", stuck]))
    watch = finish(LogWatch(buffer, Source.IMAGE_BUILD_LOG))
    assert not watch.findings
    watch.end()
    assert [one.id for one in watch.findings] == ["build-stuck-in-pip"]


def test_a_line_without_end_is_looked_at_in_part() -> None:
    buffer = LogBuffer()
    buffer.append(Batch(0, [b"x" * 1_000_000, TIMEOUT, b"MemoryError " * 50_000]))
    assert dict(finish(watched(buffer)).marks) == {1: True}
