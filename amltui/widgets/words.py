"""Times and sizes in people's words."""

from __future__ import annotations

from datetime import datetime, timedelta

import humanize


def age(then: datetime | None, now: datetime) -> str:
    """How long ago, short enough for a table: "now", "40 s", "12 min", "3 h", "5 d", "2 y"."""
    if then is None:
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 5:
        return "now"
    for size, unit in ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 5) * 5} s"


def ago(then: datetime | None, now: datetime) -> str:
    """The same after a verb: "now", "40 s ago"; empty where it is not known."""
    told = age(then, now)
    return f"{told} ago" if told not in ("", "now") else told


def moment(then: datetime | None, now: datetime) -> str:
    """A point in time with its distance: "2026-11-20 14:03 UTC, a day ago"."""
    if then is None:
        return ""
    distance = humanize.naturaltime(now - then)
    return f"{then:%Y-%m-%d %H:%M} UTC, {distance}"


def duration(seconds: float) -> str:
    """A length of time: "8 seconds", "5 minutes and 3 seconds"."""
    return humanize.precisedelta(timedelta(seconds=round(seconds)), minimum_unit="seconds")


def size(number_of_bytes: float) -> str:
    """A size in decimal units: "3.4 MB"."""
    return humanize.naturalsize(number_of_bytes)


def count(number: int) -> str:
    """A number with its thousands set apart: "1,234"."""
    return humanize.intcomma(number)


def quantity(number: float | None, unit: str = "") -> str:
    """A number without needless zeros, and its unit; a dash where there is none."""
    if number is None:
        return "-"
    return f"{number:g} {unit}".rstrip()
