"""Misbehaviour on demand, so that tests and people can see how a client takes it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from amltui.demo.router import Problem

KINDS = ("latency", "status", "drop", "truncate", "bad_rows", "hang")
_LIMIT = 100


@dataclass
class Fault:
    """One rule: which requests it spoils, how, and how often (None: always)."""

    path: re.Pattern[str]
    kind: str
    method: str | None = None
    seconds: float = 0.0
    status: int = 500
    count: int | None = None

    @classmethod
    def parse(cls, value: Any) -> Fault:
        """Return the fault a control request describes; raise Problem 400 when it is wrong."""
        if not isinstance(value, dict) or value.get("kind") not in KINDS:
            raise Problem(400, "BadFault", f"A fault needs a kind, one of {', '.join(KINDS)}.")
        try:
            pattern = re.compile(str(value.get("path", "")))
            count = value.get("count")
            return cls(
                path=pattern,
                kind=value["kind"],
                method=value.get("method"),
                seconds=float(value.get("seconds", 0.0)),
                status=int(value.get("status", 500)),
                count=None if count is None else int(count),
            )
        except (re.error, TypeError, ValueError) as error:
            raise Problem(400, "BadFault", f"The fault cannot be read: {error}") from error


class Faults:
    """The faults in force; thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._calm = threading.Event()

    def add(self, values: Any) -> int:
        """Add the faults of a control request; return how many are in force."""
        if not isinstance(values, list):
            raise Problem(400, "BadFault", "Send a JSON list of faults.")
        parsed = [Fault.parse(value) for value in values]
        with self._lock:
            if len(self._faults) + len(parsed) > _LIMIT:
                raise Problem(400, "BadFault", f"No more than {_LIMIT} faults at a time.")
            self._faults += parsed
            return len(self._faults)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()
            self._calm.set()
            self._calm = threading.Event()

    def calm(self) -> threading.Event:
        """Return an event that is set when the faults in force now are cleared."""
        with self._lock:
            return self._calm

    def wait(self, seconds: float) -> None:
        """Block for so many seconds, or until the faults are cleared."""
        self.calm().wait(seconds)

    def take(self, method: str, path: str) -> list[Fault]:
        """Return what to do to this request: delays and bad rows add up, the first end wins."""
        taken: list[Fault] = []
        with self._lock:
            for fault in list(self._faults):
                if fault.method not in (None, method) or not fault.path.search(path):
                    continue
                taken.append(fault)
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._faults.remove(fault)
                if fault.kind not in ("latency", "bad_rows"):
                    break
        return taken


def bad_rows(base: str, created: str) -> list[dict[str, Any]]:
    """Return rows as a broken service would list them: keys missing, wrong types, hostile text."""
    hostile = "\x1b]52;c;cm0gLXJmIC8=\x07\x1b[2J[/foo] [bold]\u202e evil \x00\x9b31m"
    return [
        {"computeType": "ACI", "name": "bad-missing-keys", "createdTime": created},
        {
            "computeType": "AKS",
            "name": "bad-null-update",
            "createdTime": created,
            "updatedTime": None,
            "description": None,
            "kvTags": None,
            "properties": None,
            "state": "Healthy",
        },
        {
            "computeType": 7,
            "name": ["bad-wrong-types"],
            "createdTime": "yesterday, more or less",
            "description": {"an": "object"},
            "kvTags": "a string",
            "properties": 3.5,
            "state": {"no": "state"},
        },
        {
            "computeType": "ACI",
            "name": f"bad-hostile {hostile}",
            "createdTime": created,
            "description": hostile * 3,
            "kvTags": {hostile: hostile},
            "properties": {},
            "state": hostile,
            "scoringUri": f"{base}/{hostile}",
        },
        {"computeType": "QUANTUM", "name": "bad-unknown-compute"},
    ]
