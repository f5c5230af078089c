"""Measure the diagnosis of logs with nothing to find, against a plain loop over the lines.

Run: python -m tests.bench.diagnosis_speed [LINES]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from amltui.domain.diagnosis import Diagnoser, Finding

BATCH = 5_000
_WORDS = (  # noqa: SIM905 - a list of thirty quoted words reads worse
    "scoring request model latency batch feature column customer worker value received prediction "
    "pipeline result queue cache token server python module data input output score memory usage"
).split()


def access_log(count: int) -> list[str]:
    """Return a web server's request log with odd numbers where statuses are not."""
    pick = random.Random(1)
    return [
        f"127.0.0.1 - - [21/Nov/2026:05:{i // 60 % 60:02d}:{i % 60:02d} +0000] "
        f'"POST /score HTTP/1.0" 200 {pick.choice((25, 500, 502, 503, 504, 431))} '
        f'"-" "Go-http-client/1.1" {pick.randrange(900)}'
        for i in range(count)
    ]


def application_log(count: int) -> list[str]:
    """Return a scoring script's own log: words, numbers, identifiers."""
    pick = random.Random(2)
    return [
        f"2026-11-21 05:{i // 60 % 60:02d}:{i % 60:02d},{i % 1000:03d} | root | INFO | "
        f"{' '.join(pick.choices(_WORDS, k=8))} id={pick.getrandbits(64):x} "
        f"took {pick.randrange(1000)} ms"
        for i in range(count)
    ]


def json_log(count: int) -> list[str]:
    """Return JSON log records."""
    pick = random.Random(3)
    return [
        f'{{"level":"info","ts":{1e9 + i},"error":null,'
        f'"message":"{" ".join(pick.choices(_WORDS, k=6))}",'
        f'"path":"\\"C:\\\\data\\"","latency_ms":{pick.randrange(600)}}}'
        for i in range(count)
    ]


def coloured_log(count: int) -> list[str]:
    """Return the application log in colours."""
    return [f"\x1b[32m{line[:23]}\x1b[0m{line[23:]}" for line in application_log(count)]


def suspicious_log(count: int) -> list[str]:
    """Return lines that all hold a word of a signature and are still nothing."""
    return [
        f"2026-11-21 05:00:00,000 | root | INFO | handler for MemoryError ready, item {i}"
        for i in range(count)
    ]


def measure(lines: Sequence[str]) -> tuple[float, list[Finding]]:
    """Return the seconds that one diagnosis of *lines* takes, and its findings."""
    diagnoser = Diagnoser()
    start = time.perf_counter()
    for first in range(0, len(lines), BATCH):
        diagnoser.feed(lines[first : first + BATCH])
    findings = diagnoser.finish()
    return time.perf_counter() - start, findings


LOGS: dict[str, Callable[[int], list[str]]] = {
    "requests": access_log,
    "application": application_log,
    "json": json_log,
    "coloured": coloured_log,
    "suspicious": suspicious_log,
}


def main(count: int) -> None:
    """Print the table."""
    measure(access_log(100))  # compile the catalogue
    print(
        f"{'log':12} {'lines':>8} {'MB':>6} {'lines/s':>10} {'MB/s':>7} "
        f"{'x plain loop':>12} findings"
    )
    for name, make in LOGS.items():
        lines = make(count)
        size = sum(len(line) for line in lines) / 1e6
        start = time.perf_counter()
        sum(len(line) for line in lines)
        plain = time.perf_counter() - start
        seconds, findings = min((measure(lines) for _ in range(3)), key=lambda run: run[0])
        print(
            f"{name:12} {count:8} {size:6.1f} {count / seconds:10,.0f} {size / seconds:7.1f} "
            f"{seconds / plain:12.1f} {len(findings)}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
