"""How to go on with a run that ended before it was through: as it was, changed, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .facts import Fix
from .plan import Plan
from .plan_targets import LocalTarget
from .remedies import Remedy, RemedyKind, remedies
from .run_view import RunState, RunView
from .text import clean_line

RESUME, REPEAT, EDIT = "resume", "repeat", "edit"
# Whatever a run failed of: another target tells errors of the service from those of the cluster,
# and the containers of many services die for want of memory without a word.
_ANYWHERE, _STARTING = ("deployment-timed-out",), ("container-oom-killed",)
_LONGEST_NAME = 32  # of a service


@dataclass(frozen=True)
class Offer:
    """One way to go on; `lines` say what would be different.

    With `plan` the run goes on with that, or `elsewhere` a run of its own begins; with `fix` a
    file is changed first.
    """

    key: str
    title: str
    lines: tuple[str, ...] = ()
    plan: Plan | None = None
    fix: Fix | None = None
    elsewhere: bool = False

    @property
    def note(self) -> str:
        """What would be different, on one line."""
        return "; ".join(line for line in self.lines if line.strip())


@dataclass(frozen=True)
class Offers:
    """What can be done from here, and what only elsewhere: a title and its lines."""

    ways: tuple[Offer, ...] = ()
    hints: tuple[tuple[str, tuple[str, ...]], ...] = ()


def offers(
    plan: Plan,
    view: RunView,
    ids: Iterable[str] = (),
    *,
    conda: str = "",
    details: Mapping[str, str] | None = None,
) -> Offers:
    """What can be done about a run; what mends the failures named by `ids` first.

    `conda` is the text of the plan's conda file and `details` are those of the findings.
    """
    current = view.current
    if not view.resume_at or current is None:
        return Offers()
    again = "" if view.resume_at == current.step else f", beginning with {view.resume_at}"
    plain = (
        Offer(RESUME, f"Resume at {view.resume_at}", ("this step and all that follow",)),
        Offer(REPEAT, f"Repeat {current.step}", (f"only this step{again}",)),
        Offer(EDIT, "Edit the plan and go on", ("in the wizard; you are asked again",)),
    )
    if view.state is not RunState.FAILED:
        return Offers(plain)
    found = remedies(ids, plan, conda=conda, details=details)
    mending = list(_ways(plan, found))
    always = (*_ANYWHERE, *(_STARTING if current.step in ("start", "healthy") else ()))
    known = {way.key for way in mending}
    more = [way for way in _ways(plan, remedies(always, plan)) if way.key not in known]
    hints = tuple((one.title, one.lines) for one in found if one.kind is RemedyKind.TEXT)
    return Offers((*mending, *plain, *more), hints)


def _ways(plan: Plan, found: Iterable[Remedy]) -> Iterator[Offer]:
    for remedy in found:
        if remedy.kind is RemedyKind.FILE and remedy.edit is not None and remedy.file:
            fix = Fix(remedy.file, remedy.edit)
            yield Offer(remedy.key, remedy.title, remedy.lines, fix=fix)
        elif remedy.kind in (RemedyKind.SETTINGS, RemedyKind.LOCAL) and remedy.plan is not None:
            changed, lines = remedy.plan, remedy.lines
            elsewhere = changed.target.kind != plan.target.kind
            if elsewhere and not isinstance(changed.target, LocalTarget):
                # What is left of this one has the name, in the same workspace.
                ending = f"-{changed.target.kind}"
                name = plan.name[: _LONGEST_NAME - len(ending)].rstrip("-") + ending
                changed = replace(changed, name=name)
                lines = (*lines, f"name: {plan.name} → {name}")
            yield Offer(remedy.key, remedy.title, lines, changed, elsewhere=elsewhere)


def differences(old: Plan, new: Plan) -> tuple[str, ...]:
    """What an edit made different, one line for each setting."""
    before, after = dict(_flat(old.to_dict())), dict(_flat(new.to_dict()))
    return tuple(
        f"{name}: {before.get(name, 'not said')} → {after.get(name, 'not said')}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The settings of a plan with their paths, as target.memory_gb."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{at}]")
    else:
        yield path, clean_line(str(value))
