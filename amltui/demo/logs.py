"""Container logs that grow while you watch, computed from the clock rather than by a thread.

A log is a boot script, then blocks of lines that repeat for as long as the container runs. Every
block is a pure function of its number, so that two reads always agree on what has been written.
"""

from __future__ import annotations

import functools
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amltui.demo.clock import stamp

# (seconds after the start of the block, template)
Script = tuple[tuple[float, str], ...]

_MASK = (1 << 64) - 1
_MOST_LINES = 50_000
_APPENDED = 20_000


@dataclass(frozen=True)
class Beat:
    """Blocks that come about every so many seconds; each picks one of the variants."""

    every: float
    variants: tuple[Script, ...]
    jitter: float = 0.8  # how far a block may be late, as a part of `every`


@dataclass
class Log:
    """The log of one service's container; None as start means that there is no container."""

    name: str
    start: float | None
    script: Script = ()
    beat: Beat | None = None
    restarts_every: float | None = None
    hidden_before: float = 0.0
    appended: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=_APPENDED))
    _latest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def content(self, now: float, tail: int) -> str | None:
        """Return the last lines, or None while there is no container."""
        if self.start is None or now < self.start:
            return None
        limit = max(0, min(tail, _MOST_LINES))
        with self._lock:
            self._latest = now = max(now, self._latest)
            start = self._last_start(now)
            horizon = max(start, self.hidden_before)
            appended = [item for item in self.appended if item[0] >= horizon]
        lines = self._boot(start, horizon, now)
        lines += self._beats(start, horizon, now, limit)
        lines += appended
        lines.sort(key=lambda item: item[0])
        chosen = lines[len(lines) - limit :] if limit < len(lines) else lines
        return "".join(text + "\n" for _, text in chosen)

    def append(self, moment: float, *lines: str) -> None:
        """Add lines, as a container that has just printed them."""
        with self._lock:
            # Never before what somebody has read: a log only grows at its end.
            self._latest = moment = max(moment, self._latest)
            self.appended.extend((moment, line) for line in lines)

    def rotate(self, now: float) -> None:
        """Drop everything that is older than now, as the engine does with a full log file."""
        self.hidden_before = now

    def restart(self, now: float) -> None:
        """Begin again with the boot script, as a replaced container does."""
        self.start = now
        self.restarts_every = None

    def _last_start(self, now: float) -> float:
        assert self.start is not None
        if self.restarts_every is None:
            return self.start
        times = (now - self.start) // self.restarts_every
        return self.start + times * self.restarts_every

    def _boot(self, start: float, horizon: float, now: float) -> list[tuple[float, str]]:
        values = _Values(zlib.crc32(self.name.encode()), 0, self.name)
        rendered = ((start + after, template) for after, template in self.script)
        return [
            (moment, values.render(template, moment))
            for moment, template in rendered
            if horizon <= moment <= now
        ]

    def _beats(
        self, start: float, horizon: float, now: float, limit: int
    ) -> list[tuple[float, str]]:
        if self.beat is None or not limit:
            return []
        ready = start + (self.script[-1][0] if self.script else 0.0) + 1.0
        every, variants = self.beat.every, self.beat.variants
        seed = zlib.crc32(self.name.encode())
        lines: list[tuple[float, str]] = []
        # Neighbours may overlap: the last lines in time can be in the last few blocks.
        enough = limit + 4 * max(len(variant) for variant in variants)
        # From the newest backwards: a service that runs for weeks must cost what `tail` asks for.
        for number in range(int((now - ready) // every), -1, -1):
            values = _Values(seed, number, self.name)
            begin = ready + (number + self.beat.jitter * values.fraction) * every
            for after, template in variants[values.bits % len(variants)]:
                moment = begin + after
                if horizon <= moment <= now:
                    lines.append((moment, values.render(template, moment)))
            if len(lines) >= enough or begin + every < horizon:
                break
        return lines


class _Values:
    """The values of one block: its time, and random numbers that are always the same."""

    def __init__(self, seed: int, number: int, name: str) -> None:
        # splitmix64: `random.Random(seed)` would cost ten times as much per block.
        bits = ((number + 1) * 0x9E3779B97F4A7C15 + seed * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        self.bits = bits ^ (bits >> 31)
        self.fraction = (self.bits >> 11) / (1 << 53)
        self.number = number
        self.name = name
        self.moment = 0.0

    def render(self, template: str, moment: float) -> str:
        """Return the template as a line written at that moment."""
        if "{" not in template:
            return template
        self.moment = moment
        return template.format_map(self)

    def __getitem__(self, key: str) -> Any:
        """Return one value; only what a template names is worked out."""
        return _FIELDS[key](self)


@functools.lru_cache(maxsize=8192)
def _times(second: int) -> tuple[str, str, str]:
    """Return the day, the time of day, and both as an access log writes them."""
    day, clock = stamp(second, "%Y-%m-%d %H:%M:%S").split(" ")
    return day, clock, stamp(second, "%d/%b/%Y:%H:%M:%S +0000")


# What a template may name.
_FIELDS: dict[str, Callable[[_Values], Any]] = {
    "run": lambda v: (
        f"{_times(int(v.moment))[0]}T{_times(int(v.moment))[1]},"
        f"{int(v.moment % 1 * 1_000_000):06d}{v.bits % 1000:03d}+00:00 | gunicorn/run | "
    ),
    "log": lambda v: f"{' '.join(_times(int(v.moment))[:2])},{int(v.moment % 1 * 1000):03d}",
    "clf": lambda v: _times(int(v.moment))[2],
    "name": lambda v: v.name,
    "ms": lambda v: f"{4 + v.fraction * 37:.3f}",
    "slow_ms": lambda v: f"{900 + v.fraction * 2400:.3f}",
    "size": lambda v: 22 + v.bits % 180,
    "rows": lambda v: 1 + v.bits % 32,
    "pid_before": lambda v: 57 + v.number * 3 if v.number else 31,
    "next_pid": lambda v: 60 + v.number * 3,
    "rid": lambda v: _request_id(v.bits),
    "ip": lambda v: f"10.244.{v.bits % 3}.{1 + v.bits // 7 % 250}",
}


def _request_id(bits: int) -> str:
    high, low = f"{bits:016x}", f"{(bits * 0x9E3779B97F4A7C15) & _MASK:016x}"
    return f"{high[:8]}-{high[8:12]}-4{high[13:]}-a{low[:3]}-{low[4:]}"
