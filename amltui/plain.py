"""The plain commands: the same workers as the panes, told in lines or JSON on stdout."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .backends import Backends
from .domain.errors import AmltuiError, Problem
from .domain.logbatch import Batch
from .domain.models import Can, Service
from .domain.text import clean_line, clean_log
from .settings import NAMES, Choice, Settings, config_path

if TYPE_CHECKING:
    from .domain.logsource import LogSource
    from .workers.services import Services


def list_services(
    settings: Settings, name: str | None, *, demo: bool, as_json: bool, show_keys: bool
) -> int:
    """Print all services, or the one of that name; 1 when a part of them could not be read."""

    async def run() -> int:
        from .workers.explain import explain

        async with _open(settings, demo) as (_, services, choice):
            snapshots = [await services.refresh_local()]
            if choice is not None:
                snapshots.append(await services.refresh_cloud())
            failed = [s.error for s in snapshots if s.error is not None]
            rows = sorted(services.rows, key=lambda row: str(row.ref))
            if name is not None:
                rows = _named(rows, name, failed)
            objects = [_to_json(row) for row in rows]
            if show_keys:
                for row, found in zip(rows, objects, strict=True):
                    found["keys"] = await _keys(services, row)
            if as_json:
                click.echo(json.dumps(objects, indent=2, ensure_ascii=False))
            elif name is not None:
                for row, found in zip(rows, objects, strict=True):
                    _print_detail(row, found.get("keys"), (await explain(row)).sentences)
            else:
                _print_table(rows)
        # An engine that is not there costs local services only; a workspace is what was asked for.
        for error in failed:
            _say(error)
        return 1 if services_failed(failed) else 0

    return asyncio.run(run())


def services_failed(errors: list[AmltuiError]) -> bool:
    """Whether what was asked for is missing: an absent engine alone is not a failure."""
    return any(error.problem is not Problem.ENGINE for error in errors)


@asynccontextmanager
async def _open(
    settings: Settings, demo: bool
) -> AsyncIterator[tuple[Backends, Services, Choice | None]]:
    backends = Backends(settings, demo=demo)
    try:
        choice = backends.settings.workspace
        if choice is None and not demo:
            raise _no_workspace(settings)
        yield backends, backends.open_services(choice), choice
    finally:
        backends.close()


def _no_workspace(settings: Settings) -> AmltuiError:
    if settings.choices:
        names = ", ".join(choice.workspace_name for choice in settings.choices)
        return AmltuiError(
            "Several workspaces are known",
            f"They are: {names}.",
            "Choose one: amltui --workspace-name NAME …",
            problem=Problem.CONFIGURATION,
        )
    return AmltuiError(
        "No workspace is configured",
        "Neither flags, environment, a config.json nor the settings file name one.",
        "Give --subscription-id, --resource-group and --workspace-name before the command, or "
        "see `amltui config`.",
        problem=Problem.CONFIGURATION,
    )


def _named(rows: list[Service], name: str, failed: list[AmltuiError]) -> list[Service]:
    found = [row for row in rows if name in (row.name, str(row.ref))]
    if found or services_failed(failed):
        return found
    raise AmltuiError(
        f"No service is called {name}",
        f"There are {len(rows)} services.",
        "`amltui services` lists them.",
        problem=Problem.NOT_FOUND,
    )


def nothing_called(
    name: str, what: str, settings: Settings, errors: list[AmltuiError]
) -> AmltuiError:
    """Why nothing of that name was found: `errors` of those who were asked, or who has none."""
    for error in errors:
        if services_failed([error]):
            return error
    why, hint = "Neither the workspace nor the engine has one.", "`amltui services` lists them."
    if settings.workspace is None:
        engine = "The engine does not answer" if errors else "The engine has none"
        why, hint = f"{engine}, and no workspace was chosen.", _no_workspace(settings).hint
    elif errors:
        why = f"The workspace has none. {errors[0].title.rstrip('.')}."
    return AmltuiError(
        f"No {what} is called {clean_line(name)}", why, hint, problem=Problem.NOT_FOUND
    )


def _to_json(row: Service) -> dict[str, Any]:
    """A service for scripts: plain values, times as ISO 8601, never a key."""
    found = asdict(row)
    found.update(
        ref=str(row.ref),
        endpoint=row.ref.endpoint,
        deployment=row.ref.deployment,
        kind=row.kind.value,
        state=row.state.value,
        auth=row.auth.value,
        can=sorted(flag.name.lower() for flag in Can if flag in row.can and flag.name),
        tags=dict(row.tags),
        properties=dict(row.properties),
    )
    for field in ("created_at", "updated_at"):
        if found[field] is not None:
            found[field] = found[field].isoformat()
    return found


async def _keys(services: Services, row: Service) -> dict[str, str]:
    if Can.KEYS in row.can:
        keys = await services.keys(row.ref)
        return {"primary": keys.primary, "secondary": keys.secondary}
    if Can.TOKEN in row.can:
        token = await services.token(row.ref)
        return {"token": token.value}
    return {}


def _print_table(rows: list[Service]) -> None:
    from .panes.service_words import replicas, resources

    heads = ("NAME", "KIND", "TARGET", "STATE", "CPU/GB", "REPLICAS", "AUTH", "SCORING URI")
    table = [heads]
    for row in rows:
        state = row.raw_state or row.state.value
        size = (resources(row), replicas(row))
        cells = (
            row.name,
            row.kind.value,
            row.target,
            state,
            *size,
            row.auth.value,
            row.scoring_uri,
        )
        table.append(cells)
    widths = [max(len(line[column]) for line in table) for column in range(len(heads))]
    for line in table:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _print_detail(
    row: Service, keys: dict[str, str] | None, causes: tuple[tuple[str, str], ...]
) -> None:
    from .panes.service_words import facts, failure_lines

    secrets = tuple((f"{name.capitalize()} key", value) for name, value in (keys or {}).items())
    for title, rows, failure in facts(row, datetime.now(timezone.utc), secrets, causes):
        click.echo(title)
        for label, value in rows:
            click.echo(f"  {label + ':' if label else '':<14} {value}".rstrip())
        for line in failure_lines(failure) if failure else ():
            click.echo(f"  {line}")


def _say(error: AmltuiError) -> None:
    from .cli import say_error

    say_error(error)


# Logs


def print_logs(
    settings: Settings, names: tuple[str, ...], kind: str, *, demo: bool, tail: int, follow: bool
) -> int:
    """Print the logs of services or containers, several by time, and with `follow` what arrives.

    `kind` is "init" or "build" for another log of a service than that of its container.
    """

    async def run() -> int:
        from .workers.openlog import updates_of
        from .workers.polled import LogUpdate
        from .workers.readlog import read

        async with _open_for_logs(settings, demo) as (backends, services):
            source = await _sources(backends, services, names, kind)
            told = source.labels
            if not follow:
                async with aclosing(read(backends.containers, services, source, tail)) as batches:
                    async for batch in batches:
                        _print_lines(batch, told)
                return 0
            updates = updates_of(source, backends.containers, services, tail)
            async with aclosing(updates):
                async for update in updates:
                    if isinstance(update, Batch):
                        _print_lines(update, told)
                    elif update.error is not None:
                        if isinstance(update, LogUpdate) and update.retry_in is None:
                            raise update.error
                        _say(update.error)
                    elif isinstance(update, LogUpdate):
                        _print_lines(update.batch, told)
                    sys.stdout.flush()
        return 0

    return asyncio.run(run())


def _print_lines(batch: Batch, labels: dict[int, str]) -> None:
    """Lines on stdout, our own remarks on stderr: outside text never reaches a terminal raw."""
    width = max(map(len, labels.values()), default=0)
    names = {at: f"{label:<{width}} | " for at, label in labels.items()}
    if batch.marker:
        click.echo(f"-- {names.get(batch.source, '')}{batch.marker}", err=True)
    sources = batch.sources or bytes([batch.source & 255]) * len(batch.lines)
    for raw, source in zip(batch.lines, sources, strict=True):
        click.echo(names.get(source, "") + clean_log(raw))


async def _sources(
    backends: Backends, services: Services, names: tuple[str, ...], kind: str
) -> LogSource:
    """What the names mean, as one source."""
    from .domain.logsource import LogSource

    snapshots = [await services.refresh_local()]
    if backends.settings.workspace is not None:
        snapshots.append(await services.refresh_cloud())
    errors = [snapshot.error for snapshot in snapshots if snapshot.error is not None]
    found = [await _source(backends, services, name, kind, errors) for name in names]
    return found[0] if len(found) == 1 else LogSource.of_several(tuple(found))


async def _source(
    backends: Backends, services: Services, name: str, kind: str, errors: list[AmltuiError]
) -> LogSource:
    """What the name means: a service, else a container; a reference like docker:NAME is exact."""
    from .domain.logsource import LogSource

    found = [row for row in services.rows if name in (row.name, str(row.ref))]
    if len(found) > 1:
        refs = ", ".join(str(row.ref) for row in found)
        raise AmltuiError(
            f"Several services are called {name}",
            f"They are {refs}.",
            "Use one of these instead of the name.",
            problem=Problem.USAGE,
        )
    if found and kind == "build":
        return LogSource.of_build(found[0])
    if found:
        return LogSource.of_service(found[0], init=kind == "init")
    containers = await backends.containers.refresh()
    for container in containers.rows:
        if name == container.name or (len(name) >= 12 and container.id.startswith(name)):
            return LogSource.of_container(container)
    told = [error for error in (*errors, containers.error) if error is not None]
    raise nothing_called(name, "service or container", backends.settings, told)


@asynccontextmanager
async def _open_for_logs(
    settings: Settings, demo: bool
) -> AsyncIterator[tuple[Backends, Services]]:
    """Like `_open`, but a container's log needs no workspace."""
    backends = Backends(settings, demo=demo)
    try:
        yield backends, backends.open_services(backends.settings.workspace)
    finally:
        backends.close()


