"""When a view draws by itself: rate, budget, and never behind a frame that was not read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.widgets.frame_pace import INTERVAL, LOST_LIMIT, FramePace


def pace(cells: int = 1920) -> FramePace:
    made = FramePace()
    made.resize(cells)
    return made


def test_the_first_frame_after_a_silence_is_drawn_at_once() -> None:
    view = pace()
    assert view.wait(5.0) == 0.0
    view.drawn(5.0, 500)
    view.answered(5.001)
    assert view.wait(60.0) == 0.0


def test_small_frames_come_ten_times_a_second_and_big_ones_at_the_budget() -> None:
    view = pace(1920)
    view.drawn(1.0, 100)
    view.answered(1.0)
    assert view.wait(1.0) == pytest.approx(INTERVAL)
    view = pace(1920)
    view.drawn(1.0, 7_680)  # half a second's budget, of which the silence has saved some up
    view.answered(1.0)
    assert view.wait(1.0) == pytest.approx(0.3)
    view.drawn(1.3, 7_680)
    view.answered(1.3)
    assert view.wait(1.3) == pytest.approx(0.5)


def test_nothing_is_drawn_behind_a_frame_that_was_not_read() -> None:
    view = pace()
    assert view.drawn(1.0, 100)
    view.answered(1.01)  # so it is a terminal that answers
    view.drawn(2.0, 100)
    assert view.wait(2.5) > 0
    assert view.wait(2.0 + LOST_LIMIT - 0.01) > 0
    view.answered(2.6)
    assert view.unread == 0


def test_a_slow_link_is_left_idle_as_long_as_it_was_busy() -> None:
    view = pace()
    view.drawn(1.0, 100)
    view.answered(1.04)  # the round trip
    view.drawn(2.0, 2_000)
    view.answered(2.24)  # 0.2 s of it was transport
    assert view.wait(2.24) == pytest.approx(0.2, abs=0.01)


def test_a_key_may_go_behind_one_unread_frame_but_not_behind_two() -> None:
    view = pace()
    view.drawn(1.0, 100)
    assert view.may_answer_key(1.0)
    view.drawn(1.0, 100)
    assert not view.may_answer_key(1.0)
    view.answered(1.1)
    assert view.may_answer_key(1.1)


def test_a_terminal_that_never_answers_costs_one_second_once() -> None:
    view = pace()
    view.drawn(1.0, 100)
    assert view.wait(1.5) == pytest.approx(0.5)
    assert view.wait(2.1) == 0.0
    assert not view.drawn(2.1, 100)
    assert view.wait(2.2) == pytest.approx(0.0, abs=1e-6)


def test_an_answer_that_is_lost_is_waited_for_only_so_long() -> None:
    view = pace()
    view.drawn(1.0, 100)
    view.answered(1.01)
    view.drawn(2.0, 100)
    assert view.wait(2.0 + LOST_LIMIT + 0.01) == 0.0


@given(
    cells=st.integers(1, 40_000),
    frames=st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 0.3)), min_size=5, max_size=60),
)
def test_what_is_drawn_by_itself_stays_within_the_budget(
    cells: int, frames: list[tuple[int, float]]
) -> None:
    view = pace(cells)
    now, sent = 0.0, 0
    for size, took in frames:
        now += view.wait(now)
        before_last = sent
        sent += size
        view.drawn(now, size)
        view.answered(now + took)
        now += took
    assert before_last <= (now + 0.2) * max(2_000, min(60_000, cells * 8)) * 1.001
