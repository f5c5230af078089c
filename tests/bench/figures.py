"""One figure of a benchmark beside its target, and the table of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured; without a target it is there to compare with."""

    what: str
    measured: float
    unit: str  # "x", "ms", "kB/s" ...
    target: float | None = None  # at most this
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.measured <= self.target else "NOT MET"


def progress(text: str) -> None:
    """Say what is going on, beside the table."""
    print(text, file=sys.stderr, flush=True)


def quantile(values: Sequence[float], part: float) -> float:
    """The value that so much of the values do not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    print(f"{'what':<66} {'target':>12} {'measured':>12}")
    for figure in figures:
        target = "" if figure.target is None else f"{_short(figure.target)} {figure.unit}"
        measured = f"{_short(figure.measured)} {figure.unit}"
        remark = f"  {figure.remark}" if figure.remark else ""
        print(f"{figure.what:<66} {target:>12} {measured:>12} {figure.verdict:<8}{remark}".rstrip())


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
