"""Commands round a deployment: its plan, its run, the runs there were."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .cli import Start


@click.command()
@click.argument("plan_file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Accept the warnings.")
@click.option("--detach", is_flag=True, help="Start it and do not watch.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines.")
@click.pass_obj
def deploy(start: Start, plan_file: Path | None, yes: bool, detach: bool, as_json: bool) -> int:
    """Deploy a plan, step by step; ctrl+c stops watching, not the deployment.

    Without a plan the console opens, and its wizard makes one.
    """
    if plan_file is None:
        if yes or detach or as_json or not sys.stdout.isatty():
            raise click.UsageError("Name a plan: amltui deploy plan.yml")
        return start.console(pane="deploy", begin=True)
    from . import deploy_commands

    return deploy_commands.deploy(
        start.settings(), plan_file, demo=start.demo, as_json=as_json, yes=yes, detach=detach
    )


@click.command()
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("--wait", type=click.IntRange(1, 3600), default=30, help="Seconds to attach (30).")
@click.option("--port", type=click.IntRange(1, 65535), default=5001, help="Of the service (5001).")
@click.option("--debug-port", type=click.IntRange(1, 65535), default=5678, help="(5678)")
@click.option("--vim", is_flag=True, help="Put vim into a copy of the base image.")
@click.option(
    "--clean", is_flag=True, help="Take a debugger out of your own script and conda file."
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.pass_obj
def debug(
    start: Start,
    plan_file: Path,
    wait: int,
    port: int,
    debug_port: int,
    vim: bool,
    clean: bool,
    yes: bool,
) -> int:
    """Run a plan's service in a container that waits for VS Code; your files stay as they are."""
    from . import debug_commands

    if clean:
        return debug_commands.clean_up(start.settings(), plan_file, yes=yes)
    options = debug_commands.Options(wait, port, debug_port, vim=vim, yes=yes)
    return debug_commands.debug(start.settings(), plan_file, options, demo=start.demo)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
@click.pass_context
def runs(context: click.Context, as_json: bool) -> None:
    """List the deployments that were started, or act on one."""
    if context.invoked_subcommand is None:
        from . import deploy_commands

        context.exit(deploy_commands.list_runs(as_json=as_json) or 0)


@runs.command("watch")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines.")
def runs_watch(run_id: str, as_json: bool) -> int | None:
    """Show a deployment's steps until it ends."""
    from . import deploy_commands

    return deploy_commands.watch_run(run_id, as_json=as_json)


@runs.command("cancel")
@click.argument("run_id", metavar="ID")
@click.option("--remove", is_flag=True, help="Remove what it left, too.")
@click.pass_obj
def runs_cancel(start: Start, run_id: str, remove: bool) -> int | None:
    """Stop a deployment."""
    from . import deploy_commands

    read_only = start.settings().read_only
    return deploy_commands.cancel_run(run_id, remove=remove, read_only=read_only)


@runs.command("resume")
@click.argument("run_id", metavar="ID")
@click.option(
    "--plan",
    "plan_file",
    metavar="PLAN",
    type=click.Path(path_type=Path),
    help="Go on with this plan, edited meanwhile.",
)
@click.option("--detach", is_flag=True, help="Start it and do not watch.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines.")
@click.pass_obj
def runs_resume(
    start: Start, run_id: str, plan_file: Path | None, detach: bool, as_json: bool
) -> int | None:
    """Go on with a deployment that failed or broke off, at its first unfinished step."""
    from . import deploy_commands

    return deploy_commands.resume_run(
        run_id, plan_file, as_json=as_json, detach=detach, read_only=start.settings().read_only
    )


@click.command()
@click.argument("image", metavar="[NAME[:VERSION]]", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
@click.option("--log", is_flag=True, help="The build log of the image, the newest of that name.")
@click.pass_obj
def images(start: Start, image: str, as_json: bool, log: bool) -> int:
    """List the images of the time before environments, or show a build log."""
    from .image_commands import list_images

    return list_images(start.settings(), image, demo=start.demo, as_json=as_json, log=log)


@click.group()
def plan() -> None:
    """Write, check and convert the plan of a deployment."""


@plan.command("init")
@click.argument("file", type=click.Path(path_type=Path), default=Path("plan.yml"))
def plan_init(file: Path) -> int | None:
    """Write a commented plan to fill in."""
    from .plan_commands import init

    return init(file)


@plan.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for scripts.")
def plan_check(file: Path, as_json: bool) -> int | None:
    """Say what would fail or surprise, before anything is sent."""
    from .plan_commands import check_plan

    return check_plan(file, as_json=as_json)


@plan.command("import")
@click.argument("script", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write the plan here.")
@click.option("--service", default="", help="The service to take, if there are several.")
def plan_import(script: Path, output: Path | None, service: str) -> int | None:
    """Make a plan of an old deployment script, without running it."""
    from .plan_commands import import_plan

    return import_plan(script, output, service)


@plan.command("schema")
def plan_schema() -> int | None:
    """Print the JSON Schema of plans, for editors."""
    from .plan_commands import schema

    return schema()


@plan.command("python")
@click.argument("file", type=click.Path(path_type=Path))
def plan_python(file: Path) -> int | None:
    """Print the SDK v1 script that does the same."""
    from .plan_commands import print_python

    return print_python(file)


COMMANDS = (deploy, debug, runs, images, plan)
