"""Weigh a match: whether the line reports the failure, and what decides later if it counts."""

from __future__ import annotations

from amltui.domain.diagnosis import shape
from amltui.domain.diagnosis.hits import Hit
from amltui.domain.diagnosis.model import Confidence, Entry
from amltui.domain.diagnosis.normalise import WARNING, Line
from amltui.domain.diagnosis.replica import Block

_HEAD = 4_000  # characters of a line that may say that it will be tried again


def report(
    entry: Entry,
    confidence: Confidence,
    line: Line,
    *,
    block: Block | None = None,
    details: dict[str, str] | None = None,
    shaped: bool = True,
    mention: bool = False,
    container_only: bool = False,
    control_plane: bool = False,
    access: bool = False,
) -> Hit | None:
    """Return the hit of *entry* on *line*, in the traceback *block* if any; None: no report."""
    loud = block is not None or not line.level or _at_any_level(entry, access)
    warned = line.level == WARNING and not loud
    if mention or not (loud or line.level >= WARNING):
        return None
    if warned and confidence is not Confidence.CERTAIN:
        return None
    return Hit(
        entry=entry,
        confidence=confidence,
        line=line.number,
        evidence=line.raw or line.text,
        details=details or {},
        in_traceback=block is not None,
        shaped=shaped,
        weak=block.weak if block else 0,
        level=block.level if block else line.level,
        container_only=container_only,
        control_plane=control_plane,
        transient=warned or bool(shape.TRANSIENT.search(line.raw[:_HEAD])),
        block=block.number if block else -1,
        access=access,
    )


def _at_any_level(entry: Entry, access: bool) -> bool:
    """Tell whether *entry* may be reported from a line below the level of a warning."""
    return access or entry.any_level or entry.severity == "info"
