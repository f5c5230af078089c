"""What a burst does to a service: requests, queue, replicas and autoscaler, simulated.

The formula of `replicas` speaks of averages; 503s come from what averages hide. The documented
behaviour (Microsoft, "Deploy a model to AKS" and "Troubleshoot deployment", SDK v1): a request
waits in a queue until a replica is free or `max_request_wait_time` ends it with a 503; the share
of busy replicas is compared with the target at each refresh; replicas are added within about a
second but need time to start, and are removed after about a minute.

Not documented, so chosen here: the share is the mean over the refresh period, and the autoscaler
aims at the number of replicas that would bring it to the target.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush
from math import ceil, exp, expm1, inf, isfinite, log, sqrt
from random import Random

from .models import Scale
from .replica_input import InvalidInput

MOST_REQUESTS = 1_000_000  # in one simulation: a few seconds of work, some 100 MB
MOST_SECONDS = 86_400
MOST_REPLICAS = 100_000


@dataclass(frozen=True)
class Traffic:
    """Requests/s that arrive at random, whether or not earlier ones were answered (open loop).

    From `burst_start_s` on, for `burst_s` seconds, there are `burst_factor` times as many.
    """

    base_rps: float
    burst_factor: float = 1.0
    burst_start_s: float = 0.0
    burst_s: float = 0.0
    duration_s: float = 300.0

    def __post_init__(self) -> None:
        _check("base_rps", self.base_rps, 0, MOST_REQUESTS)
        _check("burst_factor", self.burst_factor, 0, 1000)
        _check("burst_start_s", self.burst_start_s, 0, MOST_SECONDS)
        _check("burst_s", self.burst_s, 0, MOST_SECONDS)
        _check("duration_s", self.duration_s, 1, MOST_SECONDS)
        if self.expected_requests > MOST_REQUESTS:
            raise InvalidInput(
                "duration_s",
                f"{self.expected_requests:.0f} requests are too many to simulate.",
                f"At most {MOST_REQUESTS} are.",
                "Shorten the duration or lower the rate.",
            )

    @property
    def expected_requests(self) -> float:
        """How many requests arrive on average."""
        return sum((end - start) * rps for start, end, rps in self._phases())

    def _phases(self) -> Iterator[tuple[float, float, float]]:
        """Start, end (s) and requests/s of each stretch of constant rate."""
        start = min(self.burst_start_s, self.duration_s)
        end = min(start + self.burst_s, self.duration_s)
        yield 0.0, start, self.base_rps
        yield start, end, self.base_rps * self.burst_factor
        yield end, self.duration_s, self.base_rps

    def arrivals(self, random: Random) -> Iterator[float]:
        """The times of arrival (s): a Poisson process, which has no memory, so that each phase
        can begin afresh."""
        for start, end, rps in self._phases():
            if rps <= 0:
                continue
            now = start + random.expovariate(rps)
            while now < end:
                yield now
                now += random.expovariate(rps)


class Spread(str, Enum):
    """How the times of single requests spread about their mean."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True)
class RequestTime:
    """How long a replica works on a request: mean in s, and `deviation` as a share of the mean
    (standard deviation ÷ mean; read for LOGNORMAL only)."""

    mean_s: float
    spread: Spread = Spread.EXPONENTIAL
    deviation: float = 0.5

    def __post_init__(self) -> None:
        _check("mean_s", self.mean_s, 1e-6, 3600)
        _check("deviation", self.deviation, 0, 100)

    def sampler(self, random: Random) -> Callable[[], float]:
        """A function that draws one time (s) after the other."""
        if self.spread is Spread.FIXED:
            return lambda: self.mean_s
        if self.spread is Spread.EXPONENTIAL:
            return lambda: random.expovariate(1 / self.mean_s)
        variance = log(1 + self.deviation**2)
        centre, sigma = log(self.mean_s) - variance / 2, sqrt(variance)
        return lambda: random.lognormvariate(centre, sigma)


