"""The wizard: a plan page by page, checked while it is typed, kept at every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input, Static, TextArea

from amltui.domain.drafts import Draft
from amltui.domain.plan_lines import KIND, MODEL, PAGES, Line, page_of
from amltui.widgets.detail import DetailPanel
from amltui.widgets.form import FormLine, FormPage
from amltui.widgets.pick import Pick

from .pane import WorkspaceSwitched
from .wizard_files import WizardFiles
from .wizard_review import fixes, sections
from .wizard_words import REVIEW, STEPS, about, field_of, page_line, remark
from .wizard_work import Start


class WizardPane(WizardFiles):
    """A deployment plan in four pages; each field is checked while you type.

    Enter and tab go on, PgDn and PgUp change the page, esc leaves: the draft is kept, also when
    the line drops. Nothing is sent before you agree on the last page.
    """

    PANE = "deploy"
    CSS_PATH = "wizard.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,f8", "page(1)", "Next page", priority=True, id="wizard.next",
                key_display="PgDn"),
        Binding("pageup,f7", "page(-1)", "Page before", priority=True, show=False,
                id="wizard.previous"),
        # At once, so that keys typed ahead on a slow line go to the next field.
        Binding("tab", "move(1)", show=False, priority=True, id="wizard.down"),
        Binding("shift+tab", "move(-1)", show=False, priority=True, id="wizard.up"),
        Binding("enter,down", "move(1, True)", show=False, priority=True, id="wizard.enter"),
        Binding("up", "move(-1, True)", show=False, priority=True, id="wizard.above"),
        Binding("right,space", "pick(1)", "Choose", priority=True, id="wizard.choose"),
        Binding("left", "pick(-1)", show=False, priority=True, id="wizard.choose-before"),
        Binding("enter", "go_on", "Deploy", id="wizard.deploy",
                tooltip="Deploy the plan, or go to what blocks it"),
        Binding("ctrl+l", "list", "List", priority=True, id="wizard.list",
                tooltip="Choose from what there is: files, models, environments, clusters"),
        Binding("f2", "add_model", "Add model", id="wizard.add-model"),
        Binding("f9", "remove_model", "Remove model", show=False, id="wizard.remove-model"),
        Binding("f3", "details", "Details", id="wizard.details",
                tooltip="All that is known of the line and the page; again: back to the form"),
        Binding("f4", "fix", "Fix", id="wizard.fix", tooltip="Mend the file, after its diff"),
        Binding("y", "copy", "Copy Python", id="wizard.copy"),
        Binding("s", "save_python", "Save Python", show=False, id="wizard.save-python"),
        Binding("ctrl+s", "save", "Save", priority=True, id="wizard.save",
                tooltip="Save as a plan file for git and `amltui deploy`"),
        Binding("f5", "edit_text", "Edit", id="wizard.edit-text",
                tooltip="A text of several lines, in a window of its own"),
        Binding("f6", "discard", "Discard draft", show=False, id="wizard.discard"),
        Binding("escape", "leave", "Leave", priority=True, id="wizard.leave",
                tooltip="The draft is kept"),
    ]  # fmt: skip

    def __init__(
        self, draft: Draft, start: Start, began: Callable[[str], None], page: str = MODEL
    ) -> None:
        super().__init__(draft, start, began)
        self.page = page
        self._keys: tuple[object, ...] = ()  # what decides which keys work
        self._last_line: dict[str, str] = {}  # of each page, the line that had the focus

    def compose_body(self) -> ComposeResult:
        yield Static(id="pages")
        with Container(id="work"):
            for page in PAGES:
                yield FormPage(self.complete, id=page)
            yield DetailPanel(id="review")
            yield DetailPanel(id="about")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#about", DetailPanel).can_focus = False
        self.call_later(self.go_to, self.page)
        self.look_round()

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        self.forget_workspace()
        self.look_round()

    # Pages

    async def go_to(self, page: str, path: str = "") -> None:
        """Show a page, with the cursor in a line of it."""
        self.remove_class("-details")
        self.leave_page()
        self.page = page
        for each in PAGES:
            self.query_one(f"#{each}").display = each == page
        self.query_one("#review").display = page == REVIEW
        self.query_one("#about").display = page != REVIEW
        self.seen[page] = True
        if page == REVIEW:
            self.seen.update(dict.fromkeys(PAGES, True))
            self.set_focus(self.query_one("#review"))
        else:
            await self.show_lines()
            self._focus_line(path or self._last_line.get(page, ""))
        self.show()
        self.check_soon(again=page == REVIEW)
        if page == REVIEW and not self.surveyed:
            self.look_round()

    def _focus_line(self, path: str) -> None:
        held = self.query_one(f"#{self.page}", FormPage)
        line = held.line(path) or held.lines[0]
        self.set_focus(line.editor)

    async def show_lines(self) -> None:
        """Bring the lines of the page in step with what is picked."""
        held = self.query_one(f"#{self.page}", FormPage)
        fields = [field_of(line) for line in self.form.lines(self.page)]
        await held.show_fields(fields, self.form.text)

    async def show_form(self) -> None:
        """Show what the form holds now, whatever was typed."""
        for page in PAGES:
            self.query_one(f"#{page}", FormPage).put_texts(self.form.text)
        if self.page != REVIEW:
            await self.show_lines()

    async def action_page(self, by: int) -> None:
        at = STEPS.index(self.page) + by
        if 0 <= at < len(STEPS):
            await self.go_to(STEPS[at])

    # Lines

    @property
    def line(self) -> Line | None:
        """The line that has the focus."""
        focused = self.focused
        held = focused.parent if focused is not None else None
        if not isinstance(held, FormLine):
            return None
        lines = self.form.lines(self.page) if self.page != REVIEW else ()
        return next((line for line in lines if line.path == held.field.path), None)

    @on(FormLine.Changed)
    async def _typed(self, event: FormLine.Changed) -> None:
        line = self.query_one(f"#{page_of(event.path)}", FormPage).line(event.path)
        if line is not None:  # what stands there now: more may have been typed meanwhile
            await self._changed_to(event.path, line.text)

    async def _changed_to(self, path: str, text: str) -> None:
        if self.form.text(path) == text:
            return
        self.take(path, text)
        page = page_of(path)  # keys typed ahead may have left it
        if page == self.page and any(
            line.options for line in self.form.lines(page) if line.path == path
        ):
            await self.show_lines()
        self.show()
        self.check_soon()

    async def action_pick(self, by: int) -> None:
        """Choose another option; the lines that go with it are there when this returns."""
        pick, line = self.focused, self.line
        if isinstance(pick, Pick) and line is not None:
            pick.action_move(by)
            await self._changed_to(line.path, pick.value)

    async def action_move(self, by: int, _in_text: bool = False) -> None:
        """To the next line or the one before; after the last one comes the next page."""
        lines = self.query_one(f"#{self.page}", FormPage).lines
        here = [at for at, line in enumerate(lines) if line.editor is self.focused]
        at = (here[0] if here else -1) + by
        if at >= len(lines):
            await self.action_page(1)
        elif at >= 0:
            self.set_focus(lines[at].editor)

    @on(DescendantFocus)
    def _focused(self) -> None:
        if (line := self.line) is not None:
            self._last_line[self.page] = line.path
        self.show_about()

    @on(DescendantBlur)
    def _left(self, event: DescendantBlur) -> None:
        held = event.widget.parent
        if isinstance(held, FormLine):
            self.touch(held.field.path)

    async def action_add_model(self) -> None:
        self.form = self.form.with_model()
        await self.go_to(MODEL, f"models[{self.form.models - 1}].{KIND}")

    async def action_remove_model(self) -> None:
        if (line := self.line) is not None and line.path.startswith("models["):
            at = int(line.path[len("models[") :].partition("]")[0])
            self.replace_form(self.form.without_model(at))
            await self.show_form()
            await self.go_to(MODEL, f"models[{max(0, at - 1)}].{KIND}")

    # Showing

    def show(self) -> None:
        """Say what is known, on this page and of all pages."""
        if not self.is_mounted:
            return
        picture = self.picture
        pages = page_line(picture, self.seen, self.page, self.size.width - 2, self.state_words)
        self.query_one("#pages", Static).update(pages, layout=False)
        if self.page == REVIEW:
            self.query_one("#review", DetailPanel).set_sections(sections(picture))
        else:
            by_path = {line.path: line for line in self.form.lines(self.page)}
            for held in self.query_one(f"#{self.page}", FormPage).lines:
                if (line := by_path.get(held.field.path)) is not None:
                    held.remark(*remark(picture, line))
            self.show_about()
        keys = (self.page, bool(picture.form.errors), bool(fixes(picture)), self.surveyed)
        if keys != self._keys:  # the footer is made anew each time
            self._keys = keys
            self.refresh_bindings()

    def show_about(self) -> None:
        """Say all of the line that has the focus."""
        if self.page != REVIEW and not self.has_class("-details"):
            line = self.line
            found = about(self.picture, line, self.page)
            self.query_one("#about", DetailPanel).set_sections(found, line.path if line else "")

    def action_details(self) -> None:
        panel = self.query_one("#about", DetailPanel)
        open_now = not self.has_class("-details")
        panel.can_focus = open_now
        if open_now:
            self.set_class(True, "-details")
            self.set_focus(panel)
        else:
            self.remove_class("-details")
            panel.can_focus = False
            self._focus_line(self._last_line.get(self.page, ""))

    async def action_leave(self) -> None:
        if self.has_class("-details"):
            self.action_details()
        else:
            await self.leave()

    async def action_go_on(self) -> None:
        if self.page == REVIEW:
            await self.go_on()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are text while somebody types; some keys belong to one page."""
        reviewing = self.page == REVIEW
        if action == "move":  # in texts of several lines some keys have a meaning of their own
            in_text = len(parameters) > 1 and isinstance(self.focused, TextArea)
            return not (reviewing or in_text or self.has_class("-details"))
        if action == "pick":
            return isinstance(self.focused, Pick)
        if action == "page":
            at = STEPS.index(self.page) + int(str(parameters[0]))
            return 0 <= at < len(STEPS)
        if action in ("go_on", "copy", "save_python"):
            return reviewing and not (action != "go_on" and self.form.errors)
        if action in ("add_model", "remove_model"):
            return self.page == MODEL
        if action == "details":
            return not reviewing
        if action == "list":
            return isinstance(self.focused, Input) and self.can_list
        if action == "edit_text":
            return isinstance(self.focused, TextArea)
        if action == "fix":
            return bool(fixes(self.picture))
        return not (action == "quit" and isinstance(self.focused, (Input, TextArea)))
