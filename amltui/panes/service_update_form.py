"""The form of an update: the settings that this kind of service can change, checked while typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Static

from amltui.domain.change_input import (
    WrongSetting,
    as_typed,
    read_models,
    read_settings,
    read_tags,
)
from amltui.domain.changes import Changes, diff, fitting, now, refusals, settings_of
from amltui.domain.models import Service
from amltui.domain.plan_fields import Field, Kind
from amltui.domain.text import clean_line
from amltui.widgets.dialogs import Dialog
from amltui.widgets.form import FormField, FormLine, FormPage

# Where a group of settings begins, by its first.
TITLES = {
    "auth_enabled": "Callers",
    "cpu_cores": "Size of a replica",
    "num_replicas": "Replicas",
    "scoring_timeout_ms": "Requests",
    "collect_model_data": "Other",
    "period_seconds": "Liveness probe",
    "description": "About it",
    "plan": "What is in it",
}
# What is no setting of a deploy configuration, and what to type there; empty: it stays.
EXTRA = {
    "description": "What is written about it. Empty: it stays.",
    "tags": "Tags to set and to remove: team=risk, -old. Empty: they stay.",
    "plan": "Plan file: its entry script, source and environment are sent, the image is built anew "
    "where the packages differ. Empty: they stay.",
    "models": "Models to serve: churn:4, other:1. They go with a plan. Empty: they stay.",
}
SWITCH = (("true", "true"), ("false", "false"))


class UpdateForm(Dialog[bool]):
    """The fields hold what is so now; True when what was typed is to be reviewed.

    `typed` keeps what differs from that, by field, also when the form is left.
    """

    DEFAULT_CSS = """
    UpdateForm {
        & > #box { width: 100; height: 100%; max-height: 44; }
        FormPage FormLine > * { margin: 0 0 0 33; }
        FormPage FormLine Input { width: 1fr; margin: 0 8 0 33; }
        #about { height: 2; margin: 1 0 0 0; color: $text-muted; }
        #changes { height: auto; max-height: 4; text-style: bold; }
        &.-short #about { margin: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r,enter", "review", "Review", priority=True, id="update.review"),
        Binding("ctrl+u", "restore", "As it is", priority=True, id="update.restore"),
        Binding("escape", "leave", "Leave", id="update.leave"),
        Binding("tab,down", "app.focus_next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", show=False, priority=True),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-medium")]  # noqa: RUF012

    def __init__(self, service: Service, typed: dict[str, str]) -> None:
        super().__init__()
        self._service = service
        self._typed = typed
        self._settings = {field.name: field for field in settings_of(service.kind)}

    def compose(self) -> ComposeResult:
        """A line for each field, what the focused one means, and what would change."""
        with self.box(f"Update {self._service.name}"):
            yield FormPage(_complete_nothing, id="form")
            yield Static(id="about")
            yield Static(id="changes")
            yield Static(Content("f5 review · ctrl+u as it is · tab next · esc leave"), id="keys")

    async def on_mount(self) -> None:
        """Show the fields and start in the first."""
        page = self.query_one(FormPage)
        fields = [_line(self._service, field) for field in self._settings.values()]
        fields += [
            FormField(name, name, _stands(self._service, name), title=TITLES.get(name, ""))
            for name in EXTRA
        ]
        await page.show_fields(fields, lambda name: self._typed.get(name, self._present(name)))
        for line in page.lines:
            if line.field.path in self._settings:
                line.remark(self._settings[line.field.path].unit)
        page.lines[0].editor.focus()
        self._show()

    def _present(self, name: str) -> str:
        return _present(self._service, name) if name in self._settings else ""

    @on(FormLine.Changed)
    def _take(self, event: FormLine.Changed) -> None:
        line = self.query_one(FormPage).line(event.path)
        text = line.text.strip() if line is not None else ""
        if text != self._present(event.path):
            self._typed[event.path] = text
        else:
            self._typed.pop(event.path, None)
        self._show()

    @on(DescendantFocus)
    def _show(self) -> None:
        """What the focused field means, and what would change or cannot be read."""
        line = self._line
        self.query_one("#about", Static).update(
            Content(self._meaning(line.field.path) if line else "")
        )
        try:
            text = Content(summary(self._service, self._typed))
        except WrongSetting as error:
            text = Content.styled(f"{error.name}: {error.message} {error.hint}", "$text-error")
        self.query_one("#changes", Static).update(text)

    @property
    def _line(self) -> FormLine | None:
        lines = self.query_one(FormPage).lines
        return next((line for line in lines if line.editor.has_focus), None)

    def _meaning(self, name: str) -> str:
        field = self._settings.get(name)
        if field is None:
            return EXTRA[name]
        default = f"Default: {field.default}." if field.default else ""
        return " ".join(filter(None, (field.meaning, default, field.limits, field.warning)))

    def action_review(self) -> None:
        """Go on to the review, unless something cannot be read."""
        try:
            read_form(self._service, self._typed)
        except WrongSetting as error:
            if line := self.query_one(FormPage).line(error.name):
                line.editor.focus()
            self.notify(f"{error.message} {error.hint}", title=error.name, severity="warning")
            return
        if not self._typed:
            self.notify("Nothing is changed yet.", title=self._service.name)
            return
        self.dismiss(True)

    def action_restore(self) -> None:
        """Put back into the focused field what is so now."""
        if line := self._line:
            line.put(self._present(line.field.path))

    def action_leave(self) -> None:
        """Leave; what was typed is there the next time."""
        self.dismiss(False)


def read_form(service: Service, typed: Mapping[str, str]) -> Changes:
    """The changes that were typed, without the plan, which is a file.

    Raises:
        WrongSetting: a field cannot be read.
    """
    settings = {name: text for name, text in typed.items() if name not in EXTRA}
    return Changes(
        read_settings(service.kind, settings),
        typed.get("description") or None,
        read_tags(service, typed.get("tags", "")),
        read_models(typed.get("models", "")),
    )


def summary(service: Service, typed: Mapping[str, str]) -> str:
    """What would change, in short, or why it cannot; WrongSetting as `read_form`."""
    changes = fitting(service, read_form(service, typed))
    with_plan = bool(typed.get("plan"))
    if with_plan:  # its file is read later: only then its models can be refused
        changes = Changes(changes.settings, changes.description, changes.tags)
    if refused := refusals(service, changes):
        return " ".join(refused)
    told = [f"{one.name} {one.before or 'nothing'} → {one.after}" for one in diff(service, changes)]
    told += ["the plan's source and environment"] if with_plan else []
    return f"Changes: {'; '.join(told)}" if told else "Nothing is changed yet."


def _line(service: Service, field: Field) -> FormField:
    options = SWITCH if field.kind is Kind.SWITCH else ()
    return FormField(field.name, field.name, "not set", options, title=TITLES.get(field.name, ""))


def _present(service: Service, name: str) -> str:
    return as_typed(now(service, name))


def _stands(service: Service, name: str) -> str:
    """What stands there now, for a field that only takes what is to be different."""
    words = {
        "description": service.description,
        "tags": ", ".join(f"{key}={value}" for key, value in service.tags),
        "models": ", ".join(f"{one.name}:{one.version}" for one in service.models),
        "plan": "plan.yml",
    }
    return clean_line(words[name])


async def _complete_nothing(path: str, text: str) -> str:
    return ""
