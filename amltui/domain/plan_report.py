"""What a person reads of a plan before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Check
from .findings import Level
from .plan import Plan


@dataclass(frozen=True)
class PlanReport:
    """A plan and its checks in lines of text: errors block, warnings can be accepted."""

    title: str  # what would be deployed, and where
    lines: tuple[str, ...] = ()  # what else there is to know
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def report_of(plan: Plan, checks: tuple[Check, ...]) -> PlanReport:
    """The report of a plan that was checked."""
    by_level = {level: tuple(_text(c) for c in checks if c.level is level) for level in Level}
    lines = [f"Model {model.name}" for model in plan.models]
    if plan.options.overwrite:
        lines.append(f"A service {plan.name} that is there already is replaced.")
    return PlanReport(
        f"{plan.name} to {plan.target.kind}",
        (*lines, *by_level[Level.INFO]),
        by_level[Level.ERROR],
        by_level[Level.WARNING],
    )


def _text(check: Check) -> str:
    where = f"{check.path}:{check.line}" if check.path and check.line else check.field
    told = " ".join(part for part in (check.title, check.message, check.hint) if part)
    return f"{where}: {told}" if where else told
