"""What the wizard's keys open: lists, texts in full, a file's fix, and where to save the plan."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from textual import work

from amltui.domain.equivalent import python
from amltui.domain.facts import Check
from amltui.domain.plan_fields import Kind
from amltui.domain.plan_form import Form
from amltui.domain.plan_lines import page_of
from amltui.domain.plan_pairs import WrongPair, pair_at, with_pair
from amltui.widgets.bounded_text import BoundedTextArea
from amltui.widgets.clipboard import copy
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog
from amltui.widgets.path_dialog import PathDialog
from amltui.widgets.text_dialog import TextDialog

from .wizard_review import fixes
from .wizard_work import WizardWork


class WizardFiles(WizardWork):
    """What is asked for in a dialog, or written to a file, because of a key."""

    # Completing

    @property
    def can_list(self) -> bool:
        """Whether there is something to choose from for the line."""
        line = self.line
        return line is not None and (
            line.setting.kind is Kind.PATH or bool(self._names_of(line.path))
        )

    async def complete(self, path: str, typed: str) -> str:
        """The text that begins with what is typed in a line."""
        if not typed:
            return ""
        found = self._names_of(path) or await self._paths_of(path, typed)
        return next((one for one in found if one.startswith(typed) and one != typed), "")

    def _names_of(self, path: str) -> tuple[str, ...]:
        """What the workspace has for a line."""
        survey = self._survey
        if path == "target.cluster":
            return tuple(sorted(survey.clusters or ()))
        if path == "inference.environment.registered":
            return tuple(sorted(survey.environments or ()))
        if path.endswith("].registered"):
            return tuple(sorted(survey.models or ()))
        if path.startswith("models[") and path.endswith("].version"):
            name = self.form.text(path.replace(".version", ".registered"))
            return tuple(
                str(one) for one in sorted((survey.models or {}).get(name, ()), reverse=True)
            )
        return ()

    async def _paths_of(self, path: str, typed: str) -> tuple[str, ...]:
        lines = [line for line in self.form.lines(page_of(path)) if line.path == path]
        if not lines or lines[0].setting.kind is not Kind.PATH or path.endswith("].path"):
            return ()
        folder = self.draft.folder
        source = self.form.text("inference.source_directory").strip()
        if path == "inference.entry_script" and source:
            folder = posixpath.join(folder, source)
        return await self.planning.complete(typed, folder)

    @work(exclusive=True, group="ask", exit_on_error=False, name="list")
    async def action_list(self) -> None:
        """Choose from what there is."""
        if (line := self.line) is None:
            return
        typed = self.form.text(line.path)
        head = typed[: typed.rfind("/") + 1]
        found = self._names_of(line.path) or await self._paths_of(line.path, head)
        dialog = ChoiceDialog(f"{line.label}: which?", [Choice(one, one) for one in found])
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is not None:
            self.take(line.path, chosen.rstrip("/") or chosen)
            await self.show_form()
            self.show()
            self.check_soon()

    @work(exclusive=True, group="ask", exit_on_error=False, name="text")
    async def action_edit_text(self) -> None:
        """Edit a text of several lines, or that of the pair under the cursor, in full."""
        area, line = self.focused, self.line
        if not isinstance(area, BoundedTextArea) or line is None:
            return
        whole, at, title = area.whole, area.cursor_location[0], line.label
        is_map = line.setting.kind is Kind.MAP
        text = whole
        if is_map:
            try:
                name, text = pair_at(whole, at)
            except WrongPair:
                self.notify("Type name= first, then F5 opens its text.", title=line.label)
                return
            title = f"{line.label}: {name}"

        def keep(text: str) -> None:
            self.take(line.path, with_pair(whole, at, text) if is_map else text)

        await self.app.push_screen_wait(TextDialog(title, text, keep))
        await self.show_form()
        self.show()

    # Mending

    @work(exclusive=True, group="ask", exit_on_error=False, name="fix")
    async def action_fix(self) -> None:
        """Show what would change in a file, and change it."""
        found = fixes(self.picture)
        if self.line is not None:
            here = [one for one in found if one in self.picture.beside.get(self.line.path, ())]
            found = here or found
        one = await self._which(found)
        if one is None or one.fix is None:
            return
        async with self.telling():
            seen = self._facts.files[one.fix.path].text or ""
            mend = await self.planning.mend(one.fix, self.draft.folder, seen)
            title = f"{mend.label} in {one.fix.path}?"
            if await self.app.push_screen_wait(
                ConfirmDialog(title, "\n".join(mend.diff), "Change the file")
            ):
                await self.planning.apply(mend)
                self.notify(f"{one.fix.path} is changed.")
        self.check_soon(again=True)

    async def _which(self, found: list[Check]) -> Check | None:
        if len(found) < 2:
            return found[0] if found else None
        options = [
            Choice(str(at), one.fix.edit.label if one.fix else "", f"{one.path}: {one.title}")
            for at, one in enumerate(found)
        ]
        key = await self.app.push_screen_wait(ChoiceDialog("Fix what?", options, "FIX"))
        return None if key is None else found[int(key)]

    # Saving

    @work(exclusive=True, group="ask", exit_on_error=False, name="save")
    async def action_save(self) -> None:
        """Save the draft as a plan file."""
        about = "Comments of a plan that is there are kept. Paths are then relative to its folder."
        offered = self.draft.file or f"{self.draft.folder}/plan.yml"
        typed = await self.app.push_screen_wait(
            PathDialog("Save the plan", offered, about, "save", self.planning.suggest)
        )
        if not typed:
            return
        async with self.telling():
            self.draft = await self.planning.save(typed, self.draft)
            self.replace_form(replace(Form.of(self.draft.data), models=self.form.models))
            errors = len(self.form.errors)
            note = f" It has {errors} errors yet." if errors else ""
            self.notify(f"{self.draft.file}{note}", title="Saved")
            await self.show_form()
            await self.go_to(self.page)

    def action_copy(self) -> None:
        """Copy the plan as Python."""
        self.notify(copy(self.app, python(self.form.plan()), "s saves it to a file."))

    @work(exclusive=True, group="ask", exit_on_error=False, name="save Python")
    async def action_save_python(self) -> None:
        """Save the plan as Python."""
        about = "It runs in the folder of the plan. A file that is there is not replaced."
        offered = f"{self.draft.folder}/deploy_{self.form.plan().name.replace('-', '_')}.py"
        typed = await self.app.push_screen_wait(
            PathDialog("Save as Python", offered, about, "save", self.planning.suggest)
        )
        if typed:
            async with self.telling():
                path = await self.planning.write_new(typed, python(self.form.plan()))
                self.notify(str(path), title="Saved")
