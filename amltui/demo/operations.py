"""Long-running operations: what they are doing is worked out from the time when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amltui.demo.clock import iso, stamp


@dataclass(frozen=True)
class Step:
    """One stage of an operation: how long it takes and what it tells about itself."""

    seconds: float
    text: str
    sub_type: str = "DeployService"


@dataclass
class Operation:
    """One operation; times are on the clock that always ticks."""

    id: str
    kind: str
    begin: float
    steps: tuple[Step, ...]
    speed: float = 1.0
    error: dict[str, Any] | None = None
    resource: str | None = None
    log_uri: str | None = None
    on_end: Callable[[], None] | None = field(default=None, repr=False)
    settled: bool = False

    @property
    def end(self) -> float:
        """Return when it finishes, in epoch seconds."""
        return self.begin + sum(step.seconds for step in self.steps) / self.speed

    def payload(self, now: float, offset: int) -> dict[str, Any]:
        """Return the operation as its GET answers, with the progress text after the offset."""
        done = now >= self.end
        reached = [step for moment, step in self._timeline() if moment <= now]
        last = reached[-1] if reached else None
        state = "NotStarted" if last is None else "Running"
        if done:
            state = "Failed" if self.error else "Succeeded"
        payload: dict[str, Any] = {
            "id": self.id,
            "operationType": self.kind,
            "state": state,
            "createdTime": iso(self.begin),
            "operationDetails": {
                "subOperationType": last.sub_type if last else None,
                "subOperationState": state,
            },
            "streamingOperationLog": self.progress(now)[offset:],
        }
        if done:
            payload["endTime"] = iso(self.end)
        if done and self.error:
            payload["error"] = self.error
        # Creating a legacy image reads the address at once, everything else at the end.
        if self.resource and (done or self.kind == "Image"):
            payload["resourceLocation"] = self.resource
        if self.log_uri:
            payload["operationLog"] = self.log_uri
        return payload

    def progress(self, now: float) -> str:
        """Return the progress so far as the service writes it: `yyyymmddHHMMSS|text#...`."""
        return "".join(
            f"{stamp(moment, '%Y%m%d%H%M%S')}|{step.text}#"
            for moment, step in self._timeline()
            if moment <= now and step.text
        )

    def text(self, now: float) -> str:
        """Return the progress so far as plain lines, for the operation's log."""
        return "".join(
            f"{stamp(moment, '%Y/%m/%d %H:%M:%S')} {step.text}\n"
            for moment, step in self._timeline()
            if moment <= now and step.text
        )

    def _timeline(self) -> list[tuple[float, Step]]:
        moment, timeline = self.begin, []
        for step in self.steps:
            timeline.append((moment, step))
            moment += step.seconds / self.speed
        return timeline