@dataclass(frozen=True)
class Autoscaler:
    """How a service queues requests and changes its replicas; the defaults are those of the SDK.

    `replica_start_s` is not documented (the articles: "a significant amount of time"): measure it.
    `counts_queue` is for the inference router of SDK v2, which adds waiting requests to the busy
    replicas when it works out the utilisation. With `min_replicas` = `max_replicas` it is off.
    """

    min_replicas: int = 1
    max_replicas: int = 10
    max_concurrent: int = 1
    target_utilization: float = 0.7  # a fraction of 1
    refresh_s: float = 1.0
    max_wait_s: float = 0.5
    replica_start_s: float = 10.0
    scale_down_s: float = 60.0
    counts_queue: bool = False

    def __post_init__(self) -> None:
        _check("min_replicas", self.min_replicas, 1, MOST_REPLICAS)
        _check("max_replicas", self.max_replicas, self.min_replicas, MOST_REPLICAS)
        _check("max_concurrent", self.max_concurrent, 1, 1000)
        _check("target_utilization", self.target_utilization, 0.01, 1)
        _check("refresh_s", self.refresh_s, 0.1, MOST_SECONDS)
        _check("max_wait_s", self.max_wait_s, 0)
        _check("replica_start_s", self.replica_start_s, 0)
        _check("scale_down_s", self.scale_down_s, 0)

    @classmethod
    def of(cls, scale: Scale, replica_start_s: float = 10.0) -> Autoscaler:
        """The settings of a service; what `scale` leaves open has the SDK's default."""
        fixed = None if scale.autoscale else scale.desired or 1
        wait_ms = scale.max_queue_wait_ms
        return cls(
            min_replicas=fixed or scale.min_replicas or 1,
            max_replicas=fixed or scale.max_replicas or 10,
            max_concurrent=scale.max_concurrent or 1,
            target_utilization=(scale.target_utilization or 70) / 100,
            refresh_s=scale.refresh_seconds or 1,
            max_wait_s=(500 if wait_ms is None else wait_ms) / 1000,
            replica_start_s=replica_start_s,
        )

    def wanted(self, in_progress: float) -> int:
        """The replicas that bring `in_progress` requests to the target, within min and max."""
        exact = in_progress / (self.target_utilization * self.max_concurrent)
        # A hair below: 0.7 / 0.7 may come out above 1 in floats.
        return max(self.min_replicas, min(self.max_replicas, ceil(exact - 1e-9)))


@dataclass(frozen=True)
class Outcome:
    """What became of the requests. Tuples have one entry per second, by the second of arrival."""

    served: int
    rejected: int  # answered with 503
    offered_by_second: tuple[int, ...]
    rejected_by_second: tuple[int, ...]
    replicas_by_second: tuple[int, ...]  # ready at the end of the second
    wait_p50_s: float  # in the queue, of the served ones
    wait_p95_s: float
    wait_p99_s: float

    @property
    def rate_503(self) -> float:
        """The share of requests that got a 503, from 0 to 1."""
        return self.rate_503_between(0, len(self.offered_by_second))

    def rate_503_between(self, start_s: int, end_s: int) -> float:
        """The share of 503 among the requests that arrived in those seconds."""
        offered = sum(self.offered_by_second[start_s:end_s])
        return sum(self.rejected_by_second[start_s:end_s]) / offered if offered else 0.0


def simulate(
    traffic: Traffic, request_time: RequestTime, autoscaler: Autoscaler, random: Random
) -> Outcome:
    """Play `traffic` against a service; the same seed of `random` gives the same outcome.

    The service starts with the replicas that the base rate keeps, as if it had run for a while.
    """
    seconds = ceil(traffic.duration_s)
    offered = [0] * seconds
    replicas: list[int] = []
    pool = _Pool(autoscaler, request_time.sampler(random), seconds)
    fleet = _Fleet(autoscaler, autoscaler.wanted(traffic.base_rps * request_time.mean_s), pool)

    def pass_time(until: float) -> None:
        while len(replicas) + 1 <= until:
            fleet.advance(len(replicas) + 1)
            replicas.append(fleet.ready)
        fleet.advance(until)

    for now in traffic.arrivals(random):
        if now >= fleet.next_event or now >= len(replicas) + 1:
            pass_time(now)
        offered[int(now)] += 1
        pool.arrive(now)
    pass_time(float(seconds))
    pool.settle(inf)
    waits = sorted(pool.waits)
    return Outcome(
        served=len(waits),
        rejected=sum(pool.rejected),
        offered_by_second=tuple(offered),
        rejected_by_second=tuple(pool.rejected),
        replicas_by_second=tuple(replicas),
        wait_p50_s=_percentile(waits, 50),
        wait_p95_s=_percentile(waits, 95),
        wait_p99_s=_percentile(waits, 99),
    )


def predict_503(rps: float, request_time_s: float, servers: int, max_wait_s: float) -> float:
    """The share of 503 in the long run for a fixed number of `servers` (replicas × concurrency).

    Exact for random arrivals and exponential request times: the queue M/M/c with a limited wait
    (D. Y. Barrer, "Queuing with impatient customers and ordered service", 1957). With `max_wait_s`
    = 0 it is Erlang's loss formula, which holds for any spread of the request times.
    """
    _check("rps", rps, 0, MOST_REQUESTS)
    _check("request_time_s", request_time_s, 1e-6, 3600)
    _check("servers", servers, 1, 1_000_000)
    _check("max_wait_s", max_wait_s, 0)
    load = rps * request_time_s
    if load == 0:
        return 0.0
    # States with a free server, relative to the last of them: Erlang B's recursion, inverted.
    free = 1.0
    for busy in range(1, servers):
        free = 1 + free * busy / load
    # The wait ahead has the density e^(-slack * wait) up to max_wait_s, and beyond it the tail of
    # the work in the servers. Both are divided by the larger exponential, which could overflow.
    slack = servers / request_time_s - rps
    decay = slack * max_wait_s
    at_limit, scale = (exp(-decay), 1.0) if decay >= 0 else (1.0, exp(decay))
    waiting = max_wait_s * scale if decay == 0 else -expm1(-abs(decay)) / abs(slack)
    lost = at_limit * load / servers
    return lost / (free * scale + rps * waiting + lost)


