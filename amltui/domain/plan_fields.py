"""The settings of a plan as data: type, unit, default, limits and meaning, in one place.

The dataclasses of a plan declare their fields with `setting`. Reading and writing a plan, the JSON
Schema, the commented template, the wizard's forms and the equivalent Python are all made from it.
"""

from __future__ import annotations

import dataclasses
import math
import re
import unicodedata
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import Any, cast

from . import plan_pairs
from .text import clean_line

_KEY = "field"
_LONGEST_TEXT = 4_000  # characters; a longer one is a slip, and no service would take it
_LARGEST = 2**53  # beyond it JSON's numbers lose digits
_QUOTED = 40


class Kind(str, Enum):
    """What a value is, in the words that a person is told."""

    TEXT = "text"
    PROSE = "text of several lines"
    PATH = "path"
    VERSION = "version"
    INTEGER = "whole number"
    NUMBER = "number"
    SWITCH = "true or false"
    MAP = "names and texts"


class WrongValue(ValueError):
    """Why a value cannot be taken, and what would be."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Field:
    """One setting: what it is called in the plan (and, with few exceptions, in the SDK)."""

    name: str
    kind: Kind
    meaning: str
    default: str = ""  # what happens when it is not said, in words
    unit: str = ""
    minimum: float | None = None
    above: float | None = None  # exclusive minimum
    maximum: float | None = None
    pattern: str = ""
    pattern_words: str = ""  # the pattern as a person would say it
    choices: tuple[str, ...] = ()
    warning: str = ""
    required: bool = False
    example: str = ""

    def read(self, value: Any) -> Any:
        """The value as the plan holds it; WrongValue says why it cannot be one."""
        return _READERS[self.kind](self, value)

    def parse(self, typed: str) -> Any:
        """The value of what was typed into a form; None where nothing was."""
        text = typed if self.kind is Kind.PROSE else typed.strip()
        if not text.strip():
            if self.required:
                raise WrongValue("It is needed.", self.meaning)
            return None
        if self.kind is Kind.SWITCH:
            words = {"true": True, "yes": True, "on": True, "false": False, "no": False}
            return self.read({**words, "off": False}.get(text.lower(), text))
        if self.kind in (Kind.INTEGER, Kind.NUMBER):
            try:
                whole = self.kind is Kind.INTEGER or text.isdecimal()
                return self.read(int(text) if whole else float(text))
            except ValueError as error:
                if isinstance(error, WrongValue):
                    raise
                raise WrongValue(
                    f"{quote(text)} is not a {self.kind.value}.", self.limits
                ) from None
        if self.kind is Kind.MAP:
            try:
                return self.read(plan_pairs.of_text(text))
            except plan_pairs.WrongPair as wrong:
                raise WrongValue(str(wrong)) from None
        return self.read(text)

    @property
    def limits(self) -> str:
        """The limits as a sentence, empty when there are none."""
        unit = f" {self.unit}" if self.unit else ""
        low = f"at least {number(self.minimum)}" if self.minimum is not None else ""
        if self.above is not None:
            low = f"more than {number(self.above)}"
        high = f"at most {number(self.maximum)}" if self.maximum is not None else ""
        if self.choices:
            return f"One of {', '.join(self.choices)}."
        if low or high:
            return (
                f"{self.kind.value.capitalize()}, {' and '.join(filter(None, (low, high)))}{unit}."
            )
        return self.pattern_words

    def _within(self, value: float, shown: Any) -> None:
        low = (self.minimum is None or value >= self.minimum) and (
            self.above is None or value > self.above
        )
        if not low or (self.maximum is not None and value > self.maximum):
            raise WrongValue(f"{quote(shown)} is outside the limits.", self.limits)


def setting(kind: Kind, meaning: str, *, start: Any = None, **more: Any) -> Any:
    """A dataclass field of a plan; `start` is its value until something is said."""
    made = Field("", kind, meaning, **more)
    if made.required:
        return dataclasses.field(metadata={_KEY: made})
    return dataclasses.field(
        default=() if kind is Kind.MAP and start is None else start, metadata={_KEY: made}
    )


def fields_of(section: type[Any]) -> tuple[Field, ...]:
    """The settings of a section of the plan, in the order a person would fill them in."""
    return _declared(cast("Hashable", section))  # a class is; the checker does not see it


@cache
def _declared(section: Hashable) -> tuple[Field, ...]:
    assert isinstance(section, type)
    return tuple(
        dataclasses.replace(f.metadata[_KEY], name=f.name)
        for f in dataclasses.fields(section)
        if _KEY in f.metadata
    )


def number(value: float) -> str:
    """A limit without a decimal point that says nothing."""
    return str(int(value)) if value == int(value) else str(value)


def quote(value: Any) -> str:
    """A value from outside, short and safe, for a message."""
    text = clean_line(str(value)[: 4 * _QUOTED])
    return f"“{text[:_QUOTED]}…”" if len(text) > _QUOTED else f"“{text}”"


def name_of_type(value: Any) -> str:
    """What a value is, in words, for messages."""
    if value is None:
        return "nothing"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    if type(value) in words:
        return words[type(value)]
    if isinstance(value, Mapping):
        return "a group of settings"
    return "a list" if isinstance(value, (list, tuple)) else "something else (a date?)"


def unknown_key(key: Any, known: Iterator[str] | tuple[str, ...]) -> tuple[str, str]:
    """The message and hint for a key that is not one: what may have been meant."""
    names = tuple(known)
    near = get_close_matches(str(key)[:60].lower().replace("-", "_"), names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(names)}."
    return f"{quote(key)} is not a setting of this part.", hint


def _text(field: Field, value: Any, *, lines: bool = False) -> str:
    if not isinstance(value, str):
        hint = "Put it in quotes." if isinstance(value, (bool, int, float)) else field.meaning
        raise WrongValue(f"It must be a text, not {name_of_type(value)}.", hint)
    text = str(value)
    if not lines:
        text = text.strip()
    if not text.strip() and not lines:
        raise WrongValue("It is empty.", field.meaning)
    if len(text) > _LONGEST_TEXT:
        raise WrongValue(f"It has more than {_LONGEST_TEXT} characters.")
    _no_controls(text, "\n\t" if lines else "")
    if field.choices and text not in field.choices:
        near = {choice.lower(): choice for choice in field.choices}.get(text.lower())
        hint = f"Did you mean {near}?" if near else field.limits
        raise WrongValue(f"{quote(text)} is not one of the choices.", hint)
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise WrongValue(f"{quote(text)} cannot be used here.", field.pattern_words)
    return text


def _no_controls(text: str, allowed: str = "") -> None:
    hidden = ("Cc", "Cs", "Zl", "Zp", *(() if allowed else ("Cf",)))
    if not (text.isascii() and text.isprintable()):
        for char in text:
            if unicodedata.category(char) in hidden and char not in allowed:
                raise WrongValue(
                    f"It contains a character that cannot be seen (U+{ord(char):04X})."
                )


def _path(field: Field, value: Any) -> str:
    text = _text(field, value)
    return text.rstrip("/") or "/"


def _prose(field: Field, value: Any) -> str | None:
    text = _text(field, value, lines=True)
    return text if text.strip() else None


def _version(field: Field, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _text(field, value)


def _integer(field: Field, value: Any) -> int:
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        hint = field.limits or "Write it without quotes."
        raise WrongValue(f"It must be a whole number, not {_given(value)}.", hint)
    if abs(value) > _LARGEST:
        raise WrongValue("The number is too large.", field.limits)
    field._within(value, value)
    return int(value)


def _number(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = field.limits or "Write it without quotes."
        raise WrongValue(f"It must be a number, not {_given(value)}.", hint)
    if abs(value) > _LARGEST or not math.isfinite(value):
        raise WrongValue("The number is too large.", field.limits)
    field._within(value, value)
    return int(value) if isinstance(value, int) else float(value)


def _given(value: Any) -> str:
    return f"the text {quote(value)}" if isinstance(value, str) else name_of_type(value)


def _switch(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValue(f"It must be true or false, not {_given(value)}.")
    return bool(value)


def _map(field: Field, value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise WrongValue(
            f"It must be names with a text each, not {name_of_type(value)}.", "Write `name: text`."
        )
    pairs = []
    for key, entry in value.items():
        if not isinstance(key, str) or not key.strip() or len(key) > _LONGEST_TEXT:
            raise WrongValue(f"{quote(key)} cannot be a name.", "Put it in quotes.")
        _no_controls(key)
        if field.pattern and not re.fullmatch(field.pattern, key):
            raise WrongValue(f"{quote(key)} cannot be a name here.", field.pattern_words)
        if isinstance(entry, int) and not isinstance(entry, bool):
            entry = str(entry)
        if not isinstance(entry, str):
            raise WrongValue(
                f"The text of {quote(key)} is {name_of_type(entry)}.", "Put it in quotes."
            )
        if len(entry) > _LONGEST_TEXT:
            raise WrongValue(f"The text of {quote(key)} is too long.")
        _no_controls(entry, "\n\t")
        pairs.append((str(key), str(entry)))
    return tuple(pairs)


_READERS: dict[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.PROSE: _prose,
    Kind.PATH: _path,
    Kind.VERSION: _version,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.SWITCH: _switch,
    Kind.MAP: _map,
}
