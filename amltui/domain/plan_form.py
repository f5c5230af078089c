"""A plan as a form: pages of lines, texts as they were typed, and the plan's data made of them.

What was typed is kept whatever it is, and in places that the plan has no room for (the settings of
a target that was chosen before), so that going back and forth loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .plan import InvalidPlan, Plan, PlanError, plan_errors
from .plan_fields import Kind, WrongValue
from .plan_lines import (
    IMAGE,
    INFERENCE,
    KIND,
    MODEL,
    PACKAGES,
    PAGES,
    TARGET,
    Line,
    first_pick,
    lines,
    model_lines,
)
from .plan_typed import models_of, texts_of

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ORDER = ("name", "models", "inference", "target", "options")


@dataclass(frozen=True)
class Form:
    """What is typed into a plan, by path. `models` counts the models, typed or not."""

    texts: Mapping[str, str] = field(default_factory=dict)
    models: int = 1

    @classmethod
    def of(cls, data: Any) -> Form:
        """The form of a plan's data, errors and all; `InvalidPlan` for what has no line in it."""
        if isinstance(data, Mapping):
            data = {"inference": {}, "target": {}, **data}
        errors = plan_errors(data)
        texts = dict(texts_of(data))
        if not errors and not {PACKAGES, IMAGE} & set(texts):
            texts[PACKAGES] = "none"  # that may be all there is to say
        form = cls(texts, max(1, len(models_of(data))))
        places = {line.path for page in PAGES for line in form.lines(page)}
        if lost := tuple(error for error in errors if error.field not in places):
            raise InvalidPlan(lost)
        if not errors and (form.errors or form.plan() != Plan.from_dict(data)):
            raise InvalidPlan((PlanError("", "It has settings that no line of the form shows."),))
        return form

    def text(self, path: str) -> str:
        """What is typed there; of what is picked, what is picked at first."""
        typed = self.texts.get(path)
        return typed if typed is not None else first_pick(path)

    def typed(self, path: str, text: str) -> Form:
        """The form with another text at a path."""
        return replace(self, texts={**self.texts, path: text})

    def with_model(self) -> Form:
        """The form with a place for one model more."""
        return replace(self, models=self.models + 1)

    def without_model(self, at: int) -> Form:
        """The form without a model; the ones after it move up."""
        kept = {}
        for path, text in self.texts.items():
            match = re.match(r"models\[(\d+)\](.*)", path, re.DOTALL)
            if match is None or int(match[1]) < at:
                kept[path] = text
            elif int(match[1]) > at:
                kept[f"models[{int(match[1]) - 1}]{match[2]}"] = text
        return Form(kept, max(1, self.models - 1))

    def lines(self, page: str) -> tuple[Line, ...]:
        """The lines of a page, as far as they go with what is picked."""
        return self._lines[page]

    @cached_property
    def _lines(self) -> dict[str, tuple[Line, ...]]:
        return {page: lines(page, self.text, self.models) for page in PAGES}

    def data(self) -> dict[str, Any]:
        """The plan's data; a text that is no value stands in it as it was typed."""
        found: dict[str, Any] = {}
        models = [self._data_of(at) for at in range(self.models)]
        while models and not any(models[-1].values()):
            models.pop()  # there is room for it, and nothing is typed
        if models:
            found["models"] = models
        for page in (INFERENCE, TARGET):
            for line in self.lines(page):
                if line.said and (value := self._value(line)) is not None:
                    _put(found, line.path, value)
        found.setdefault("inference", {})
        found.setdefault("target", {})
        return {name: found[name] for name in _ORDER if name in found}

    @cached_property
    def errors(self) -> Mapping[str, PlanError]:
        """What keeps it from being a plan, by path."""
        found = {error.field: error for error in plan_errors(self.data())}
        for page in PAGES:
            for line in self.lines(page):
                needed = line.setting.required and page != MODEL
                try:
                    if line.said and (needed or self.text(line.path).strip()):
                        line.setting.parse(self.text(line.path))
                except WrongValue as wrong:  # says it better than what reads the typed text
                    found[line.path] = PlanError(line.path, wrong.message, wrong.hint)
        return found

    def plan(self) -> Plan:
        """The plan; raises `InvalidPlan` while there are errors."""
        if self.errors:
            raise InvalidPlan(tuple(self.errors.values()))
        return Plan.from_dict(self.data())

    @cached_property
    def provisional(self) -> tuple[Plan, frozenset[str]]:
        """A plan to check what is there already, and the paths at which it was made up."""
        data, made = self.data(), set()
        while errors := plan_errors(data):
            for error in errors:
                made.add(error.field)
                _make_up(data, error.field)
        return Plan.from_dict(data), frozenset(made)

    def _data_of(self, at: int) -> dict[str, Any]:
        """A model's data; its kind is in it, whether something was typed there or not."""
        lines = [line for line in model_lines(self.text, at) if line.said]
        said = {line.label: value for line in lines if (value := self._value(line)) is not None}
        return {lines[0].label: "", **said}

    def _value(self, line: Line) -> Any:
        """The value of a line, or its text where that is none; None where nothing is typed."""
        text = self.text(line.path)
        if not text.strip():
            return None
        try:
            value = line.setting.parse(text)
        except WrongValue:
            return text
        return dict(value) if line.setting.kind is Kind.MAP else value


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    *sections, name = path.split(".")
    for section in sections:
        found = found.setdefault(section, {})
    found[name] = value


def _make_up(data: dict[str, Any], path: str) -> None:
    """Put something that is right where something wrong or nothing stands."""
    steps: list[str | int] = [name or int(index) for name, index in _PART.findall(path)]
    *parts, last = steps
    held: Any = data
    for part in parts:
        held = held[part] if isinstance(part, int) else held.setdefault(part, {})
    if isinstance(last, str) and last in _MADE_UP and (last, *parts[:1]) != ("name", "inference"):
        held[last] = _MADE_UP[last]
    else:
        held.pop(last, None)


# Of every setting that a plan must say.
_MADE_UP = {
    "name": "unnamed", "entry_script": "score.py", "file": "model.pkl", "folder": "model",
    "registered": "model", "run": "run", "path": "outputs/model.pkl", KIND: "local",
    "cluster": "cluster",
}  # fmt: skip
