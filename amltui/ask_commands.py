"""The plain commands that ask a service: `amltui request`, `amltui replicas`, `amltui load`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, NamedTuple

import click

from .adapters.http import body_file
from .adapters.http.client import HttpClient
from .adapters.http.load import LoadGenerator
from .backends import Backends
from .domain.errors import AmltuiError, Problem
from .domain.loadplan import LoadPlan, Tally
from .domain.models import Service
from .domain.replicas import (
    Demand,
    amount,
    calculate,
    carried_rps,
    changes,
    compare,
    parse_max_concurrent,
    parse_replicas,
    parse_request_time,
    parse_rps,
    parse_utilization,
)
from .domain.request import SAMPLE, Request, body_problem, parse_header, parse_limit
from .domain.text import clean, clean_line
from .settings import Settings
from .workers.load import LoadCheck
from .workers.readlog import read
from .workers.requests import Report, Requests
from .workers.services import Services

OK, FAILED = 0, 1


def replicas(
    rps: str,
    request_time: str,
    concurrency: str,
    utilization: str,
    carried: str | None,
    *,
    as_json: bool,
) -> int:
    """Print how many replicas a load needs, or with `carried` what so many replicas carry."""
    demand = Demand(
        parse_rps(rps),
        parse_request_time(request_time),
        parse_utilization(utilization),
        parse_max_concurrent(concurrency),
    )
    result = calculate(demand)
    advice = compare(result)
    report: dict[str, Any] = {
        "replicas": result.replicas,
        "concurrent_requests": float(result.concurrent),
        "changes": changes(advice),
    }
    lines = [f"{result.replicas} replicas", *(f"  {line}" for line in result.working)]
    lines += ["Against the autoscaler's defaults", *(f"  {one.text}" for one in advice)]
    if carried is not None:
        number = parse_replicas(carried)
        rest = (demand.request_time_s, demand.utilization, demand.max_concurrent)
        most = carried_rps(number, *rest)
        report["carried"] = {"replicas": number, "rps": float(most)}
        percent = amount(demand.utilization * 100)
        lines.append(f"{number} replicas carry {amount(most)} requests/s at {percent} % busy")
    click.echo(json.dumps(report, indent=2) if as_json else "\n".join(lines))
    return OK


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
        async with _open(settings, demo) as opened:
            service = await _service(opened, name)
            url = service.scoring_uri if service else name
            asked = Request(url, body, own, limit)
            attempt = await opened.requests.send(asked, service)
            report = await opened.requests.report(attempt, service, folded=False)
            answer = attempt.answer
            if service is not None and answer is not None and answer.status >= 400:
                report.log = await opened.requests.log_lines(attempt, service)
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
            float(parse_rps(rps)), float(parse_request_time(seconds)), parse_limit(timeout)
        )
        body, tally = _body(data), Tally(plan)
        async with _open(settings, demo) as opened:
            service = await _service(opened, name)
            asked = Request(service.scoring_uri if service else name, body)
            steps = opened.load.run(plan, asked, service, confirmed=confirmed)
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


class _Opened(NamedTuple):
    services: Services
    requests: Requests
    load: LoadCheck
    has_workspace: bool


@asynccontextmanager
async def _open(settings: Settings, demo: bool) -> AsyncIterator[_Opened]:
    backends = Backends(settings, demo=demo)
    try:
        choice = backends.settings.workspace
        services = backends.open_services(choice)
        client = HttpClient(backends.ca_for)
        requests = Requests(
            services,
            client,
            read_log=lambda source, tail: read(backends.containers, services, source, tail),
        )
        check = LoadCheck(requests, LoadGenerator(client))
        yield _Opened(services, requests, check, choice is not None)
    finally:
        backends.close()


async def _service(opened: _Opened, name: str) -> Service | None:
    """The service of that name, None for a URL."""
    if name.startswith(("http://", "https://")):
        return None
    services = opened.services
    failed = [(await services.refresh_local()).error]
    if opened.has_workspace:
        failed.append((await services.refresh_cloud()).error)
    found = [row for row in services.rows if name in (row.name, str(row.ref))]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmltuiError(
            f"Several services are called {name}",
            f"They are {', '.join(str(row.ref) for row in found)}.",
            "Use one of these instead of the name.",
            problem=Problem.USAGE,
        )
    for error in failed:
        if error is not None and error.problem is not Problem.ENGINE:
            raise error
    raise AmltuiError(
        f"No service is called {clean_line(name)}",
        "Neither the workspace nor the engine has one.",
        "`amltui services` lists them; a URL works, too.",
        problem=Problem.NOT_FOUND,
    )


def _body(data: str | None) -> str:
    """The body from text, @file or @- (standard input); the usual sample without any."""
    if data is None:
        return SAMPLE
    if data == "@-":
        return sys.stdin.read(body_file.MOST)
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
        return {**found, "error": attempt.error.to_wire()}
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
