"""How many replicas a service needs: the formula of the articles, in exact arithmetic.

``replicas = ceil(rps * request_time / utilization / max_concurrent)`` (Microsoft, "Troubleshoot
deployment" and "Deploy a model to AKS"; their example, 20 RPS of 10 s at 70 %, gives 286).
Fractions instead of floats, because 7 RPS * 0.1 s / 0.7 is exactly 1 replica and floats say 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import ceil, floor

from .errors import AmltuiError, Problem
from .models import Resources, Scale

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

_Units = Mapping[str, Fraction | int]
_SECONDS: _Units = {"": 1, "ms": Fraction(1, 1000), "s": 1, "m": 60, "min": 60, "h": 3600}
_PER_SECOND: _Units = {"": 1, "rps": 1, "/s": 1, "/min": Fraction(1, 60), "/h": Fraction(1, 3600)}
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)\s*(.*)", re.ASCII | re.IGNORECASE
)
_LONGEST_INPUT = 40  # characters; more is a slip of the clipboard, not a number


class InvalidInput(AmltuiError, ValueError):
    """A value that cannot be calculated with; `field` names the parameter, for a form."""

    def __init__(self, field: str, title: str, message: str, hint: str = "") -> None:
        super().__init__(title, message, hint, problem=Problem.USAGE)
        self.field = field


@dataclass(frozen=True)
class Field:
    """An input of the calculator: its limits in the unit that the label names, and a hint."""

    name: str
    label: str
    low: str
    high: str
    hint: str

    def check(self, value: Fraction | int, typed: str = "") -> None:
        """Raise InvalidInput unless `value` is within the limits; `typed` is quoted back."""
        if not Fraction(self.low) <= value <= Fraction(self.high):
            why = f"It must be between {self.low} and {self.high}."
            raise self.refused(typed or amount(Fraction(value)), why)

    def refused(self, typed: str, why: str, hint: str = "") -> InvalidInput:
        """The error that says why `typed` cannot be used here."""
        shown = "".join(char if char.isprintable() else "?" for char in typed.strip())
        if len(shown) > _LONGEST_INPUT:
            shown = shown[:_LONGEST_INPUT] + "…"
        title = f"{self.label} cannot be “{shown}”." if shown else f"{self.label}: nothing given."
        return InvalidInput(self.name, title, why, hint or self.hint)


RPS = Field("rps", "Requests per second", "0.000001", "1000000", "For example 20, 0.5 or 1200/min.")
REQUEST_TIME = Field(
    "request_time", "Request time in seconds", "0.000001", "3600", "For example 100ms, 10 s or 1m."
)
UTILIZATION = Field(
    "utilization", "Target utilisation in percent", "1", "100", "For example 70, 70% or 0.7."
)
MAX_CONCURRENT = Field(
    "max_concurrent",
    "Concurrent requests per replica",
    "1",
    "1000",
    "Microsoft says: leave it at 1.",
)
REPLICAS = Field("replicas", "Number of replicas", "1", "1000000000000", "For example 10.")


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


def parse_rps(text: str) -> Fraction:
    """Requests per second from ``20``, ``0.5``, ``1e3``, ``20 rps``, ``20/s`` or ``1200/min``."""
    return _parse(RPS, text, _PER_SECOND)


def parse_request_time(text: str) -> Fraction:
    """Seconds from ``0.1``, ``100ms``, ``10 s``, ``1m`` or ``1h``; a bare number is seconds."""
    return _parse(REQUEST_TIME, text, _SECONDS)


def parse_utilization(text: str) -> Fraction:
    """A fraction of 1 from ``70``, ``70%`` or ``0.7``.

    Numbers above 1 are percent. A bare 1 is refused: it is 1 % in the deploy configuration and
    100 % in the formula, and a wrong guess is a hundred times too many or too few replicas.
    """
    value, unit = _split(UTILIZATION, text, ("", "%"))
    if unit == "" and value == 1:
        raise UTILIZATION.refused(text, "It can mean 1 % or 100 %.", "Write 1% or 100%.")
    share = value / 100 if unit == "%" or value > 1 else value
    UTILIZATION.check(share * 100, text)
    return share


def parse_max_concurrent(text: str) -> int:
    """The number of requests that one replica takes at a time."""
    return _parse_whole(MAX_CONCURRENT, text)


def parse_replicas(text: str) -> int:
    """A number of replicas, for `carried_rps`."""
    return _parse_whole(REPLICAS, text)


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
        f"limit: {_count(replicas)}, always busy, can answer {amount(full)} requests/s;"
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
            f"{_count(needed)} exceed what the autoscaler may start:"
            f" raise autoscale_max_replicas from {most} to {needed}."
        )
        advice.append(Advice(Level.WARNING, text, "autoscale_max_replicas", needed))
    wanted, current = result.demand.target_percent, scale.target_utilization or 70
    if wanted != current:
        text = (
            f"Calculated for {wanted} %, but the service has {current} %:"
            f" set autoscale_target_utilization to {wanted}."
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
        text += f" {_count(needed)} would do."
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
    asks = ((replica.cpu, "cores"), (replica.memory_gb, "GB"), (replica.gpu, "GPU"))
    each = ", ".join(f"{amount(_exact(value))} {unit}" for value, unit in asks if value)
    text = (
        f"{_count(needed)} of {each} do not fit: the cluster has room for at most {room}, less"
        " what its own pods take. Add nodes, choose larger ones or ask for less per replica."
    )
    return [Advice(Level.WARNING, text)]


def amount(value: Fraction) -> str:
    """`value` in decimal: exact, or cut after three digits and marked with an ellipsis."""
    places = 3
    while 0 < value * 10**places < 100:
        places += 1
    digits, rest = divmod(value * 10**places, 1)
    whole, decimals = divmod(int(digits), 10**places)
    if rest:
        return f"{whole}.{decimals:0{places}d}…"
    return f"{whole}.{decimals:0{places}d}".rstrip("0").rstrip(".")


def _split(field: Field, text: str, units: Iterable[str]) -> tuple[Fraction, str]:
    """The number and unit in `text`; InvalidInput says what is wrong with it."""
    if "," in text:
        hint = "Write decimals as 1.5 and thousands as 1500."
        raise field.refused(text, "A comma can mean a decimal point or thousands.", hint)
    match = _NUMBER.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST_INPUT:
        raise field.refused(text, "It is not a number that can be read here.")
    unit = match[2].lower()
    if unit not in units:
        known = ", ".join(unit for unit in units if unit)
        raise field.refused(
            text, f"{f'Only {known}' if known else 'Nothing'} may follow the number."
        )
    return Fraction(match[1]), unit


def _parse(field: Field, text: str, units: _Units) -> Fraction:
    number, unit = _split(field, text, units)
    value = number * units[unit]
    field.check(value, text)
    return value


def _parse_whole(field: Field, text: str) -> int:
    value = _parse(field, text, {"": 1})
    if value.denominator != 1:
        raise field.refused(text, "It must be a whole number.")
    return int(value)


def _exact(value: float) -> Fraction:
    """The decimal that the float was written as, so that 0.3 / 0.1 is 3."""
    return Fraction(str(value))


def _count(replicas: int) -> str:
    return "1 replica" if replicas == 1 else f"{replicas} replicas"
