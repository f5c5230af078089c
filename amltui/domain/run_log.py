"""The events of a deployment's run as the lines of a log."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import AmltuiError
from .logbatch import Batch
from .logtime import stamp_of
from .run import (
    TITLES,
    Event,
    LogKept,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
)


def batch(events: Iterable[Event]) -> Batch:
    """Lines with the times of their events."""
    lines = [(line, stamp_of(event.at)) for event in events for line in lines_of(event)]
    return Batch(
        0, [line.encode("utf-8", "replace") for line, _ in lines], [stamp for _, stamp in lines]
    )


def lines_of(event: Event) -> list[str]:
    """What an event says, without its time."""
    if isinstance(event, RunStarted):
        return [f"INFO run taken up by process {event.pid}, steps {event.first} to {event.last}"]
    if isinstance(event, StepStarted):
        return [f"INFO {event.step}: {TITLES.get(event.step, event.step)}"]
    if isinstance(event, StepLogged):
        return [f"    {event.text}" if event.output else f"INFO {event.step}: {event.text}"]
    if isinstance(event, LogKept):
        return [f"INFO {event.step}: kept the log {event.title}"]
    if isinstance(event, StepFinished):
        return [f"INFO {event.step}: {'reused' if event.reused else 'done'} {event.text}".rstrip()]
    if isinstance(event, StepFailed):
        error = AmltuiError.from_wire(dict(event.error))
        text = " ".join(filter(None, (error.title, error.message, error.hint)))
        return [f"ERROR {event.step}: {line}" for line in text.splitlines()]
    if isinstance(event, RunEnded):
        return [f"INFO the run ended: {event.outcome.value}"]
    if isinstance(event, RunBrokeOff):
        return ["ERROR the run broke off: its process ended without a word"]
    return []
