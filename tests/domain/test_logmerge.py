"""Putting a log together from readings of its tail, against a model of the log."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain import logmerge
from amltui.domain.logmerge import Event, Merger, Reading


def read(log: list[str], tail: int) -> str:
    return "".join(line + "\n" for line in log[-tail:])


def follow(merger: Merger, log: list[str]) -> Reading:
    for _ in range(10):
        reading = merger.feed(read(log, merger.tail))
        if not reading.again:
            return reading
    raise AssertionError("asked again and again")


@settings(max_examples=100)
@given(
    st.lists(st.lists(st.sampled_from(["x", "y", ""]), max_size=40), max_size=12),
    st.integers(1_000, 1_200),
)
def test_a_short_log_of_repeated_lines_is_complete(pieces: list[list[str]], tail: int) -> None:
    merger = Merger(tail)
    log: list[str] = []
    got: list[str] = []
    for piece in pieces:
        log += piece
        reading = follow(merger, log)
        assert reading.event is (Event.GROWN if reading.lines else Event.NONE)
        got += reading.lines
        assert got == log


@settings(max_examples=100)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=15),
    st.integers(1, 80),
    st.integers(0, 200),
)
def test_a_sliding_window_loses_and_doubles_nothing(
    pieces: list[int], tail: int, before: int
) -> None:
    numbers = count()

    def lines(wanted: int) -> list[str]:  # every second line is a repeated one
        return [f"line {n}" if n % 2 else "GET /" for n in (next(numbers) for _ in range(wanted))]

    log = lines(before)
    merger = Merger(tail)
    start = max(0, len(log) - tail)
    got: list[str] = []
    for piece in [0, *pieces]:
        log += lines(piece)
        reading = follow(merger, log)
        assert reading.event in (Event.NONE, Event.GROWN)
        got += reading.lines
        assert got == log[start:]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["grow", "rotate", "restart"]), st.integers(1, 50))))
def test_rotation_and_restart_are_told(steps: list[tuple[str, int]]) -> None:
    numbers = count()
    merger, log = Merger(100), [f"line {next(numbers)}" for _ in range(30)]
    got = list(follow(merger, log).lines)
    expected = list(log)
    for step, size in steps:
        fresh = [f"line {next(numbers)}" for _ in range(size)]
        before = len(log)
        if step == "restart":
            log = fresh
        elif step == "rotate":
            log = [*log[-max(3, before // 2) :], *fresh]
        else:
            log = [*log, *fresh]
        expected += fresh
        reading = follow(merger, log)
        got += reading.lines
        assert got == expected
        if step == "restart":
            assert reading.event is Event.RESTARTED
        if step == "grow":
            assert reading.event is Event.GROWN


def test_a_gap_is_admitted_when_no_reading_reaches_back() -> None:
    merger = Merger(100)
    follow(merger, [f"old {n}" for n in range(500)])
    log = [f"new {n}" for n in range(logmerge.MAX_TAIL + 10)]
    assert merger.feed(read(log, merger.tail)).again
    assert merger.tail > 100
    reading = follow(merger, log)
    assert reading.event is Event.GAP
    assert list(reading.lines) == log[-logmerge.MAX_TAIL :]
    assert merger.tail <= logmerge.COUNTED


def test_a_lost_overlap_is_found_in_a_longer_reading() -> None:
    merger, log = Merger(100), [f"line {n}" for n in range(500)]
    follow(merger, log)
    log += [f"line {n}" for n in range(500, 3_000)]
    reading = follow(merger, log)
    assert reading.event is Event.GROWN
    assert list(reading.lines) == log[500:]


def test_no_container_changes_nothing() -> None:
    merger = Merger(10)
    assert merger.feed(None) == Reading()
    assert merger.feed("a\n").lines == ("a",)
    assert merger.feed(None) == Reading()
    assert merger.feed("a\nb\n").lines == ("b",)


def test_an_unfinished_line_waits_until_it_stands_still() -> None:
    merger = Merger(10)
    assert merger.feed("a\nDownl").lines == ("a",)
    assert merger.feed("a\nDownloading").lines == ()
    assert merger.feed("a\nDownloading").lines == ("Downloading",)
    assert merger.feed("a\nDownloading") == Reading()
    assert merger.feed("a\nDownloading\nb\n") == Reading(("b",), Event.GROWN)


def test_an_unfinished_line_that_grows_after_all_comes_again_and_is_no_restart() -> None:
    merger = Merger(10)
    merger.feed("a\nDownl")
    assert merger.feed("a\nDownl").lines == ("Downl",)
    assert merger.feed("a\nDownloaded\nb\n") == Reading(("Downloaded", "b"), Event.GROWN)


def test_a_restart_into_the_same_first_lines() -> None:
    merger = Merger(50)
    follow(merger, ["boot", "ready", "request"])
    assert follow(merger, ["boot"]) == Reading(("boot",), Event.RESTARTED)
    assert follow(merger, ["boot", "ready"]) == Reading(("ready",), Event.GROWN)


def test_an_emptied_log_starts_anew() -> None:
    merger = Merger(50)
    follow(merger, ["a", "b"])
    assert follow(merger, []) == Reading((), Event.RESTARTED)
    assert follow(merger, ["c"]) == Reading(("c",), Event.GROWN)


@pytest.mark.parametrize("lines", [["x"] * 5_000, [str(n % 7) for n in range(5_000)]])
def test_merging_long_logs_is_quick(lines: list[str]) -> None:
    import time

    merger = Merger(5_000)
    follow(merger, lines)
    begin = time.perf_counter()
    follow(merger, [*lines, "new"])
    assert time.perf_counter() - begin < 0.25  # comparing each place with each takes seconds
