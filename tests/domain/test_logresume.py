"""Reading on after breaks: every line once, whatever the order and however often it breaks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.containers import ContainerRun
from amltui.domain.logbatch import Batch
from amltui.domain.logresume import Entry, Repeats, Resume, earlier, entries


def stamp(micros: int) -> bytes:
    """A time so many microseconds after six o'clock."""
    minutes, rest = divmod(micros, 60_000_000)
    return b"2026-11-21T06:%02d:%02d.%06d000Z" % (minutes, *divmod(rest, 1_000_000))


def batch_of(part: list[Entry]) -> Batch:
    """Entries as a batch."""
    return Batch(
        0, [entry[2] for entry in part], [entry[0] for entry in part], bytes(e[1] for e in part)
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """A log: times go up, but for 3 ms, with equal stamps and equal lines among them."""
    now = 0
    found = []
    steps = st.sampled_from([0, 0, 1, 500, 40_000, 400_000, 3_000_000])
    for step in draw(st.lists(steps, max_size=80)):
        now += step
        late = draw(st.sampled_from([0, 0, 0, 900, 3_000]))
        line = draw(st.sampled_from([b"a", b"b"]))
        found.append((stamp(max(0, now - late)), draw(st.sampled_from([1, 2])), line))
    return found


@given(logs(), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), max_size=12), st.data())
@settings(max_examples=100, deadline=None)
def test_every_line_once(
    log: list[Entry], connections: list[tuple[int, int]], data: st.DataObject
) -> None:
    resume = Resume()
    held: list[Entry] = []
    written = 0
    for most, size in [*connections, (1_000, 5)]:
        written = data.draw(st.integers(written, len(log))) if most < 1_000 else len(log)
        resume.begin()
        since = resume.since
        served = [entry for entry in log[:written] if entry[0] >= since][:most]
        for at in range(0, len(served), size):
            fresh = resume.new(batch_of(served[at : at + size]))
            if fresh is not None:
                resume.remember(fresh)
                held += entries(fresh)
    assert sorted(held) == sorted(log)
    if log:
        assert resume.holds(log[-1])
    assert not resume.holds((stamp(10**9), 1, b"a"))


def test_what_is_remembered_is_bounded() -> None:
    resume = Resume()
    for first in range(0, 400_000, 1_000):  # a million lines a second
        resume.remember(batch_of([(stamp(n), 1, b"%d" % n) for n in range(first, first + 1_000)]))
    assert stamp(400_000 - 120_000) < resume.since <= stamp(400_000 - 90_000)
    resume.begin()
    again = batch_of([(stamp(n), 1, b"%d" % n) for n in range(250_000, 400_002)])
    fresh = resume.new(again)
    assert fresh is not None
    assert fresh.lines == [b"400000", b"400001"]


def test_moving_a_stamp() -> None:
    assert earlier(stamp(0), timedelta(seconds=1)) == b"2026-11-21T05:59:59.000000000Z"
    assert earlier(b"2026-03-01T00:00:00.000000007Z", timedelta(milliseconds=1)) == (
        b"2026-02-28T23:59:59.999000007Z"
    )


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ContainerRun(False, 0), "exit code 0 (it ended by itself, without an error)"),
        (
            ContainerRun(False, 137),
            "exit code 137 (killed (SIGKILL), not by its own memory limit)",
        ),
        (
            ContainerRun(False, 137, True),
            "exit code 137 (killed: it needed more memory than its limit)",
        ),
        (ContainerRun(False, 127, error="x"), "exit code 127 (its command was not found): x"),
    ],
)  # fmt: skip
def test_endings(run: ContainerRun, words: str) -> None:
    assert run.ending == words
    assert ContainerRun(False, 200).ending == "exit code 200"


def numbered(numbers: range) -> Batch:
    """Lines a millisecond apart."""
    return batch_of([(stamp(1_000 * n), 1, b"%d" % n) for n in numbers])


def test_what_the_engine_removed_between_two_readings_is_noticed() -> None:
    resume = Resume()
    resume.remember(numbered(range(100)))
    resume.begin()
    assert resume.new(numbered(range(50, 120))) == numbered(range(100, 120))
    assert not resume.gap
    resume.remember(numbered(range(100, 120)))
    resume.begin()
    assert resume.new(numbered(range(500, 510))) == numbered(range(500, 510))
    assert resume.gap
    assert resume.new(numbered(range(510, 520))) == numbered(range(510, 520))
    assert not resume.gap  # it is told once


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 30))
def test_lines_that_an_engine_sends_again_are_left_out(sizes: list[int], back: int) -> None:
    repeats, found, at = Repeats(), [], 0
    for size in sizes:
        for numbers in (range(at, at + size), range(max(0, at + size - back), at + size)):
            new = repeats.new(numbered(numbers))
            found += list(new.lines) if new is not None else []
        at += size
    # The last line may have come again, as an equal one with the same stamp might.
    assert list(dict.fromkeys(found)) == list(numbered(range(at)).lines)
    assert len(found) <= at + len(sizes)


def test_equal_lines_with_one_stamp_are_kept() -> None:
    twice = Batch(0, [b"x", b"x"], [stamp(1), stamp(1)], b"\1\1")
    assert Repeats().new(twice) == twice
