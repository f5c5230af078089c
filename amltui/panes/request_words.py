"""A test request's report as sections, and an attempt as a row of the history."""

from __future__ import annotations

from amltui.domain.latency import span
from amltui.domain.models import Service
from amltui.domain.request import Attempt
from amltui.widgets.detail import Item, Paragraph, Section
from amltui.widgets.table_model import Cell, CellStyle, TableRow
from amltui.workers.request_report import Report

from .finding_items import finding_items

KEYS = ("Keys", "F fixes · R replicas")


def sections(report: Report, service: Service | None, folded: bool) -> list[Section]:
    """The report for the detail panel; how it ended stands on top, in colour."""
    head, *rest = report.parts(service, folded=folded)
    answer = report.attempt.answer
    style: CellStyle = "ok" if answer is not None and answer.status < 400 else "failed"
    first = Section("", (Paragraph(head.title, style), *map(_item, head.rows)))
    if report.findings:
        rest[0] = rest[0]._replace(rows=(*rest[0].rows, KEYS))
    return [first, *(Section(part.title, tuple(map(_item, part.rows))) for part in rest)]


def _item(row: tuple[str, str]) -> Item:
    return finding_items([row])[0] if row[0] else Paragraph(row[1])


def row(attempt: Attempt) -> TableRow:
    """An attempt: its number, when, how it ended and how long the server took."""
    answer = attempt.answer
    good = answer is not None and answer.status < 400
    cells = (
        Cell(str(attempt.number), "", attempt.number),
        Cell(f"{attempt.sent_at:%H:%M:%S}"),
        Cell(attempt.words, "ok" if good else "failed"),
        Cell(span(answer.timing.wait_s) if answer else "-"),
    )
    return TableRow(str(attempt.number), cells)
