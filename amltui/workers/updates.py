"""An update of a cloud service, sent and watched to its end: blocking, for an `Operation`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from amltui.domain.changes import Changes, diff
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.failures import innermost
from amltui.domain.models import OperationState, Progress, Service
from amltui.ports import Workspace

from .operations import Operation

PAUSE = 2.0  # seconds between two questions about the operation
LIMIT = 1_500.0  # seconds; AKS itself gives up after 20 minutes
OUTAGE = 300.0  # seconds without an answer before the watching, not the update, gives up
_PASSING = (Problem.NETWORK, Problem.TIMEOUT, Problem.THROTTLED, Problem.SERVER)


def update_operation(
    workspace: Workspace, service: Service, changes: Changes, folder: Path
) -> Operation:
    """The update as an operation: its words are steps, its result is a sentence."""
    name = f"update {service.name}"

    def run(on_progress: Callable[[Progress], None]) -> str:
        on_progress(Progress(name, "sending the changes"))
        operation = workspace.update(service.ref, changes, folder)
        state = _watched(workspace, operation, lambda words: on_progress(Progress(name, words)))
        if state.state != "Succeeded":
            raise _failed(service, state)
        told = (f"{each.name} {each.after}" for each in diff(service, changes))
        return f"{service.name} is changed: {', '.join(told)}."

    return Operation(name, run, LIMIT + OUTAGE)


def _watched(workspace: Workspace, operation: str, tell: Callable[[str], None]) -> OperationState:
    """How the operation ended; one that is done at once has no id."""
    state = OperationState("" if operation else "Succeeded")
    silent_since: float | None = None
    while not state.ended:
        try:
            state = workspace.operation(operation, state.offset)
            silent_since = None
            for words in state.words:
                tell(words)
        except AmltuiError as error:
            silent_since = silent_since or time.monotonic()
            if error.problem not in _PASSING or time.monotonic() - silent_since > OUTAGE:
                raise _unwatched(error) from error
            tell(f"{error.title}; the update goes on, asking again")
        if not state.ended:
            time.sleep(PAUSE)
    return state


def _unwatched(error: AmltuiError) -> AmltuiError:
    return AmltuiError(
        "The update is no longer watched",
        f"{error.title}. {error.message} The update itself goes on in the workspace.",
        "Refresh the services to see what became of it.",
        problem=error.problem,
        detail=error.detail,
    )


def _failed(service: Service, state: OperationState) -> AmltuiError:
    cause = innermost(state.failure) if state.failure else None
    why = ": ".join(filter(None, (cause.code, cause.message))) if cause else ""
    return AmltuiError(
        f"The update of {service.name} failed",
        why or f"The operation is {state.state}; the workspace gives no reason.",
        "The containers from before go on where they could; enter shows the state, l the log.",
        problem=Problem.SERVER,
    )
