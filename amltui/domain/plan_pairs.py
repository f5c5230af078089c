"""Names and texts, one pair a line: how a form shows a map, and how it is read again.

``name=text`` where that says it all; a name or text that would not come back (several lines, blanks
at its ends), or that a terminal would obey, stands in quotes, escaped as in JSON:
``note="one\\ntwo"``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .text import clean, clean_field

_QUOTED = json.JSONDecoder(strict=False)  # a tab may be typed as it is


class WrongPair(ValueError):
    """Why a text is not a list of pairs."""


def to_text(pairs: Mapping[str, str]) -> str:
    """One line for each pair."""
    return "\n".join(f"{_shown(name, '=')}={_shown(text)}" for name, text in pairs.items())


def of_text(text: str) -> dict[str, str]:
    """The pairs of a text; raises `WrongPair`."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.strip():
            name, value = _pair(line.strip())
            if name in found:
                raise WrongPair(f"The name {name} is there twice.")
            found[name] = value
    return found


def pair_at(text: str, at: int) -> tuple[str, str]:
    """The pair in line `at`, from 0; raises `WrongPair` where there is none."""
    return _pair(text.split("\n")[at].strip())


def with_pair(text: str, at: int, value: str) -> str:
    """The text with another value in line `at`, which holds a pair."""
    lines = text.split("\n")
    lines[at] = to_text({_pair(lines[at].strip())[0]: value})
    return "\n".join(lines)


def _shown(part: str, special: str = "\n") -> str:
    is_plain = part == part.strip() and not part.startswith('"')
    if is_plain and special not in part and clean_field(part) == part:
        return part
    return json.dumps(part, ensure_ascii=clean(part) != part)


def _pair(line: str) -> tuple[str, str]:
    if line.startswith('"'):
        name, end = _unquoted(line)
        rest = line[end:].lstrip()
    else:
        end = line.find("=")
        name, rest = line[:end].strip(), line[end:] if end >= 0 else ""
    if not rest.startswith("="):
        raise WrongPair("Write one name=text a line.")
    text = rest[1:].strip()
    if not text.startswith('"'):
        return name, text
    value, end = _unquoted(text)
    if text[end:]:
        raise WrongPair(f"Something stands after the closing quote of {name}.")
    return name, value


def _unquoted(text: str) -> tuple[str, int]:
    try:
        part, end = _QUOTED.raw_decode(text)
    except ValueError:
        raise WrongPair("A quote is not closed, or a \\ in it means nothing.") from None
    return str(part), end
