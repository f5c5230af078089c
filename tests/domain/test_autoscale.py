"""The simulation of queue and autoscaler, against theory and against the documented behaviour."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil, factorial, inf, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.autoscale import (
    Autoscaler,
    Outcome,
    RequestTime,
    Spread,
    Traffic,
    predict_503,
    simulate,
)
from amltui.domain.models import Scale
from amltui.domain.replica_input import InvalidInput
from amltui.domain.replicas import Demand, calculate

BURST = Traffic(base_rps=20, burst_factor=4, burst_start_s=60, burst_s=60, duration_s=300)
TENTH = RequestTime(0.1)


def fixed(servers: int, max_wait_s: float = 0.5) -> Autoscaler:
    return Autoscaler(min_replicas=servers, max_replicas=servers, max_wait_s=max_wait_s)


def steady(rps: float, request_time: RequestTime, autoscaler: Autoscaler, seed: int) -> Outcome:
    """A long run at a constant rate: 100,000 requests, which bring the standard deviation of the
    share of 503 below 0.5 points (0.46 at the worst setting here, measured over 40 seeds)."""
    duration = min(80_000.0, max(100_000 / rps, 300 * request_time.mean_s))
    return simulate(Traffic(rps, duration_s=duration), request_time, autoscaler, Random(seed))


# --- against theory ---


@pytest.mark.parametrize(
    ("servers", "load", "mean_s", "max_wait_s"),
    [
        (1, 0.7, 0.1, 0.5),
        (1, 1.0, 0.5, 0.5),
        (1, 3.0, 0.2, 0.5),
        (2, 0.9, 0.2, 0.5),
        (3, 2.0, 0.1, 0.0),
        (4, 0.8, 0.05, 0.5),
        (5, 1.2, 0.3, 0.5),
        (10, 0.9, 1.0, 0.5),
        (10, 0.7, 1.0, 2.0),
        (20, 1.0, 10.0, 0.5),
        (40, 1.1, 0.1, 0.1),
        (286, 0.7, 10.0, 0.5),
    ],
)
def test_the_simulation_agrees_with_the_formula(
    servers: int, load: float, mean_s: float, max_wait_s: float
) -> None:
    rps = servers * load / mean_s
    runs = [steady(rps, RequestTime(mean_s), fixed(servers, max_wait_s), seed) for seed in (1, 2)]

    assert statistics.mean(run.rate_503 for run in runs) == pytest.approx(
        predict_503(rps, mean_s, servers, max_wait_s), abs=0.01
    )


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    servers=st.integers(1, 50),
    load=st.floats(0.2, 3),
    mean_s=st.floats(0.01, 5),
    max_wait_s=st.floats(0, 2),
    seed=st.integers(0, 1000),
)
def test_any_setting_agrees_within_two_points(
    servers: int, load: float, mean_s: float, max_wait_s: float, seed: int
) -> None:
    rps = servers * load / mean_s
    outcome = steady(rps, RequestTime(mean_s), fixed(servers, max_wait_s), seed)

    assert outcome.rate_503 == pytest.approx(
        predict_503(rps, mean_s, servers, max_wait_s), abs=0.02
    )


@pytest.mark.parametrize("spread", list(Spread))
def test_without_a_queue_the_loss_is_erlangs_whatever_the_spread(spread: Spread) -> None:
    load, servers = 6.0, 5
    erlang_b = load**servers / factorial(servers)
    erlang_b /= sum(load**busy / factorial(busy) for busy in range(servers + 1))

    assert predict_503(60, 0.1, servers, 0) == pytest.approx(erlang_b)
    outcome = steady(60, RequestTime(0.1, spread, deviation=2), fixed(servers, 0), seed=3)
    assert outcome.rate_503 == pytest.approx(erlang_b, abs=0.015)


def test_one_server_that_lets_nobody_go_waits_as_theory_says() -> None:
    """M/M/1 without a limit: a share `load` waits, and P(wait > t) = load e^(-(mu - lambda) t)."""
    outcome = steady(7, TENTH, fixed(1, max_wait_s=1e6), seed=4)

    assert outcome.rejected == 0
    assert outcome.wait_p50_s == pytest.approx(0.112, abs=0.02)  # ln(0.7 / 0.5) / 3
    assert outcome.wait_p95_s == pytest.approx(0.880, abs=0.12)  # ln(0.7 / 0.05) / 3


rates = st.floats(0.01, 1000)
times = st.floats(0.001, 100)
limits = st.floats(0, 1000)
counts = st.integers(1, 300)


@given(rates, times, counts, limits, st.floats(1, 3))
def test_the_predicted_share_is_a_share_and_monotonic(
    rps: float, mean_s: float, servers: int, max_wait_s: float, factor: float
) -> None:
    share = predict_503(rps, mean_s, servers, max_wait_s)
    hair = 1e-9

    assert 0 <= share <= 1
    assert predict_503(rps * factor, mean_s, servers, max_wait_s) >= share - hair
    assert predict_503(rps, mean_s * factor, servers, max_wait_s) >= share - hair
    assert predict_503(rps, mean_s, servers + 1, max_wait_s) <= share + hair
    assert predict_503(rps, mean_s, servers, max_wait_s * factor) <= share + hair
    # Never better than all servers always busy.
    assert share >= 1 - servers / (rps * mean_s) - hair


def test_the_prediction_at_its_edges() -> None:
    assert predict_503(0, 1, 1, 0.5) == 0
    assert predict_503(10, 0.1, 1, 0) == pytest.approx(0.5)  # one server, load 1: a/(1+a)
    exactly_full = predict_503(10, 0.1, 1, 0.5)
    assert exactly_full == pytest.approx(predict_503(10 + 1e-9, 0.1, 1, 0.5))
    assert predict_503(1e6, 3600, 1, 3600) == pytest.approx(1)
    assert predict_503(0.001, 0.001, 100_000, 0.5) == 0


# --- the documented behaviour ---


def test_more_replicas_come_with_the_burst_and_go_a_minute_after_it() -> None:
    outcome = simulate(BURST, TENTH, Autoscaler(max_replicas=20), Random(5))
    ready = outcome.replicas_by_second

    assert len(ready) == 300
    before = ready[58]
    assert max(ready[60:69]) == before, "a replica takes 10 s to start"
    assert max(ready[70:120]) >= 11, "80 requests/s of 0.1 s at 70 % are 12 replicas"
    assert min(ready[120:178]) == ready[119], "nothing goes for a minute"
    assert ready[-1] < ready[119]


def test_503s_come_at_the_start_of_the_burst() -> None:
    outcome = simulate(BURST, TENTH, Autoscaler(max_replicas=20), Random(5))

    assert outcome.rate_503_between(60, 72) > 0.2
    assert outcome.rate_503_between(100, 120) < 0.01
    assert outcome.rate_503_between(0, 60) < 0.02


def test_a_minimum_for_the_burst_prevents_them_and_a_larger_spike_brings_them_back() -> None:
    enough = calculate(Demand(Fraction(80), Fraction(1, 10))).replicas
    autoscaler = Autoscaler(min_replicas=enough, max_replicas=40)

    assert simulate(BURST, TENTH, autoscaler, Random(6)).rate_503 == 0
    spike = replace(BURST, burst_factor=12)
    assert simulate(spike, TENTH, autoscaler, Random(6)).rate_503_between(60, 72) > 0.1


def test_at_the_maximum_the_503s_stay() -> None:
    capped = simulate(BURST, TENTH, Autoscaler(max_replicas=5), Random(7))
    free = simulate(BURST, TENTH, Autoscaler(max_replicas=20), Random(7))

    assert max(capped.replicas_by_second) == 5
    assert capped.rate_503_between(100, 120) > 0.3
    assert free.rate_503_between(100, 120) < 0.01


def test_lower_utilisation_starts_replicas_earlier_not_faster() -> None:
    slope = Traffic(20, burst_factor=1.6, burst_start_s=60, burst_s=200, duration_s=260)
    request_time = RequestTime(0.5)

    def first_new(target: float) -> tuple[int, int]:
        autoscaler = Autoscaler(max_replicas=99, target_utilization=target, replica_start_s=20)
        ready = simulate(slope, request_time, autoscaler, Random(8)).replicas_by_second
        start = ready[0]
        return start, next(second for second, count in enumerate(ready) if count > start)

    start_70, _ = first_new(0.7)
    start_30, when_30 = first_new(0.3)
    assert start_30 > start_70, "more replicas are there before the burst"
    assert when_30 >= 20, "but each still takes its 20 s"


def test_slow_starts_make_a_burst_worse() -> None:
    shares = [
        simulate(BURST, TENTH, Autoscaler(max_replicas=20, replica_start_s=delay), Random(9))
        for delay in (0, 10, 30)
    ]

    assert shares[0].rate_503 < shares[1].rate_503 < shares[2].rate_503


def test_a_steady_load_keeps_about_the_replicas_of_the_formula() -> None:
    traffic = Traffic(200, duration_s=300)
    outcome = simulate(traffic, RequestTime(0.5), Autoscaler(max_replicas=500), Random(10))

    needed = ceil(200 * 0.5 / 0.7)
    assert outcome.replicas_by_second[0] == needed
    # Chance peaks are answered at once and kept for a minute, so there are some more.
    assert min(outcome.replicas_by_second) >= needed
    assert statistics.mean(outcome.replicas_by_second) < 1.25 * needed


def test_counting_the_queue_reacts_more_strongly() -> None:
    plain = Autoscaler(max_replicas=40, replica_start_s=5)
    router = replace(plain, counts_queue=True)

    grown = simulate(BURST, TENTH, plain, Random(11)).replicas_by_second[66]
    grown_more = simulate(BURST, TENTH, router, Random(11)).replicas_by_second[66]
    assert grown_more > grown


def test_concurrency_multiplies_the_servers() -> None:
    pairs = Autoscaler(min_replicas=2, max_replicas=2, max_concurrent=3)
    six = simulate(BURST, TENTH, fixed(6), Random(12))

    assert replace(six, replicas_by_second=()) == replace(
        simulate(BURST, TENTH, pairs, Random(12)), replicas_by_second=()
    )


@settings(max_examples=60, deadline=None)
@given(
    traffic=st.builds(
        Traffic,
        base_rps=st.floats(0, 50),
        burst_factor=st.floats(0, 10),
        burst_start_s=st.floats(0, 40),
        burst_s=st.floats(0, 40),
        duration_s=st.floats(1, 40),
    ),
    request_time=st.builds(RequestTime, st.floats(0.001, 5), st.sampled_from(Spread)),
    autoscaler=st.builds(
        Autoscaler,
        min_replicas=st.integers(1, 5),
        max_replicas=st.integers(5, 50),
        max_concurrent=st.integers(1, 3),
        target_utilization=st.floats(0.1, 1),
        refresh_s=st.floats(0.1, 10),
        max_wait_s=st.floats(0, 3),
        replica_start_s=st.floats(0, 20),
        scale_down_s=st.floats(0, 20),
        counts_queue=st.booleans(),
    ),
    seed=st.integers(),
)
def test_every_request_is_accounted_for(
    traffic: Traffic, request_time: RequestTime, autoscaler: Autoscaler, seed: int
) -> None:
    outcome = simulate(traffic, request_time, autoscaler, Random(seed))

    seconds = ceil(traffic.duration_s)
    assert outcome.served + outcome.rejected == sum(outcome.offered_by_second)
    assert outcome.rejected == sum(outcome.rejected_by_second)
    assert len(outcome.offered_by_second) == len(outcome.replicas_by_second) == seconds
    per_second = zip(outcome.rejected_by_second, outcome.offered_by_second, strict=True)
    assert all(0 <= rejected <= offered for rejected, offered in per_second)
    low, high = autoscaler.min_replicas, autoscaler.max_replicas
    assert all(low <= ready <= high for ready in outcome.replicas_by_second)
    assert 0 <= outcome.wait_p50_s <= outcome.wait_p95_s <= outcome.wait_p99_s
    assert outcome.wait_p99_s <= autoscaler.max_wait_s
    assert outcome == simulate(traffic, request_time, autoscaler, Random(seed))


# --- inputs ---


@pytest.mark.parametrize(
    ("spread", "deviation", "expected"),
    [(Spread.FIXED, 9, 0), (Spread.EXPONENTIAL, 9, 1), (Spread.LOGNORMAL, 0.5, 0.5)],
)
def test_request_times_have_the_mean_and_deviation_asked_for(
    spread: Spread, deviation: float, expected: float
) -> None:
    draw = RequestTime(2, spread, deviation).sampler(Random(13))
    drawn = [draw() for _ in range(50_000)]

    assert statistics.mean(drawn) == pytest.approx(2, rel=0.02)
    assert statistics.pstdev(drawn) / 2 == pytest.approx(expected, abs=0.03)


def test_arrivals_follow_the_profile() -> None:
    arrivals = list(Traffic(50, 3, 100, 50, 300).arrivals(Random(14)))

    assert arrivals == sorted(arrivals)
    assert sum(t < 100 for t in arrivals) == pytest.approx(5000, rel=0.05)
    assert sum(100 <= t < 150 for t in arrivals) == pytest.approx(7500, rel=0.05)
    assert sum(t >= 150 for t in arrivals) == pytest.approx(7500, rel=0.05)
    assert Traffic(50, 3, 100, 50, 300).expected_requests == 20_000


def test_the_settings_of_a_service() -> None:
    assert Autoscaler.of(Scale(autoscale=True)) == Autoscaler()
    assert Autoscaler.of(Scale(desired=4), replica_start_s=3) == Autoscaler(
        min_replicas=4, max_replicas=4, replica_start_s=3
    )
    scale = Scale(
        autoscale=True,
        min_replicas=2,
        max_replicas=8,
        target_utilization=30,
        refresh_seconds=5,
        max_concurrent=2,
        max_queue_wait_ms=0,
    )
    assert Autoscaler.of(scale) == Autoscaler(2, 8, 2, 0.3, 5, 0)


def test_a_load_of_exactly_the_target_is_not_rounded_up() -> None:
    assert Autoscaler().wanted(7 * 0.1) == 1
    assert Autoscaler().wanted(7.1 * 0.1) == 2
    assert Autoscaler(2, 5).wanted(0) == 2
    assert Autoscaler(2, 5).wanted(99) == 5


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("base_rps", lambda: Traffic(-1)),
        ("base_rps", lambda: Traffic(nan)),
        ("burst_factor", lambda: Traffic(1, inf)),
        ("duration_s", lambda: Traffic(1, duration_s=0)),
        ("duration_s", lambda: Traffic(10_000, duration_s=3600)),
        ("mean_s", lambda: RequestTime(0)),
        ("deviation", lambda: RequestTime(1, Spread.LOGNORMAL, -1)),
        ("min_replicas", lambda: Autoscaler(0)),
        ("max_replicas", lambda: Autoscaler(5, 4)),
        ("target_utilization", lambda: Autoscaler(target_utilization=70)),
        ("refresh_s", lambda: Autoscaler(refresh_s=0)),
        ("max_wait_s", lambda: Autoscaler(max_wait_s=-1)),
        ("servers", lambda: predict_503(1, 1, 0, 0)),
        ("rps", lambda: predict_503(nan, 1, 1, 0)),
    ],
)
def test_absurd_settings_get_a_sentence(field: str, make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        make()

    assert caught.value.field == field
    assert caught.value.message


def test_a_hundred_thousand_requests_take_less_than_a_second() -> None:
    traffic = Traffic(250, 3, 60, 40, 320)  # 100,000 requests
    start = time.process_time()
    outcome = simulate(traffic, TENTH, Autoscaler(max_replicas=200), Random(15))

    assert time.process_time() - start < 1
    assert outcome.served + outcome.rejected == pytest.approx(100_000, rel=0.02)
