"""The command line: reads the settings, picks the adapters, starts the console or a command.

This is the composition root. It imports lazily: neither azureml, docker nor Textual is loaded
before a command needs it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__, cli_ask, cli_deploy
from .domain.errors import AmltuiError, Problem

if TYPE_CHECKING:
    from .settings import Settings

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def run() -> int:
    """Run the command line and return its exit code: every error ends as a sentence on stderr."""
    try:
        code = cli.main(prog_name="amltui", standalone_mode=False)
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE if isinstance(error, click.UsageError) else EXIT_FAILED
    except AmltuiError as error:
        say_error(error)
        usage = (Problem.USAGE, Problem.CONFIGURATION)
        return EXIT_USAGE if error.problem in usage else EXIT_FAILED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def say_error(error: AmltuiError) -> None:
    """Print an error on stderr, one part a line."""
    click.echo(f"amltui: {error.title}", err=True)
    for part in (error.message, error.hint):
        if part:
            click.echo(f"  {part}", err=True)


class Commands(click.Group):
    """Commands in the order of their definition, which is the order people need them in."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def workspace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose the workspace; they stand before the command."""
    options = (
        click.option("--workspace-name", metavar="NAME", help="Workspace to open."),
        click.option("--resource-group", metavar="NAME", help="Its resource group."),
        click.option("--subscription-id", metavar="ID", help="Its subscription."),
        click.option(
            "--auth",
            type=click.Choice(["auto", "cli", "interactive", "service-principal", "msi"]),
            help="How to sign in (default: auto).",
        ),
        click.option("--tenant-id", metavar="ID", help="Tenant to sign in to."),
        click.option(
            "--engine", metavar="URL", help="Engine, or context:NAME (default: as docker does)."
        ),
        click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Settings."),
        click.option("--read-only", is_flag=True, default=None, help="Refuse every change."),
        click.option("--demo", is_flag=True, help="Use the demo workspace; needs no account."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@workspace_options
@click.version_option(__version__, message="amltui %(version)s")
@click.pass_context
def cli(context: click.Context, /, demo: bool, config: Path | None, **flags: Any) -> None:
    """A console for models deployed with Azure Machine Learning.

    Without a command it opens the console on your workspace. `amltui demo` opens it on a workspace
    that needs no account.
    """
    context.obj = Start(flags, config, demo)
    if context.invoked_subcommand is None:
        context.exit(context.obj.console())


class Start:
    """What was said before the command; settings are resolved when a command asks."""

    def __init__(self, flags: dict[str, Any], config: Path | None, demo: bool) -> None:
        self.flags = flags
        self.config = config
        self.demo = demo

    def settings(self) -> Settings:
        from .settings import load

        return load(self.flags, file=self.config)

    def console(self, *, pane: str = "services", keep: bool = False, begin: bool = False) -> int:
        from .launch import open_console

        settings = self.settings()
        return open_console(settings, demo=self.demo, keep=keep, pane=pane, begin=begin)


@cli.command()
@click.option("--keep", is_flag=True, help="Leave the sample container and its image behind.")
@click.pass_obj
def demo(start: Start, keep: bool) -> int:
    """Open the console on a demo workspace: no account, nothing to pull."""
    start.demo = True
    return start.console(keep=keep)


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
@click.option("--show-keys", is_flag=True, help="Print the keys, too.")
@click.pass_obj
def services(start: Start, name: str | None, as_json: bool, show_keys: bool) -> int:
    """List the web services, or show one."""
    from .plain import list_services

    return list_services(
        start.settings(), name, demo=start.demo, as_json=as_json, show_keys=show_keys
    )


@cli.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--tail", type=click.IntRange(min=0), help="Lines from the end (0: all).")
@click.option("--follow", "-f", is_flag=True, help="Go on with what arrives, until ctrl+c.")
@click.option("--init", "kind", flag_value="init", help="The log of the init container.")
@click.option("--build", "kind", flag_value="build", help="How the image was built.")
@click.option("--file", metavar="FILE", help="A file instead, or - for standard input.")
@click.pass_obj
def logs(
    start: Start,
    names: tuple[str, ...],
    tail: int | None,
    follow: bool,
    kind: str | None,
    file: str | None,
) -> int:
    """Print the log of a service or container, or of several by time.

    With --file, on a terminal, the console's log view opens on the file.
    """
    if bool(names) == (file is not None):
        raise click.UsageError("Name a service or container, or give --file.")
    settings = start.settings()
    lines = settings.log_tail if tail is None else tail
    if file is not None:
        from .launch import open_file

        return open_file(settings, file, lines)
    from .plain import print_logs

    return print_logs(settings, names, kind or "", demo=start.demo, tail=lines, follow=follow)


for command in (*cli_deploy.COMMANDS, *cli_ask.COMMANDS):
    cli.add_command(command)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
@click.pass_obj
def doctor(start: Start, as_json: bool) -> int:
    """Check this machine, its engine and the workspace, and say what to do.

    Exit codes: 0 nothing failed, 1 something did.
    """
    from .doctor_commands import run

    return run(start.settings(), demo=start.demo, as_json=as_json)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="An object per setting, for scripts.")
@click.pass_obj
def config(start: Start, as_json: bool) -> None:
    """Show every setting and where it comes from."""
    from .plain import show_settings

    show_settings(start.settings(), start.config, as_json=as_json)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: amltui completion bash > ~/.local/share/bash-completion/completions/amltui
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    if script is None:  # pragma: no cover - click knows the three
        raise click.UsageError(f"no completion for {shell}")
    click.echo(script(cli, {}, "amltui", "_AMLTUI_COMPLETE").source())
