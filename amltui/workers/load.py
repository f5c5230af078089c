"""Load checks: a chosen rate for a bounded time against a service, to see what it carries."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from amltui.domain.autoscale import Autoscaler, RequestTime, Traffic, simulate
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.latency import sparkline
from amltui.domain.loadplan import LoadPlan, Sample, Tally
from amltui.domain.models import Kind, Scale, Service
from amltui.domain.replica_input import InvalidInput, amount
from amltui.domain.replicas import Advice, Demand, Result, changes, chart
from amltui.domain.request import Request

from . import bridge
from .requests import Requests

BURST_START, BURST_SECONDS = 30, 60  # s
MOST_SIMULATED = 200_000  # requests; about a second of work
SIMULATION_LIMIT = 60.0  # s
QUIET_LIMIT = 30.0  # s without a word above a request's own limit; then its process hangs


class LoadRun(Protocol):
    """A running load."""

    def next(self) -> tuple[Sample, ...] | None:
        """The next samples, None at the end; blocks; raises AmltuiError."""

    def close(self) -> None:
        """Stop sending at once, from any thread."""


class LoadGenerator(Protocol):
    """Sends loads."""

    def start(self, plan: LoadPlan, request: Request, authorization: str = "") -> LoadRun:
        """Begin to send."""


def needs_confirmation(service: Service | None) -> bool:
    """Whether somebody has to agree first: everywhere but on this machine's own containers."""
    return service is None or service.kind is not Kind.LOCAL


class LoadCheck:
    """Runs loads with the keys that `requests` has."""

    def __init__(self, requests: Requests, generator: LoadGenerator) -> None:
        self._requests = requests
        self._generator = generator

    async def run(
        self, plan: LoadPlan, request: Request, service: Service | None, *, confirmed: bool = False
    ) -> AsyncGenerator[Tally, None]:
        """The count so far, four times a second; closing the iteration stops the load at once.

        Raises:
            AmltuiError: it was not confirmed, or the load could not be sent.
        """
        if needs_confirmation(service) and not confirmed:
            name = service.name if service else request.url
            raise AmltuiError(
                "A load check needs a confirmation",
                f"{name} does not run on this machine: others may be using it, and it may cost.",
                "Say --yes if it may be done, or check a local service.",
                problem=Problem.REFUSED,
            )
        authorization = await self._requests.authorization(request, service)
        run = await bridge.call(
            lambda: self._generator.start(plan, request, authorization),
            limit=QUIET_LIMIT,
            what="starting the load",
        )
        tally = Tally(plan)
        try:
            yield tally
            while True:
                limit = plan.limit_s + QUIET_LIMIT
                samples = await bridge.call(run.next, limit=limit, what="the load check")
                if samples is None:
                    return
                tally.add(samples)
                yield tally
        finally:
            run.close()


@dataclass(frozen=True)
class Burst:
    """What a burst does to a service, simulated: shares of 503 from 0 to 1, and replicas."""

    words: str  # which replicas it has
    share_503: float  # of the requests of the burst
    share_503_before: float
    most_replicas: int

    @property
    def bad(self) -> bool:
        """Whether callers notice."""
        return self.share_503 >= 0.01

    @property
    def outcome(self) -> str:
        """All of it in words."""
        text = f"{self.words}: {self.share_503 * 100:.0f} % get 503"
        if self.share_503_before >= 0.005:
            text += f", {self.share_503_before * 100:.0f} % even before the burst"
        return f"{text}; at most {self.most_replicas:,} replicas run"


async def burst(result: Result, scale: Scale, factor: float) -> tuple[Burst, Burst]:
    """A minute of `factor` times the demand against the replicas as they are, and as calculated.

    Raises:
        InvalidInput: it is too much to simulate, or a setting makes no sense.
    """

    def play() -> tuple[Burst, Burst]:
        current = Autoscaler.of(scale)
        most = max(current.max_replicas, result.replicas)
        proposed = replace(
            current,
            min_replicas=result.replicas,
            max_replicas=most,
            max_concurrent=result.demand.max_concurrent,
            target_utilization=float(result.demand.utilization),
        )
        return (_burst("as it is", result.demand, current, factor),
                _burst("as calculated", result.demand, proposed, factor))  # fmt: skip

    return await bridge.call(play, limit=SIMULATION_LIMIT, what="simulating the burst")


def _burst(title: str, demand: Demand, autoscaler: Autoscaler, factor: float) -> Burst:
    start, end = BURST_START, BURST_START + BURST_SECONDS
    traffic = Traffic(float(demand.rps), factor, start, BURST_SECONDS, end)
    if traffic.expected_requests > MOST_SIMULATED:
        raise InvalidInput(
            "burst",
            f"A burst of {factor:g} × {float(demand.rps):g} requests/s is not simulated.",
            f"These are {traffic.expected_requests:,.0f} requests, more than {MOST_SIMULATED:,}.",
        )
    found = simulate(traffic, RequestTime(float(demand.request_time_s)), autoscaler, Random(1))
    least, most = autoscaler.min_replicas, autoscaler.max_replicas
    pool = f"{least:,} to {most:,} replicas" if least < most else f"{least:,} replicas"
    return Burst(
        f"{title}, {pool}",
        found.rate_503_between(start, end),
        found.rate_503_between(0, start),
        max(found.replicas_by_second),
    )


def update_call(advice: tuple[Advice, ...]) -> str:
    """The call of the SDK that applies the advice, empty if nothing has to be changed."""
    proposed = changes(advice)
    arguments = ", ".join(f"{name}={value}" for name, value in sorted(proposed.items()))
    return f"service.update({arguments})" if arguments else ""


def chart_lines(demand: Demand, width: int) -> list[str]:
    """Replicas over RPS as a line of bars for each utilisation, one scale for all."""
    points = max(10, min(60, width)) // 2 * 2
    drawn = chart(demand, points=points)
    most = float(max(row[-1] for row in drawn.replicas.values()))
    lines = [
        f"{amount(share * 100):>3} % {sparkline([float(one) for one in row], most)}"
        f" {row[points // 2 - 1]:,} → {row[-1]:,}"
        for share, row in drawn.replicas.items()
    ]
    middle, end = amount(demand.rps), amount(demand.rps * 2)
    left = points // 2 - 1
    axis = " " * 6 + "0".ljust(max(1, left - len(middle) + 1)) + middle
    return [*lines, axis.ljust(6 + points - len(end)) + end]
