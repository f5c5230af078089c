"""A recognised failure as items of a detail panel."""

from __future__ import annotations

from collections.abc import Iterable

from amltui.widgets.detail import Field, Item
from amltui.widgets.table_model import CellStyle

FINDING_STYLES: dict[str, CellStyle] = {
    "Diagnosis": "failed",
    "Shown by": "degraded",
    "What to do": "strong",
}


def finding_items(rows: Iterable[tuple[str, str]]) -> list[Item]:
    """The rows of `finding_rows`; what it is and what to do stand out."""
    return [Field(label, text, FINDING_STYLES.get(label, "")) for label, text in rows]
