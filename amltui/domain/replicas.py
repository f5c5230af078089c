"""How many replicas a service needs: the formula of the articles, in exact arithmetic.

``replicas = ceil(rps * request_time / utilization / max_concurrent)`` (Microsoft, "Troubleshoot
deployment" and "Deploy a model to AKS"; their example, 20 RPS of 10 s at 70 %, gives 286).
Fractions instead of floats, because 7 RPS * 0.1 s / 0.7 is exactly 1 replica and floats say 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import ceil, floor

from .models import Resources, Scale
from .replica_input import MAX_CONCURRENT, REPLICAS, REQUEST_TIME, RPS, UTILIZATION, amount

# What an AKS service has when its deploy configuration says nothing (azureml-core 1.61).
DEFAULT_SCALE = Scale(
    autoscale=True, min_replicas=1, max_replicas=10, target_utilization=70, max_concurrent=1
)
CHART_UTILIZATIONS = (Fraction(3, 10), Fraction(1, 2), Fraction(7, 10), Fraction(9, 10))

EARLIER_NOT_FASTER = "Lower utilisation starts replicas earlier, not faster."
SPIKES_GIVE_503_AGAIN = (
    "Spikes above the new minimum give 503 again: growing traffic needs a growing minimum."
)
LEAVE_CONCURRENCY_AT_1 = (
    "Microsoft says to leave replica_max_concurrent_requests at 1 unless its support asks for more."
)


@dataclass(frozen=True)
class Demand:
    """What callers ask for, in requests/s, seconds, a fraction of 1 and requests per replica.

    The defaults are the articles' example. InvalidInput is raised outside the fields' limits, so
    that 70 is never used as a fraction.
    """

    rps: Fraction = Fraction(20)
    request_time_s: Fraction = Fraction(10)
    utilization: Fraction = Fraction(7, 10)
    max_concurrent: int = 1

    def __post_init__(self) -> None:
        RPS.check(self.rps)
        REQUEST_TIME.check(self.request_time_s)
        UTILIZATION.check(self.utilization * 100)
        MAX_CONCURRENT.check(self.max_concurrent)

    @property
    def target_percent(self) -> int:
        """The utilisation as ``autoscale_target_utilization`` wants it: whole percent, 1 to 100.

        Rounded down, which is the side with more replicas.
        """
        return floor(self.utilization * 100)


@dataclass(frozen=True)
class Result:
    """The replicas that a demand needs and how they were worked out, line by line."""

    demand: Demand
    concurrent: Fraction
    replicas: int
    working: tuple[str, ...]


class Level(str, Enum):
    """How much an advice matters."""

    NOTE = "note"
    CHANGE = "change"
    WARNING = "warning"


@dataclass(frozen=True)
class Advice:
    """One sentence to act on; `setting` and `value` are the parameter of ``update`` it proposes."""

    level: Level
    text: str
    setting: str = ""
    value: int = 0


@dataclass(frozen=True)
class Cluster:
    """The nodes that replicas run on; a replica cannot be spread over two of them."""

    nodes: int
    cores: float  # of each node
    memory_gb: float  # of each node
    gpus: int = 0  # of each node

    def room_for(self, replica: Resources) -> int | None:
        """How many replicas fit at most; None when the replica does not say what it needs."""
        pairs = ((self.cores, replica.cpu), (self.memory_gb, replica.memory_gb))
        per_node = [floor(_exact(has) / _exact(asks)) for has, asks in pairs if asks]
        if replica.gpu:
            per_node.append(self.gpus // replica.gpu)
        return self.nodes * min(per_node) if per_node else None


@dataclass(frozen=True)
class Chart:
    """Replicas over requests per second: one row as long as the axis for each utilisation."""

    rps: tuple[Fraction, ...]
    replicas: dict[Fraction, tuple[int, ...]]


def calculate(demand: Demand) -> Result:
    """The replicas that keep `demand` at its target utilisation."""
    in_progress = demand.rps * demand.request_time_s
    concurrent = in_progress / demand.utilization
    replicas = ceil(concurrent / demand.max_concurrent)
    full = carried_rps(replicas, demand.request_time_s, Fraction(1), demand.max_concurrent)
    percent = amount(demand.utilization * 100)
    working = (
        f"in progress: {amount(demand.rps)} requests/s × {amount(demand.request_time_s)} s"
        f" = {amount(in_progress)}",
        f"room needed: {amount(in_progress)} ÷ {amount(demand.utilization)}"
        f" ({percent} % target utilisation) = {amount(concurrent)}",
        f"replicas: {amount(concurrent)} ÷ {demand.max_concurrent} at a time each, rounded up"
        f" = {replicas}",
        f"limit: {replica_count(replicas)}, always busy, can answer {amount(full)} requests/s;"
        " what comes above that gets 503",
    )
    return Result(demand, concurrent, replicas, working)


def carried_rps(
    replicas: int,
    request_time_s: Fraction,
    utilization: Fraction = Fraction(7, 10),
    max_concurrent: int = 1,
) -> Fraction:
    """The requests/s that `replicas` carry at `utilization` (1 = every replica busy)."""
    REPLICAS.check(replicas)
    REQUEST_TIME.check(request_time_s)
    UTILIZATION.check(utilization * 100)
    MAX_CONCURRENT.check(max_concurrent)
    return replicas * max_concurrent * utilization / request_time_s


def compare(
    result: Result,
    scale: Scale = DEFAULT_SCALE,
    replica: Resources | None = None,
    cluster: Cluster | None = None,
) -> tuple[Advice, ...]:
    """What stands between the service as it is and `result`, warnings first.

    Values that `scale` leaves open count as the defaults of azureml-core.
    """
    advice = [*_scale_advice(result, scale), *_concurrency_advice(result.demand, scale)]
    if replica is not None and cluster is not None:
        advice += _cluster_advice(result.replicas, replica, cluster)
    order = (Level.WARNING, Level.CHANGE, Level.NOTE)
    return tuple(sorted(advice, key=lambda one: order.index(one.level)))


def changes(advice: Iterable[Advice]) -> dict[str, int]:
    """The parameters of ``update`` that the advice proposes, to review and apply together."""
    return {one.setting: one.value for one in advice if one.setting}


def cluster_words(cluster: Cluster | None, replica: Resources | None) -> str:
    """How many replicas the nodes take, in a sentence; also where that is not known."""
    if cluster is None or replica is None:
        return "The size of the cluster is not known."
    nodes = f"{cluster.nodes} nodes of {cluster.cores:g} cores and {cluster.memory_gb:g} GB"
    room = cluster.room_for(replica)
    if room is None:
        return f"The cluster had {nodes} when it was attached."
    return (
        f"The cluster had {nodes} when it was attached: room for at most"
        f" {replica_count(room)}, less what its own pods take."
    )


def chart(
    demand: Demand, utilizations: Iterable[Fraction] = CHART_UTILIZATIONS, points: int = 20
) -> Chart:
    """Replicas for RPS up to twice the demand's, which is the middle point of an even number."""
    axis = tuple(demand.rps * 2 * step / points for step in range(1, points + 1))

    def needed(rps: Fraction, utilization: Fraction) -> int:
        return ceil(rps * demand.request_time_s / utilization / demand.max_concurrent)

    return Chart(axis, {share: tuple(needed(rps, share) for rps in axis) for share in utilizations})


