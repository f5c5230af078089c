"""What the parts of the request pane share: its fields, whom it asks, and what is shown."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Service
from amltui.domain.replica_input import InvalidInput
from amltui.domain.request import SAMPLE, Attempt, Request, parse_header, parse_limit
from amltui.widgets.bounded_text import BoundedTextArea
from amltui.widgets.detail import DetailPanel, Paragraph, Section
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.request_report import Report

from .pane import Pane
from .request_tools import HISTORY, RequestTools
from .request_words import sections

FIRST = "F5 or ctrl+r sends the body once. What comes back is shown here."


class RequestBase(Pane):
    """The fields and the answer. Its keys stand first in the footer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "send", "Send", priority=True, id="request.send"),
        Binding("escape", "back", "Stop/back", id="request.back", tooltip="Stop, leave or go back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.tools: RequestTools | None = None
        self.service: Service | None = None  # None: an address of one's own
        self.shown: Report | None = None
        self.folded = True
        self.url = Input(id="url", compact=True, placeholder="https://host/score")
        self.body = BoundedTextArea(SAMPLE, id="body", compact=True, highlight_cursor_line=False)
        self.answer = DetailPanel([Section("", (Paragraph(FIRST, "muted"),))], id="answer")
        self.history = ResourceTable(HISTORY, empty="Nothing was sent yet.", id="history")

    @abstractmethod
    def action_send(self) -> None:
        """Send the body once."""

    @abstractmethod
    async def action_back(self) -> None:
        """Stop what is running, else leave what has the focus, else go back."""

    def request(self) -> Request:
        """What is typed, as a request; raises InvalidInput where it is none."""
        limit = parse_limit(self.query_one("#limit", Input).value)
        header = self.query_one("#header", Input).value.strip()
        headers = (parse_header(header),) if header else ()
        return Request(self.url.value.strip(), self.body.whole, headers, limit)

    async def show(self, attempt: Attempt, tools: RequestTools) -> Report:
        """Show how an attempt ended."""
        report = await tools.requests.report(attempt, self.service, folded=self.folded)
        self.shown = report
        self.draw()
        return report

    def draw(self) -> None:
        """Show the report, with what is known of it now."""
        report = self.shown
        if report is not None:
            about = f"{report.attempt.number} {self.folded}"
            self.answer.set_sections(sections(report, self.service, self.folded), about)
        self.refresh_bindings()

    def tell(self, error: AmltuiError | InvalidInput) -> None:
        """Say what is wrong in a toast."""
        self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")

    def say(self, text: str) -> None:
        """Say something in place of an answer."""
        self.answer.set_sections([Section("", (Paragraph(text, "muted"),))], "remark")