class _Pool:
    """The queue and the servers behind it: any free server takes the oldest request."""

    def __init__(self, autoscaler: Autoscaler, draw: Callable[[], float], seconds: int) -> None:
        self.max_wait_s = autoscaler.max_wait_s
        self.draw = draw
        self.capacity = 0
        self.busy = 0
        self.work = 0.0  # server-seconds of work in this refresh period
        self.since = 0.0  # up to when `work` is counted
        self.queue: deque[float] = deque()  # times of arrival
        self.finishes: list[float] = []  # a heap
        self.waits: list[float] = []
        self.rejected = [0] * seconds

    def arrive(self, now: float) -> None:
        self.settle(now)
        self.queue.append(now)
        if self.busy < self.capacity:
            self.begin(now)

    def settle(self, until: float) -> None:
        """Let requests finish up to that time, and waiting ones take their servers."""
        finishes = self.finishes
        while finishes and finishes[0] <= until:
            now = heappop(finishes)
            self.work += self.busy * (now - self.since)
            self.since = now
            self.busy -= 1
            if self.queue:
                self.begin(now)

    def begin(self, now: float) -> None:
        """Give the free servers to the waiting requests; those that waited too long got a 503."""
        self.drop_expired(now)
        self.work += self.busy * (now - self.since)
        self.since = now
        while self.queue and self.busy < self.capacity:
            self.waits.append(now - self.queue.popleft())
            self.busy += 1
            heappush(self.finishes, now + self.draw())

    def drop_expired(self, now: float) -> None:
        queue = self.queue
        while queue and now - queue[0] > self.max_wait_s:
            self.rejected[int(queue.popleft())] += 1

    def take_work(self, now: float) -> float:
        """The server-seconds worked since this was last asked."""
        self.work += self.busy * (now - self.since)
        self.since = now
        work, self.work = self.work, 0.0
        return work


class _Fleet:
    """The replicas, ready and starting, and the autoscaler that decides on them."""

    def __init__(self, autoscaler: Autoscaler, ready: int, pool: _Pool) -> None:
        self.autoscaler = autoscaler
        self.pool = pool
        self.ready = ready
        self.starting: deque[float] = deque()  # when each will be ready, in order
        self.wanted: deque[tuple[float, int]] = deque([(0.0, ready)])  # falling, of the last minute
        self.refreshes = 1
        self.next_event = autoscaler.refresh_s
        pool.capacity = ready * autoscaler.max_concurrent

    def advance(self, until: float) -> None:
        """Let replicas become ready and the autoscaler decide, up to that time."""
        while self.next_event <= until:
            now = self.next_event
            self.pool.settle(now)
            while self.starting and self.starting[0] <= now:
                self.starting.popleft()
                self.ready += 1
            if now >= self.refreshes * self.autoscaler.refresh_s:
                self.refreshes += 1
                self.decide(now)
            self.pool.capacity = self.ready * self.autoscaler.max_concurrent
            self.pool.begin(now)
            self.next_event = self.refreshes * self.autoscaler.refresh_s
            if self.starting:
                self.next_event = min(self.next_event, self.starting[0])

    def decide(self, now: float) -> None:
        """Start what is missing at once; stop only what was not wanted for `scale_down_s`."""
        autoscaler = self.autoscaler
        in_progress = self.pool.take_work(now) / autoscaler.refresh_s
        if autoscaler.counts_queue:
            self.pool.drop_expired(now)
            in_progress += len(self.pool.queue)
        wanted = autoscaler.wanted(in_progress)
        while self.wanted and self.wanted[-1][1] <= wanted:
            self.wanted.pop()
        self.wanted.append((now, wanted))
        while self.wanted[0][0] < now - autoscaler.scale_down_s:
            self.wanted.popleft()
        change = self.wanted[0][1] - self.ready - len(self.starting)
        for _ in range(change):
            self.starting.append(now + autoscaler.replica_start_s)
        for _ in range(-change):
            if self.starting:
                self.starting.pop()
            else:
                self.ready -= 1


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[ceil(len(ordered) * percent / 100) - 1] if ordered else 0.0


def _check(field: str, value: float, low: float, high: float = inf) -> None:
    if not isfinite(value) or not low <= value <= high:
        limits = f"at least {low:g}" if high == inf else f"between {low:g} and {high:g}"
        raise InvalidInput(field, f"{field} cannot be {value:g}.", f"It must be {limits}.")
