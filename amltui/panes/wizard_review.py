"""The last page of the wizard: what stands against the plan, all of it, and the same as Python."""

from __future__ import annotations

from amltui.domain.checks import blocks
from amltui.domain.equivalent import python
from amltui.domain.facts import Check
from amltui.domain.findings import Level
from amltui.domain.plan_lines import PAGES
from amltui.widgets.detail import Field, Item, Paragraph, Section
from amltui.widgets.dialogs import ConfirmDialog

from .wizard_words import LOOKS, TITLES, Picture, about, told_in_full

_GLYPHS = {Level.ERROR: "✗", Level.WARNING: "!", Level.INFO: "·"}


def can_start(picture: Picture) -> bool:
    """Whether nothing blocks it."""
    return not picture.form.errors and not blocks(picture.checks)


def sections(picture: Picture) -> list[Section]:
    """The page from its top."""
    return [
        _findings(picture),
        *(_page(picture, page) for page in PAGES),
        *about(picture, None, PAGES[0]),
        *about(picture, None, PAGES[1]),
        *_python(picture),
    ]


def question(picture: Picture) -> ConfirmDialog:
    """The last question before something is sent."""
    plan = picture.form.plan()
    lines = [f"Model {model.name}" for model in plan.models]
    if plan.options.overwrite:
        lines.append(f"A service {plan.name} that is there already is replaced.")
    warnings = [one for one in picture.checks if one.level is Level.WARNING]
    lines += ["", "Warnings:"] if warnings else ["", "The checks found nothing wrong."]
    lines += [f"! {told_in_full(one)}" for one in warnings]
    yes = "Deploy anyway" if warnings else "Deploy"
    title = f"Deploy {plan.name} to {plan.target.title}?"
    return ConfirmDialog(title, "\n".join(lines).strip(), yes)


def fixes(picture: Picture) -> list[Check]:
    """The checks that a change of a file ends."""
    return [one for one in picture.checks if one.fix is not None]


def _findings(picture: Picture) -> Section:
    errors = sorted(picture.form.errors.values(), key=lambda one: _place(picture, one.field))
    count = {level: sum(one.level is level for one in picture.checks) for level in Level}
    wrong, warned = count[Level.ERROR] + len(errors), count[Level.WARNING]
    amounts = f"{_amount(wrong, 'error')}, {_amount(warned, 'warning')}"
    verdict = "nothing blocks it; enter deploys" if can_start(picture) else "it is blocked"
    items: list[Item] = [Paragraph(f"✗ {error}", "failed") for error in errors]
    for one in picture.checks:
        where = "" if one.path and one.line else f"{one.field}: "
        items.append(
            Paragraph(f"{_GLYPHS[one.level]} {where}{told_in_full(one)}", LOOKS[one.level])
        )
    return Section(f"{amounts}: {verdict}", tuple(items))


def _place(picture: Picture, path: str) -> int:
    return picture.places.index(path) if path in picture.places else -1


def _page(picture: Picture, page: str) -> Section:
    items = [
        Field(_label(line.path), picture.form.text(line.path).strip())
        for line in picture.form.lines(page)
        if line.said and picture.form.text(line.path).strip()
    ]
    return Section(TITLES[page], tuple(items) or (Paragraph("Nothing is said.", "muted"),))


def _label(path: str) -> str:
    """The path without the name of its page."""
    for prefix in ("inference.environment.", "inference.", "target.", "options."):
        path = path.removeprefix(prefix)
    return path


def _python(picture: Picture) -> list[Section]:
    if picture.form.errors:
        return []
    return [Section("The same as Python (y copies it)", (Paragraph(python(picture.form.plan())),))]


def _amount(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
