"""Where a debug container stands, by its log and state; and what is checked before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .debugheader import ATTACHED, WAITING
from .text import clean_line, mask

_MISSED = "amltui: no debugger came"
_NONE = "amltui: no debugger: "


class Stage(str, Enum):
    """What the container is at."""

    STARTING = "starting"
    WAITING = "waiting"
    ATTACHED = "attached"
    MISSED = "missed"  # the time was up: the service starts without the debugger
    NO_DEBUGGER = "no debugger"  # debugpy is not in the image, or its port is taken there
    ENDED = "ended"


@dataclass(frozen=True)
class Look:
    """One look at the container; `detail` is the last thing it said."""

    stage: Stage
    detail: str = ""
    answers: bool = False  # the scoring server is up

    @property
    def over(self) -> bool:
        """Whether nothing more is waited for."""
        if self.stage is Stage.ENDED:
            return True
        return self.answers and self.stage not in (Stage.STARTING, Stage.WAITING)

    def after(self, before: Stage) -> Look:
        """This look, after one at `before`: a log that is cut to its end may have lost what was."""
        lost = before is Stage.MISSED and self.stage is Stage.STARTING and self.answers
        return replace(self, stage=before) if lost else self


def look_at(log: str, *, running: bool, ending: str = "") -> Look:
    """What a log says; several workers may have written it, of which one has the debugger."""
    lines = [mask(clean_line(line)) for line in log.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if not running:
        return Look(Stage.ENDED, "\n".join(filter(None, (ending, *lines[-12:]))))
    if any(ATTACHED in line for line in lines):
        return Look(Stage.ATTACHED, last)
    if any(_MISSED in line for line in lines):
        return Look(Stage.MISSED, last)
    if any(WAITING in line for line in lines):
        return Look(Stage.WAITING, last)
    none = [line.partition(_NONE)[2] for line in lines if _NONE in line]
    return Look(Stage.NO_DEBUGGER, none[-1]) if none else Look(Stage.STARTING, last)


def words(look: Look, left: float, port: int) -> str:
    """What a person does now; `left` are the seconds that the wait still lasts."""
    later = f"You can still attach to port {port}: breakpoints in run() work"
    return {
        Stage.STARTING: "The container starts.",
        Stage.WAITING: f"Attach now: F5 in VS Code. {max(0, round(left))} s left, then the service "
        "starts without the debugger.",
        Stage.ATTACHED: "The debugger is attached."
        + (" The service answers." if look.answers else " init() runs; the service comes up."),
        Stage.MISSED: f"Nobody attached in time; the service starts by itself. {later}; "
        "restart the container to catch init().",
        Stage.NO_DEBUGGER: f"The service starts without a debugger: {look.detail}",
        Stage.ENDED: f"The container has ended. {look.detail}",
    }[look.stage]


class Level(str, Enum):
    """How a check came out; only BAD keeps the container from starting."""

    OK = "✓"
    HINT = "!"
    BAD = "✗"
    UNKNOWN = "?"


@dataclass(frozen=True)
class Mark:
    """One line of the pre-flight list."""

    level: Level
    title: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.level.value} {self.title}{f'  {self.hint}' if self.hint else ''}"
