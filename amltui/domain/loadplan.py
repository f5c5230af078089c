"""A load check: how many requests, when, and what became of them, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from random import Random
from typing import NamedTuple

from .autoscale import Traffic
from .latency import Histogram, distribution, percentiles, span, sparkline
from .replica_input import Field

RPS = Field("rps", "Requests per second", "0.1", "2000", "For example 20.")
SECONDS = Field("seconds", "Duration in seconds", "1", "600", "For example 10.")
REQUESTS = Field(
    "requests", "Requests in total", "1", "100000", "Lower the rate or shorten the duration."
)
LIMIT = Field("limit_s", "Time limit of a request in seconds", "0.1", "600", "For example 60.")
WATCHED = (502, 503, 504)
LATE_S = 0.05  # of a request sent later than it should have been: the figures are then doubtful

BUSY = "no connection was free"  # this side's own limit, told apart from the service's answers


@dataclass(frozen=True)
class LoadPlan:
    """Requests that arrive at random at `rps` for `seconds`, whether or not others were answered.

    Why open loop: callers do not wait for each other, and 503s come from exactly that. The same
    `seed` sends at the same moments, so that two settings of a service can be compared.
    InvalidInput is raised outside the limits above.
    """

    rps: float
    seconds: float = 10.0
    limit_s: float = 60.0
    connections: int = 512  # open at the same time; more requests than that are not sent
    seed: int = 1

    def __post_init__(self) -> None:
        _check(RPS, self.rps)
        _check(SECONDS, self.seconds)
        _check(LIMIT, self.limit_s)
        _check(REQUESTS, max(1.0, self.rps * self.seconds))

    @property
    def requests(self) -> int:
        """How many requests are sent, about."""
        return round(self.rps * self.seconds)

    def arrivals(self) -> Iterator[float]:
        """When each request is sent, in s from the start."""
        return Traffic(self.rps, duration_s=self.seconds).arrivals(Random(self.seed))


class Sample(NamedTuple):
    """What became of one request."""

    second: int  # of its sending
    status: int  # 0 where there was no answer
    seconds: float  # until the last byte of the answer
    late_s: float = 0.0  # sent that much later than planned
    trouble: str = ""  # why there was no answer


@dataclass
class Tally:
    """What became of all requests so far; latency is that of answers below 400."""

    plan: LoadPlan
    latency: Histogram = field(default_factory=Histogram)
    late: Histogram = field(default_factory=Histogram)
    statuses: Counter[int] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    by_second: dict[int, Counter[int]] = field(default_factory=dict)
    count: int = 0

    def add(self, samples: Iterable[Sample]) -> None:
        """Count these."""
        for sample in samples:
            self.count += 1
            self.statuses[sample.status] += 1
            self.late.add(sample.late_s)
            self.by_second.setdefault(sample.second, Counter())[sample.status] += 1
            if sample.trouble:
                self.troubles[sample.trouble] += 1
            elif sample.status < 400:
                self.latency.add(sample.seconds)

    def share(self, *statuses: int) -> float:
        """The share of requests with one of these statuses, from 0 to 1."""
        return sum(self.statuses[one] for one in statuses) / self.count if self.count else 0.0

    @property
    def doubtful(self) -> bool:
        """Whether this machine did not keep up with the plan."""
        return self.troubles[BUSY] > 0 or self.late.percentile(99) > LATE_S

    def summary(self) -> list[str]:
        """The figures, a line each."""
        answered = self.count - self.statuses[0]
        lines = [
            f"{self.count:,} of about {self.plan.requests:,} requests done, {answered:,} answered",
            f"latency {percentiles(self.latency)}",
        ]
        told = [f"{status}: {count:,}" for status, count in sorted(self.statuses.items()) if status]
        if told:
            lines.append("status " + ", ".join(told))
        lines += [f"no answer: {why} ({count:,})" for why, count in self.troubles.most_common(5)]
        if self.doubtful:
            lines.append(
                "This machine did not keep up (requests left up to "
                f"{span(self.late.most_s)} late): the figures are doubtful."
            )
        return lines

    def plot(self, width: int = 60) -> list[str]:
        """Requests and failures over time and the distribution of the latency, as lines."""
        if not self.count:
            return []
        last = max(self.by_second)
        each = max(1, -(-(last + 1) // width))  # seconds a character
        spans = range(0, last + 1, each)

        def over_time(*statuses: int) -> list[float]:
            return [
                float(
                    sum(
                        sum(found[one] for one in statuses) if statuses else found.total()
                        for at in range(start, start + each)
                        if (found := self.by_second.get(at)) is not None
                    )
                )
                for start in spans
            ]

        sent = over_time()
        most = max(sent)
        rows = [("sent", sent), *((str(one), over_time(one)) for one in WATCHED)]
        rows.append(("none", over_time(0)))
        unit = "second" if each == 1 else f"{each} seconds"
        lines = [f"a column is one {unit}, the full height {most:,.0f} requests"]
        for label, values in rows:
            if label == "sent" or any(values):
                lines.append(f"{label:>5} {sparkline(values, most)}  {sum(values):,.0f}")
        return [*lines, "", *distribution(self.latency)]


def _check(field_: Field, value: float) -> None:
    if not isfinite(value):
        raise field_.refused(str(value), "It is not a number that can be used.")
    field_.check(Fraction(str(value)), f"{value:g}")
