"""How long requests take: the stretches of one, and the distribution of many in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log

_LOWEST = 1e-5  # s; what is faster counts as this
_HIGHEST = 3600.0  # s; what is slower counts as this
_STEP = log(1.01)  # each bucket is 1 % wide, so its middle is within 0.5 % of all in it
_BUCKETS = int(log(_HIGHEST / _LOWEST) / _STEP) + 1
_SCALE = (1, 2, 5)
_BLOCKS = "▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Timing:
    """The stretches of one exchange, in s: a later one is 0 where it was not reached.

    `connect_s` holds the name look-up and a proxy's part, `wait_s` runs from the first byte sent
    to the last byte of the answer's headers: the network's way and the server's work.
    """

    connect_s: float = 0.0
    tls_s: float = 0.0
    wait_s: float = 0.0
    body_s: float = 0.0

    @property
    def total_s(self) -> float:
        """From the first look at the host's name to the last byte."""
        return self.connect_s + self.tls_s + self.wait_s + self.body_s


class Histogram:
    """A distribution of times: at most 1,980 counters, whatever is put in.

    Percentiles are within 0.5 % between 10 µs and an hour; mean, least and most are exact.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total_s = 0.0
        self.least_s = 0.0
        self.most_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one time."""
        self.least_s = seconds if self.count == 0 else min(self.least_s, seconds)
        self.most_s = max(self.most_s, seconds)
        self.count += 1
        self.total_s += seconds
        bounded = min(max(seconds, _LOWEST), _HIGHEST)
        at = min(int(log(bounded / _LOWEST) / _STEP), _BUCKETS - 1)
        self._counts[at] = self._counts.get(at, 0) + 1

    @property
    def mean_s(self) -> float:
        """The mean; 0 where nothing was counted."""
        return self.total_s / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The time that so many percent stay at or below (nearest rank); 0 without any."""
        wanted = max(1, -int(-self.count * percent // 100))  # rounded up
        passed = 0
        for at in sorted(self._counts):
            passed += self._counts[at]
            if passed >= wanted:
                middle = _LOWEST * exp((at + 0.5) * _STEP)
                return min(max(middle, self.least_s), self.most_s)
        return 0.0

    def bands(self) -> Iterator[tuple[float, int]]:
        """Upper edges of a 1-2-5 scale (s) from the fastest to the slowest, with their counts."""
        left = dict(self._counts)
        for power in range(-5, 5):
            for digit in _SCALE:
                if not left:
                    return
                edge = digit * 10.0**power
                inside = [at for at in left if _LOWEST * exp((at + 0.5) * _STEP) <= edge]
                count = sum(left.pop(at) for at in inside)
                if count or len(left) < len(self._counts):
                    yield edge, count


def timing_words(timing: Timing) -> list[tuple[str, str]]:
    """The stretches of an exchange, labelled."""
    rows = [("connect", timing.connect_s)]
    rows += [("TLS", timing.tls_s)] if timing.tls_s else []
    rows += [("server", timing.wait_s), ("body", timing.body_s), ("total", timing.total_s)]
    return [(label, span(seconds)) for label, seconds in rows]


def percentiles(histogram: Histogram) -> str:
    """The usual figures on one line: "p50 12.3 ms · p95 40 ms · p99 82 ms · most 90 ms"."""
    if not histogram.count:
        return "none was answered"
    parts = [f"p{at} {span(histogram.percentile(at))}" for at in (50, 95, 99)]
    return " · ".join([*parts, f"most {span(histogram.most_s)}"])


def span(seconds: float) -> str:
    """A short time in three digits: "0.412 ms", "12.3 ms", "1.25 s", "75.0 s"."""
    value, unit = (seconds * 1000, "ms") if seconds < 1 else (seconds, "s")
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    if unit == "ms" and round(value) >= 1000:  # 999.7 ms
        return "1.00 s"
    return f"{value:.{digits}f} {unit}"


def bar(share: float, width: int) -> str:
    """A bar of so many cells for a share of 1; any share above 0 can be seen."""
    if share <= 0:
        return ""
    eighths = max(1, round(min(share, 1.0) * width * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BLOCKS[rest - 1] if rest else "")


def distribution(histogram: Histogram, width: int = 40) -> list[str]:
    """The distribution as lines of text: edge, bar, count."""
    bands = list(histogram.bands())
    most = max((count for _, count in bands), default=0)
    return [
        f"≤ {span(edge):>8} {bar(count / most, width):<{width}} {count:,}" for edge, count in bands
    ]


def sparkline(values: list[float], top: float = 0.0) -> str:
    """One character a value, from low to high; a value above 0 always shows."""
    most = max([top, *values]) if values else 0.0
    levels = "▁▂▃▄▅▆▇█"
    return "".join(
        " " if value <= 0 or not most else levels[min(7, int(value / most * 7.999))]
        for value in values
    )
