"""A service as a row of the table and as the sections of its details."""

from __future__ import annotations

from datetime import datetime

from amltui.domain.models import AuthMode, Failure, Kind, Service, State
from amltui.widgets.detail import Field, Item, Node, Paragraph, Section
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow, age_cell

from .finding_items import FINDING_STYLES
from .service_words import GLYPHS, KINDS, facts, is_tiny, replicas, resources

STYLES: dict[State, CellStyle] = {
    State.OK: "ok",
    State.PENDING: "pending",
    State.DEGRADED: "degraded",
    State.FAILED: "failed",
    State.STOPPED: "stopped",
    State.DELETING: "stopped",
    State.UNKNOWN: "degraded",
}
# Worst first: what needs somebody stands on top when sorted by state.
SEVERITY = {
    State.FAILED: 0,
    State.DEGRADED: 1,
    State.UNKNOWN: 2,
    State.PENDING: 3,
    State.DELETING: 4,
    State.STOPPED: 5,
    State.OK: 6,
}

COLUMNS = (
    Column("name", "NAME", priority=9, min_width=14, max_width=34),
    Column("state", "STATE", priority=8, min_width=10, max_width=17),
    Column("target", "TARGET", priority=6, min_width=16, max_width=24),
    Column("resources", "CPU/GB", "right", priority=5),
    Column("replicas", "REPL", "right", priority=4),
    Column("auth", "AUTH", priority=2),
    Column("age", "AGE", "right", priority=3),
)


def row(service: Service, now: datetime, stale: bool = False) -> TableRow:
    """The service's row; `stale` dims it, since what it says may no longer be so."""
    state = service.state
    name = service.name
    if service.ref.deployment:
        name = f"└ {service.ref.deployment}"
    target = KINDS[service.kind] + (f" {service.target}" if service.target else "")
    if service.kind is Kind.LOCAL:
        target = "Local"
    cells = (
        Cell(name, "", f"{service.ref.endpoint}/{service.ref.deployment}"),
        Cell(f"{GLYPHS[state]} {service.raw_state or state.value}", STYLES[state], SEVERITY[state]),
        Cell(target, "", target),
        Cell(resources(service), "degraded" if is_tiny(service) else "", _size(service)),
        Cell(replicas(service), "", _replica_count(service)),
        Cell("-" if service.auth is AuthMode.NONE else service.auth.value, "", service.auth.value),
        age_cell(service.created_at, now),
    )
    tags = " ".join(f"{key}={value}" for key, value in service.tags)
    haystack = f"{service.name} {service.raw_state} {state.value} {target} {tags}"
    return TableRow(str(service.ref), cells, dim=stale, haystack=haystack)


def _size(service: Service) -> float:
    """Cores first, then memory, as one number to sort by."""
    return (service.resources.cpu or 0) * 10_000 + (service.resources.memory_gb or 0)


def _replica_count(service: Service) -> int:
    scale = service.scale
    return scale.available or scale.desired or scale.min_replicas or 0


def sections(
    service: Service,
    now: datetime,
    keys: tuple[tuple[str, str], ...] = (),
    causes: tuple[tuple[str, str], ...] = (),
) -> list[Section]:
    """Everything known of the service, for the detail panel."""
    found: list[Section] = []
    for title, rows, failure in facts(service, now, keys, causes):
        items: list[Item] = [_item(label, value) for label, value in rows]
        if failure is not None:
            items.append(failure_node(failure))
        found.append(Section(title, tuple(items)))
    return found


def _item(label: str, value: str) -> Item:
    if not label:
        return Paragraph(value)
    return Field(label, value, _STANDING_OUT.get(label, ""))


_STANDING_OUT: dict[str, CellStyle] = {
    "Small!": "degraded",
    "Note": "degraded",
    "Cluster": "failed",
    **FINDING_STYLES,
    "Scoring URI": "strong",
}


def failure_node(failure: Failure) -> Node:
    """An error payload as a tree; the innermost errors stand out, as they name the cause."""
    code = failure.code + (f" ({failure.status})" if failure.status else "")
    text = ": ".join(part for part in (code, failure.message) if part)
    return Node(
        text, "" if failure.details else "failed", tuple(map(failure_node, failure.details))
    )
