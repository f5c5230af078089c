"""The plain commands that ask a service: `amltui request`, `amltui replicas`, `amltui load`."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing
from typing import Any, NamedTuple

import click

from .adapters.http import body_file
from .domain.availability import why_not
from .domain.errors import AmltuiError, Problem
from .domain.loadplan import SECONDS, LoadPlan, Tally
from .domain.models import Can, Kind, Service
from .domain.replica_input import (
    amount,
    parse_max_concurrent,
    parse_replicas,
    parse_request_time,
    parse_rps,
    parse_seconds,
    parse_utilization,
)
from .domain.replicas import (
    DEFAULT_SCALE,
    Cluster,
    Demand,
    calculate,
    carried_rps,
    changes,
    cluster_words,
    compare,
    replica_count,
)
from .domain.request import SAMPLE, Request, body_problem, parse_header, parse_limit
from .domain.text import clean, clean_line
from .service_commands import Opened, find_service, opened
from .settings import Settings
from .workers.request_report import Report

OK, FAILED = 0, 1


class Asked(NamedTuple):
    """What `amltui replicas` was told, unread; None: what the service has, or the usual."""

    rps: str = "20"
    request_time: str = "10"
    concurrency: str | None = None
    utilization: str | None = None
    carried: str | None = None


def replicas(asked: Asked, *, as_json: bool) -> int:
    """Print how many replicas a load needs, and with `carried` what so many replicas carry."""
    _calculate(asked, None, None, as_json=as_json)
    return OK


def replicas_of(settings: Settings, name: str, asked: Asked, *, demo: bool, as_json: bool) -> int:
    """The same with the settings of a service, and against them and its cluster."""

    async def run() -> int:
        async with opened(settings, demo) as found:
            service = await find_service(found, name)
            if service.kind is not Kind.AKS:
                raise AmltuiError(
                    f"{service.name} has no replicas to set",
                    f"It is {service.kind.value}; only AKS services have them.",
                    "Leave --service out to calculate against the defaults.",
                    problem=Problem.USAGE,
                )
            cluster = await found.services.cluster_of(service)
        _calculate(asked, service, cluster, as_json=as_json)
        return OK

    return asyncio.run(run())


def _calculate(
    asked: Asked, service: Service | None, cluster: Cluster | None, *, as_json: bool
) -> None:
    scale = service.scale if service else DEFAULT_SCALE
    demand = Demand(
        parse_rps(asked.rps),
        parse_request_time(asked.request_time),
        parse_utilization(asked.utilization or f"{scale.target_utilization or 70}%"),
        parse_max_concurrent(asked.concurrency or str(scale.max_concurrent or 1)),
    )
    result = calculate(demand)
    asks = service.resources if service else None
    advice = compare(result, scale, asks, cluster)
    report: dict[str, Any] = {
        "replicas": result.replicas,
        "concurrent_requests": float(result.concurrent),
        "changes": changes(advice),
        "advice": [one.text for one in advice],
    }
    against = "the autoscaler's defaults"
    if service is not None:
        against = f"{service.name} on {service.target}"
        report["service"] = str(service.ref)
        report["cluster"] = _cluster_json(cluster, service)
    lines = [replica_count(result.replicas), *(f"  {line}" for line in result.working)]
    lines += [f"Against {against}", *(f"  {one.text}" for one in advice)]
    lines += [f"  {cluster_words(cluster, asks)}"] if asks else []
    if asked.carried is not None:
        number = parse_replicas(asked.carried)
        rest = (demand.request_time_s, demand.utilization, demand.max_concurrent)
        most = carried_rps(number, *rest)
        report["carried"] = {"replicas": number, "rps": float(most)}
        percent = amount(demand.utilization * 100)
        lines.append(
            f"{replica_count(number)} can carry {amount(most)} requests/s at {percent} % busy"
        )
    click.echo(json.dumps(report, indent=2) if as_json else "\n".join(lines))


def _cluster_json(cluster: Cluster | None, service: Service) -> dict[str, Any] | None:
    """The cluster's nodes and how many replicas fit; null where they are not known."""
    if cluster is None:
        return None
    return {**vars(cluster), "room_for_replicas": cluster.room_for(service.resources)}


