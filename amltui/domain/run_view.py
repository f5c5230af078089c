"""What the events of a run add up to: the state of each step, what is known, what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .errors import AmltuiError
from .models import Failure
from .run import (
    TITLES,
    Event,
    Limit,
    LogKept,
    Noted,
    Outcome,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
    limits_of,
    restart_after_edit,
    restart_at,
    steps_of,
)


class StepState(str, Enum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REUSED = "reused"
    FAILED = "failed"
    BROKEN_OFF = "broken off"


class RunState(str, Enum):
    """How far a run is."""

    STARTING = "starting"
    RUNNING = "running"
    HEALTHY = "healthy"
    SUBMITTED = "submitted"
    STOPPED = "stopped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BROKEN_OFF = "broken off"


@dataclass(frozen=True)
class StepView:
    """One step of the stage bar; `text` is the last remark."""

    step: str
    state: StepState = StepState.WAITING
    began_at: float | None = None
    ended_at: float | None = None
    text: str = ""

    @property
    def title(self) -> str:
        """The step in words."""
        return TITLES[self.step]

    def seconds(self, now: float) -> float | None:
        """How long it took, or has been running."""
        if self.began_at is None:
            return None
        return max(0.0, (self.ended_at if self.ended_at is not None else now) - self.began_at)


@dataclass(frozen=True)
class Countdown:
    """A limit that runs, and the seconds that are left of it."""

    limit: Limit
    left: float


@dataclass(frozen=True)
class Restart:
    """What going on with a run would do: `again` was done before, `kept` stays as it is."""

    first: str
    again: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The same in sentences."""
        again = (f"Done again: {', '.join(self.again)}.",) if self.again else ()
        kept = (
            f"Kept, unless their files have changed: {', '.join(self.kept)}."
            if self.kept else "Nothing is kept."
        )  # fmt: skip
        return f"It goes on at {self.first}.", *again, kept


@dataclass(frozen=True)
class RunView:
    """A run as its journal tells it."""

    target: str
    steps: tuple[StepView, ...]
    state: RunState = RunState.STARTING
    facts: Mapping[str, str] = field(default_factory=dict)
    logs: tuple[LogKept, ...] = ()
    error: AmltuiError | None = None
    failure: Failure | None = None
    began_at: float | None = None  # when it was taken up last
    ended_at: float | None = None
    stranded: str = ""  # why it can never go on

    @property
    def over(self) -> bool:
        """Whether no process works on it any more."""
        return self.state not in (RunState.STARTING, RunState.RUNNING)

    @property
    def current(self) -> StepView | None:
        """The step that runs, failed or broke off; else the next one; None when all are done."""
        found = [s for s in self.steps if s.state not in (StepState.DONE, StepState.REUSED)]
        return found[0] if found else None

    @property
    def failed_step(self) -> str:
        """The step that failed, or ""."""
        return next((s.step for s in self.steps if s.state is StepState.FAILED), "")

    @property
    def resume_at(self) -> str:
        """Where a resumed run would go on; "" when there is nothing left to do."""
        current = self.current
        if self.stranded or not self.over or current is None or self.state is RunState.SUBMITTED:
            return ""
        failed = current.state is StepState.FAILED
        return restart_at(self.target, current.step, self.facts, failed=failed)

    def restart(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Restart | None:
        """What going on would do once the plan `old` is edited to `new`; None if it is through."""
        if not self.resume_at:
            return None
        first = restart_after_edit(self.target, self.resume_at, old, new)
        order = steps_of(self.target)
        at, current = order.index(first), self.current
        reached = order.index(current.step) if current else len(order)
        return Restart(first, order[at:reached], order[:at])

    def countdowns(self, now: float) -> tuple[Countdown, ...]:
        """The limits of the running step."""
        return tuple(
            Countdown(limit, step.began_at + limit.seconds - now)
            for step in self.steps
            if step.state is StepState.RUNNING and step.began_at is not None
            for limit in limits_of(self.target, step.step)
        )

    def step(self, name: str) -> StepView:
        """The step of this name."""
        return next(step for step in self.steps if step.step == name)

    def after(self, event: Event) -> RunView:
        """The view once this has happened, too."""
        if isinstance(event, StepLogged):
            if event.output:
                return self
            return self._with(event.step, text=event.text)
        if isinstance(event, RunStarted):
            return replace(
                self, state=RunState.RUNNING, began_at=event.at, ended_at=None, error=None,
                failure=None,
            )  # fmt: skip
        if isinstance(event, StepStarted):
            return self._started(event)
        if isinstance(event, Noted):
            facts = {**self.facts, **event.facts}
            return replace(self, facts={name: value for name, value in facts.items() if value})
        if isinstance(event, LogKept):
            kept = tuple(log for log in self.logs if log.file != event.file)
            return replace(self, logs=(*kept, event))
        if isinstance(event, StepFailed):
            failed = self._with(event.step, state=StepState.FAILED, ended_at=event.at)
            error = AmltuiError.from_wire(dict(event.error))
            return replace(failed, error=error, failure=event.failure)
        if isinstance(event, StepFinished):
            state = StepState.REUSED if event.reused else StepState.DONE
            text = event.text or self.step(event.step).text
            return self._with(event.step, state=state, ended_at=event.at, text=text)
        if isinstance(event, RunEnded):
            state_of = {outcome: RunState(outcome.value) for outcome in Outcome}
            return replace(self._broken(event.at), state=state_of[event.outcome])
        if isinstance(event, RunBrokeOff):
            return replace(self._broken(event.at), state=RunState.BROKEN_OFF)
        return self

    def _started(self, event: StepStarted) -> RunView:
        at = [step.step for step in self.steps].index(event.step)
        before = self.steps[at]
        # What was broken off goes on, and so do its limits.
        went_on = before.state in (StepState.RUNNING, StepState.BROKEN_OFF)
        began = before.began_at if went_on else event.at
        started = StepView(event.step, StepState.RUNNING, began)
        later = tuple(StepView(step.step) for step in self.steps[at + 1 :])
        return replace(self, steps=(*self.steps[:at], started, *later))

    def _broken(self, at: float) -> RunView:
        """No step runs any more."""
        steps = tuple(
            replace(step, state=StepState.BROKEN_OFF, ended_at=at)
            if step.state is StepState.RUNNING
            else step
            for step in self.steps
        )
        return replace(self, steps=steps, ended_at=at)

    def _with(self, name: str, **changes: object) -> RunView:
        steps = tuple(
            replace(step, **changes) if step.step == name else step  # type: ignore[arg-type]
            for step in self.steps
        )
        return replace(self, steps=steps)


def begin(target: str) -> RunView:
    """A run to this target of which nothing is known yet."""
    return RunView(target, tuple(StepView(step) for step in steps_of(target)))


def replay(target: str, events: Iterable[Event]) -> RunView:
    """The view of a run with these events."""
    view = begin(target)
    for event in events:
        view = view.after(event)
    return view
