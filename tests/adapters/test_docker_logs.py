"""The log reader: what it makes of frames, and that it reads a real engine's logs exactly."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.adapters.docker.engine import DockerEngine
from amltui.adapters.docker.logs import ContainerLog, Frames, TtyLines, refusal, unix_time
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch, PackedLines
from amltui.domain.logbuffer import LINE_LIMIT
from tests.engine import Containers, Proxy, containers

STAMP = b"2026-11-21T06:01:02.123456789Z"
PART = 16_384
Entry = tuple[bytes, int, bytes]


def frames_of(stream: int, line: bytes, stamp: bytes = STAMP) -> bytes:
    """A line as the engine sends it."""
    parts = [line[at : at + PART] for at in range(0, len(line) + 1, PART)] or [b""]
    if len(parts) > 1 and not parts[-1] and len(line) % PART:
        parts.pop()
    payloads = [stamp + b" " + part for part in parts]
    payloads[-1] += b"\n"
    return b"".join(struct.pack(">B3xI", stream, len(each)) + each for each in payloads)


def fed(parser: Frames | TtyLines, data: bytes, sizes: list[int]) -> list[Entry]:
    """What a parser makes of data that arrives in pieces."""
    found: list[Entry] = []
    at = 0
    while at < len(data):
        size = sizes.pop() if sizes else len(data)
        found += entries(parser.feed(data[at : at + size]))
        at += size
    return found


def entries(batch: Batch | None) -> list[Entry]:
    """A batch's lines, each with its stamp and stream."""
    if batch is None:
        return []
    assert batch.stamps is not None
    assert batch.streams is not None
    return list(zip(batch.stamps, batch.streams, batch.lines, strict=True))


LINE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"x" * (215 + at) for at in range(25)]),  # lengths with a newline's byte
    st.sampled_from([b"y" * size for size in (PART - 1, PART, PART + 1, 2 * PART, 50_000)]),
).map(lambda line: line.replace(b"\n", b"."))


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), LINE), max_size=30),
    st.lists(st.integers(1, 4_000), max_size=30),
)
def test_lines_come_out_as_they_went_in(lines: list[tuple[int, bytes]], sizes: list[int]) -> None:
    parser = Frames()
    data = b"".join(frames_of(stream, line) for stream, line in lines)
    assert fed(parser, data, sizes) == [(STAMP, stream, line) for stream, line in lines]
    assert parser.remainder() is None


@given(st.lists(LINE, max_size=20), st.lists(st.integers(1, 4_000), max_size=30))
def test_terminal_lines_too(lines: list[bytes], sizes: list[int]) -> None:
    lines = [line.replace(b"\r", b".") for line in lines]
    data = b""
    for line in lines:
        parts = [line[at : at + PART] for at in range(0, len(line), PART)] or [b""]
        data += b"".join(STAMP + b" " + part for part in parts) + b"\r\n"
    assert fed(TtyLines(), data, sizes) == [(STAMP, 1, line) for line in lines]


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=10))
def test_nonsense_raises_nothing_else(data: bytes, sizes: list[int]) -> None:
    for parser in (Frames(), TtyLines()):
        with suppress(AmltuiError):
            fed(parser, data, list(sizes))


def test_a_line_without_its_end_is_the_remainder() -> None:
    whole = frames_of(2, b"z" * (PART + 5))
    parser = Frames()
    assert parser.feed(whole[: 8 + 31 + PART]) is None
    assert entries(parser.remainder()) == [(STAMP, 2, b"z" * PART)]
    assert entries(parser.feed(whole[8 + 31 + PART :])) == [(STAMP, 2, b"z" * (PART + 5))]
    terminal = TtyLines()
    assert terminal.feed(STAMP + b" abc") is None
    assert entries(terminal.remainder()) == [(STAMP, 1, b"abc")]


