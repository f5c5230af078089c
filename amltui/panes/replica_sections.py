"""What the replica calculator has worked out, as the sections of its panel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from amltui.domain.models import Kind, Scale, Service
from amltui.domain.replica_input import amount
from amltui.domain.replicas import (
    DEFAULT_SCALE,
    Advice,
    Cluster,
    Level,
    Result,
    carried_rps,
    cluster_words,
    compare,
    replica_count,
)
from amltui.widgets.detail import Item, Paragraph, Section
from amltui.widgets.table_model import CellStyle
from amltui.workers.load import BURST_SECONDS, Burst, chart_lines, update_call

STYLES: dict[Level, CellStyle] = {Level.WARNING: "failed", Level.CHANGE: "degraded"}
NOTHING = "The result comes back when all four fields can be read."


@dataclass
class Picture:
    """All that is shown; `result` is None while a field cannot be read."""

    service: Service | None = None
    cluster: Cluster | None = None
    read_at: datetime | None = None  # when both were read; None: the service is as it was listed
    odd: tuple[str, ...] = ()  # what cannot be read of the fields, a sentence each
    result: Result | None = None
    carried: int | None = None  # so many replicas: what do they carry?
    bursts: tuple[Burst, ...] = ()
    burst_problem: str = ""
    remark: tuple[str, list[str]] = ("", [])  # of a measurement or load check

    @property
    def scale(self) -> Scale:
        """What is compared with: the service's settings, or the SDK's."""
        service = self.service
        return service.scale if service is not None and service.kind is Kind.AKS else DEFAULT_SCALE

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What stands between the service as it is and the result."""
        if self.result is None:
            return ()
        asks = self.service.resources if self.service is not None else None
        return compare(self.result, self.scale, asks, self.cluster)

    @property
    def about(self) -> str:
        """What it is compared with, on one line."""
        service = self.service
        if service is None:
            return "Against the SDK's defaults (a service's: t on it, then R)"
        if service.kind is not Kind.AKS:
            return f"{service.name} ({service.kind.value}): only AKS has replicas to set."
        scale = service.scale
        pool = f"{scale.desired or 1} fixed replicas"
        if scale.autoscale:
            pool = f"{scale.min_replicas or 1} to {scale.max_replicas or 10} replicas"
        read = f"read {self.read_at:%H:%M:%S} UTC" if self.read_at is not None else "as listed"
        return (
            f"Against {service.name}: {pool}, {scale.max_concurrent or 1} at a time each · {read}"
        )


def sections(picture: Picture, width: int) -> list[Section]:
    """The panel from its top; the chart takes about `width` cells."""
    title, lines = picture.remark
    found = [Section("", tuple(Paragraph(why, "failed") for why in picture.odd))]
    found += [Section(title, tuple(Paragraph(line) for line in lines))] if lines else []
    found = [section for section in found if section.items]
    result = picture.result
    if result is None:
        return [*found, Section("", (Paragraph(NOTHING),))]
    working = tuple(Paragraph(line) for line in result.working)
    chart = tuple(Paragraph(line) for line in chart_lines(result.demand, width))
    return [
        *found,
        Section(replica_count(result.replicas), working),
        _against(picture),
        Section("The other way round", (Paragraph(_carried(picture, result)),)),
        Section("A burst", tuple(_bursts(picture))),
        Section("Replicas over requests/s, by target utilisation", chart),
    ]


def _against(picture: Picture) -> Section:
    service, advice = picture.service, picture.advice
    items: list[Item] = [Paragraph(f"• {one.text}", STYLES.get(one.level, "")) for one in advice]
    if service is not None and service.kind is Kind.AKS:
        items.append(Paragraph(f"• {cluster_words(picture.cluster, service.resources)}"))
    if call := update_call(advice):
        applies = "u applies it; " if service is not None and service.kind is Kind.AKS else ""
        items.append(Paragraph(f"{applies}y copies: {call}", "muted"))
    against = service.name if service else "the autoscaler's defaults"
    return Section(f"Against {against}", tuple(items))


def _carried(picture: Picture, result: Result) -> str:
    if not picture.carried:
        return "The number of replicas cannot be read."
    demand, number = result.demand, picture.carried
    rest = (demand.request_time_s, demand.utilization, demand.max_concurrent)
    at_target = carried_rps(number, *rest)
    full = carried_rps(number, rest[0], Fraction(1), rest[2])
    percent = amount(demand.utilization * 100)
    return (
        f"{replica_count(number)} can carry {amount(at_target)} requests/s at {percent} % busy; "
        f"above {amount(full)} some get 503 for certain."
    )


def _bursts(picture: Picture) -> list[Item]:
    if picture.burst_problem:
        return [Paragraph(picture.burst_problem, "degraded")]
    if not picture.bursts:
        return [Paragraph("is being simulated …", "muted")]
    items: list[Item] = [
        Paragraph(
            f"{BURST_SECONDS} s at random moments, times spread exponentially, simulated with "
            "a new replica taking 10 s to start:"
        )
    ]
    for one in picture.bursts:
        items.append(Paragraph(f"• {one.outcome}", "failed" if one.bad else "ok"))
    return items
