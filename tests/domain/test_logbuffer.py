"""The store of a log, against a plain list."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.logbatch import MARKER, Batch, PackedLines, PackedStamps, join
from amltui.domain.logbuffer import LINE_LIMIT, LogBuffer, LogLine


def stamp(at: int) -> bytes:
    """A time stamp as an engine gives it, `at` microseconds into a minute."""
    return b"2026-11-21T06:01:%02d.%06d000Z" % divmod(at, 1_000_000)


@dataclass
class Model:
    """What the store should hold, line by line."""

    lines: list[LogLine]

    def append(self, batch: Batch) -> None:
        last = next((line.stamp for line in reversed(self.lines) if line.stamp), None)
        if batch.marker:
            self.lines.append(
                LogLine(len(self.lines), batch.marker.encode(), last, MARKER, batch.source, True)
            )
        for at, raw in enumerate(batch.lines):
            self.lines.append(
                LogLine(
                    len(self.lines),
                    raw,
                    batch.stamps[at] if batch.stamps else None,
                    batch.streams[at] if batch.streams else 1,
                    batch.sources[at] if batch.sources else batch.source,
                    False,
                )
            )


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A batch as a source may make it; some of them long enough to fill blocks."""
    lines = draw(
        st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=8)
    )
    lines *= draw(st.sampled_from([1, 1, 1, 150, 400]))
    count = len(lines)
    base = draw(st.integers(0, 50_000_000))
    stamps = [stamp(base + at) for at in range(count)] if draw(st.booleans()) else None
    packed = bool(lines and stamps) and draw(st.booleans())
    return Batch(
        draw(st.integers(0, 3)),
        PackedLines(b"\n".join(lines), count) if packed else lines,
        PackedStamps.of(stamps) if packed and stamps else stamps,
        bytes(1 + at % 2 for at in range(count)) if draw(st.booleans()) else None,
        draw(st.sampled_from(["", "", "restarted"])),
        bytes(at % 3 for at in range(count)) if draw(st.booleans()) else None,
    )


