"""A deployment's run: its steps, the events of its journal, and what may be done again.

Whoever executes a run only appends events; whoever watches only reads them. Everything that a
person sees of a run, and everything that a resumed one must know, follows from its events
(`run_view`). Times are epoch seconds.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from .models import Failure

# The files of a run's directory.
DESCRIPTION, JOURNAL, PROCESS, LOCK = "run.json", "events.jsonl", "process.json", "lock"
CANCELLED = "cancelled"  # is there once somebody has asked for the run's end
CRASH = "process.log"  # what its process printed before and beside everything else
CONTAINER_LOG, BUILD_LOG = "container.log", "image-build.log"  # those that were kept
TEMPORARY = "tmp"  # the SDK's copies of models and sources

CLOUD_STEPS = ("check", "register", "environment", "submit", "image", "start", "healthy")
LOCAL_STEPS = ("check", "register", "environment", "context", "build", "start", "healthy")
TITLES = {
    "check": "Check the plan",
    "register": "Register the models",
    "environment": "Prepare the environment",
    "submit": "Submit the deployment",
    "image": "Build or reuse the image",
    "context": "Prepare the build context",
    "build": "Build the image",
    "start": "Start the containers",
    "healthy": "Wait until it is healthy",
}
REMOVED = "Removed"  # in the place of how an operation ended: what it made was removed since
# Steps that one call does together: each begins again where that call begins.
_TOGETHER = {"image": "submit", "start": "submit"}
_TOGETHER_LOCAL = {"build": "context", "start": "context", "healthy": "context"}


class Outcome(str, Enum):
    """How a run ended."""

    HEALTHY = "healthy"
    SUBMITTED = "submitted"  # the plan says not to wait
    STOPPED = "stopped"  # one step was repeated alone; the others still have to follow
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Limit:
    """A time limit of Azure ML or the SDK that a person waits for."""

    name: str
    seconds: float
    meaning: str


SCHEDULING = Limit("scheduling", 300.0, "Azure ML tries to find room on the cluster for 5 minutes.")
POLLING = Limit("polling", 1200.0, "Azure ML waits 20 minutes for the containers of a cluster.")
HEALTH_CHECKS = Limit("health checks", 30.0, "A local service is asked 30 times, once a second.")
_LIMITS = {("aks", "start"): (SCHEDULING, POLLING), ("local", "healthy"): (HEALTH_CHECKS,)}


def steps_of(target: str) -> tuple[str, ...]:
    """The steps of a deployment to a target: local, aci or aks."""
    return LOCAL_STEPS if target == "local" else CLOUD_STEPS


def limits_of(target: str, step: str) -> tuple[Limit, ...]:
    """The limits that run while a step does."""
    return _LIMITS.get((target, step), ())


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a run."""

    at: float


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A process took the run up; `first` to `last` are the steps that it will do."""

    pid: int
    target: str
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class StepStarted(Event):
    """A step began; what came of it and of the steps after it before is no longer so."""

    step: str


@dataclass(frozen=True, kw_only=True)
class StepLogged(Event):
    """A remark of a step, or with `output` a line of what its tools print."""

    step: str
    text: str
    output: bool = False


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """Facts that a resumed run must know; on disk before the call they belong to. "" forgets."""

    step: str
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LogKept(Event):
    """A log was fetched and kept as a file of this name in the run's directory."""

    step: str
    title: str
    file: str


@dataclass(frozen=True, kw_only=True)
class StepFailed(Event):
    """A step failed; `error` is `AmltuiError.to_wire()`, `failure` the payload unfolded."""

    step: str
    error: Mapping[str, str]
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class StepFinished(Event):
    """A step is done; `reused` when there was nothing to do."""

    step: str
    text: str = ""
    reused: bool = False


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """The process is through with the run."""

    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class RunBrokeOff(Event):
    """The process ended without a word. Never in a journal: who watches finds it out."""