def _scale_advice(result: Result, scale: Scale) -> list[Advice]:
    needed = result.replicas
    if not scale.autoscale:
        return _pool_advice(result, "num_replicas", scale.desired)
    advice = _pool_advice(result, "autoscale_min_replicas", scale.min_replicas or 1)
    most = scale.max_replicas or 10
    if needed > most:
        text = (
            f"{replica_count(needed)} exceed what the autoscaler may start:"
            f" raise autoscale_max_replicas from {most} to {needed}."
        )
        advice.append(Advice(Level.WARNING, text, "autoscale_max_replicas", needed))
    wanted, current = result.demand.target_percent, scale.target_utilization or 70
    if wanted != current:
        text = (
            f"Calculated for {wanted} %, but autoscale_target_utilization is {current}:"
            f" set it to {wanted}."
        )
        advice.append(Advice(Level.CHANGE, text, "autoscale_target_utilization", wanted))
    if wanted < current:
        advice.append(Advice(Level.NOTE, EARLIER_NOT_FASTER))
    return advice


def _pool_advice(result: Result, setting: str, current: int | None) -> list[Advice]:
    """What to do about the replicas that are there before any request comes."""
    needed, demand = result.replicas, result.demand
    if current is None:
        return [Advice(Level.CHANGE, f"Set {setting} to {needed}.", setting, needed)]
    if current < needed:
        text = f"Raise {setting} from {current} to {needed}."
        return [
            Advice(Level.CHANGE, text, setting, needed),
            Advice(Level.NOTE, SPIKES_GIVE_503_AGAIN),
        ]
    carried = Fraction(current * demand.max_concurrent) * demand.utilization / demand.request_time_s
    text = f"{setting} is {current}: enough, it carries {amount(carried)} requests/s."
    if current > needed:
        text += f" {replica_count(needed)} would do."
    return [Advice(Level.NOTE, text)]


def _concurrency_advice(demand: Demand, scale: Scale) -> list[Advice]:
    current = scale.max_concurrent or 1
    advice = []
    if demand.max_concurrent != current:
        text = (
            f"Calculated for {demand.max_concurrent} concurrent requests per replica, but"
            f" replica_max_concurrent_requests is {current}: calculate with {current}."
        )
        advice.append(Advice(Level.WARNING, text))
    if max(demand.max_concurrent, current) > 1:
        advice.append(Advice(Level.NOTE, LEAVE_CONCURRENCY_AT_1))
    return advice


def _cluster_advice(needed: int, replica: Resources, cluster: Cluster) -> list[Advice]:
    room = cluster.room_for(replica)
    if room is None or needed <= room:
        return []
    cores = "core" if replica.cpu == 1 else "cores"
    asks = ((replica.cpu, cores), (replica.memory_gb, "GB"), (replica.gpu, "GPU"))
    each = ", ".join(f"{amount(_exact(value))} {unit}" for value, unit in asks if value)
    text = (
        f"{replica_count(needed)} of {each} do not fit: the cluster has room for at most {room},"
        " less what its own pods take. Add nodes, choose larger ones or ask for less per replica."
    )
    return [Advice(Level.WARNING, text)]


def _exact(value: float) -> Fraction:
    """The decimal that the float was written as, so that 0.3 / 0.1 is 3."""
    return Fraction(str(value))


def replica_count(replicas: int) -> str:
    """So many replicas, in words."""
    return "1 replica" if replicas == 1 else f"{replicas:,} replicas"
