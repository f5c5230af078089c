"""Load checks: never unasked against others' services, bounded, counted in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.loadplan import BUSY, LoadPlan, Sample, Tally
from amltui.domain.models import Kind, Scale, Service
from amltui.domain.replica_input import InvalidInput
from amltui.domain.replicas import Demand, calculate, compare
from amltui.domain.request import Request
from amltui.ports import Workspace
from amltui.workers.load import (
    MOST_SIMULATED,
    LoadCheck,
    burst,
    chart_lines,
    needs_confirmation,
    update_call,
)
from amltui.workers.requests import Requests
from amltui.workers.services import Services
from tests.panes.world import MemoryWorkspace, cloud
from tests.workers.test_requests import MemoryClient

URL = "http://diabetes.example.org/score"
PLAN = LoadPlan(10, 2)


@dataclass
class MemoryRun:
    """Gives the batches it holds; an error among them is raised."""

    batches: Iterator[tuple[Sample, ...] | AmltuiError]
    closed: int = 0

    def next(self) -> tuple[Sample, ...] | None:
        found = next(self.batches, None)
        if isinstance(found, AmltuiError):
            raise found
        return found

    def close(self) -> None:
        self.closed += 1


@dataclass
class MemoryGenerator:
    """Starts runs and remembers what with."""

    batches: list[tuple[Sample, ...] | AmltuiError] = field(default_factory=list)
    started: list[tuple[LoadPlan, Request, str]] = field(default_factory=list)
    runs: list[MemoryRun] = field(default_factory=list)

    def start(self, plan: LoadPlan, request: Request, authorization: str = "") -> MemoryRun:
        self.started.append((plan, request, authorization))
        self.runs.append(MemoryRun(iter(self.batches)))
        return self.runs[-1]


def make(*batches: tuple[Sample, ...] | AmltuiError) -> tuple[LoadCheck, MemoryGenerator]:
    generator = MemoryGenerator(list(batches))
    services = Services(cast(Workspace, MemoryWorkspace()), None)
    return LoadCheck(Requests(services, MemoryClient()), generator), generator


@pytest.mark.parametrize("service", [cloud("diabetes"), None])
async def test_what_is_not_on_this_machine_needs_a_confirmation(service: Service | None) -> None:
    check, generator = make()
    with pytest.raises(AmltuiError) as caught:
        async for _ in check.run(PLAN, Request(URL), service):
            pass
    assert caught.value.problem is Problem.REFUSED
    assert generator.started == []
    assert needs_confirmation(service)
    assert not needs_confirmation(cloud("x", kind=Kind.LOCAL))


async def test_a_confirmed_load_is_counted_and_its_process_closed() -> None:
    batches = ((Sample(0, 200, 0.1), Sample(0, 503, 0.1)), (Sample(1, 200, 0.2),))
    check, generator = make(*batches)
    counts = [
        tally.count
        async for tally in check.run(PLAN, Request(URL), cloud("diabetes"), confirmed=True)
    ]
    assert counts[0] == 0
    assert counts[-1] == 3
    assert generator.started[0][2] == "PRIMARY-0000"
    assert generator.runs[0].closed == 1


async def test_stopping_closes_the_process_at_once() -> None:
    check, generator = make((Sample(0, 200, 0.1),), (Sample(0, 200, 0.1),))
    async with aclosing(check.run(PLAN, Request(URL), None, confirmed=True)) as steps:
        async for tally in steps:
            if tally.count:
                break
    assert generator.runs[0].closed == 1
    assert next(generator.runs[0].batches) == (Sample(0, 200, 0.1),)


async def test_an_error_of_the_load_is_raised_and_the_process_closed() -> None:
    check, generator = make((Sample(0, 200, 0.1),), AmltuiError("broken"))
    with pytest.raises(AmltuiError, match="broken"):
        async for _ in check.run(PLAN, Request(URL), None, confirmed=True):
            pass
    assert generator.runs[0].closed == 1


# Plans and tallies


@pytest.mark.parametrize(
    ("fields", "field_name"),
    [({"rps": 0}, "rps"), ({"rps": -1}, "rps"), ({"rps": 5000}, "rps"),
     ({"rps": float("nan")}, "rps"), ({"rps": 10, "seconds": 0}, "seconds"),
     ({"rps": 10, "seconds": 1e9}, "seconds"), ({"rps": 2000, "seconds": 600}, "requests"),
     ({"rps": 1, "limit_s": float("inf")}, "limit_s")],
)  # fmt: skip
def test_absurd_loads_are_refused_in_a_sentence(fields: dict[str, float], field_name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        LoadPlan(**fields)  # type: ignore[arg-type]
    assert caught.value.field == field_name
    assert caught.value.message


@given(st.floats(0.5, 500), st.floats(1, 20), st.integers(0, 99))
def test_arrivals_are_the_same_for_a_seed_and_within_the_time(
    rps: float, seconds: float, seed: int
) -> None:
    plan = LoadPlan(rps, seconds, seed=seed)
    times = list(plan.arrivals())
    assert times == list(plan.arrivals()) == sorted(times)
    assert all(0 <= one < seconds for one in times)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([0, 200, 401, 502, 503, 504]))
    )
)  # fmt: skip
def test_every_request_is_in_every_view_once(found: list[tuple[int, int]]) -> None:
    tally = Tally(LoadPlan(10, 31))
    tally.add(Sample(at, status, 0.1, 0.0, "" if status else "gone") for at, status in found)
    assert tally.count == len(found) == sum(tally.statuses.values())
    assert sum(one.total() for one in tally.by_second.values()) == len(found)
    assert tally.troubles["gone"] == sum(status == 0 for _, status in found)
    assert tally.latency.count == sum(status == 200 for _, status in found)
    text = "\n".join([*tally.summary(), *tally.plot(20)])
    assert max((len(line) for line in tally.plot(20)), default=0) < 80
    assert ("503" in text) == any(status == 503 for _, status in found)


def test_a_machine_that_does_not_keep_up_says_so() -> None:
    tally = Tally(PLAN)
    tally.add([Sample(0, 200, 0.1, 0.5)])
    assert "did not keep up" in "\n".join(tally.summary())
    busy = Tally(PLAN)
    busy.add([Sample(0, 0, 0.0, 0.0, BUSY)])
    assert busy.doubtful
    fine = Tally(PLAN)
    fine.add([Sample(0, 200, 0.1, 0.001)])
    assert not fine.doubtful


# What the calculator says beside its formula


async def test_a_burst_is_played_against_both_settings() -> None:
    result = calculate(Demand(Fraction(20), Fraction(2, 5)))
    scale = Scale(autoscale=True, min_replicas=2, max_replicas=4)
    now, proposed = await burst(result, scale, 1.5)
    assert "2 to 4 replicas" in now.words
    assert "12 replicas" in proposed.words
    assert now.share_503 > 0.3 > proposed.share_503
    assert now.bad
    assert "get 503" in now.outcome
    assert (now, proposed) == await burst(result, scale, 1.5)


async def test_a_burst_too_large_to_simulate_is_told() -> None:
    result = calculate(Demand(Fraction(2_000), Fraction(1, 100)))
    with pytest.raises(InvalidInput, match=f"{MOST_SIMULATED:,}"):
        await burst(result, Scale(), 3)


def test_the_update_raises_the_maximum_with_the_minimum() -> None:
    result = calculate(Demand())
    scale = Scale(autoscale=True, min_replicas=1, max_replicas=10)
    call = update_call(compare(result, scale))
    assert call == "service.update(autoscale_max_replicas=286, autoscale_min_replicas=286)"
    enough = Scale(autoscale=True, min_replicas=300, max_replicas=300)
    assert update_call(compare(result, enough)) == ""


@pytest.mark.parametrize("width", [0, 50, 500])
def test_the_chart_fits_and_names_its_ends(width: int) -> None:
    lines = chart_lines(Demand(), width)
    assert len(lines) == 5
    assert max(map(len, lines)) <= max(20, min(width, 60)) + 30
    assert any("286 → 572" in line for line in lines)
    assert lines[-1].split() == ["0", "20", "40"]
