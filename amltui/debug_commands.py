"""`amltui debug PLAN`: a service in a container that waits for VS Code; and the way back."""

from __future__ import annotations

import asyncio
import difflib
import os
import sys
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import click

from .adapters.debug_tools import DebugTools
from .adapters.files import plans, source_dir
from .adapters.files.debug_copy import read_exactly
from .backends import DEMO, Backends
from .domain.checks import check, script_path
from .domain.debugcopy import cleaned, without_package
from .domain.debugwait import Level, Stage, words
from .domain.debugwish import Wish
from .domain.errors import AmltuiError, Problem, refused_read_only
from .domain.findings import Level as Severity
from .domain.models import Progress
from .domain.plan import Plan
from .domain.text import clean, clean_line
from .settings import Settings
from .workers.debugging import Debugging

OK, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Options:
    """What can be said on the command line."""

    wait: int
    http_port: int
    debug_port: int
    vim: bool
    yes: bool


def debug(settings: Settings, path: Path, options: Options, *, demo: bool) -> int:
    """Go all the way with questions; 0 when the service is up, 1 when it is not or "no" was said.

    Raises:
        AmltuiError: what a step failed with.
    """
    plan = plans.load(path)
    _check(plan, path.parent)
    if not (options.yes or sys.stdin.isatty()):
        raise AmltuiError(
            "There is nobody to ask",
            "Standard input is no terminal.",
            "Accept everything with --yes.",
            problem=Problem.USAGE,
        )
    choice = DEMO if demo else settings.workspace
    if choice is None:
        raise AmltuiError(
            "No workspace is configured",
            "The image is built in one, and comes from its registry.",
            "Name one with --workspace-name and so on; see `amltui config`.",
            problem=Problem.CONFIGURATION,
        )
    backends = Backends(settings, demo=demo)
    tools = DebugTools(lambda: backends.connection(choice), backends.engine.access)
    wish = Wish(
        plan,
        str(path.parent.absolute()),
        wait=options.wait,
        http_port=options.http_port,
        debug_port=options.debug_port,
        vim=options.vim,
    )
    try:
        debugging = Debugging(tools, wish, read_only=settings.read_only)
        return _Guide(debugging, yes=options.yes).go()
    finally:
        tools.cancel()
        backends.close()


class _Guide:
    """Tells each step and asks before what lasts, or changes a file.

    Each step has an event loop of its own: while one runs, ctrl+c would not end a question.
    """

    def __init__(self, debugging: Debugging, *, yes: bool) -> None:
        self._debugging = debugging
        self._yes = yes

    def go(self) -> int:
        debugging = self._debugging
        copy = asyncio.run(debugging.describe())
        for remark in (*copy.remarks, *asyncio.run(debugging.choose_ports())):
            click.echo(f"- {clean_line(remark)}")
        name = debugging.wish.plan.name
        if not self._agreed(f"Package {name} for debugging in the workspace?"):
            return FAILED
        package = asyncio.run(debugging.package(_tell))
        click.echo(f"          {clean_line(package.location)}")
        registry = clean_line(package.location.partition("/")[0])
        click.echo(f"pull      from {registry}, as {clean_line(package.login['username'])}")
        bar = _Line()
        asyncio.run(debugging.fetch(package, bar.show))
        bar.end()
        click.echo(f"tag       {debugging.image}")
        change = asyncio.run(debugging.launch_change())
        if change.diff:
            click.echo(clean(change.diff))
            if self._agreed(f"Write {change.path}?"):
                asyncio.run(debugging.write_launch(change))
                change = asyncio.run(debugging.launch_change())
        marks = asyncio.run(debugging.preflight(change))
        for mark in marks:
            click.echo(f"  {clean_line(str(mark))}")
        if any(mark.level is Level.BAD for mark in marks):
            return FAILED
        wait = debugging.wish.wait
        click.echo(f"Open {change.project} in VS Code and set a breakpoint in {copy.script}.")
        if not self._agreed(f"Start it now? It waits {wait} s for the debugger."):
            click.echo(f"{debugging.image} stays; amltui shell --image {debugging.image}")
            return FAILED
        container = asyncio.run(debugging.start())
        try:
            return asyncio.run(self._watch(container))
        except KeyboardInterrupt:
            click.echo(f"\n{container} goes on; its log: amltui logs {container}", err=True)
            return INTERRUPTED

    async def _watch(self, name: str) -> int:
        debugging, bar, shown = self._debugging, _Line(), ""
        click.echo(f"start     container {name}")
        stage = Stage.STARTING
        async with aclosing(debugging.watch()) as looks:
            async for look, left in looks:
                said = clean(words(look, left, debugging.wish.debug_port))
                if look.stage is Stage.WAITING is stage:  # a countdown
                    bar.show(said)
                elif said != shown:
                    bar.end(said)
                    shown = said
                stage = look.stage
        if stage is Stage.ENDED:
            click.echo(f"Its log: amltui logs {name}", err=True)
            return FAILED
        for line in debugging.next_steps():
            click.echo(line)
        return OK if stage in (Stage.ATTACHED, Stage.MISSED) else FAILED

    def _agreed(self, question: str) -> bool:
        if self._yes:
            return True
        return click.confirm(clean_line(question), default=True, err=True)


