"""What containers use, live: one stream each of those that are shown, read by one thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from amltui.domain.errors import AmltuiError
from amltui.domain.workbench import Usage

from .access import LIMIT, EngineAccess

_LINE_LIMIT = 1 << 20


class UsageStreams:
    """Streams of usage for a set of containers that changes; the engine sends one a second each."""

    def __init__(self, access: EngineAccess, on_usage: Callable[[Usage], None]) -> None:
        """`on_usage` is called on the streams' own threads."""
        self._access = access
        self._on_usage = on_usage
        self._open: dict[str, _Stream] = {}
        self._lock = threading.Lock()

    def show(self, containers: Iterable[str]) -> None:
        """Open the streams of these containers and close all others."""
        wanted = set(containers)
        with self._lock:
            for identity in [each for each in self._open if each not in wanted]:
                self._open.pop(identity).close()
            for identity in wanted:
                stream = self._open.get(identity)
                if stream is None or stream.ended:
                    self._open[identity] = _Stream(self._access, identity, self._on_usage)

    @property
    def shown(self) -> frozenset[str]:
        """The containers whose stream is open."""
        with self._lock:
            return frozenset(name for name, stream in self._open.items() if not stream.ended)

    def close(self) -> None:
        """Close all streams."""
        self.show(())


class _Stream:
    def __init__(self, access: EngineAccess, identity: str, on_usage: Callable[[Usage], None]):
        self.ended = False
        self._access = access
        self._identity = identity
        self._on_usage = on_usage
        self._closed = False
        self._last: dict[str, Any] | None = None
        threading.Thread(target=self._run, name=f"usage {identity[:12]}", daemon=True).start()

    def close(self) -> None:
        """End with the next sample, within a second or so; nothing more is told."""
        self._closed = True

    def _run(self) -> None:
        with suppress(AmltuiError):  # the list of containers tells what is wrong with the engine
            self._read()
        self.ended = True

    def _read(self) -> None:
        with self._access.api(3 * LIMIT) as api:
            rest = b""
            for piece in api.stats(self._identity, stream=True):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.strip() and not self._closed:
                        self._sample(json.loads(line))
                if self._closed or len(rest) > _LINE_LIMIT:
                    return

    def _sample(self, sample: dict[str, Any]) -> None:
        last, self._last = self._last, sample
        if not sample.get("memory_stats"):  # it does not run
            return
        before = (last or {}).get("cpu_stats") or sample.get("precpu_stats") or {}
        self._on_usage(usage(self._identity, sample, before))


def usage(container_id: str, sample: dict[str, Any], before: dict[str, Any]) -> Usage:
    """One sample of the engine in numbers that `docker stats` would show.

    The page cache that the kernel may drop at once does not count as used memory.
    """
    cpu = sample.get("cpu_stats") or {}
    used = _total(cpu) - _total(before)
    system = int(cpu.get("system_cpu_usage") or 0) - int(before.get("system_cpu_usage") or 0)
    cpus = int(cpu.get("online_cpus") or 0) or len(
        cpu.get("cpu_usage", {}).get("percpu_usage") or [1]
    )
    percent = None
    if _total(before):
        percent = 100.0 * used / system * cpus if system > 0 and used > 0 else 0.0
    memory = sample.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cache = int(details.get("total_inactive_file") or details.get("inactive_file") or 0)
    held = int(memory.get("usage") or 0)
    return Usage(
        container_id=container_id,
        cpu_percent=percent,
        memory=held - cache if cache < held else held,
        memory_limit=int(memory.get("limit") or 0),
        processes=int((sample.get("pids_stats") or {}).get("current") or 0),
    )


def _total(cpu: dict[str, Any]) -> int:
    return int((cpu.get("cpu_usage") or {}).get("total_usage") or 0)
