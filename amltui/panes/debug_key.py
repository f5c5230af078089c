"""V, wherever a service, a run or a container is under the cursor: debug it with VS Code."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.widgets.dialogs import ErrorDialog
from amltui.widgets.path_dialog import PathDialog

from .pane import Pane


class DebugKey(Pane):
    """The key; the pane says what is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "V",
            "debug",
            "Debug",
            show=False,
            id="debug.open",
            tooltip="Run it in a container that waits for VS Code",
        ),
    ]

    @property
    @abstractmethod
    def debug_subject(self) -> str:
        """A run's id or a service's name, empty where there is none."""

    @work(exclusive=True, group="debug-key", exit_on_error=False, name="debug")
    async def action_debug(self) -> None:
        """Open the debugging of the plan that the newest run of it had, else of a plan file."""
        make = self.console.launch.debug
        if make is None:
            return
        try:
            found = await self._plan()
            if found is not None:
                from .debug import DebugPane

                self.app.push_screen(DebugPane(make(*found)))
        except AmltuiError as error:
            self.app.push_screen(ErrorDialog(error))

    async def _plan(self) -> tuple[Plan, str] | None:
        """A plan and where its paths begin."""
        launch, subject = self.console.launch, self.debug_subject
        if subject and launch.deployments is not None:
            try:
                run = await launch.deployments().run(subject)
                return run.plan, run.folder
            except AmltuiError as error:
                if error.problem is not Problem.NOT_FOUND:
                    raise
        if launch.planning is None:
            return None
        planning = launch.planning()
        about = (
            f"No run here deployed {subject}: which plan is it?" if subject else "Of which plan?"
        )
        typed = await self.app.push_screen_wait(
            PathDialog("Debug with VS Code", "plan.yml", about, "open", planning.suggest)
        )
        if not typed:
            return None
        draft = await planning.open_file(typed)
        return Plan.from_dict(draft.data), draft.folder

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """It packages an image and starts a container: not in read-only mode."""
        if action == "debug":
            console = self.console
            return console.launch.debug is not None and not console.settings.read_only
        return super().check_action(action, parameters)
