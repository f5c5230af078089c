"""Single values out of payloads that may hold anything anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from amltui.domain.text import clean_line

MAX_LINE = 2_000  # characters of a field on one line
_FRACTION = re.compile(r"\.(\d+)")


def time(payload: Mapping[str, Any], key: str, notes: list[str]) -> datetime | None:
    """A time in UTC; what is none becomes a note."""
    value = payload.get(key)
    if value is None:
        return None
    try:
        # Python 3.10 reads neither "Z" nor fractions that are not 3 or 6 digits long.
        exact = _FRACTION.sub(lambda m: "." + m[1][:6].ljust(6, "0"), value.replace("Z", "+00:00"))
        moment = datetime.fromisoformat(exact)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc)
    except (AttributeError, ValueError, TypeError, OverflowError):
        notes.append(f"{key} is not a time: {clean_line(text(value))[:60]}")
        return None


def string(payload: Mapping[str, Any], key: str) -> str:
    """A text as it is, empty where there is none; ValueError where it is something else."""
    value = payload.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"its {key} is {kind_of(value)} instead of a text")
    return value


def line(payload: Mapping[str, Any], key: str) -> str:
    """Any value as one clean, bounded line."""
    value = payload.get(key)
    return "" if value is None else clean_line(text(value))[:MAX_LINE]


def text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def number(value: Any) -> float | None:
    """A finite number, also where the service wrote it as a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None


def whole(value: Any) -> int | None:
    """The whole part of a finite number."""
    found = number(value)
    return None if found is None else int(found)


def kind_of(value: Any) -> str:
    """What a value is, in words, for a remark on why it is no good."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    if value is None:
        return "missing"
    if value == "":
        return "empty"
    return names.get(type(value), "a number")
