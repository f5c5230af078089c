"""What the wizard says of a plan: beside each line, of the line in full, and of each page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from textual.content import Content

from amltui.domain.check_source import content_words, size_words
from amltui.domain.checks import check
from amltui.domain.facts import Check, Facts
from amltui.domain.findings import Level
from amltui.domain.model_paths import APP_ROOT, ModelContent, content_id, model_paths
from amltui.domain.plan import Plan, PlanError
from amltui.domain.plan_form import Form
from amltui.domain.plan_lines import INFERENCE, MODEL, PACKAGES, PAGES, TARGET, Line, page_of
from amltui.domain.plan_parts import RegisteredModel
from amltui.domain.plan_targets import AksTarget
from amltui.widgets.detail import Field, Item, Paragraph, Section
from amltui.widgets.form import COLOURS, FormField
from amltui.widgets.table_model import CellStyle

REVIEW = "review"
STEPS = (*PAGES, REVIEW)
TITLES = {MODEL: "Model", INFERENCE: "Inference", TARGET: "Target", REVIEW: "Review"}
LOOKS: dict[Level, CellStyle] = {
    Level.ERROR: "failed", Level.WARNING: "degraded", Level.INFO: "muted",
}  # fmt: skip
FILES = 200  # of the source directory that are listed
_BESIDE = {"inference.environment": PACKAGES, "models": "models[0].kind", "options": ""}


@dataclass(frozen=True)
class Picture:
    """A form with all that is known of it: its errors, its checks and the facts behind them."""

    form: Form
    facts: Facts = field(default_factory=Facts)
    checks: tuple[Check, ...] = ()
    touched: frozenset[str] = frozenset()  # lines that were filled in or left

    def errors_of(self, page: str) -> bool:
        """Whether something on a page keeps the plan from being deployed."""
        blocking = [one.field for one in self.checks if one.level is Level.ERROR]
        return any(page_of(path) == page for path in (*self.form.errors, *blocking))

    @cached_property
    def beside(self) -> Mapping[str, tuple[Check, ...]]:
        """The checks of each line, the gravest first."""
        found: dict[str, tuple[Check, ...]] = {}
        for one in self.checks:
            path = beside(one.field, self.places)
            found[path] = (*found.get(path, ()), one)
        return found

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The paths of all lines."""
        return tuple(line.path for page in PAGES for line in self.form.lines(page))

    @property
    def first_error(self) -> str:
        """The path of the first line with an error; empty if there is none."""
        errors = [path for path, held in self.beside.items() if held[0].level is Level.ERROR]
        wrong = {*self.form.errors, *errors}
        return next((path for path in self.places if path in wrong), "")


def looked_at(form: Form, facts: Facts, touched: frozenset[str]) -> Picture:
    """The form with its checks, but for those of what had to be made up to check the rest."""
    plan, made_up = form.provisional
    # An error of a part is said of the part, not of the whole again.
    wrong = {*made_up, *(path.rpartition(".")[0] for path in form.errors)}
    checks = tuple(one for one in check(plan, facts) if one.field not in wrong)
    return Picture(form, facts, checks, touched)


def field_of(line: Line) -> FormField:
    """A line of the plan as the form asks for it."""
    setting = line.setting
    unit = f" {setting.unit}" if setting.unit and setting.default[:1].isdigit() else ""
    hint = f"{setting.default}{unit}" if setting.default else setting.example
    return FormField(line.path, line.label, hint, line.options, line.tall, line.title)


def beside(path: str, places: Sequence[str]) -> str:
    """The line that something is said beside: its own, or that of the part it is in."""
    while path and path not in places:
        if path in _BESIDE:
            return _BESIDE[path] or next((one for one in places if one.startswith("options")), "")
        if re.fullmatch(r"models\[\d+\]", path):
            return f"{path}.kind"
        path = path.rpartition(".")[0]
    return path


def remark(picture: Picture, line: Line) -> tuple[str, CellStyle]:
    """What stands beside a line."""
    error = picture.form.errors.get(line.path)
    if error is not None and (line.path in picture.touched or picture.form.text(line.path)):
        return f"{error.message} {error.hint}".strip(), "failed"
    if error is not None:
        return "needed", "muted"
    for told in picture.beside.get(line.path, ()):
        return told.title, LOOKS[told.level]
    return "", "muted"


def about(picture: Picture, line: Line | None, page: str) -> list[Section]:
    """A line in full, then what the page leads to."""
    found = [] if line is None else [Section(line.label, tuple(_about_line(picture, line)))]
    plan, _ = picture.form.provisional
    if page == MODEL:
        found.append(_container(plan, picture.facts))
    elif page == INFERENCE and (sent := _sent(picture.facts)):
        found.append(sent)
    elif page == TARGET and isinstance(plan.target, AksTarget):
        found.append(_clusters(picture.facts))
    return found


