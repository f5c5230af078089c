"""The filter syntax that every list call of the model management service shares."""

from __future__ import annotations

from typing import Any


def has_pairs(pairs: Any, wanted: str | None) -> bool:
    """Tell whether a map has all of `key=value,key2`, the filter syntax of every list call."""
    if not wanted:
        return True
    have = pairs or {}
    for item in wanted.split(","):
        key, equals, value = item.partition("=")
        if key not in have or (equals and have[key] != value):
            return False
    return True
