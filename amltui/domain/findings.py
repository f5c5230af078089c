"""What is found in a file that a plan names, and the smallest change of lines that mends it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Level(str, Enum):
    """What a finding does: an error blocks a deployment, a warning can be accepted."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Hunk:
    """Lines to take out at a line (from 1), and what to put there instead."""

    line: int
    remove: int
    insert: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A change of a file by lines: what is not named stays as it is, comments and layout too."""

    label: str
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True)
class Finding:
    """Something found at a line (from 1; 0 is the whole file); `code` names the kind for rules."""

    line: int
    code: str
    message: str
    level: Level
    hint: str = ""
    fix: Edit | None = None


def apply(text: str, edit: Edit) -> str:
    """The text after an edit that was made for it; its line ends are kept."""
    lines = _LINE.findall(text)  # not splitlines: form feeds and the like end no line
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    closed = text.endswith("\n") or not text
    for hunk in sorted(edit.hunks, key=lambda one: one.line, reverse=True):
        at = hunk.line - 1
        lines[at : at + hunk.remove] = [line + end for line in hunk.insert]
    lines = [line if line.endswith("\n") else line + end for line in lines]
    return "".join(lines) if closed else "".join(lines).removesuffix(end)
