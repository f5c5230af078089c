"""The time stamps of log lines: how they are shown, and times as people type them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from enum import Enum
from functools import lru_cache


class Clock(Enum):
    """Which time is shown beside each line."""

    OFF = "off"
    LOCAL = "local"
    UTC = "UTC"
    START = "since start"

    @property
    def next(self) -> Clock:
        """The one that follows, round and round."""
        clocks = list(Clock)
        return clocks[(clocks.index(self) + 1) % len(clocks)]

    @property
    def width(self) -> int:
        """Columns a stamp takes, its blank included."""
        return 0 if self is Clock.OFF else 13


def parse(stamp: bytes) -> datetime | None:
    """The moment of an engine's RFC 3339 stamp, to the microsecond."""
    try:
        moment = datetime.strptime(stamp[:19].decode("ascii"), "%Y-%m-%dT%H:%M:%S")
        micro = int(stamp[20:26].ljust(6, b"0")) if stamp[19:20] == b"." else 0
    except ValueError:
        return None
    return moment.replace(microsecond=micro, tzinfo=timezone.utc)


def stamp_of(epoch: float) -> bytes:
    """A moment in epoch seconds as a stamp of the engine's form."""
    moment = datetime.fromtimestamp(epoch, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode("ascii")


_AT_START = re.compile(
    rb"[^\w\"]{0,4}(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"
)


def stamp_in(raw: bytes) -> bytes | None:
    """The time that a line itself begins with, taken as UTC, as a stamp of the engine's form."""
    match = _AT_START.match(raw)
    if match is None:
        return None
    year, month, day, clock, fraction = match.groups(b"")
    return b"%s-%s-%sT%s.%sZ" % (year, month, day, clock, fraction.ljust(9, b"0"))


@lru_cache(maxsize=256)
def _local_minute(minute: bytes, zone: tzinfo | None) -> str:
    moment = parse(minute + b":00")
    return "" if moment is None else f"{moment.astimezone(zone):%H:%M}"


def show(
    stamp: bytes | None, clock: Clock, start: datetime | None, zone: tzinfo | None = None
) -> str:
    """A stamp in `clock.width` columns, blank where there is none; `zone` None is the system's."""
    if clock is Clock.OFF:
        return ""
    if stamp is None:
        return " " * clock.width
    if clock is Clock.UTC:
        text = stamp[11:23].decode("ascii", "replace")
    elif clock is Clock.LOCAL:
        text = _local_minute(stamp[:16], zone) + stamp[16:23].decode("ascii", "replace")
    else:
        moment = parse(stamp)
        text = "" if moment is None or start is None else _elapsed(moment - start)
    return text.rjust(clock.width - 1)[: clock.width - 1] + " "


def _elapsed(span: timedelta) -> str:
    seconds = span.total_seconds()
    sign, seconds = ("-" if seconds < 0 else "+"), abs(seconds)
    if seconds < 3_600:
        return f"{sign}{int(seconds // 60)}:{seconds % 60:06.3f}"
    hours, rest = divmod(int(seconds), 3_600)
    return f"{sign}{hours}:{rest // 60:02}:{rest % 60:02}"


_CLOCK = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)[T ])?(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z?)")
_AGO = re.compile(r"-?\s*(\d+)\s*(s|sec|m|min|h|d)(?:\s+ago)?")
_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}


def read(typed: str, newest: datetime, zone: tzinfo | None = None, utc: bool = False) -> bytes:
    """The stamp that a typed time means: "14:03", "14:03:20", a date before it, or "-5m".

    A time without a date is the last one before `newest`, the time of the newest line; "-5m"
    counts back from there.

    Raises:
        ValueError: what was typed is not a time, with the forms that are.
    """
    typed = typed.strip()
    if (ago := _AGO.fullmatch(typed)) is not None:
        try:
            moment = newest - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        except OverflowError:
            moment = datetime(1970, 1, 1, tzinfo=timezone.utc)
        return _stamp(moment)
    match = _CLOCK.fullmatch(typed)
    if match is None:
        raise ValueError("a time is 14:03, 14:03:20, 2026-11-21 14:03 or -5m")
    here = timezone.utc if utc or match[8] else zone
    near = newest.astimezone(here)
    day = (int(match[1]), int(match[2]), int(match[3])) if match[1] else None
    micro = int((match[7] or "0")[:6].ljust(6, "0"))
    try:
        clock = time(int(match[4]), int(match[5]), int(match[6] or 0), micro)
        moment = datetime.combine(date(*day) if day else near.date(), clock)
        if day is None and moment > near.replace(tzinfo=None):
            moment -= timedelta(days=1)
        return _stamp(moment, here)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def _stamp(moment: datetime, zone: tzinfo | None = None) -> bytes:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")[:26].encode()
