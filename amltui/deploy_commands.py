"""The commands that deploy: `deploy`, and `runs` with list, watch, cancel and resume."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from .adapters.files import plans, source_dir
from .adapters.runs import RunProcesses
from .backends import DEMO, Backends
from .domain.checks import blocks, check
from .domain.errors import AmltuiError, Problem
from .domain.findings import Level
from .domain.offers import differences
from .domain.plan import Plan
from .domain.run import (
    Event,
    LogKept,
    RunBrokeOff,
    RunEnded,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
    to_wire,
)
from .domain.run_view import RunState, RunView, begin
from .domain.text import clean_line
from .settings import Settings, state_path
from .workers.deployments import STRANDED, Deployments, RunSummary
from .workers.explain import explain_run

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
_GOOD = (RunState.HEALTHY, RunState.SUBMITTED, RunState.STOPPED)


def open_deployments(*, read_only: bool = False) -> Deployments:
    """The runs of this user."""
    return Deployments(state_path() / "runs", RunProcesses(), time.time, read_only=read_only)


def deploy(
    settings: Settings, path: Path, *, demo: bool, as_json: bool, yes: bool, detach: bool
) -> int:
    """Deploy a plan and watch it; 0 when it is healthy, 1 when it failed, 2 if it cannot start."""
    plan = plans.load(path)
    joined = bool(os.environ.get("AMLTUI_DEMO_SERVER"))
    if demo and detach and not joined:
        raise AmltuiError(
            "The demo ends with this command",
            "A run that goes on would lose its workspace.",
            "Leave out --detach.",
            problem=Problem.USAGE,
        )
    code = _ask_about(plan, path.parent, yes=yes)
    if code is not None:
        return code
    deployments = open_deployments(read_only=settings.read_only)
    backends = Backends(settings, demo=demo)
    try:
        choice = DEMO if demo else backends.settings.workspace
        if choice is None:
            raise AmltuiError(
                "No workspace is configured",
                "Even a local deployment takes its models and build context from one.",
                "Name one with --workspace-name and so on; see `amltui config`.",
                problem=Problem.CONFIGURATION,
            )
        connection = backends.connection(choice)
        started = deployments.start(
            plan, connection, path.parent.absolute(), engine=settings.engine
        )  # fmt: skip
        run = asyncio.run(started)
        if detach:
            click.echo(json.dumps({"run": run}) if as_json else _detached(run))
            return OK
        if demo and not joined:
            return _watch_in_demo(deployments, run, as_json=as_json)
        return _watch(deployments, run, as_json=as_json)
    finally:
        backends.close()


def list_runs(*, as_json: bool) -> int:
    """Print the runs that are kept, newest first."""
    found = asyncio.run(open_deployments().runs())
    if as_json:
        click.echo(json.dumps([_to_json(run) for run in found], indent=2, ensure_ascii=False))
        return OK
    for run in found:
        when = datetime.fromtimestamp(run.created_at).strftime("%Y-%m-%d %H:%M:%S")
        current = run.view.current
        step = f" at {current.step}" if current and run.state is not RunState.SUBMITTED else ""
        click.echo(f"{run.id}  {when}  {run.plan.target.kind:5}  {run.state.value}{step}")
    if not found:
        click.echo("No deployment was run here yet: amltui deploy plan.yml")
    return OK


def watch_run(run: str, *, as_json: bool) -> int:
    """Print what happens in a run, from its beginning to its end."""
    deployments = open_deployments()
    summary = asyncio.run(deployments.run(run))
    return _watch(deployments, summary.id, as_json=as_json)


def cancel_run(run: str, *, remove: bool, read_only: bool) -> int:
    """End a run and say what it leaves; with `remove`, remove that, too."""
    deployments = open_deployments(read_only=read_only)

    async def cancel() -> None:
        summary = await deployments.run(run)
        await deployments.cancel(summary.id)
        after = await deployments.run(summary.id)
        click.echo(f"{after.id}: {after.state.value}")
        left = await deployments.leftovers(summary.id)
        for one in left:
            click.echo(f"  left: {one.text}")
        if remove and after.state is not RunState.HEALTHY:
            await deployments.remove_leftovers(summary.id, left)
            click.echo(f"  removed: {len(left)}")
        elif left:
            click.echo(f"  Remove it: amltui runs cancel {after.id} --remove")

    asyncio.run(cancel())
    return OK


def resume_run(
    run: str, plan_file: Path | None, *, as_json: bool, detach: bool, read_only: bool
) -> int:
    """Go on with a run that failed, broke off or was cancelled, and watch it.

    With a plan file, go on with that: what the edit concerns is done again.
    """
    deployments = open_deployments(read_only=read_only)
    summary = asyncio.run(deployments.run(run))
    plan = plans.load(plan_file) if plan_file is not None else None
    if plan is not None and plan_file is not None:
        folder = plan_file.parent.absolute()
        if folder != Path(summary.folder):
            raise AmltuiError(
                "The plan lies in another folder",
                f"The paths of the run begin at {summary.folder}.",
                "Save the edited plan there, so that they mean the same files.",
                problem=Problem.USAGE,
            )
        _tell_edit(summary, plan)
    asyncio.run(deployments.resume(summary.id, plan))
    if detach:
        click.echo(json.dumps({"run": summary.id}) if as_json else _detached(summary.id))
        return OK
    return _watch(deployments, summary.id, as_json=as_json)


def _tell_edit(run: RunSummary, plan: Plan) -> None:
    """Say on stderr what is different, and which steps that concerns."""
    restart = run.view.restart(run.plan.to_dict(), plan.to_dict())
    for line in (*differences(run.plan, plan), *(restart.lines if restart else ())):
        click.echo(line, err=True)


def _ask_about(plan: Plan, folder: Path, *, yes: bool) -> int | None:
    """Tell what the checks say; the exit code when it is not to be deployed."""
    checks = check(plan, source_dir.gather(plan, folder))
    for told in checks:
        if told.level is not Level.INFO:
            text = f"{told.level.value}: {told.field}: {told.title} {told.message} {told.hint}"
            click.echo(clean_line(text.rstrip()), err=True)
    if blocks(checks):
        click.echo("Nothing was sent. The whole list: amltui plan check", err=True)
        return FAILED
    warned = any(told.level is Level.WARNING for told in checks)
    if yes or not (warned or plan.options.overwrite):
        return None
    if not sys.stdin.isatty():
        click.echo("Nothing was sent. Accept the warnings with --yes.", err=True)
        return USAGE
    what = "replaces a service of that name" if plan.options.overwrite else "despite the warnings"
    if click.confirm(f"Deploy {plan.name} ({what})?", err=True):
        return None
    return FAILED


def _watch(deployments: Deployments, run: str, *, as_json: bool) -> int:
    try:
        return asyncio.run(_follow(deployments, run, as_json))
    except KeyboardInterrupt:
        click.echo(f"\n{_detached(run)}", err=True)
        return INTERRUPTED


def _watch_in_demo(deployments: Deployments, run: str, *, as_json: bool) -> int:
    """Watch a run that cannot outlive this command, for its workspace does not."""
    try:
        return asyncio.run(_follow(deployments, run, as_json, STRANDED))
    except KeyboardInterrupt:
        asyncio.run(deployments.cancel(run))
        click.echo("\nThe demo's workspace ends here, and the run with it.", err=True)
        return INTERRUPTED


async def _follow(deployments: Deployments, run: str, as_json: bool, stranded: str = "") -> int:
    """Tell a run to its end; `stranded` says why it cannot be resumed then."""
    view = begin((await deployments.run(run)).plan.target.kind)
    async for events in deployments.watch(run):
        for event in events:
            view = view.after(event)
            if as_json:
                click.echo(json.dumps({"run": run, **to_wire(event)}, ensure_ascii=False))
            else:
                _tell(deployments, run, event, view)
    if not as_json:
        after = (await deployments.run(run)).view
        _tell_way_on(run, replace(after, stranded=stranded or after.stranded))
        if view.state is RunState.FAILED:
            await _explain(deployments, run, view)
    return OK if view.state in _GOOD else FAILED


def _tell_way_on(run: str, view: RunView) -> None:
    """Whether and how a run that has ended can be resumed."""
    if view.resume_at:
        click.echo(f"{'':12} Go on with it: amltui runs resume {run}")
    elif view.stranded and view.state not in _GOOD:
        click.echo(f"{'':12} It cannot be resumed: {view.stranded}")


async def _explain(deployments: Deployments, run: str, view: RunView) -> None:
    """What a failed run most probably suffers from."""
    for label, text in (await explain_run(view, deployments.directory(run))).sentences:
        click.echo(f"{label.lower():12} {text}")


def _tell(deployments: Deployments, run: str, event: Event, view: RunView) -> None:
    """One event as a line; texts in it are clean already."""
    if isinstance(event, StepStarted):
        click.echo(f"{event.step:12} {view.step(event.step).title}")
    elif isinstance(event, StepLogged):
        click.echo(f"{'' if not event.output else '  |':12} {event.text}")
    elif isinstance(event, StepFinished):
        seconds = view.step(event.step).seconds(event.at) or 0.0
        done = "reused" if event.reused else "done"
        click.echo(f"{'':12} {done} in {seconds:.1f} s{f': {event.text}' if event.text else ''}")
    elif isinstance(event, LogKept):
        click.echo(f"{'':12} {event.title}: {deployments.directory(run) / event.file}")
    elif isinstance(event, StepFailed):
        for part in ("title", "message", "hint"):
            if event.error.get(part):
                click.echo(f"{'failed' if part == 'title' else '':12} {event.error[part]}")
    elif isinstance(event, (RunEnded, RunBrokeOff)):
        state = view.state.value
        uri = view.facts.get("scoring_uri", "") if view.state is RunState.HEALTHY else ""
        click.echo(f"{state:12} {uri}".rstrip())


def _detached(run: str) -> str:
    return (
        f"The run goes on by itself: {run}\n"
        f"  watch it:  amltui runs watch {run}\n"
        f"  cancel it: amltui runs cancel {run}"
    )


def _to_json(run: RunSummary) -> dict[str, object]:
    now = time.time()
    error = run.view.error
    return {
        "run": run.id,
        "service": run.name,
        "target": run.plan.target.kind,
        "workspace": run.workspace,
        "state": run.state.value,
        "created_at": run.created_at,
        "scoring_uri": run.view.facts.get("scoring_uri", ""),
        "steps": [
            {"step": one.step, "state": one.state.value, "seconds": one.seconds(now)}
            for one in run.view.steps
        ],
        "error": error.to_wire() if error is not None else None,
        "resume_at": run.view.resume_at,
    }
