"""A service told in words: for the panes and for the plain commands, so it knows no Textual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from amltui.domain.failures import innermost
from amltui.domain.models import AuthMode, Failure, Kind, Service, State
from amltui.widgets.words import moment, quantity

# A glyph, a word and a colour: each alone tells the state.
GLYPHS = {
    State.OK: "●",
    State.PENDING: "◔",
    State.DEGRADED: "▲",
    State.FAILED: "✗",
    State.STOPPED: "■",
    State.DELETING: "◌",
    State.UNKNOWN: "?",
}
# The SDK's defaults for ACI and AKS: too small for nearly every model, and nobody chose them.
TINY_CPU, TINY_MEMORY_GB = 0.1, 0.5
KINDS = {
    Kind.ACI: "ACI",
    Kind.AKS: "AKS",
    Kind.AKS_ENDPOINT: "AKS endpoint",
    Kind.LOCAL: "Local",
    Kind.OTHER: "other",
}


class Facts(NamedTuple):
    """Labelled facts under a title; a fact without a label goes over the whole width."""

    title: str
    rows: tuple[tuple[str, str], ...]
    failure: Failure | None = None


def is_tiny(service: Service) -> bool:
    """Whether the service has the SDK's default of 0.1 core or 0.5 GB."""
    asked = service.resources
    return (asked.cpu or 1) <= TINY_CPU or (asked.memory_gb or 1) <= TINY_MEMORY_GB


def resources(service: Service) -> str:
    """Cores and gigabytes of a replica, GPUs if any; an exclamation mark on the tiny defaults."""
    asked = service.resources
    if asked.cpu is None and asked.memory_gb is None:
        return "-"
    text = f"{quantity(asked.cpu)}/{quantity(asked.memory_gb)}"
    if asked.gpu:
        text += f" {asked.gpu}G"
    return f"{text}!" if is_tiny(service) else text


def replicas(service: Service) -> str:
    """Replicas that are there of those wanted; with an autoscaler, its range."""
    scale = service.scale
    if scale.available is not None and scale.desired is not None:
        return f"{scale.available}/{scale.desired}" + ("↕" if scale.autoscale else "")
    if scale.autoscale:
        return f"{quantity(scale.min_replicas)}-{quantity(scale.max_replicas)}↕"
    return quantity(scale.desired)


def facts(
    service: Service,
    now: datetime,
    keys: tuple[tuple[str, str], ...] = (),
    causes: tuple[tuple[str, str], ...] = (),
) -> list[Facts]:
    """Everything known of a service, what went wrong first."""
    found = [_head(service, now)]
    if service.failure or service.deployment_error or service.notes:
        found.append(_trouble(service, causes))
    found += [_calling(service, keys), _size_section(service), _contents(service)]
    found.append(Facts("Tags and properties", (*service.tags, *service.properties)))
    if service.raw:
        found.append(Facts("What the workspace sent", (("", service.raw),)))
    return [section for section in found if section.rows or section.failure]


def _head(service: Service, now: datetime) -> Facts:
    state = f"{GLYPHS[service.state]} {service.raw_state or service.state.value}"
    target = KINDS[service.kind] + (f", {service.target}" if service.target else "")
    rows = [("State", state), ("Target", target)]
    if service.kind is Kind.LOCAL:
        rows.append(("Use", "for debugging only: a local web service is not for production"))
    rows += [
        ("Description", service.description),
        ("Created", moment(service.created_at, now)),
        ("Updated", moment(service.updated_at, now)),
        ("By", service.created_by),
        ("Operation", service.operation_id),
    ]
    return Facts(service.name, tuple((label, value) for label, value in rows if value))


def _trouble(service: Service, causes: tuple[tuple[str, str], ...]) -> Facts:
    rows = [*causes, *(("Note", note) for note in service.notes)]
    if service.failure and service.failure.details:
        cause = innermost(service.failure)
        rows.append(("Root cause", ": ".join(filter(None, (cause.code, cause.message)))))
    if service.deployment_error:
        rows.append(("Cluster", service.deployment_error))
    return Facts("What went wrong", tuple(rows), service.failure)


