"""Times of requests: percentiles that can be believed, in memory that does not grow."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.latency import (
    Histogram,
    Timing,
    bar,
    distribution,
    percentiles,
    span,
    sparkline,
    timing_words,
)

TIMES = st.lists(st.floats(1e-5, 3600), min_size=1, max_size=300)


def filled(times: list[float]) -> Histogram:
    histogram = Histogram()
    for one in times:
        histogram.add(one)
    return histogram


@given(TIMES, st.sampled_from([1, 50, 90, 95, 99, 99.9, 100]))
def test_a_percentile_is_within_one_percent(times: list[float], percent: float) -> None:
    exact = sorted(times)[max(1, ceil(len(times) * percent / 100)) - 1]
    assert filled(times).percentile(percent) == pytest.approx(exact, rel=0.01)


@given(TIMES)
def test_mean_least_and_most_are_exact(times: list[float]) -> None:
    histogram = filled(times)
    assert histogram.mean_s == pytest.approx(sum(times) / len(times))
    assert (histogram.least_s, histogram.most_s) == (min(times), max(times))


@given(TIMES)
def test_the_bands_hold_every_request_once(times: list[float]) -> None:
    bands = list(filled(times).bands())
    assert sum(count for _, count in bands) == len(times)
    assert [edge for edge, _ in bands] == sorted(edge for edge, _ in bands)
    assert bands[0][1] > 0
    assert bands[-1][1] > 0


def test_memory_is_bounded_whatever_comes() -> None:
    histogram = filled([10 ** (at / 5000 - 6) for at in range(60_000)])
    assert len(histogram._counts) <= 1_980
    assert histogram.count == 60_000


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-9, 1e9])
def test_times_out_of_range_are_counted_at_its_ends(odd: float) -> None:
    histogram = filled([0.1, odd])
    assert histogram.count == 2
    assert sum(count for _, count in histogram.bands()) == 2


def test_an_empty_histogram_says_so() -> None:
    assert percentiles(Histogram()) == "none was answered"
    assert distribution(Histogram()) == []
    assert Histogram().percentile(50) == 0.0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.000412, "0.412 ms"), (0.0123, "12.3 ms"), (0.9997, "1.00 s"), (1.25, "1.25 s"),
     (75, "75.0 s"), (0.1234, "123 ms"), (0, "0.000 ms")],
)  # fmt: skip
def test_times_are_told_in_three_digits(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_stretches_of_an_exchange() -> None:
    timing = Timing(0.001, 0.0, 0.02, 0.003)
    assert timing.total_s == pytest.approx(0.024)
    assert [label for label, _ in timing_words(timing)] == ["connect", "server", "body", "total"]
    assert ("TLS", "5.00 ms") in timing_words(Timing(tls_s=0.005))


def test_bars_show_the_smallest_share_and_never_overflow() -> None:
    assert bar(0, 10) == ""
    assert bar(0.0001, 10) == "▏"
    assert bar(1, 10) == "█" * 10
    assert bar(7, 10) == "█" * 10


def test_a_sparkline_has_a_character_for_each_value() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert sparkline([1, 1], top=8) == "▁▁"
    assert sparkline([]) == ""
