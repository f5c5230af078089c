"""Time stamps as shown, and times as typed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.logtime import Clock, parse, read, show

STAMP = b"2026-11-21T14:03:20.123456789Z"
START = datetime(2026, 11, 21, 14, 2, 0, tzinfo=timezone.utc)
ROME = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (Clock.OFF, ""),
        (Clock.UTC, "14:03:20.123 "),
        (Clock.LOCAL, "15:03:20.123 "),
        (Clock.START, "   +1:20.123 "),
    ],
)
def test_every_clock_is_as_wide_as_it_says(clock: Clock, expected: str) -> None:
    assert show(STAMP, clock, START, ROME) == expected
    assert len(expected) == clock.width
    assert show(None, clock, START, ROME) == " " * clock.width


def test_clocks_go_round() -> None:
    clock = Clock.OFF
    seen = []
    for _ in range(5):
        seen.append(clock)
        clock = clock.next
    assert seen == [Clock.OFF, Clock.LOCAL, Clock.UTC, Clock.START, Clock.OFF]


@pytest.mark.parametrize(
    ("typed", "stamp"),
    [
        ("14:03", b"2026-11-21T14:03:00.000000"),
        ("14:03:19.5", b"2026-11-21T14:03:19.500000"),
        ("15:00", b"2026-11-20T15:00:00.000000"),  # later than the newest line: yesterday
        ("2026-11-20 15:00", b"2026-11-20T15:00:00.000000"),
        ("-5m", b"2026-11-21T13:58:20.123456"),
        ("2 h ago", b"2026-11-21T12:03:20.123456"),
    ],
)
def test_times_as_people_type_them(typed: str, stamp: bytes) -> None:
    newest = parse(STAMP)
    assert newest is not None
    assert read(typed, newest, timezone.utc) == stamp


def test_a_typed_time_is_of_the_zone_that_is_shown() -> None:
    newest = parse(STAMP)
    assert newest is not None
    assert read("15:00", newest, ROME) == b"2026-11-21T14:00:00.000000"
    assert read("14:00", newest, ROME, utc=True) == b"2026-11-21T14:00:00.000000"
    assert read("14:00Z", newest, ROME) == b"2026-11-21T14:00:00.000000"


@given(
    st.text(max_size=30) | st.from_regex(r"\d{1,9}:\d\d(:\d\d)?|-\d{1,30}[smhd]", fullmatch=True)
)
def test_whatever_is_typed_is_a_time_or_a_sentence(typed: str) -> None:
    newest = parse(STAMP)
    assert newest is not None
    try:
        stamp = read(typed, newest, timezone.utc)
    except ValueError as error:
        said = str(error)
        assert said
    else:
        assert stamp[4:5] == b"-"


@given(st.binary(max_size=40))
def test_a_stamp_that_is_none_shows_as_some_text_of_the_right_width(stamp: bytes) -> None:
    for clock in Clock:
        assert len(show(stamp, clock, START, ROME)) == clock.width
