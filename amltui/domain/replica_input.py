"""Requests per second, times and shares as a person types them, in exact arithmetic.

Fractions instead of floats, because 7 RPS * 0.1 s / 0.7 is exactly 1 replica and floats say 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from .errors import AmltuiError, Problem

_Units = Mapping[str, Fraction | int]
_SECONDS: _Units = {"": 1, "ms": Fraction(1, 1000), "s": 1, "m": 60, "min": 60, "h": 3600}
_PER_SECOND: _Units = {"": 1, "rps": 1, "/s": 1, "/min": Fraction(1, 60), "/h": Fraction(1, 3600)}
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)\s*(.*)", re.ASCII | re.IGNORECASE
)
_LONGEST_INPUT = 40  # characters; more is a slip of the clipboard, not a number


class InvalidInput(AmltuiError, ValueError):
    """A value that cannot be calculated with; `field` names the parameter, for a form."""

    def __init__(self, field: str, title: str, message: str, hint: str = "") -> None:
        super().__init__(title, message, hint, problem=Problem.USAGE)
        self.field = field


@dataclass(frozen=True)
class Field:
    """An input of the calculator: its limits in the unit that the label names, and a hint."""

    name: str
    label: str
    low: str
    high: str
    hint: str

    def check(self, value: Fraction | int, typed: str = "") -> None:
        """Raise InvalidInput unless `value` is within the limits; `typed` is quoted back."""
        if not Fraction(self.low) <= value <= Fraction(self.high):
            why = f"It must be between {self.low} and {self.high}."
            raise self.refused(typed or amount(Fraction(value)), why)

    def refused(self, typed: str, why: str, hint: str = "") -> InvalidInput:
        """The error that says why `typed` cannot be used here."""
        shown = "".join(char if char.isprintable() else "?" for char in typed.strip())
        if len(shown) > _LONGEST_INPUT:
            shown = shown[:_LONGEST_INPUT] + "…"
        title = f"{self.label} cannot be “{shown}”." if shown else f"{self.label}: nothing given."
        return InvalidInput(self.name, title, why, hint or self.hint)


RPS = Field("rps", "Requests per second", "0.000001", "1000000", "For example 20, 0.5 or 1200/min.")
REQUEST_TIME = Field(
    "request_time", "Request time in seconds", "0.000001", "3600", "For example 100ms, 10 s or 1m."
)
UTILIZATION = Field(
    "utilization", "Target utilisation in percent", "1", "100", "For example 70, 70% or 0.7."
)
MAX_CONCURRENT = Field(
    "max_concurrent",
    "Concurrent requests per replica",
    "1",
    "1000",
    "Microsoft says: leave it at 1.",
)
REPLICAS = Field("replicas", "Number of replicas", "1", "1000000000000", "For example 10.")


def parse_rps(text: str) -> Fraction:
    """Requests per second from ``20``, ``0.5``, ``1e3``, ``20 rps``, ``20/s`` or ``1200/min``."""
    return _parse(RPS, text, _PER_SECOND)


def parse_request_time(text: str) -> Fraction:
    """Seconds from ``0.1``, ``100ms``, ``10 s``, ``1m`` or ``1h``; a bare number is seconds."""
    return parse_seconds(REQUEST_TIME, text)


def parse_seconds(field: Field, text: str) -> Fraction:
    """Seconds within the limits of any field, written as a request time."""
    return _parse(field, text, _SECONDS)


def parse_utilization(text: str) -> Fraction:
    """A fraction of 1 from ``70``, ``70%`` or ``0.7``.

    Numbers above 1 are percent. A bare 1 is refused: it is 1 % in the deploy configuration and
    100 % in the formula, and a wrong guess is a hundred times too many or too few replicas.
    """
    value, unit = _split(UTILIZATION, text, ("", "%"))
    if unit == "" and value == 1:
        raise UTILIZATION.refused(text, "It can mean 1 % or 100 %.", "Write 1% or 100%.")
    share = value / 100 if unit == "%" or value > 1 else value
    UTILIZATION.check(share * 100, text)
    return share


def parse_max_concurrent(text: str) -> int:
    """The number of requests that one replica takes at a time."""
    return _parse_whole(MAX_CONCURRENT, text)


def parse_replicas(text: str) -> int:
    """A number of replicas, for `carried_rps`."""
    return _parse_whole(REPLICAS, text)


def amount(value: Fraction) -> str:
    """`value` in decimal: exact, or cut after three digits and marked with an ellipsis."""
    places = 3
    while 0 < value * 10**places < 100:
        places += 1
    digits, rest = divmod(value * 10**places, 1)
    whole, decimals = divmod(int(digits), 10**places)
    if rest:
        return f"{whole}.{decimals:0{places}d}…"
    return f"{whole}.{decimals:0{places}d}".rstrip("0").rstrip(".")


def _split(field: Field, text: str, units: Iterable[str]) -> tuple[Fraction, str]:
    """The number and unit in `text`; InvalidInput says what is wrong with it."""
    if "," in text:
        hint = "Write decimals as 1.5 and thousands as 1500."
        raise field.refused(text, "A comma can mean a decimal point or thousands.", hint)
    match = _NUMBER.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST_INPUT:
        raise field.refused(text, "It is not a number that can be read here.")
    unit = match[2].lower()
    if unit not in units:
        known = ", ".join(unit for unit in units if unit)
        raise field.refused(
            text, f"{f'Only {known}' if known else 'Nothing'} may follow the number."
        )
    return Fraction(match[1]), unit


def _parse(field: Field, text: str, units: _Units) -> Fraction:
    number, unit = _split(field, text, units)
    value = number * units[unit]
    field.check(value, text)
    return value


def _parse_whole(field: Field, text: str) -> int:
    value = _parse(field, text, {"": 1})
    if value.denominator != 1:
        raise field.refused(text, "It must be a whole number.")
    return int(value)
