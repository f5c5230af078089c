"""The lines of a log that belong to a request: those of its second, by the server's own clock."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from amltui.domain.request import Attempt

MOST_LOG_LINES = 40


def span_of(attempt: Attempt) -> tuple[datetime, datetime]:
    """The first and last second that the log may speak of it, by the server's own clock."""
    took = attempt.ended_at - attempt.sent_at
    end = attempt.ended_at
    if attempt.answer is not None and (date := attempt.answer.header("date")):
        try:
            end = parsedate_to_datetime(date).astimezone(timezone.utc)
        except (ValueError, TypeError, OverflowError):
            end = attempt.ended_at
    second = timedelta(seconds=1)
    start = end - took
    return start.replace(microsecond=0), end.replace(microsecond=0) + second


_TIME = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[T ](?P<t>\d\d:\d\d:\d\d)"
    r"|\[(?P<d2>\d\d)/(?P<b>[A-Z][a-z]{2})/(?P<y2>\d{4}):(?P<t2>\d\d:\d\d:\d\d)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def lines_between(lines: list[str], start: datetime, end: datetime) -> Iterator[str]:
    """The log lines of these seconds; a line without a time belongs to the one before it."""
    found: deque[str] = deque(maxlen=MOST_LOG_LINES)
    inside = False
    for line in lines:
        moment = _moment(line)
        if moment is not None:
            inside = start <= moment <= end
        if inside:
            found.append(line)
    return iter(found)


def _moment(line: str) -> datetime | None:
    match = _TIME.search(line[:200])
    if match is None:
        return None
    year, day = match["y"] or match["y2"], match["d"] or match["d2"]
    hour, minute, second = map(int, (match["t"] or match["t2"]).split(":"))
    try:
        month = int(match["m"] or _MONTHS.index(match["b"]) + 1)
        return datetime(int(year), month, int(day), hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