def test_two_streams_split_at_once() -> None:
    out, error = frames_of(1, b"o" * 20_000), frames_of(2, b"e" * 20_000)
    cut = 8 + 31 + PART
    mixed = out[:cut] + error[:cut] + error[cut:] + out[cut:]
    assert fed(Frames(), mixed, []) == [(STAMP, 2, b"e" * 20_000), (STAMP, 1, b"o" * 20_000)]


def test_a_run_that_ended_in_the_midst_of_a_line() -> None:
    later = STAMP.replace(b"06:01", b"06:02")
    data = frames_of(1, b"no newline")[:-1]
    data = data[:7] + bytes([data[7] - 1]) + data[8:] + frames_of(1, b"next run", later)
    assert fed(Frames(), data, []) == [(STAMP, 1, b"no newline"), (later, 1, b"next run")]


def test_a_line_has_its_limit() -> None:
    (entry,) = fed(Frames(), frames_of(1, b"x" * (3 * LINE_LIMIT)), [])
    assert len(entry[2]) == LINE_LIMIT


def test_lengths_with_a_newline_among_their_bytes_stay_packed() -> None:
    lines = [b"a" * (size - 32) for size in (100, 266, 266, 522, 2_560, 2_570, 266, 40)]
    data = b"".join(frames_of(1, line) for line in lines)
    batch = Frames().feed(data[:1_000], data[1_000:])
    assert batch is not None
    assert isinstance(batch.lines, PackedLines)
    assert list(batch.lines) == lines
    assert list(batch.stamps or ()) == [STAMP] * len(lines)


class Scripted:
    """A connection that has so many bytes at a time, and waits where an empty one stands."""

    def __init__(self, *reads: bytes) -> None:
        self.reads = list(reads)

    def send(self, data: bytes) -> None:
        raise AssertionError("nothing is sent")

    def receive(self, most: int) -> bytes:
        while self.reads and not self.reads[0]:
            self.reads.pop(0)
        return self.reads.pop(0) if self.reads else b""

    def waiting(self) -> bool:
        return not self.reads or bool(self.reads[0])

    def close(self) -> None:
        self.reads.clear()


def test_a_flood_is_taken_apart_together_and_a_line_alone_at_once() -> None:
    flood = frames_of(1, b"x" * 100) * 100
    one = frames_of(2, b"alone")
    reads = [one, one, *[flood] * 20, b"", flood, one]
    found = [len(batch.lines) for batch in ContainerLog(Scripted(*reads), Frames(), b"").batches()]
    assert found[:2] == [1, 1]  # nothing is held back
    assert sum(found) == 3 + 21 * 100
    assert max(found) >= 1_000
    assert len(found) <= 6


def test_an_error_inside_the_stream() -> None:
    with pytest.raises(AmltuiError, match="disk on fire"):
        Frames().feed(struct.pack(">B3xI", 3, 12) + b"disk on fire")


def test_what_the_engine_refuses() -> None:
    gone = refusal(404, b'{"message":"No such container: x"}')
    assert (gone.title, gone.problem) == ("The container is gone", Problem.NOT_FOUND)
    assert refusal(404, b'{"message":"No such image: x"}').title == "There is no such image here"
    assert refusal(404, b"page not found").title == "The engine does not find it"
    error = refusal(501, b'{"message":"configured logging driver does not support reading"}')
    assert error.problem is Problem.REFUSED
    assert "json-file" in error.hint
    assert refusal(500, b"\xff<html>").problem is Problem.ENGINE


def test_times() -> None:
    assert unix_time("2026-11-21T06:01:02.000000007Z") == "1795240862.000000007"
    assert unix_time("1970-01-01T00:00:01Z") == "1.000000000"


# -- against the real engine ----------------------------------------------------------------------