_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        StepStarted,
        StepLogged,
        Noted,
        LogKept,
        StepFailed,
        StepFinished,
        RunEnded,
        RunBrokeOff,
    )
}


def to_wire(event: Event) -> dict[str, Any]:
    """An event as JSON-ready values."""
    wire: dict[str, Any] = {"event": type(event).__name__}
    for one in dataclasses.fields(event):
        value = getattr(event, one.name)
        if isinstance(value, Failure):
            value = _failure_to_wire(value)
        elif isinstance(value, Enum):
            value = value.value
        elif isinstance(value, Mapping):
            value = dict(value)
        if value is not None:
            wire[one.name] = value
    return wire


def to_line(event: Event) -> bytes:
    """An event as a line of the journal."""
    return json.dumps(to_wire(event), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Event | None:
    """The event of a line; None for one that is cut off, or of a newer version of amltui."""
    try:
        wire = json.loads(line)
        kind = _KINDS[wire.pop("event")]
        if kind is RunEnded:
            wire["outcome"] = Outcome(wire["outcome"])
        if wire.get("failure") is not None:
            wire["failure"] = _failure_from_wire(wire["failure"])
        return kind(**wire)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _failure_to_wire(failure: Failure) -> list[Any]:
    details = [_failure_to_wire(one) for one in failure.details]
    return [failure.code, failure.message, failure.status, details]


def _failure_from_wire(wire: list[Any]) -> Failure:
    code, message, status, details = wire
    return Failure(code, message, status, tuple(_failure_from_wire(one) for one in details))


@dataclass
class PollPlan:
    """When to ask how an operation is doing: never later than the SDK, in sum never more often.

    The SDK's wait_for_deployment asks at once and then every 5 s. We ask every 2.5 s for as long
    as there are requests that we spared (`spare`), which is while most happens, and with the SDK
    after that.
    """

    spare: int = 0
    made: int = field(default=0, init=False)

    QUICK: ClassVar[float] = 2.5
    SDK_PERIOD: ClassVar[float] = 5.0

    def next(self, elapsed: float) -> float:
        """When to ask next, at `elapsed`; both in seconds after the submission."""
        quick = (int(elapsed / self.QUICK) + 1) * self.QUICK
        if self.made + 1 <= 1 + int(quick / self.SDK_PERIOD) + self.spare:
            return quick
        slot = self.made - self.spare  # the SDK's request that ours takes the place of
        return max(quick, slot * self.SDK_PERIOD)


def restart_at(target: str, step: str, facts: Mapping[str, str], *, failed: bool) -> str:
    """Where to begin again for an unfinished step.

    A step that broke off goes on where it was, for what it waits for goes on without it. One
    that failed begins with the call that began it, unless that call has not ended yet. What was
    removed since is made again.
    """
    if target == "local":
        if step == "healthy" and not failed and facts.get("container"):
            return step
        return _TOGETHER_LOCAL.get(step, step)
    ended = facts.get("operation_ended", "")
    if ended == REMOVED and step in ("image", "start", "healthy"):
        return "submit"
    if failed and step in _TOGETHER and ended not in ("", "Succeeded"):
        return _TOGETHER[step]
    return step


def restart_after_edit(
    target: str, step: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> str:
    """Where to begin again, at or before `step`, when the plan was edited meanwhile.

    Models are registered anew, another inference configuration is another environment, and all
    else is said when the deployment is sent.
    """
    order = steps_of(target)
    if old.get("models") != new.get("models"):
        changed = "register"
    elif old.get("inference") != new.get("inference"):
        changed = "environment"
    elif _sent(old) != _sent(new):
        changed = _TOGETHER_LOCAL["start"] if target == "local" else _TOGETHER["start"]
    else:
        return step
    return min((step, changed), key=order.index)


def _sent(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """A plan without what only this side makes use of."""
    options = {name: value for name, value in plan.get("options", {}).items() if name != "wait"}
    return {**plan, "options": options}
