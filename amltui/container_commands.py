"""The plain commands for one container: `amltui shell NAME` and `amltui commit NAME [TAG]`."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from .domain.errors import AmltuiError, Problem
from .settings import Settings

if TYPE_CHECKING:
    from .workers.workbench import Workbench

EXIT_LOST = 125  # as the docker command says of trouble that is not the shell's


def shell(settings: Settings, name: str, *, image: bool = False) -> int:
    """Open a shell in a container, a local service or an image; returns the shell's exit code.

    A container that does not run, or an image, gets a copy to have the shell in; the copy is
    removed afterwards, after a word about how to keep it if something was changed in it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AmltuiError(
            "A shell needs a terminal",
            "Standard input or output is not one.",
            "Over SSH use `ssh -t`.",
            problem=Problem.USAGE,
        )
    from .adapters.docker.access import EngineAccess
    from .adapters.docker.tools import ContainerTools
    from .workers.workbench import Workbench

    tools = ContainerTools(EngineAccess(settings.engine or None))
    bench = Workbench(tools, read_only=settings.read_only)
    try:
        if image:
            return _shell_in_copy(bench, image=name)
        found = _find(settings, name)
        if asyncio.run(bench.detail(found)).state in ("running", "paused"):
            code = _join(bench, found, name)
            _remind(bench, found, name)
            return code
        click.echo(f"{name} does not run: this is a copy of it, its command replaced.", err=True)
        return _shell_in_copy(bench, container=found)
    finally:
        tools.close()


def commit(
    settings: Settings, name: str, image: str = "", *, message: str = "", as_json: bool = False
) -> int:
    """Commit a container under the next free tag, or the one given; says what is in it."""
    from .adapters.docker.access import EngineAccess
    from .adapters.docker.tools import ContainerTools
    from .workers.workbench import Workbench

    tools = ContainerTools(EngineAccess(settings.engine or None))
    bench = Workbench(tools, read_only=settings.read_only)

    async def run() -> int:
        bench.allow("commit a container")
        plan = await bench.plan_commit(found, image)
        identity = await bench.commit(found, plan.image, message=message)
        if as_json:
            changes = [
                {"path": change.path, "kind": change.kind.value, "bytes": change.size}
                for change in plan.changes
            ]
            made = {"image": plan.image, "id": identity, "bytes": plan.size, "changes": changes}
            click.echo(json.dumps(made, indent=2))
            return 0
        for change in plan.changes:
            size = "" if change.size is None else f"{change.size:>12,}"
            click.echo(f"{change.kind.value:<8}{size:>13}  {change.path}")
        for remark in plan.remarks:
            click.echo(remark, err=True)
        click.echo(f"{plan.container} is committed as {plan.image}")
        return 0

    try:
        found = _find(settings, name)
        return asyncio.run(run())
    finally:
        tools.close()


def _shell_in_copy(bench: Workbench, *, container: str = "", image: str = "") -> int:
    copy = asyncio.run(bench.stand_in(container=container, image=image))
    keep = False
    try:
        code = _join(bench, copy.container_id, copy.name)
        keep = bool(asyncio.run(bench.dirty(copy.container_id))) and _ask_to_keep(copy.name)
    finally:
        if not keep:
            asyncio.run(bench.remove_standin(copy))
    if keep:
        click.echo(
            f"Keep it:   amltui commit {copy.name} NAME:TAG\nRemove it: docker rm -f {copy.name}"
        )
    return code


def _remind(bench: Workbench, container: str, name: str) -> None:
    """Say what a commit would keep; a container that has gone has nothing to say."""
    with suppress(AmltuiError):
        if found := asyncio.run(bench.dirty(container)):
            files = "1 file" if len(found) == 1 else f"{len(found):,} files"
            click.echo(f"Not committed: {files}. `amltui commit {name}` keeps them.", err=True)


def _ask_to_keep(name: str) -> bool:
    return click.confirm(f"Files were changed in {name}. Keep it, to commit it?", default=True)


def _join(bench: Workbench, container: str, name: str) -> int:
    from .panes.terminal_handover import LET_GO_HELP, Leaving, hand_over, size

    session = asyncio.run(bench.open_shell(container, *size()))
    leaving = hand_over(session, f"{session.program} in {name}; {LET_GO_HELP}")
    end = session.end()
    if leaving is Leaving.LET_GO:
        click.echo("Let go; the shell was ended.", err=True)
    elif end.code != 0 or not end.container_running:
        click.echo(end.words, err=True)
    return EXIT_LOST if end.code is None else end.code


def _find(settings: Settings, name: str) -> str:
    """The id of a container by its name, the beginning of its id, or its service's name."""
    from .adapters.docker.engine import DockerEngine

    engine = DockerEngine(settings.engine or None)
    try:
        rows = engine.containers()
    finally:
        engine.close()
    for fits in (
        [row for row in rows if name == row.name],
        [row for row in rows if row.service == name],
        [row for row in rows if len(name) >= 4 and row.id.startswith(name)],
    ):
        if len(fits) == 1 or (fits and fits[0].state == "running"):
            return fits[0].id
        if fits:
            raise AmltuiError(
                f"Several containers fit {name!r}",
                f"They are {', '.join(row.name for row in fits)}.",
                "Use one of these names.",
                problem=Problem.USAGE,
            )
    raise AmltuiError(
        f"No container is called {name}",
        "Neither a container nor a local service has that name.",
        "The console lists them (amltui, then 4); for an image use --image.",
        problem=Problem.NOT_FOUND,
    )