def failure_lines(failure: Failure, depth: int = 0) -> Iterator[str]:
    """The error payload as an indented tree, outermost first."""
    indent = "  " * depth + ("└ " if depth else "")
    code = failure.code + (f" ({failure.status})" if failure.status else "")
    lines = [line for line in failure.message.splitlines() if line.strip()] or [""]
    yield f"{indent}{code}: {lines[0]}" if code else f"{indent}{lines[0]}"
    for line in lines[1:]:
        yield " " * len(indent) + line
    for detail in failure.details:
        yield from failure_lines(detail, depth + 1)


def _calling(service: Service, keys: tuple[tuple[str, str], ...]) -> Facts:
    auth = {
        AuthMode.NONE: "none: anybody who reaches the URI may call it",
        AuthMode.KEY: "key (K shows the keys for a while)",
        AuthMode.TOKEN: "token (K shows one for a while)",
    }[service.auth]
    rows = [
        ("Scoring URI", service.scoring_uri or "none yet"),
        ("Swagger URI", service.swagger_uri),
        ("Auth", auth),
        *keys,
    ]
    return Facts("Calling it", tuple((label, value) for label, value in rows if value))


def _size_section(service: Service) -> Facts:
    asked, scale = service.resources, service.scale
    rows = [
        ("Cores", _limited(asked.cpu, asked.cpu_limit, "")),
        ("Memory", _limited(asked.memory_gb, asked.memory_limit_gb, "GB")),
        ("GPU", str(asked.gpu) if asked.gpu else ""),
        ("Replicas", _replica_words(service)),
    ]
    if is_tiny(service):
        tiny = f"{TINY_CPU:g} core and {TINY_MEMORY_GB:g} GB are the SDK's defaults"
        rows.insert(0, ("Small!", f"{tiny}: many services stay stuck or are killed at this size"))
    if scale.autoscale:
        rows.append(("Autoscale", _autoscale_words(service)))
    if scale.max_concurrent is not None:
        rows.append(("Concurrency", f"{scale.max_concurrent} requests per replica"))
    if scale.max_queue_wait_ms is not None:
        rows.append(("Queue wait", f"{scale.max_queue_wait_ms} ms, then HTTP 503"))
    if scale.scoring_timeout_ms is not None:
        rows.append(("Time limit", f"{scale.scoring_timeout_ms / 1000:g} s, then HTTP 504"))
    return Facts("Size and replicas", tuple((a, b) for a, b in rows if b))


def _limited(asked: float | None, limit: float | None, unit: str) -> str:
    if asked is None:
        return ""
    text = f"{quantity(asked, unit)} asked"
    return f"{text}, at most {limit:g}" if limit else text


def _replica_words(service: Service) -> str:
    scale = service.scale
    if scale.desired is None and scale.available is None:
        return ""
    text = f"{quantity(scale.desired)} wanted"
    if scale.available is not None:
        text += f", {scale.available} available"
    if scale.updated is not None:
        text += f", {scale.updated} up to date"
    return text


def _autoscale_words(service: Service) -> str:
    scale = service.scale
    text = f"{quantity(scale.min_replicas)} to {quantity(scale.max_replicas)} replicas"
    if scale.target_utilization is not None:
        text += f", aims at {scale.target_utilization} % busy"
    if scale.refresh_seconds is not None:
        text += f", looks every {scale.refresh_seconds} s"
    return text


def _contents(service: Service) -> Facts:
    rows = [
        ("Model", f"{m.name}:{m.version}" + (f" ({m.framework})" if m.framework else ""))
        for m in service.models
    ]
    rows += [("Environment", service.environment), ("Image", service.image)]
    return Facts("What is in it", tuple((a, b) for a, b in rows if b))
