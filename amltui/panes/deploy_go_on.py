"""Going on with a run that failed or broke off: as it was, with a changed plan, or elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.offers import EDIT, REPEAT, RESUME, Offer, differences
from amltui.domain.plan import Plan
from amltui.domain.plan_lines import TARGET
from amltui.domain.run_view import RunView
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from amltui.workers.deployments import Deployments, RunSummary
from amltui.workers.planning import Planning

from .wizard_begin import Beginning

GROUP = "deploy-action"


class GoingOn(Beginning):
    """Offers what can be done about the selected run, shows what would change, and does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "u,F",
            "go_on",
            "Go on",
            id="deploy.go_on",
            tooltip="Resume it, repeat its step, edit the plan, or what may help after a failure",
        ),
    ]

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="go on")
    async def action_go_on(self) -> None:
        """Ask which way to go on, and go it."""
        run, view, deployments = self.selected, self.view, self.deployments
        if run is None or view is None or deployments is None:
            return
        ways = (await self.aid(run, view)).offers.ways
        options = [Choice(str(at), way.title, way.note) for at, way in enumerate(ways)]
        dialog = ChoiceDialog(f"Go on with {run.name}?", options, "WHAT")
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        async with self.telling():
            await self._go(deployments, run, view, ways[int(chosen)])

    async def _go(
        self, deployments: Deployments, run: RunSummary, view: RunView, way: Offer
    ) -> None:
        if way.key == EDIT:
            self._edit(run)
        elif way.key == REPEAT and view.current is not None:
            await deployments.repeat(run.id, view.current.step)
            self.began(run.id)
        elif way.key == RESUME:
            await self._resume(deployments, run, None)
        elif way.fix is not None:
            await self._mend(deployments, run, view, way)
        elif way.plan is not None and way.elsewhere:
            await self._start(run, way)
        elif way.plan is not None and await self._agreed(run, view, way.title, way.plan, way.lines):
            await self._resume(deployments, run, way.plan)

    async def _resume(self, deployments: Deployments, run: RunSummary, plan: Plan | None) -> None:
        await deployments.resume(run.id, plan)
        self.began(run.id)

    async def _agreed(
        self, run: RunSummary, view: RunView, title: str, plan: Plan, lines: tuple[str, ...]
    ) -> bool:
        """Show what is different and which steps are done again, and ask."""
        restart = view.restart(run.plan.to_dict(), plan.to_dict())
        body = "\n".join((*lines, "", *(restart.lines if restart else ())))
        dialog = ConfirmDialog(f"{title}, and go on with {run.name}?", body.strip(), "Go on")
        return await self.app.push_screen_wait(dialog)

    async def _mend(
        self, deployments: Deployments, run: RunSummary, view: RunView, way: Offer
    ) -> None:
        """Change a file of the plan's after its difference was read, then go on."""
        planning = self._planning
        assert way.fix is not None
        facts = await planning.gather(run.plan, run.folder)
        seen = facts.files[way.fix.path].text or ""
        mend = await planning.mend(way.fix, run.folder, seen)
        if await self._agreed(run, view, way.title, run.plan, (mend.path, *mend.diff)):
            await planning.apply(mend)
            await self._resume(deployments, run, None)

    async def _start(self, run: RunSummary, way: Offer) -> None:
        """Begin a run of its own; this one stays as it is."""
        start = self.launch.start_plan
        if start is None or way.plan is None:
            return
        if not self.is_here(run):
            raise AmltuiError(
                "That was in another workspace",
                f"{run.name} was deployed in {run.workspace}.",
                "W opens it; then try again.",
                problem=Problem.REFUSED,
            )
        body = "\n".join((*way.lines, "", "A run of its own begins; this one stays as it is."))
        if await self.app.push_screen_wait(ConfirmDialog(f"{way.title}?", body, "Deploy")):
            self.began(await start(way.plan, run.folder))

    # Editing

    @property
    def _planning(self) -> Planning:
        assert self.launch.planning is not None
        return self.launch.planning()

    def _edit(self, run: RunSummary) -> None:
        """Open the plan in the wizard; what is deployed there goes on with this run."""
        draft = replace(self._planning.new(), folder=run.folder, data=run.plan.to_dict())
        made = run.view.facts.get("operation") or run.view.facts.get("container")
        self.open_wizard(
            draft,
            TARGET,
            start=lambda plan, folder: self._start_edited(run.id, plan, folder),
            own=run.name if made else "",
        )

    async def _start_edited(self, run_id: str, plan: Plan, folder: str) -> str:
        """Go on with the run, or begin another where it became another deployment.

        Returns the run's id, "" if the person does not agree.
        """
        deployments, start = self.deployments, self.launch.start_plan
        if deployments is None or start is None:
            return ""
        run = await deployments.run(run_id)
        another = plan.target.kind != run.plan.target.kind or plan.name != run.name
        if another or folder != run.folder:
            return await start(plan, folder)
        lines = differences(run.plan, plan)
        if not await self._agreed(run, run.view, "Take the edited plan", plan, lines):
            return ""
        await deployments.resume(run.id, plan)
        return run.id