def request(
    settings: Settings,
    name: str,
    *,
    demo: bool,
    data: str | None,
    headers: tuple[str, ...],
    timeout: str,
    as_json: bool,
) -> int:
    """Send one test request to a service, or a URL, and print what came back; 1 for 400 and up."""

    async def run() -> int:
        body, limit = _body(data), parse_limit(timeout)
        own = tuple(parse_header(one) for one in headers)
        async with opened(settings, demo) as found:
            url, service = await _target(found, name)
            asked = Request(url, body, own, limit)
            attempt = await found.requests.send(asked, service)
            report = await found.requests.report(attempt, service, folded=False)
            answer = attempt.answer
            if service is not None and (answer is None or answer.status >= 400):
                report.log = await found.requests.log_lines(attempt, service)
        if as_json:
            click.echo(json.dumps(_json(report), indent=2))
        else:
            problem = body_problem(body)
            if problem:
                click.echo(problem, err=True)
            _print(report, service)
        return OK if answer is not None and answer.status < 400 else FAILED

    return asyncio.run(run())


def load(
    settings: Settings,
    name: str,
    *,
    demo: bool,
    rps: str,
    seconds: str,
    data: str | None,
    timeout: str,
    confirmed: bool,
    as_json: bool,
) -> int:
    """Send a load to a service and print what became of it; 1 when any request went wrong."""

    async def run() -> int:
        plan = LoadPlan(
            float(parse_rps(rps)), float(parse_seconds(SECONDS, seconds)), parse_limit(timeout)
        )
        body, tally = _body(data), Tally(plan)
        async with opened(settings, demo) as found:
            url, service = await _target(found, name)
            asked = Request(url, body)
            steps = found.load.run(plan, asked, service, confirmed=confirmed)
            async with aclosing(steps) as going:
                async for tally in going:
                    _progress(f"\r{tally.count:,} of about {plan.requests:,}")
        _progress("\n")
        if as_json:
            click.echo(json.dumps(_load_json(tally), indent=2))
        else:
            click.echo("\n".join([*tally.summary(), "", *tally.plot()]))
        good = sum(count for status, count in tally.statuses.items() if 0 < status < 400)
        return OK if good == tally.count else FAILED

    return asyncio.run(run())


def _progress(text: str) -> None:
    """Only for a person who waits: scripts get the result alone."""
    if sys.stderr.isatty():
        click.echo(text, nl=False, err=True)


async def _target(found: Opened, name: str) -> tuple[str, Service | None]:
    """The address to ask, and the service of that name; None for an address of one's own."""
    if "://" in name:
        return name, None
    service = await find_service(found, name)
    if why := why_not(service, Can.INVOKE):
        raise AmltuiError(
            f"{service.name} cannot be asked",
            why,
            f"`amltui logs {service.name}` may say more.",
            problem=Problem.REFUSED,
        )
    return service.scoring_uri, service


def _body(data: str | None) -> str:
    """The body from text, @file or @- (standard input); the usual sample without any."""
    if data is None:
        return SAMPLE
    if data == "@-":
        return body_file.read_open(sys.stdin.buffer, "standard input")
    return body_file.read(data[1:]) if data.startswith("@") else data


def _print(report: Report, service: Service | None) -> None:
    for part in report.parts(service, folded=False):
        click.echo(clean_line(part.title))
        for label, value in part.rows:
            for line in clean(f"{label}: {value}" if label else value).split("\n"):
                click.echo(f"  {line}")


def _json(report: Report) -> dict[str, Any]:
    attempt, answer = report.attempt, report.attempt.answer
    found: dict[str, Any] = {"url": attempt.request.url, "sent_at": attempt.sent_at.isoformat()}
    if attempt.error is not None:
        return {**found, "error": attempt.error.to_wire(), "log": report.log}
    assert answer is not None
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = clean(answer.body)
    timing = answer.timing
    return {
        **found,
        "status": answer.status,
        "reason": answer.reason,
        "timing_ms": {
            "connect": round(timing.connect_s * 1000, 3),
            "tls": round(timing.tls_s * 1000, 3),
            "server": round(timing.wait_s * 1000, 3),
            "body": round(timing.body_s * 1000, 3),
            "total": round(timing.total_s * 1000, 3),
        },
        "headers": dict(answer.headers),
        "body": body,
        "cut": answer.cut,
        "note": attempt.note,
        "findings": [
            {"id": one.id, "title": one.title, "cause": one.cause, "fix": one.fix}
            for one in report.findings
        ],
        "log": report.log,
    }


def _load_json(tally: Tally) -> dict[str, Any]:
    latency = tally.latency
    return {
        "requests": tally.count,
        "statuses": {str(status): n for status, n in sorted(tally.statuses.items()) if status},
        "unanswered": dict(tally.troubles),
        "latency_ms": {
            "mean": round(latency.mean_s * 1000, 3),
            **{f"p{at}": round(latency.percentile(at) * 1000, 3) for at in (50, 95, 99)},
            "most": round(latency.most_s * 1000, 3),
        },
        "seconds": [
            {"second": second, **{str(status): n for status, n in sorted(found.items())}}
            for second, found in sorted(tally.by_second.items())
        ],
        "doubtful": tally.doubtful,
    }