@given(st.lists(batches(), max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_it_holds_what_a_list_holds(given_batches: list[Batch], data: st.DataObject) -> None:
    buffer, model = LogBuffer(), Model([])
    for batch in given_batches:
        before = buffer.version
        buffer.append(batch)
        assert buffer.version > before
        model.append(batch)
    assert (buffer.start, buffer.stop, buffer.dropped) == (0, len(model.lines), 0)
    start = data.draw(st.integers(-5, len(model.lines) + 5))
    stop = data.draw(st.integers(-5, len(model.lines) + 5))
    wanted = model.lines[max(0, start) : max(0, stop)]
    assert [_known(line) for line in buffer.lines(start, stop)] == [_known(x) for x in wanted]
    for at in range(0, len(model.lines), 397):
        assert _known(buffer.line(at)) == _known(model.lines[at])
        first, end = buffer.block(at)
        assert first <= at < end
        assert buffer.text(at, end) == b"\n".join(x.raw for x in model.lines[at:end])


@given(st.lists(batches(), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_joined_batches_hold_what_each_of_them_holds(given_batches: list[Batch]) -> None:
    plain = [replace(each, source=0, marker="", sources=None) for each in given_batches]
    stamped = [each for each in plain if each.stamps is not None and each.streams is not None]
    if not stamped:
        return
    joined = join(stamped)
    assert list(joined.lines) == [line for each in stamped for line in each.lines]
    assert list(joined.stamps or ()) == [one for each in stamped for one in each.stamps or ()]
    assert (joined.streams or b"") == b"".join(each.streams or b"" for each in stamped)
    assert joined.newest == max(each.newest for each in stamped)
    assert joined.size >= sum(map(len, joined.lines))


STAMPS = st.lists(
    st.one_of(st.integers(0, 59_999_999), st.integers(0, 9)).map(stamp), min_size=1, max_size=40
)


@given(st.lists(STAMPS, min_size=1, max_size=4))
def test_stamps_in_columns_are_the_stamps(parts: list[list[bytes]]) -> None:
    packed = [PackedStamps.of(part) for part in parts]
    for part, each in zip(parts, packed, strict=True):
        assert (list(each), each.newest, len(each)) == (part, max(part), len(part))
        text = b"".join(part)
        columns = [text[at :: len(part[0])] for at in range(len(part[0]))]
        assert PackedStamps(columns).newest == max(part)  # found in the columns alone
    whole = join(
        [Batch(0, PackedLines(b"\n" * (len(e) - 1), len(e)), e, b"\1" * len(e)) for e in packed]
    )
    assert list(whole.stamps or ()) == [one for part in parts for one in part]
    assert whole.newest == max(max(part) for part in parts)


def _known(line: LogLine) -> LogLine:
    """A marker's stamp says only about where it stands."""
    return line._replace(stamp=None) if line.is_marker else line


@given(
    st.lists(st.integers(0, 59_000_000), min_size=1, max_size=3_000),
    st.integers(0, 59_999_999),
)
@settings(max_examples=40, deadline=None)
def test_a_time_is_found_whatever_the_order(times: list[int], wanted: int) -> None:
    buffer = LogBuffer()
    buffer.append(Batch(0, [b"x"] * len(times), [stamp(at) for at in times]))
    first = next((at for at, time in enumerate(times) if time >= wanted), len(times))
    assert buffer.find_time(stamp(wanted)) == first


def test_a_short_time_is_its_beginning() -> None:
    buffer = LogBuffer()
    buffer.append(Batch(0, [b"a", b"b"], [stamp(59_000_000), b"2026-11-21T06:02:00.000000000Z"]))
    assert buffer.find_time(b"2026-11-21T06:02") == 1
    assert buffer.find_time(b"2026-11-22") == 2


def full(count: int, limit: int, width: int = 100) -> LogBuffer:
    """A buffer that got numbered lines, incompressible enough to matter."""
    buffer = LogBuffer(limit)
    for first in range(0, count, 5_000):
        numbers = range(first, min(first + 5_000, count))
        lines = [(b"%09d " % at + b"%x" % (at * 0x9E3779B97F4A7C15)).ljust(width) for at in numbers]
        buffer.append(Batch(0, lines, [stamp(at) for at in numbers], b"\1" * len(lines)))
    return buffer


def test_the_oldest_lines_go_and_are_counted() -> None:
    buffer = full(60_000, 1 << 20)
    assert buffer.memory < (1 << 20) + (300 << 10)
    assert buffer.stop == 60_000
    assert buffer.start == buffer.dropped > 0
    assert len(buffer) > 20_000  # compressed: more than would fit as they are
    for line in buffer.lines(buffer.start, buffer.start + 3_000):
        assert line.raw.startswith(b"%09d " % line.number)
        assert line.stamp == stamp(line.number)
    assert buffer.lines(0, 10) == []
    with pytest.raises(IndexError):
        buffer.line(buffer.start - 1)
    with pytest.raises(IndexError):
        buffer.line(buffer.stop)


def test_memory_above_the_text() -> None:
    count = 100_000
    buffer = full(count, 1 << 30, width=120)
    assert (buffer.memory - 120 * count) / count <= 40


def test_long_lines_make_short_blocks_and_are_cut() -> None:
    buffer = LogBuffer(8 << 20)
    buffer.append(Batch(0, [b"a" * (LINE_LIMIT + 5), b"b", b"c" * 300_000, b"d"]))
    assert [len(line.raw) for line in buffer.lines(0, 4)] == [LINE_LIMIT, 1, 300_000, 1]
    assert buffer.block(0) == (0, 1)
    for _ in range(30):
        buffer.append(Batch(0, [b"x" * LINE_LIMIT]))
    assert buffer.memory < 10 << 20


def test_a_newline_in_a_line_moves_no_other() -> None:
    buffer = LogBuffer()
    buffer.append(Batch(0, [b"a\nb", b"c"] * 600))
    assert buffer.line(1_199).raw == b"c"
    assert buffer.text(1_024, 1_026).count(b"\n") == 1


def test_clearing_keeps_counting() -> None:
    buffer = full(3_000, 1 << 20)
    buffer.clear()
    assert (len(buffer), buffer.start, buffer.memory, buffer.dropped) == (0, 3_000, 0, 0)
    buffer.append(Batch(0, [b"x"]))
    assert buffer.line(3_000).raw == b"x"


def test_older_lines_are_put_in_front() -> None:
    buffer, older = full(3_000, 1 << 30), full(10_000, 1 << 30)
    first = buffer.line(0)
    assert buffer.prepend(older) == 10_000
    assert (buffer.start, buffer.stop, buffer.dropped) == (-10_000, 3_000, 0)
    assert buffer.line(-1).raw.startswith(b"000009999 ")
    assert buffer.line(-10_000).raw.startswith(b"000000000 ")
    assert buffer.line(0) == first
    assert [line.number for line in buffer.lines(-3, 3)] == [-3, -2, -1, 0, 1, 2]


def test_what_does_not_fit_in_front_is_counted() -> None:
    buffer = full(3_000, 1 << 20)
    older = full(10_000, 1 << 30)
    added = buffer.prepend(older)
    assert 0 < added < 10_000
    assert buffer.dropped == 10_000 - added
    assert buffer.start == -added
    assert buffer.line(-1).raw.startswith(b"000009999 ")
    assert buffer.memory <= (1 << 20) + (300 << 10)


def test_a_batch_must_be_parallel() -> None:
    with pytest.raises(ValueError, match="one per line"):
        LogBuffer().append(Batch(0, [b"a", b"b"], [stamp(0)]))
