"""The deployment runs of this user: where each one is, what failed, and what can be done."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from amltui.widgets.clipboard import copy

from .debug_key import DebugKey
from .deploy_actions import DeployActions
from .deploy_list import GOOD

CHANGING = ("new", "go_on", "cancel", "clean_up")


class DeployPane(DeployActions, DebugKey):
    """The deployment runs, newest first, whoever started them; each goes on without amltui.

    Enter shows one step by step. n makes one; u goes on with one that failed or broke off, as it
    was, with a changed plan, or elsewhere. x ends one or shows what it left, I shows old images.
    """

    PANE = "deploy"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y",
            "copy",
            "Copy URI",
            show=False,
            id="deploy.copy",
            tooltip="The scoring URI; the service's name where there is none yet",
        ),
        Binding(
            "I",
            "images",
            "Images",
            show=False,
            id="deploy.images",
            tooltip="Legacy images and environments, and how their images were built",
        ),
        Binding(
            "r", "refresh", "Refresh", show=False, id="deploy.refresh", tooltip="Look again now"
        ),
    ]

    @property
    def debug_subject(self) -> str:
        return self.selected.id if self.selected is not None else ""

    async def action_images(self) -> None:
        await self.console.action_pane("images")

    def action_refresh(self) -> None:
        self.poll()

    def action_copy(self) -> None:
        run, view = self.selected, self.view
        if run is not None and view is not None:
            self.notify(copy(self.app, view.facts.get("scoring_uri") or run.name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the selected run allows; read-only mode has no key that changes anything."""
        view = self.view if self.is_mounted else None
        if action in CHANGING and self.console.settings.read_only:
            return False
        if action == "new":
            return self.launch.start_plan is not None
        if action == "cancel":
            return view is not None and not view.over
        if action == "clean_up":
            return view is not None and view.over and view.state not in GOOD
        if action == "go_on":
            return view is not None and bool(view.resume_at)
        if action in ("logs", "copy"):
            return view is not None
        return super().check_action(action, parameters)
