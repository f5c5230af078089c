"""How a deployment begins: with an empty plan, a draft, a plan file or an old script."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType

from amltui.domain.drafts import Draft
from amltui.domain.plan import InvalidPlan
from amltui.domain.plan_lines import MODEL
from amltui.widgets.dialogs import Choice, ChoiceDialog, ErrorDialog
from amltui.widgets.path_dialog import PathDialog
from amltui.widgets.words import age
from amltui.workers.planning import Planning

from .deploy_list import RunList
from .wizard import WizardPane
from .wizard_words import REVIEW
from .wizard_work import Start

NEW, OPEN, IMPORT = "new", "open", "import"
PLAN_FILE, SCRIPT = "plan.yml", "deploy.py"


class Beginning(RunList):
    """The list of runs, and the wizard that begins one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", id="deploy.new", tooltip="Make a plan, check it and deploy it"),
    ]

    def on_mount(self) -> None:
        super().on_mount()
        if self.launch.begin and self.check_action("new", ()):
            self.call_after_refresh(self.action_new)

    @work(exclusive=True, group="begin", exit_on_error=False, name="new run")
    async def action_new(self) -> None:
        """Begin a plan, or go on with one, in the wizard."""
        if (planning := self.launch.planning) is None:
            return
        async with self.telling():
            if draft := await begin_draft(self.app, planning(), self.console.now):
                brought = bool(draft.data) and not draft.changed_at
                self.open_wizard(draft, REVIEW if brought else MODEL)

    def open_wizard(
        self, draft: Draft, page: str = MODEL, start: Start | None = None, own: str = ""
    ) -> None:
        """Show a draft in the wizard, which starts the run itself (with `start`, if given).

        A service named `own` is not in its way.
        """
        start = start or self.launch.start_plan
        if start is None:
            return
        try:
            wizard = WizardPane(draft, start, self.began, page)
            wizard.own = own
            self.app.push_screen(wizard)
        except InvalidPlan as error:
            self.app.push_screen(ErrorDialog(error))


async def begin_draft(app: App[Any], planning: Planning, now: datetime) -> Draft | None:
    """Ask what to begin with, until there is a draft or the person gives up.

    Raises:
        AmltuiError: a file cannot be read.
    """
    drafts = await planning.drafts()
    options = [
        Choice(NEW, "New deployment", "an empty plan"),
        *(Choice(draft.id, f"Draft of {draft.name}", _about(draft, now)) for draft in drafts),
        Choice(OPEN, "Open a plan file", "as `amltui plan init` or ctrl+s writes it"),
        Choice(IMPORT, "Import an old script", "of any SDK v1 generation; it is not run"),
    ]
    key = await app.push_screen_wait(ChoiceDialog("Deploy", options, "BEGIN WITH"))
    if key == OPEN:
        return await _open(app, planning)
    if key == IMPORT:
        return await _import(app, planning)
    return planning.new() if key == NEW else next((d for d in drafts if d.id == key), None)


async def _open(app: App[Any], planning: Planning) -> Draft | None:
    about = "It is checked first; nothing is sent before you agree."
    typed = await app.push_screen_wait(
        PathDialog("Open a plan file", PLAN_FILE, about, "open", planning.suggest)
    )
    return await planning.open_file(typed) if typed else None


async def _import(app: App[Any], planning: Planning) -> Draft | None:
    about = "Its calls are read, it is not run. Model.deploy, deploy_from_image and ContainerImage."
    typed = await app.push_screen_wait(
        PathDialog("Import an old deployment script", SCRIPT, about, "import", planning.suggest)
    )
    if not typed:
        return None
    draft, remarks = await planning.import_file(typed)
    if remarks:
        app.notify("\n".join(remarks), title="To look at", severity="warning", timeout=15)
    return draft


def _about(draft: Draft, now: datetime) -> str:
    changed = datetime.fromtimestamp(draft.changed_at, timezone.utc)
    return f"{age(changed, now)} old, {draft.file or draft.folder}".replace("now old", "just now")
