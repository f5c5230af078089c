"""The replica calculator: exact, monotonic, and a sentence for whatever it cannot use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Resources, Scale
from amltui.domain.replica_input import (
    InvalidInput,
    amount,
    parse_max_concurrent,
    parse_replicas,
    parse_request_time,
    parse_rps,
    parse_utilization,
)
from amltui.domain.replicas import (
    CHART_UTILIZATIONS,
    DEFAULT_SCALE,
    EARLIER_NOT_FASTER,
    LEAVE_CONCURRENCY_AT_1,
    SPIKES_GIVE_503_AGAIN,
    Advice,
    Cluster,
    Demand,
    Level,
    calculate,
    carried_rps,
    changes,
    chart,
    compare,
)

demands = st.builds(
    Demand,
    rps=st.fractions(Fraction(1, 1000), 10_000, max_denominator=1000),
    request_time_s=st.fractions(Fraction(1, 1000), 3600, max_denominator=1000),
    utilization=st.fractions(Fraction(1, 100), 1, max_denominator=1000),
    max_concurrent=st.integers(1, 1000),
)
factors = st.fractions(1, 2, max_denominator=50)


def test_the_articles_example_gives_286() -> None:
    result = calculate(Demand())

    assert result.replicas == 286
    assert result.concurrent == Fraction(2000, 7)
    assert amount(result.concurrent) == "285.714…"


def test_a_whole_number_is_not_rounded_up() -> None:
    assert ceil(7 * 0.1 / 0.7) == 2, "the trap that this guards against is in floats"

    demand = Demand(parse_rps("7"), parse_request_time("0.1"), parse_utilization("0.7"))

    assert calculate(demand).concurrent == 1
    assert calculate(demand).replicas == 1


def test_the_working_shows_each_step() -> None:
    assert calculate(Demand()).working == (
        "in progress: 20 requests/s × 10 s = 200",
        "room needed: 200 ÷ 0.7 (70 % target utilisation) = 285.714…",
        "replicas: 285.714… ÷ 1 at a time each, rounded up = 286",
        "limit: 286 replicas, always busy, can answer 28.6 requests/s;"
        " what comes above that gets 503",
    )


@given(
    tenths=st.integers(1, 100_000),
    milliseconds=st.integers(1, 100_000),
    percent=st.integers(1, 100),
    concurrent=st.integers(1, 100),
)
def test_typed_numbers_are_exact(
    tenths: int, milliseconds: int, percent: int, concurrent: int
) -> None:
    demand = Demand(
        parse_rps(f"{tenths // 10}.{tenths % 10}"),
        parse_request_time(f"{milliseconds}ms"),
        parse_utilization(f"{percent}%"),
        parse_max_concurrent(str(concurrent)),
    )

    # In whole numbers only: tenths/10 * ms/1000 / (percent/100) / concurrent.
    assert calculate(demand).replicas == -(-tenths * milliseconds // (100 * percent * concurrent))


@given(demands)
def test_the_replicas_are_enough_and_one_less_is_not(demand: Demand) -> None:
    needed = calculate(demand).replicas
    rest = (demand.request_time_s, demand.utilization, demand.max_concurrent)

    assert carried_rps(needed, *rest) >= demand.rps
    if needed > 1:
        assert carried_rps(needed - 1, *rest) < demand.rps


@given(demands, st.integers(1, 10**6))
def test_what_replicas_carry_needs_those_replicas(demand: Demand, replicas: int) -> None:
    carried = carried_rps(
        replicas, demand.request_time_s, demand.utilization, demand.max_concurrent
    )
    if Fraction(1, 10**6) <= carried <= 10**6:
        assert calculate(replace(demand, rps=carried)).replicas == replicas


@given(demands, factors)
def test_more_demand_never_needs_fewer_replicas(demand: Demand, factor: Fraction) -> None:
    needed = calculate(demand).replicas

    assert calculate(replace(demand, rps=demand.rps * factor)).replicas >= needed
    slower = min(Fraction(3600), demand.request_time_s * factor)
    assert calculate(replace(demand, request_time_s=slower)).replicas >= needed
    fuller = min(Fraction(1), demand.utilization * factor)
    assert calculate(replace(demand, utilization=fuller)).replicas <= needed
    wider = min(1000, demand.max_concurrent + 1)
    assert calculate(replace(demand, max_concurrent=wider)).replicas <= needed


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("rps", lambda: Demand(rps=Fraction(0))),
        ("rps", lambda: Demand(rps=Fraction(-1))),
        ("request_time", lambda: Demand(request_time_s=Fraction(3601))),
        ("utilization", lambda: Demand(utilization=Fraction(70))),
        ("max_concurrent", lambda: Demand(max_concurrent=0)),
        ("replicas", lambda: carried_rps(0, Fraction(1))),
        ("utilization", lambda: carried_rps(1, Fraction(1), Fraction(70))),
    ],
)
def test_values_outside_the_limits_are_refused(field: str, make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        make()

    assert caught.value.field == field


def test_the_utilisation_is_given_to_the_service_in_percent() -> None:
    assert Demand().target_percent == 70
    assert Demand(utilization=Fraction("0.675")).target_percent == 67
    assert Demand(utilization=Fraction(1)).target_percent == 100


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_rps, " 20 ", "20"),
        (parse_rps, ".5", "0.5"),
        (parse_rps, "+5.", "5"),
        (parse_rps, "1e3", "1000"),
        (parse_rps, "1E-3", "0.001"),
        (parse_rps, "20 rps", "20"),
        (parse_rps, "1200/min", "20"),
        (parse_rps, "72000 /h", "20"),
        (parse_request_time, "0.1", "0.1"),
        (parse_request_time, "100ms", "0.1"),
        (parse_request_time, "100 MS", "0.1"),
        (parse_request_time, "10 s", "10"),
        (parse_request_time, "1.5 min", "90"),
        (parse_request_time, "1h", "3600"),
    ],
)
def test_numbers_and_their_units(parse: Callable[[str], Fraction], text: str, value: str) -> None:
    assert parse(text) == Fraction(value)


@pytest.mark.parametrize("text", ["70", "70%", "70 %", "0.7", ".70", "7e1", "0.7e2"])
def test_utilisation_as_percent_or_fraction(text: str) -> None:
    assert parse_utilization(text) == Fraction(7, 10)


@pytest.mark.parametrize("text", ["1", "1.0", "01", "1e0"])
def test_a_utilisation_of_one_is_ambiguous(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"1 % or 100 %.*Write 1% or 100%"):
        parse_utilization(text)

    assert parse_utilization("1%") == Fraction(1, 100)
    assert parse_utilization("100%") == parse_utilization("100") == 1


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (parse_rps, "", "Requests per second: nothing given."),
        (parse_rps, "twenty", "cannot be “twenty”. It is not a number"),
        (parse_rps, "nan", "It is not a number"),
        (parse_rps, "0", "must be between 0.000001 and 1000000"),
        (parse_rps, "-3", "cannot be “-3”. It must be between"),
        (parse_rps, "1e999", "must be between"),
        (parse_rps, "1e999999999", "cannot be “1e999999999”"),
        (parse_rps, "0e999999999", "cannot be “0e999999999”"),
        (parse_rps, "9" * 5000, "It is not a number"),
        (parse_rps, "20,5", "comma can mean a decimal point or thousands. Write decimals as 1.5"),
        (parse_rps, "1_000", "may follow"),
        (parse_rps, "20 s", "Only rps, /s, /min, /h may follow the number."),
        (parse_rps, "٣", "It is not a number"),
        (parse_rps, "5\n6", "cannot be “5?6”"),
        (parse_request_time, "0ms", "must be between"),
        (parse_request_time, "2h", "must be between 0.000001 and 3600. For example 100ms"),
        (parse_request_time, "5 parsecs", "Only ms, s, m, min, h may follow the number."),
        (parse_utilization, "0", "must be between 1 and 100"),
        (parse_utilization, "101", "must be between 1 and 100"),
        (parse_utilization, "0.5%", "must be between 1 and 100"),
        (parse_max_concurrent, "1.5", "must be a whole number"),
        (parse_max_concurrent, "0", "must be between 1 and 1000"),
        (parse_max_concurrent, "50%", "Nothing may follow the number."),
        (parse_replicas, "2.5", "must be a whole number"),
    ],
)
def test_unusable_input_gets_a_sentence(
    parse: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)

    assert isinstance(caught.value, AmltuiError)
    assert isinstance(caught.value, ValueError)
    assert sentence in str(caught.value)
    assert caught.value.problem is Problem.USAGE
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "parse",
    [parse_rps, parse_request_time, parse_utilization, parse_max_concurrent, parse_replicas],
)
@given(text=st.text(max_size=60) | st.from_regex(r"[-+.,\d%eEms/ ]{0,12}", fullmatch=True))
def test_any_text_is_a_number_or_a_printable_sentence(
    parse: Callable[[str], Fraction | int], text: str
) -> None:
    said = ""
    try:
        assert parse(text) > 0
    except InvalidInput as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(286), "286"),
        (Fraction(10**12), "1000000000000"),
        (Fraction("28.6"), "28.6"),
        (Fraction("100.05"), "100.05"),
        (Fraction(2, 3), "0.666…"),
        (Fraction(1, 3000), "0.000333…"),
        (Fraction("0.0001"), "0.0001"),
        (Fraction("5.00001"), "5.000…"),
    ],
)
def test_amounts_are_exact_or_say_that_they_are_cut(value: Fraction, shown: str) -> None:
    assert amount(value) == shown


def texts(advice: tuple[Advice, ...]) -> str:
    return "\n".join(f"{one.level.value}: {one.text}" for one in advice)


def test_the_articles_example_against_the_default_service() -> None:
    advice = compare(calculate(Demand()))

    assert texts(advice) == (
        "warning: 286 replicas exceed what the autoscaler may start:"
        " raise autoscale_max_replicas from 10 to 286.\n"
        "change: Raise autoscale_min_replicas from 1 to 286.\n"
        f"note: {SPIKES_GIVE_503_AGAIN}"
    )
    assert changes(advice) == {"autoscale_max_replicas": 286, "autoscale_min_replicas": 286}
    assert advice == compare(calculate(Demand()), Scale(autoscale=True)), "the same defaults"


def test_the_maximum_itself_may_be_reached_but_not_passed() -> None:
    ten, eleven = (calculate(Demand(Fraction(rps), Fraction(7, 10))) for rps in (10, 11))

    assert changes(compare(ten)) == {"autoscale_min_replicas": 10}
    assert changes(compare(eleven)) == {
        "autoscale_min_replicas": 11,
        "autoscale_max_replicas": 11,
    }


def test_a_large_enough_service_needs_no_change() -> None:
    demand = Demand(Fraction(7), Fraction(1, 10))
    advice = compare(calculate(demand), replace(DEFAULT_SCALE, min_replicas=3))

    assert [one.level for one in advice] == [Level.NOTE]
    assert "it carries 21 requests/s. 1 replica would do." in advice[0].text
    assert changes(advice) == {}


def test_another_target_is_written_in_percent_and_is_not_faster() -> None:
    demand = Demand(Fraction(1), Fraction(1, 10), Fraction(3, 10))
    lower = compare(calculate(demand))

    assert changes(lower) == {"autoscale_target_utilization": 30}
    assert EARLIER_NOT_FASTER in texts(lower)

    higher = compare(calculate(replace(demand, utilization=Fraction(9, 10))))
    assert changes(higher) == {"autoscale_target_utilization": 90}
    assert EARLIER_NOT_FASTER not in texts(higher)


def test_without_autoscaling_the_fixed_number_is_raised() -> None:
    result = calculate(Demand(Fraction(10), Fraction(1)))

    assert changes(compare(result, Scale(desired=3))) == {"num_replicas": 15}
    assert changes(compare(result, Scale(desired=15))) == {}
    assert changes(compare(result, Scale())) == {"num_replicas": 15}


def test_concurrency_is_left_alone() -> None:
    result = calculate(Demand(Fraction(1), Fraction(1, 10), max_concurrent=4))
    advice = compare(result)

    assert advice[0].level is Level.WARNING
    assert "replica_max_concurrent_requests is 1: calculate with 1." in advice[0].text
    assert LEAVE_CONCURRENCY_AT_1 in texts(advice)
    assert "replica_max_concurrent_requests" not in changes(advice)
    assert "concurrent" not in texts(compare(calculate(Demand())))


@pytest.mark.parametrize(
    ("replica", "room"),
    [
        (Resources(), None),
        (Resources(cpu=0.1), 120),
        (Resources(cpu=0.1, memory_gb=0.5), 96),
        (Resources(cpu=3), 3),  # 12 cores in all, yet not 4: no replica spans two nodes
        (Resources(cpu=5), 0),
        (Resources(cpu=1, gpu=1), 6),
    ],
)
def test_room_in_the_cluster(replica: Resources, room: int | None) -> None:
    assert Cluster(nodes=3, cores=4, memory_gb=16, gpus=2).room_for(replica) == room


def test_a_full_cluster_is_a_warning() -> None:
    result = calculate(Demand(Fraction(10), Fraction(1)))  # 15 replicas
    replica = Resources(cpu=1, memory_gb=0.5)

    small = compare(result, replace(DEFAULT_SCALE, max_replicas=20), replica, Cluster(3, 4, 16))
    assert small[0].level is Level.WARNING
    assert "15 replicas of 1 core, 0.5 GB do not fit" in small[0].text
    assert "room for at most 12" in small[0].text

    large = compare(result, replace(DEFAULT_SCALE, max_replicas=20), replica, Cluster(4, 4, 16))
    assert "do not fit" not in texts(large)


@given(demands, st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 100))
def test_applying_the_changes_leaves_nothing_to_change(
    demand: Demand, least: int, most: int, target: int
) -> None:
    result = calculate(demand)
    scale = Scale(
        autoscale=True,
        min_replicas=least,
        max_replicas=max(least, most),
        target_utilization=target,
        max_concurrent=demand.max_concurrent,
    )
    update = changes(compare(result, scale))
    applied = replace(
        scale,
        min_replicas=update.get("autoscale_min_replicas", scale.min_replicas),
        max_replicas=update.get("autoscale_max_replicas", scale.max_replicas),
        target_utilization=update.get("autoscale_target_utilization", target),
    )

    assert changes(compare(result, applied)) == {}
    assert applied.min_replicas is not None
    assert applied.max_replicas is not None
    assert result.replicas <= applied.min_replicas <= applied.max_replicas


@given(demands)
def test_the_chart_agrees_with_the_formula(demand: Demand) -> None:
    drawn = chart(demand)

    assert drawn.rps[9] == demand.rps
    assert drawn.rps[-1] == 2 * demand.rps
    assert list(drawn.replicas) == list(CHART_UTILIZATIONS)
    for utilization, row in drawn.replicas.items():
        assert len(row) == len(drawn.rps)
        assert list(row) == sorted(row)
        assert row[9] == calculate(replace(demand, utilization=utilization)).replicas
    for fuller, emptier in zip(CHART_UTILIZATIONS[1:], CHART_UTILIZATIONS, strict=False):
        pairs = zip(drawn.replicas[fuller], drawn.replicas[emptier], strict=True)
        assert all(few <= many for few, many in pairs)