def _about_line(picture: Picture, line: Line) -> list[Item]:
    setting = line.setting
    unit = f" {setting.unit}" if setting.unit and setting.default[:1].isdigit() else ""
    default = f"Default: {setting.default}{unit}." if setting.default else ""
    limits = setting.limits if not line.options else ""
    items: list[Item] = []
    if (error := picture.form.errors.get(line.path)) and line.path in picture.touched:
        items.append(Paragraph(f"{error.message} {error.hint}".strip(), "failed"))
    for told in picture.beside.get(line.path, ()):
        items.append(Paragraph(told_in_full(told), LOOKS[told.level]))
    items.append(Paragraph(" ".join(filter(None, (setting.meaning, default, limits)))))
    if setting.warning:
        items.append(Paragraph(setting.warning, "degraded"))
    return items


def told_in_full(told: Check) -> str:
    """A check with all that it says, and the key that ends it."""
    where = f"{told.path}:{told.line}: " if told.path and told.line else ""
    fix = f"F4: {told.fix.edit.label}." if told.fix else ""
    return " ".join(filter(None, (f"{where}{told.title}", told.message, told.hint, fix)))


def error_in_full(error: PlanError) -> str:
    """What keeps the form from being a plan, with its path."""
    return str(error)


def _container(plan: Plan, facts: Facts) -> Section:
    registered = [model for model in plan.models if isinstance(model, RegisteredModel)]
    newest = {model.name: facts.newest.get(model.name, 0) for model in registered}
    paths = model_paths(plan, newest, facts.contents)
    items: list[Item] = [Paragraph(f"{APP_ROOT}/{one.path}") for one in paths.models]
    if paths.model_dir:
        items.append(Paragraph(f"AZUREML_MODEL_DIR={paths.absolute_model_dir}", "muted"))
    for name in filter(None, (content_id(model, newest) for model in registered)):
        items += _content(name, facts.contents.get(name))
    return Section("In the container", tuple(items) or (Paragraph("No model yet.", "muted"),))


def _content(name: str, content: ModelContent | None) -> list[Item]:
    """What a registered model consists of."""
    if content is None or content.problem:
        return [Paragraph(f"{name}: {content.problem}", "muted")] if content else []
    files = [Field(path, "" if size is None else size_words(size)) for path, size in content.files]
    left = content.count - len(files)
    rest = [Paragraph(f"and {left} more", "muted")] if left > 0 else []
    return [Paragraph(f"{name}: {content_words(content)}"), *files, *rest]


def _sent(facts: Facts) -> Section | None:
    listing = facts.source
    if listing is None:
        return None
    more = "or more " if listing.truncated else ""
    title = f"Sent along: {listing.count} {more}files, {size_words(listing.size)}"
    items = [Field(one.path, size_words(one.size)) for one in listing.files[:FILES]]
    left = listing.count - len(items)
    rest = (Paragraph(f"and {left} more", "muted"),) if left > 0 else ()
    return Section(title, (*items, *rest))


def _clusters(facts: Facts) -> Section:
    if facts.clusters is None:
        return Section("Clusters", (Paragraph("The workspace was not asked yet.", "muted"),))
    items = []
    for name, one in sorted(facts.clusters.items()):
        gpus = f", {one.gpus} GPUs" if one is not None and one.gpus else ""
        room = "size unknown"
        if one is not None:
            room = f"{one.nodes} × {one.cores:g} cores, {one.memory_gb:g} GB{gpus}"
        items.append(Field(name, room))
    return Section("Clusters", tuple(items) or (Paragraph("The workspace has none.", "muted"),))


def page_line(
    picture: Picture, seen: Mapping[str, bool], current: str, width: int, state: str
) -> Content:
    """All pages with their marks, the current one in brackets, and on the right a remark."""
    parts = []
    for page, (mark, look) in _marks(picture, seen).items():
        here = page == current
        text = f"[{mark} {TITLES[page]}]" if here else f" {mark} {TITLES[page]} "
        parts.append(Content.styled(text, f"{'bold ' if here else ''}{COLOURS.get(look, '')}"))
    line = Content(" ").join(parts)
    room = width - line.cell_length - len(state)
    return Content.assemble(line, " " * room, (state, "$text-muted")) if room > 0 else line


def _marks(picture: Picture, seen: Mapping[str, bool]) -> dict[str, tuple[str, CellStyle]]:
    """The mark of each page: done, has errors, or not seen yet."""
    found: dict[str, tuple[str, CellStyle]] = {}
    for page in PAGES:
        bad = picture.errors_of(page)
        said = any(picture.form.texts.get(line.path) for line in picture.form.lines(page))
        if not (seen.get(page) and (said or bad)):
            found[page] = ("○", "muted")
        else:
            found[page] = ("✗", "failed") if bad else ("✓", "ok")
    found[REVIEW] = ("○", "muted")
    return found
