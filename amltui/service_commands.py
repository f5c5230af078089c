"""`amltui update`, and how plain commands find the service that they are about."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from .adapters.files import plans
from .adapters.http.client import HttpClient
from .adapters.http.load import LoadGenerator
from .backends import Backends
from .domain.change_input import WrongSetting, read_models, read_settings, read_tags
from .domain.changes import Changes, Difference, consequences, diff, fitting, refusals
from .domain.errors import AmltuiError, Problem
from .domain.models import Progress, Service
from .domain.text import clean_line
from .plain import nothing_called
from .settings import Settings
from .workers.load import LoadCheck
from .workers.readlog import read
from .workers.requests import Requests
from .workers.services import Services

OK = 0


class Opened(NamedTuple):
    """What the plain commands work with."""

    services: Services
    requests: Requests
    load: LoadCheck
    settings: Settings


class Wanted(NamedTuple):
    """What `amltui update` was told, unread."""

    settings: tuple[str, ...] = ()  # name=value
    description: str | None = None
    tags: tuple[str, ...] = ()  # name=text, or -name
    models: tuple[str, ...] = ()
    plan: Path | None = None


@asynccontextmanager
async def opened(settings: Settings, demo: bool) -> AsyncIterator[Opened]:
    """The workers, on the workspace that the settings name; none of them asks for anything yet."""
    backends = Backends(settings, demo=demo)
    try:
        services = backends.open_services(backends.settings.workspace)
        client = HttpClient(backends.ca_for)
        requests = Requests(
            services,
            client,
            read_log=lambda source, tail: read(backends.containers, services, source, tail),
        )
        check = LoadCheck(requests, LoadGenerator(client))
        yield Opened(services, requests, check, backends.settings)
    finally:
        backends.close()


async def find_service(opened: Opened, name: str) -> Service:
    """The service of that name, or reference, e.g. docker:churn.

    Raises:
        AmltuiError: there is none, several, or nobody who could say so.
    """
    services = opened.services
    failed = [(await services.refresh_local()).error]
    if opened.settings.workspace is not None:
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
    errors = [error for error in failed if error is not None]
    raise nothing_called(name, "service", opened.settings, errors)


def update(
    settings: Settings, name: str, wanted: Wanted, *, demo: bool, confirmed: bool, as_json: bool
) -> int:
    """Change a cloud service after a review; returns when it has its new settings."""

    async def run() -> int:
        async with opened(settings, demo) as found:
            service = await find_service(found, name)
            changes, folder = _read(service, wanted)
            operation = found.services.update(service, changes, folder)
            differences = diff(service, changes)
            if differences:
                _review(service, differences, quiet=as_json)
                if not confirmed:
                    _ask(service)
                done = await operation.execute(_tell)
            else:
                done = "It is like that already: nothing was sent."
        if as_json:
            click.echo(json.dumps(_json(service, differences, done), indent=2))
        else:
            click.echo(done)
        return OK

    return asyncio.run(run())


def _read(service: Service, wanted: Wanted) -> tuple[Changes, Path]:
    pairs = [one.partition("=") for one in wanted.settings]
    for setting, equals, _ in pairs:
        if not equals:
            raise _unusable(f"--set {setting}", "Write --set NAME=VALUE.")
    try:
        changes = Changes(
            read_settings(service.kind, {setting: value for setting, _, value in pairs}),
            wanted.description,
            read_tags(service, ", ".join(wanted.tags)),
            read_models(", ".join(wanted.models)),
            plans.load(wanted.plan) if wanted.plan else None,
        )
    except WrongSetting as error:
        raise _unusable(error.name, f"{error.message} {error.hint}".strip()) from None
    changes = fitting(service, changes)
    if refused := refusals(service, changes):
        raise _unusable(service.name, " ".join(refused))
    return changes, wanted.plan.parent if wanted.plan else Path()


def _unusable(what: str, why: str) -> AmltuiError:
    return AmltuiError(
        f"{clean_line(what)} cannot be changed like that", why, "Nothing was sent.",
        problem=Problem.USAGE,
    )  # fmt: skip


def _review(service: Service, differences: tuple[Difference, ...], *, quiet: bool) -> None:
    """What would be different; on stderr where stdout is for the machine."""
    for one in differences:
        text = f"{one.name}: {one.before or 'nothing'} → {one.after or 'nothing'}"
        click.echo(clean_line(text), err=quiet)
    for sentence in consequences(service, differences):
        click.echo(f"  {sentence}", err=quiet)


def _ask(service: Service) -> None:
    """A question to the person; where nobody sits there, `--yes` has to be said."""
    if not sys.stdin.isatty():
        raise AmltuiError(
            f"{service.name} was not changed",
            "Nobody can be asked here.",
            "Say --yes to agree beforehand.",
            problem=Problem.USAGE,
        )
    click.confirm(f"Update {service.name}?", abort=True, err=True)


def _tell(progress: Progress) -> None:
    click.echo(f"-- {progress.text}", err=True)


def _json(service: Service, differences: tuple[Difference, ...], done: str) -> dict[str, Any]:
    changed = [
        {
            "name": one.name,
            "before": one.before,
            "after": one.after,
            "effect": one.effect.name.lower(),
        }
        for one in differences
    ]
    return {"service": str(service.ref), "changes": changed, "result": done}
