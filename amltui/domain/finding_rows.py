"""A recognised failure in labelled texts: the same words wherever it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import clean_line, mask

if TYPE_CHECKING:
    from .diagnosis import Finding

LONGEST = 160  # characters of the evidence: a payload is one long line


def finding_title(at: int, count: int) -> str:
    """What the one at that place of a list stands above: the root cause is the first."""
    kind = "Seen as well" if at else "The root cause"
    return f"{kind}, {at + 1} of {count}" if count > 1 else kind


def finding_rows(finding: Finding, place: str = "") -> tuple[tuple[str, str], ...]:
    """What it is and how sure, what shows it (at `place`, as "line 7"), why, what to do."""
    evidence = mask(clean_line(finding.evidence))
    if len(evidence) > LONGEST:
        evidence = f"{evidence[:LONGEST]}…"
    found = [
        ("Diagnosis", f"{finding.title} ({finding.confidence.value})"),
        ("Shown by", f"{place}: {evidence}" if place else evidence),
        ("Why", finding.cause),
        ("What to do", finding.fix),
    ]
    if finding.config_field != "-":
        found.append(("Setting", finding.config_field))
    for name, value in finding.details.items():
        if name != "count":
            found.append((name.capitalize(), mask(clean_line(value))))
    return tuple(found)