def print_file(file: str, tail: int) -> int:
    """Print the last `tail` lines (0: all) of a file, or of standard input ("-"), made harmless.

    Raises:
        AmltuiError: the file cannot be read.
    """
    try:
        with open(0 if file == "-" else file, "rb", closefd=file != "-") as lines:
            for line in deque(lines, tail) if tail else lines:
                click.echo(clean_log(line.rstrip(b"\r\n")))
    except OSError as error:
        raise AmltuiError(
            "The file cannot be read",
            f"{file}: {error.strerror}.",
            "Name a file, or - for standard input.",
            problem=Problem.USAGE,
        ) from None
    return 0


# Settings


def show_settings(settings: Settings, file: Path | None, *, as_json: bool) -> None:
    """Print every setting, its value and its origin, then the workspaces known."""
    rows = [
        (name, getattr(settings, name), settings.origins.get(name, "default")) for name in NAMES
    ]
    if as_json:
        objects = [
            {"setting": name, "value": value, "origin": origin} for name, value, origin in rows
        ]
        click.echo(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    path = file or config_path()
    click.echo(f"settings file: {path}" + ("" if path.exists() else " (not there)"))
    for name, value, origin in rows:
        click.echo(f"  {name:<16} {str(value) or '-':<40} {origin}")
    if settings.choices:
        click.echo("workspaces:")
        for choice in settings.choices:
            click.echo(f"  {choice.workspace_name:<16} {choice.resource_group:<40} {choice.origin}")
