"""Commands that ask one service or container, and those that explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .cli import Start


@click.command()
@click.argument("name", metavar="NAME|URL")
@click.option("--data", metavar="JSON|@FILE|@-", help="The body (default: a sample).")
@click.option("--header", multiple=True, metavar="NAME: VALUE", help="One more header.")
@click.option("--timeout", default="60 s", help="Time limit, like 500ms or 2m (default: 60 s).")
@click.option("--json", "as_json", is_flag=True, help="An object, for scripts.")
@click.pass_obj
def request(
    start: Start, name: str, data: str | None, header: tuple[str, ...], timeout: str, as_json: bool
) -> int:
    """Send one test request to a service, with its key, and show the answer."""
    from . import ask_commands

    return ask_commands.request(
        start.settings(),
        name,
        demo=start.demo,
        data=data,
        headers=header,
        timeout=timeout,
        as_json=as_json,
    )


@click.command()
@click.option("--rps", default="20", help="Requests per second (default: 20).")
@click.option("--request-time", default="10", help="Time of one request (default: 10 s).")
@click.option("--concurrency", help="Requests a replica does at a time (default: 1).")
@click.option("--utilization", help="Target utilisation: 70, 70% or 0.7 (default: 70%).")
@click.option("--carried", metavar="N", help="The other way round: what N replicas carry.")
@click.option("--service", metavar="NAME", help="With its settings, against it and its cluster.")
@click.option("--json", "as_json", is_flag=True, help="An object, for scripts.")
@click.pass_obj
def replicas(
    start: Start,
    rps: str,
    request_time: str,
    concurrency: str | None,
    utilization: str | None,
    carried: str | None,
    service: str | None,
    as_json: bool,
) -> int | None:
    """How many replicas keep HTTP 503 away."""
    from . import ask_commands

    asked = ask_commands.Asked(rps, request_time, concurrency, utilization, carried)
    if service is None:
        return ask_commands.replicas(asked, as_json=as_json)
    return ask_commands.replicas_of(
        start.settings(), service, asked, demo=start.demo, as_json=as_json
    )


@click.command()
@click.argument("name")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="As in a plan.")
@click.option("--description", metavar="TEXT", help="What is written about it.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=TEXT", help="Set a tag.")
@click.option("--untag", multiple=True, metavar="NAME", help="Remove a tag.")
@click.option("--model", "models", multiple=True, metavar="NAME:VERSION", help="Needs --plan.")
@click.option(
    "--plan", type=click.Path(path_type=Path), metavar="FILE", help="Send its source anew."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="An object, for scripts.")
@click.pass_obj
def update(
    start: Start,
    name: str,
    settings: tuple[str, ...],
    description: str | None,
    tags: tuple[str, ...],
    untag: tuple[str, ...],
    models: tuple[str, ...],
    plan: Path | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Change a service: its size, replicas, callers, tags, models."""
    from . import service_commands

    removed = (f"-{one}" for one in untag)
    wanted = service_commands.Wanted(settings, description, (*tags, *removed), models, plan)
    return service_commands.update(
        start.settings(), name, wanted, demo=start.demo, confirmed=yes, as_json=as_json
    )


@click.command()
@click.argument("name", metavar="NAME|URL")
@click.option("--rps", required=True, help="Requests per second, whatever the answers do.")
@click.option("--seconds", default="10", help="For how long (default: 10).")
@click.option("--data", metavar="JSON|@FILE|@-", help="The body (default: a sample).")
@click.option("--timeout", default="60 s", help="Time limit of one request.")
@click.option("--yes", is_flag=True, help="Yes, put load on a service that is not local.")
@click.option("--json", "as_json", is_flag=True, help="An object, for scripts.")
@click.pass_obj
def load(
    start: Start,
    name: str,
    rps: str,
    seconds: str,
    data: str | None,
    timeout: str,
    yes: bool,
    as_json: bool,
) -> int:
    """Put a bounded load on a service and show what it answers."""
    from . import ask_commands

    return ask_commands.load(
        start.settings(),
        name,
        demo=start.demo,
        rps=rps,
        seconds=seconds,
        data=data,
        timeout=timeout,
        confirmed=yes,
        as_json=as_json,
    )


SOURCES = (
    "auto", "container-log", "image-build-log", "deployment-payload", "sdk-exception",
    "sdk-output", "docker-engine", "kubectl", "portal", "metrics", "http",
)  # fmt: skip


@click.command()
@click.argument("file", default="-")
@click.option("--source", type=click.Choice(SOURCES), default="auto", help="What the text is.")
@click.option(
    "--target", type=click.Choice(["aci", "aks", "local", "v2", "unknown"]), default="unknown"
)
@click.option("--json", "as_json", is_flag=True, help="A list of objects, root cause first.")
def diagnose(file: str, source: str, target: str, as_json: bool) -> int:
    """Recognise known failures in a text; exit code 3 if there are any."""
    from .diagnose_commands import run

    return run(file, source=source, target=target, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--image", is_flag=True, help="NAME is an image: a shell in a container of it.")
@click.pass_obj
def shell(start: Start, name: str, image: bool) -> int:
    """Open a shell in a container, or in a copy of one that does not run."""
    from . import container_commands

    return container_commands.shell(start.settings(), name, image=image)


@click.command()
@click.argument("name")
@click.argument("image", required=False, metavar="TAG")
@click.option("--message", "-m", default="", help="Kept with the image.")
@click.option("--json", "as_json", is_flag=True, help="An object, for scripts.")
@click.pass_obj
def commit(start: Start, name: str, image: str | None, message: str, as_json: bool) -> int:
    """Commit a container as an image: the next free tag, or TAG (repository:tag)."""
    from . import container_commands

    return container_commands.commit(
        start.settings(), name, image or "", message=message, as_json=as_json
    )


COMMANDS = (request, load, replicas, update, diagnose, shell, commit)
