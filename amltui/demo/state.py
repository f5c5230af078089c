"""What the demo workspace holds, in memory, behind one lock."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amltui.demo.clock import Clock
from amltui.demo.logs import Log
from amltui.demo.operations import Operation, Step
from amltui.demo.router import Problem

Payload = dict[str, Any]

MOST_OBJECTS = 5_000  # of each kind: a runaway test must not eat the machine


@dataclass(frozen=True)
class Behaviour:
    """How a service answers scoring calls.

    `failure` is what run() does: None (it works), "raises", "hangs" or "always raises"; `image`
    is the generation of the server in the image, which decides between 502 (old) and 500 (new).
    """

    compute: str = "linear"
    seconds: float = 0.02
    failure: str | None = None
    image: str = "new"
    ready: bool = True


@dataclass
class Service:
    """One web service: the raw payload people see, and what stands behind it."""

    payload: Payload
    keys: dict[str, str]
    log: Log
    init_log: Log
    behaviour: Behaviour = Behaviour()
    changes: list[tuple[float, Payload | None]] = field(default_factory=list)
    curable: bool = False  # it fails for want of resources, so a larger configuration mends it
    gate: Any = None  # amltui.demo.scoring.Gate, made at the first call


@dataclass
class State:
    """The workspace; hold `lock` for anything that is more than one look-up."""

    clock: Clock
    base: str
    folder: Path
    services: dict[str, Service] = field(default_factory=dict)
    models: dict[str, Payload] = field(default_factory=dict)
    assets: dict[str, Payload] = field(default_factory=dict)
    environments: dict[str, list[Payload]] = field(default_factory=dict)
    computes: list[Payload] = field(default_factory=list)
    images: dict[str, Payload] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # build logs and the like, by path
    built: set[str] = field(default_factory=set)  # environments whose image exists
    registry_password: str = "demo-registry-password-not-a-secret"  # noqa: S105 - it opens nothing
    lock: threading.RLock = field(default_factory=threading.RLock)

    def settle(self) -> None:
        """Let everything happen that is due: operations that ended, states that changed."""
        ticking, now = self.clock.ticking(), self.clock.now()
        with self.lock:
            for operation in list(self.operations.values()):
                if not operation.settled and operation.end <= ticking:
                    operation.settled = True
                    if operation.on_end is not None:
                        operation.on_end()
            for name, service in list(self.services.items()):
                while service.changes and service.changes[0][0] <= now:
                    patch = service.changes.pop(0)[1]
                    if patch is None:
                        del self.services[name]
                        break
                    service.payload = merge(service.payload, patch)

    def service(self, name: str) -> Service:
        """Return a service; raise Problem 404 as the real service words it."""
        self.settle()
        with self.lock:
            found = self.services.get(name)
        if found is None:
            raise Problem(404, "NotFound", f"Service with name {name} not found in workspace.")
        return found

    def begin(
        self,
        kind: str,
        steps: tuple[Step, ...],
        *,
        error: Payload | None = None,
        log_uri: str | None = None,
    ) -> Operation:
        """Start an operation and remember it; set its `on_end` and `resource` under the lock."""
        operation = Operation(
            id=str(uuid.uuid4()),
            kind=kind,
            begin=self.clock.ticking(),
            steps=steps,
            speed=self.clock.speed,
            error=error,
        )
        operation.log_uri = log_uri or f"{self.base}/operationlogs/{operation.id}"
        with self.lock:
            bound(self.operations)
            self.operations[operation.id] = operation
        return operation


def bound(objects: dict[str, Any]) -> None:
    """Forget the oldest entry of a full table, so that no caller can fill the memory."""
    while len(objects) >= MOST_OBJECTS:
        del objects[next(iter(objects))]


def merge(target: Any, patch: Any) -> Any:
    """Return the target with a JSON merge patch applied (RFC 7396): null removes a key."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
