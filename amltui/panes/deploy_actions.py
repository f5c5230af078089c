"""What the Deploy pane does with deployment runs: start, cancel, resume, clean up."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.models import Ref
from amltui.domain.plan_report import PlanReport
from amltui.domain.run import CRASH
from amltui.domain.run_view import RunState, RunView
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog, Dialog, ErrorDialog
from amltui.workers.deployments import Deployments, Leftover, RunSummary

from .deploy_rows import TARGETS, left_behind
from .launch import Launch

GROUP = "deploy-action"
PLAN_FILE = "plan.yml"  # what is offered before one was named


class DeployActions(Screen[None]):
    """The actions; the pane says which run and shows what became of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New run", id="deploy.new", tooltip="Check a plan file and deploy it"),
        Binding(
            "u",
            "resume",
            "Resume",
            id="deploy.resume",
            tooltip="Go on at the step that failed, or repeat that step alone",
        ),
        Binding(
            "x",
            "cancel",
            "Cancel",
            id="deploy.cancel",
            tooltip="End the run; what it leaves behind can be removed",
        ),
        Binding(
            "x",
            "clean_up",
            "Leftovers",
            id="deploy.clean_up",
            tooltip="What the run left behind, to be removed",
        ),
        Binding("l", "logs", "Log", id="deploy.logs", tooltip="The logs of the run"),
    ]

    _plan_file = PLAN_FILE

    @property
    def launch(self) -> Launch:
        """What reads, checks and starts plans."""
        raise NotImplementedError

    @property
    def deployments(self) -> Deployments | None:
        """The runs, where there are any."""
        opened = self.launch.deployments
        return opened() if opened is not None else None

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        raise NotImplementedError

    @property
    def view(self) -> RunView | None:
        """How far the selected run is, as it is watched."""
        raise NotImplementedError

    def is_here(self, run: RunSummary) -> bool:
        """Whether the run's workspace is the one that is open."""
        raise NotImplementedError

    def began(self, run: str) -> None:
        """A run goes on that the pane has to show."""
        raise NotImplementedError

    def ending(self, run: str) -> None:
        """A run is about to be cancelled by who sits here."""
        raise NotImplementedError

    async def open_log(self, source: LogSource) -> None:
        """Show a log."""
        raise NotImplementedError

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Show an error in full instead of ending the work with it."""
        try:
            yield
        except AmltuiError as error:
            await self.app.push_screen_wait(ErrorDialog(error))

    # Starting

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="new run")
    async def action_new(self) -> None:
        """Ask for a plan file until one may be deployed or the person gives up."""
        check, start = self.launch.check_plan, self.launch.start_plan
        if check is None or start is None:
            return
        while True:
            typed = await self.app.push_screen_wait(PlanFileDialog(self._plan_file))
            if not typed:
                return
            self._plan_file = typed
            async with self.telling():
                path = _path(typed)
                report = await check(path)
                if report.errors:
                    raise AmltuiError(
                        f"{report.title} cannot be deployed",
                        "\n".join((*report.errors, *report.warnings)),
                        "Nothing was sent. Mend the plan, then try it again.",
                        problem=Problem.USAGE,
                    )
                if await self.app.push_screen_wait(_review(report)):
                    self.began(await start(path))
                return

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="resume")
    async def action_resume(self) -> None:
        """Go on with a run, or do only the step that failed again."""
        run, view, deployments = self.selected, self.view, self.deployments
        if run is None or view is None or deployments is None:
            return
        at, current = view.resume_at, view.current
        if not at or current is None:
            self.notify("All its steps are done.", title=run.name)
            return
        again = "" if at == current.step else f", beginning with {at}"
        options = (
            Choice("resume", f"Resume at {at}", "this step and all that follow"),
            Choice("repeat", f"Repeat {current.step}", f"only this step{again}"),
        )
        chosen = await self.app.push_screen_wait(
            ChoiceDialog(f"Go on with {run.name}?", options, "WHAT")
        )
        if chosen is None:
            return
        async with self.telling():
            if chosen == "resume":
                await deployments.resume(run.id)
            else:
                await deployments.repeat(run.id, current.step)
            self.began(run.id)

    # Ending

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="cancel")
    async def action_cancel(self) -> None:
        """End the run after a question; then offer to remove what it left."""
        run, view, deployments = self.selected, self.view, self.deployments
        if run is None or view is None or deployments is None:
            return
        body = f"{left_behind(run, view)}\nIt can be resumed later (u)."
        dialog = ConfirmDialog(f"Cancel the deployment of {run.name}?", body, "End it", bad=True)
        if not await self.app.push_screen_wait(dialog):
            return
        async with self.telling():
            self.ending(run.id)
            await deployments.cancel(run.id)
            after = await deployments.run(run.id)
            if after.state is RunState.CANCELLED:
                await self._offer_removal(deployments, after)

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="leftovers")
    async def action_clean_up(self) -> None:
        """Look for what a run that is over has left, and offer to remove it."""
        run, deployments = self.selected, self.deployments
        if run is None or deployments is None:
            return
        async with self.telling():
            await self._offer_removal(deployments, run)

    async def _offer_removal(self, deployments: Deployments, run: RunSummary) -> None:
        self.notify("Looking for what the run left…", title=run.name, timeout=2)
        left = await deployments.leftovers(run.id)
        if not left:
            self.notify("It left nothing behind.", title=run.name)
            return
        dialog = ConfirmDialog(f"Remove what {run.name} left?", _listed(left), "Remove", bad=True)
        if await self.app.push_screen_wait(dialog):
            await deployments.remove_leftovers(run.id, left)
            self.notify(f"Removed: {len(left)}.", title=run.name)

    # Logs

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="run's log")
    async def action_logs(self) -> None:
        """Open a log of the run; where there are several, the chosen one."""
        run, view, deployments = self.selected, self.view, self.deployments
        if run is None or view is None or deployments is None:
            return
        options = _logs(run, view, here=self.is_here(run))
        if not options:
            self.notify("No log yet; its last lines stand here.", title=run.name)
            return
        key: str | None = options[0].key
        if len(options) > 1:
            title = f"Which log of {run.name}?"
            key = await self.app.push_screen_wait(ChoiceDialog(title, options, "LOG"))
        if key is None:
            return
        async with self.telling():
            if key == "service":
                await self.open_log(_service_log(run, view))
            elif key == "build":
                if not await deployments.fetch_build_log(run.id):
                    self.notify("No image was built for it.", title=run.name)
                    return
                after = await deployments.run(run.id)
                kept = [log.file for log in after.view.logs if log not in view.logs]
                file = (kept or [log.file for log in after.view.logs])[-1]
                await self.open_log(_file(deployments, run, file))
            else:
                await self.open_log(_file(deployments, run, key))


class PlanFileDialog(Dialog[str]):
    """Where the plan is; returns the path as it was typed, empty for "none"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="plan-file.cancel"),
    ]

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        """The field, and what happens then."""
        with self.box("New run from a plan file"):
            yield Input(self._path, placeholder="path of the plan", compact=True)
            yield Static(
                Content(
                    "It is checked first; nothing is sent before you agree.\n"
                    "`amltui plan init` writes a commented plan.\n"
                )
            )
            yield Static(Content("enter check · esc cancel"), id="keys")

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Deploy nothing."""
        self.dismiss("")


def _path(typed: str) -> Path:
    return Path(os.path.expanduser(typed))  # leaves an unknown user's ~ as it is


def _review(report: PlanReport) -> ConfirmDialog:
    lines = list(report.lines)
    if report.warnings:
        lines += ["", "Warnings:", *(f"! {warning}" for warning in report.warnings)]
    else:
        lines += ["", "The checks found nothing wrong."]
    yes = "Deploy anyway" if report.warnings else "Deploy"
    return ConfirmDialog(f"Deploy {report.title}?", "\n".join(lines).strip(), yes)


def _listed(left: tuple[Leftover, ...]) -> str:
    return "\n".join(("What is still there:", *(f"- {one.text}" for one in left)))


def _logs(run: RunSummary, view: RunView, *, here: bool) -> list[Choice]:
    """The logs of a run, the latest first."""
    options = [Choice(log.file, log.title, log.step) for log in reversed(view.logs)]
    submitted = view.target != "local" and bool(view.facts.get("operation"))
    if (submitted and here) or view.facts.get("container"):
        where = TARGETS.get(view.target, view.target)
        options.append(Choice("service", f"log of {run.name}", f"{where}, live"))
    if submitted:
        options.append(Choice("build", "image build log", "fetched now"))
    if view.state is RunState.BROKEN_OFF:
        options.append(Choice(CRASH, "what its process printed", "before it ended"))
    return options


def _service_log(run: RunSummary, view: RunView) -> LogSource:
    if container := view.facts.get("container"):
        return LogSource(
            SourceKind.CONTAINER, run.name, "this machine", container_id=container
        )  # fmt: skip
    where = TARGETS.get(view.target, view.target)
    return LogSource(SourceKind.SERVICE, run.name, where, Ref("azureml", run.name))


def _file(deployments: Deployments, run: RunSummary, file: str) -> LogSource:
    return LogSource.of_file(str(deployments.directory(run.id) / file))