def clean_up(settings: Settings, path: Path, *, yes: bool) -> int:
    """Take a debugger out of a plan's own script and conda file, after showing the difference."""
    plan = plans.load(path)
    changed: dict[Path, str] = {}
    for name, clean_text in (
        (script_path(plan), cleaned),
        (plan.inference.environment.conda_file, without_package),
    ):
        if name is None:
            continue
        before = read_exactly(path.parent / name)
        if (after := clean_text(before)) != before:
            changed[path.parent / name] = after
            lines = before.splitlines(), after.splitlines()
            click.echo(clean("\n".join(difflib.unified_diff(*lines, name, name, "", "", 2, ""))))
    if not changed:
        click.echo(f"{clean_line(plan.name)} has nothing of a debugger in its files.")
        return OK
    if settings.read_only:
        raise refused_read_only("Nothing was written.")
    if not yes and not (sys.stdin.isatty() and click.confirm("Write it?", default=True, err=True)):
        return FAILED
    for file_path, after in changed.items():
        plans.write_atomically(file_path, after)
        click.echo(f"{clean_line(str(file_path))} is written.")
    return OK


class _Line:
    """A line that is written over on a terminal, and is written now and then elsewhere."""

    def __init__(self) -> None:
        self._over = sys.stdout.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        """Show it in place of what was shown."""
        if self._over:
            width = os.get_terminal_size(sys.stdout.fileno()).columns - 1
            click.echo(f"\r\x1b[K{text[:width]}", nl=False)
        self._shown = text

    def end(self, text: str = "") -> None:
        """The last word of this line."""
        if self._shown and self._over:
            click.echo("\r\x1b[K" if text else "")
        elif self._shown and not text:
            click.echo(self._shown)
        if text:
            click.echo(text)
        self._shown = ""


def _tell(progress: Progress) -> None:
    text = clean_line(progress.text)
    click.echo(f"package   {text}" if progress.is_step else f"        | {text}")


def _check(plan: Plan, folder: Path) -> None:
    """Refuse now what the SDK would after a minute; a debugger in the script is welcome here."""
    found = check(plan, source_dir.gather(plan, folder))
    # Where it would be deployed does not matter: its port may well be taken by the service itself.
    wrong = [one for one in found if not one.field.startswith("target")]
    wrong = [one for one in wrong if one.level is Severity.ERROR]
    if wrong:
        raise AmltuiError(
            f"{plan.name} cannot be packaged",
            "\n".join(f"{one.field}: {one.title} {one.message}".rstrip() for one in wrong),
            "The whole list: amltui plan check PLAN",
            problem=Problem.USAGE,
        )
