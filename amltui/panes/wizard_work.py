"""What the wizard does beside showing: keep the draft, check, mend, save, and start the run."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace

from textual import work

from amltui.domain.checks import paths_of
from amltui.domain.drafts import Draft
from amltui.domain.errors import AmltuiError
from amltui.domain.facts import Facts
from amltui.domain.model_paths import ModelContent
from amltui.domain.plan import Plan
from amltui.domain.plan_form import Form
from amltui.domain.plan_lines import Line, page_of
from amltui.widgets.dialogs import ConfirmDialog
from amltui.workers.planning import Planning, Survey

from .launch import Launch
from .pane import Pane
from .wizard_review import can_start, question
from .wizard_words import REVIEW, Picture, looked_at

Start = Callable[[Plan, str], Awaitable[str]]
"""Starts the run of a plan whose paths begin at a folder; returns the run's id."""

TYPING_REST = 0.25  # seconds without a key before files are looked at
KEEPING_REST = 0.2  # seconds between two writings of the draft


class WizardWork(Pane):
    """The work; the pane shows it."""

    def __init__(self, draft: Draft, start: Start, began: Callable[[str], None]) -> None:
        super().__init__()
        self.draft = draft
        self.form = Form.of(draft.data) if draft.data else Form()
        self.seen: dict[str, bool] = {}
        self.picture = Picture(self.form)
        self._start_plan = start
        self._began = began
        self._touched: frozenset[str] = frozenset()
        self._facts = Facts()
        self._facts_of: object = None  # the paths and the port that they are about
        self._survey = Survey()
        self._contents: dict[str, ModelContent] = {}  # of registered models
        self._changed = False  # since it was kept last
        self._kept = draft.changed_at > 0
        if draft.data:
            self._touched = frozenset(self.picture.places)
            self.seen = dict.fromkeys(("model", "inference", "target"), True)

    page = ""
    own = ""  # the name of a service that an earlier try of this deployment left

    @property
    @abstractmethod
    def line(self) -> Line | None:
        """The line that has the focus."""

    @abstractmethod
    async def go_to(self, page: str, path: str = "") -> None:
        """Show a page, with the cursor in a line of it."""

    @abstractmethod
    async def show_form(self) -> None:
        """Show what the form holds now, whatever was typed."""

    @abstractmethod
    def show(self) -> None:
        """Say what is known."""

    @property
    def launch(self) -> Launch:
        """What opens files and starts plans."""
        return self.console.launch

    @property
    def planning(self) -> Planning:
        """The files behind the plan."""
        assert self.launch.planning is not None
        return self.launch.planning()

    # The draft

    def take(self, path: str, text: str) -> None:
        """Take in what was typed."""
        self._touched |= {path}
        self.replace_form(self.form.typed(path, text))

    def replace_form(self, form: Form) -> None:
        """Take in another form, and keep it."""
        self.form = form
        self.picture = looked_at(form, self._known(), self._touched)
        self.draft = replace(self.draft, data=form.data())
        self._changed = True
        if not any(one.group == "keep" and not one.is_finished for one in self.workers):
            self._keep()

    def touch(self, path: str) -> None:
        """A line was left: from now on it says what it lacks."""
        if path not in self._touched:
            self._touched |= {path}
            self.picture = replace(self.picture, touched=self._touched)
            self.show()

    def leave_page(self) -> None:
        """The page is left: all its lines say what they lack."""
        if self.page and self.seen.get(self.page) and self.page != REVIEW:
            self._touched |= {line.path for line in self.form.lines(self.page)}
            self.picture = replace(self.picture, touched=self._touched)

    @property
    def state_words(self) -> str:
        """Whether the draft is on disk."""
        return "draft kept" if self._kept and not self._changed else ""

    @work(group="keep", exit_on_error=False, name="draft")
    async def _keep(self) -> None:
        """Write the draft until nothing has changed; the first change goes out at once."""
        while self._changed:
            self._changed = False
            try:
                await self.planning.keep(self.draft)
            except AmltuiError as error:
                self.console.report("draft", error)
            else:
                self._kept = True
                self.console.recovered("draft")
            await asyncio.sleep(KEEPING_REST)
        self.show()

    def on_unmount(self) -> None:
        """The last letters before an end; a little disk work, and nothing is left to stall."""
        if self._changed:
            self._changed = False
            self.planning.keep_now(self.draft)

    async def _settled(self) -> None:
        """Wait until nothing more is written."""
        for worker in [one for one in self.workers if one.group == "keep"]:
            if not worker.is_finished:
                await worker.wait()

    async def leave(self) -> None:
        """Back to the runs."""
        await self._settled()
        if self._kept:
            self.notify("The draft is kept: n goes on with it.", title=self.draft.name)
        self.dismiss()

    @work(exclusive=True, group="ask", exit_on_error=False, name="discard")
    async def action_discard(self) -> None:
        body = f"What was typed for {self.draft.name} is gone then; saved plan files stay."
        dialog = ConfirmDialog("Throw the draft away?", body, "Discard", bad=True)
        if await self.app.push_screen_wait(dialog):
            await self._drop()
            self.dismiss()

    async def _drop(self) -> None:
        self._changed = False
        await self._settled()
        await self.planning.drop(self.draft)

    @property
    def surveyed(self) -> bool:
        """Whether the workspace has said what there is."""
        return self._survey.cloud is not None

    def forget_workspace(self) -> None:
        """Know nothing of the workspace: it is another one."""
        self.workers.cancel_group(self, "models")
        self._survey, self._contents = Survey(), {}

    # Checking

    def check_soon(self, *, again: bool = False) -> None:
        """Check the form once nobody types; `again` looks at what was looked at."""
        if again:
            self._facts_of = None
            self._contents = {name: one for name, one in self._contents.items() if one.files}
        self._check(0.0 if again else TYPING_REST)

    @work(exclusive=True, group="check", exit_on_error=False, name="checks")
    async def _check(self, rest: float) -> None:
        await asyncio.sleep(rest)
        await self._checked()
        self.show()

    async def _checked(self) -> None:
        plan, _ = self.form.provisional
        about = (paths_of(plan), getattr(plan.target, "port", None), self.draft.folder)
        if about != self._facts_of:
            self._facts = await self.planning.gather(plan, self.draft.folder)
            self._facts_of = about
        self.picture = looked_at(self.form, self._known(), self._touched)
        self._look_into()

    @work(exclusive=True, group="models", exit_on_error=False, name="model's files")
    async def _look_into(self) -> None:
        """Ask for the files of the registered models that are named now, once each."""
        plan = self.form.provisional[0]
        found = await self.planning.look_into(self.console.services, plan, self.picture.facts)
        if found:
            self._contents |= found
            self.picture = looked_at(self.form, self._known(), self._touched)
            self.show()

    def _known(self) -> Facts:
        facts = self._survey.facts(self._facts, self.form.provisional[0])
        facts = replace(facts, contents=self._contents)
        if self.own and facts.services is not None:
            return replace(facts, services=facts.services - {self.own})
        return facts

    @work(exclusive=True, group="survey", exit_on_error=False, name="workspace's models")
    async def look_round(self) -> None:
        """Ask the workspace what there is, once."""
        self._survey = await self.planning.survey(self.console.services)
        self.picture = looked_at(self.form, self._known(), self._touched)
        self._look_into()
        self.show()

    # Starting

    async def go_on(self) -> None:
        """Deploy, or go to the first line that keeps it from being deployed."""
        if can_start(self.picture):
            self._start()
        elif path := self.picture.first_error:
            await self.go_to(page_of(path), path)

    @work(exclusive=True, group="ask", exit_on_error=False, name="deployment")
    async def _start(self) -> None:
        """Ask, and start the run of the very plan that was asked about."""
        async with self.telling():
            self.check_soon(again=True)
            await self._checked()
            self.show()
            if not can_start(self.picture):
                self.notify("Something has changed: it is blocked now.", severity="warning")
                return
            plan = self.form.plan()
            if not await self.app.push_screen_wait(question(self.picture)):
                return
            run = await self._start_plan(plan, self.draft.folder)
            if not run:
                return
            await self._drop()
            self._began(run)
            self.dismiss()
