"""What kubectl says of the pods: a pod that runs is over the events listed below its state."""

from __future__ import annotations

import re

_ROW = re.compile(r"(?:^|\s)([a-z0-9][\w.-]{0,252})\s+\d+/\d+\s+[A-Z]")
_EVENT = re.compile(r"\bpod/([a-z0-9][\w.-]*)")
_MOST = 256
_HEAD = 400  # characters of a line that may name the pod


class Pods:
    """The last state of each pod, and since when there was one: an order of lines or finer."""

    def __init__(self) -> None:
        """Begin with none known."""
        self._ready: dict[str, bool] = {}
        self._since = 0

    def note(self, text: str, order: int, *, ready: bool) -> str:
        """Take the state that a row of a table, or a line of a description, tells; return whose."""
        name = pod_named(text)
        if name not in self._ready and len(self._ready) >= _MOST:
            return name
        self._since = self._since or order
        # A description may be of several containers: all have to be ready.
        self._ready[name] = ready and (bool(name) or self._ready.get("", True))
        return name

    def past(self, text: str, order: int) -> bool:
        """Tell whether an event is history: its pod, or every pod, was seen to run above it."""
        if not 0 < self._since < order or _ROW.search(text[:_HEAD]):
            return False
        return self._ready.get(pod_named(text), all(self._ready.values()))


def pod_named(text: str) -> str:
    """Return the pod that a row or an event is about, "" if it names none."""
    match = _ROW.search(text[:_HEAD]) or _EVENT.search(text[:_HEAD])
    return match[1] if match else ""
