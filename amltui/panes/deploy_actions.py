"""What the Deploy pane does with deployment runs: start, cancel, resume, clean up."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.models import Ref
from amltui.domain.run import CRASH
from amltui.domain.run_view import RunState, RunView
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from amltui.workers.deployments import Deployments, Leftover, RunSummary

from .deploy_go_on import GROUP, GoingOn
from .deploy_rows import TARGETS, left_behind


class DeployActions(GoingOn):
    """The actions; the pane says which run and shows what became of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
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
        key: str | None = options[0].key
        if len(options) > 1:
            title = f"Which log of {run.name}?"
            key = await self.app.push_screen_wait(ChoiceDialog(title, options, "LOG"))
        if key is None:
            return
        async with self.telling():
            if key == "service":
                await self.console.show_log(_service_log(run, view))
            elif key == "build":
                if not await deployments.fetch_build_log(run.id):
                    self.notify("No image was built for it.", title=run.name)
                    return
                after = await deployments.run(run.id)
                kept = [log.file for log in after.view.logs if log not in view.logs]
                file = (kept or [log.file for log in after.view.logs])[-1]
                await self.console.show_log(_file(deployments, run, file))
            elif key == "progress":
                await self.console.show_log(LogSource.of_run(run.id, run.name, run.workspace))
            else:
                await self.console.show_log(_file(deployments, run, key))


def _listed(left: tuple[Leftover, ...]) -> str:
    return "\n".join(("What is still there:", *(f"- {one.text}" for one in left)))


def _logs(run: RunSummary, view: RunView, *, here: bool) -> list[Choice]:
    """The logs of a run, the latest first."""
    options = [Choice(log.file, log.title, log.step) for log in reversed(view.logs)]
    submitted = view.target != "local" and bool(view.facts.get("operation") and not view.stranded)
    if (submitted and here) or view.facts.get("container"):
        where = TARGETS.get(view.target, view.target)
        options.append(Choice("service", f"log of {run.name}", f"{where}, live"))
    if submitted:
        options.append(Choice("build", "image build log", "fetched now"))
    options.append(Choice("progress", "deployment progress", "all it has said, live"))
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
