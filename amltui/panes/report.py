"""What was found, as text to read, scroll, copy and page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import humanize
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from amltui.domain.containerdiff import Change
from amltui.domain.workbench import Probe
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Paragraph, Section
from amltui.widgets.dialogs import Dialog

SHOWN_CHANGES = 200


@dataclass(frozen=True)
class Report:
    """Text for a dialog, under its title."""

    title: str
    text: str
    bad: bool = False

    @classmethod
    def of(cls, probe: Probe, name: str) -> Report:
        """A probe's remarks, table and text."""
        parts = ["\n".join(probe.remarks), table_text(probe.columns, probe.rows), probe.text]
        title = f"{probe.title}: {name}"
        return cls(title, "\n\n".join(part for part in parts if part), probe.failed)


class ReportDialog(Dialog[None]):
    """Text to read, scroll and copy; with `page`, in the person's pager, too."""

    DEFAULT_CSS = "ReportDialog > #box { width: 100; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="report.close"),
        Binding("y", "copy", "Copy", id="report.copy"),
        Binding("P", "page", "Pager", id="report.page", tooltip="In your $PAGER"),
    ]

    def __init__(self, report: Report, page: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._report = report
        self._page = page

    def compose(self) -> ComposeResult:
        """The text."""
        with self.box(self._report.title, bad=self._report.bad):
            yield DetailPanel([Section("", (Paragraph(self._report.text),))])
            pager = "P pager · " if self._page is not None else ""
            yield Static(Content(f"y copy · {pager}j k scroll · esc close"), id="keys")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(DetailPanel).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A pager needs a terminal to be lent."""
        return action != "page" or self._page is not None

    def action_copy(self) -> None:
        """Copy all of it."""
        self.notify(copy(self.app, self._report.text), markup=False)

    def action_page(self) -> None:
        """Open it in the pager."""
        if self._page is not None:
            self._page(self._report.text)


def table_text(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """Rows as text in columns."""
    lines = [columns, *rows] if any(columns) else list(rows)
    if not rows:
        return ""
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def changes_text(changes: tuple[Change, ...]) -> list[str]:
    """Changes as lines: what, how big, where."""
    lines = []
    for change in changes[:SHOWN_CHANGES]:
        size = "" if change.size is None else humanize.naturalsize(change.size, binary=True)
        lines.append(f"{change.kind.value:<8}{size:>10}  {change.path}")
    if len(changes) > SHOWN_CHANGES:
        lines.append(f"... and {len(changes) - SHOWN_CHANGES:,} more")
    return lines


def not_committed(found: tuple[Change, ...]) -> str:
    """How many edits no commit has."""
    count = "1 changed file is" if len(found) == 1 else f"{len(found):,} changed files are"
    return f"{count} not committed"