LONG = """
import os, sys
def put(fd, data):
    while data: data = data[os.write(fd, data):]
for size in (0, 1, 16383, 16384, 16385, 32767, 32768, 32769, 100000, 2500000):
    put(1, b"x" * size + b"\\n")
put(2, b"an error\\n")
put(1, b"windows\\r\\nprogress 1%\\rprogress 2%\\n\\x00\\x1b[31mred\\n")
put(1, "漢字 é".encode() + b"\\nwithout a newline")
"""
SIZES = [0, 1, 16383, 16384, 16385, 32767, 32768, 32769, 100000, LINE_LIMIT]


@pytest.fixture(scope="module")
def made() -> Iterator[Containers]:
    with containers() as found:
        yield found


def read(log: ContainerLog) -> list[Entry]:
    """All of a log that does not follow."""
    found = [entry for batch in log.batches() for entry in entries(batch)]
    return found + entries(log.remainder())


@pytest.mark.engine
@pytest.mark.parametrize("tty", [False, True])
def test_odd_lines_of_a_real_container(made: Containers, tty: bool) -> None:
    container = made.finished(LONG, tty=tty)
    found = read(DockerEngine().open_log(container.id, tail=None, follow=False))
    lines = [line for _, stream, line in found if stream == 1 and line != b"an error"]
    assert [len(line) for line in lines[: len(SIZES)]] == SIZES
    assert all(set(line) <= {ord("x")} for line in lines[: len(SIZES)])
    rest = [line.rstrip(b"\r") for line in lines[len(SIZES) :]]
    assert rest == [
        b"windows",
        b"progress 1%\rprogress 2%",
        b"\x00\x1b[31mred",
        "漢字 é".encode(),
        b"without a newline",
    ]
    assert sum(line == b"an error" for _, stream, line in found if stream == (1 if tty else 2)) == 1
    assert all(len(stamp) == 30 and stamp.endswith(b"Z") for stamp, _, _ in found)


@pytest.mark.engine
def test_tail_since_until_and_close(made: Containers) -> None:
    code = "import time\nfor i in range(1000): print(i)\ntime.sleep(600)"
    container = made.run(code)
    engine = DockerEngine()
    log = engine.open_log(container.id, tail=None)
    found: list[Entry] = []
    closer = threading.Timer(20, log.close)
    closer.start()
    for batch in log.batches():
        found += entries(batch)
        if len(found) == 1_000:
            threading.Timer(0.05, log.close).start()  # from another thread, while this one reads
    closer.cancel()
    assert [int(line) for _, _, line in found] == list(range(1_000))
    stamp = found[500][0].decode()
    assert [e[2] for e in read(engine.open_log(container.id, tail=3, follow=False))] == [
        b"997", b"998", b"999"
    ]  # fmt: skip
    later = read(engine.open_log(container.id, tail=None, since=stamp, follow=False))
    assert later == [entry for entry in found if entry[0] >= stamp.encode()]
    until = read(engine.open_log(container.id, tail=None, until=stamp, follow=False))
    assert until == [entry for entry in found if entry[0] <= stamp.encode()]
    assert read(engine.open_log(container.id, tail=0, follow=False)) == []
    made.remove(container)
    with pytest.raises(AmltuiError) as caught:
        engine.open_log(container.id, tail=1)
    assert caught.value.problem is Problem.NOT_FOUND


@pytest.mark.engine
def test_a_driver_that_keeps_nothing(made: Containers) -> None:
    container = made.finished("print(1)", log_config={"Type": "none"})
    with pytest.raises(AmltuiError, match="cannot be read"):
        DockerEngine().open_log(container.id, tail=1)


@pytest.mark.engine
def test_over_tcp(made: Containers) -> None:
    container = made.finished("for i in range(5000): print(i)")
    proxy = Proxy(None)
    engine = DockerEngine(proxy.url)
    assert engine.info().address == proxy.url
    found = read(engine.open_log(container.id, tail=None, follow=False))
    assert [int(line) for _, _, line in found] == list(range(5_000))
    proxy.go_away()
