"""Ask a service: one request, its answer taken apart, and what to make of it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Label, Static, TextArea

from amltui.domain.errors import AmltuiError
from amltui.domain.latency import span
from amltui.domain.models import AuthMode, Service
from amltui.domain.replicas import InvalidInput
from amltui.domain.request import (
    SAMPLE,
    Attempt,
    Request,
    as_curl,
    as_python,
    body_problem,
    compare,
    parse_limit,
)
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Field, Item, Paragraph, Section
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.status_bar import StatusBar
from amltui.widgets.table_model import Cell, CellStyle, TableRow
from amltui.workers.requests import Report, key_words

from .pane import PANES, TITLES, Pane, WorkspaceSwitched
from .request_tools import HISTORY, RequestTools
from .terminal_handover import suspended

MOST_CHECKED = 100_000  # characters of a body that are parsed at every key
DEFAULT_LIMIT = "60 s"
DIFF: dict[str, CellStyle] = {"+": "ok", "-": "failed"}
FIRST = "F5 or ctrl+r sends the body once. What comes back is shown here."


class RequestPane(Pane):
    """A test request to a service: F5 or ctrl+r sends it, esc stops it or goes back.

    The key is added by itself and never shown. esc leaves the text, so that letters are keys;
    enter goes back into it. One request is one request: nothing is repeated by itself.
    """

    PANE = "request"
    CSS_PATH = "request.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "send", "Send", priority=True, id="request.send"),
        Binding("escape", "back", "Stop/back", id="request.back", tooltip="Stop, leave or go back"),
        Binding("enter", "edit", "Edit", id="request.edit", tooltip="Type in the body"),
        Binding(
            "f", "fold", "Unfold", show=False, id="request.fold", tooltip="All of a long answer"
        ),
        Binding("h", "history", "History", id="request.history", tooltip="What was sent before"),
        Binding("c", "compare", "Compare", show=False, id="request.compare", tooltip="Two answers"),
        Binding(
            "o", "file", "File", show=False, id="request.file", tooltip="Take the body from a file"
        ),
        Binding(
            "s",
            "swagger",
            "Swagger",
            show=False,
            id="request.swagger",
            tooltip="Body of swagger.json",
        ),
        Binding("E", "editor", "Edit with $EDITOR", show=False, id="request.editor"),
        Binding("d", "default", "Usual sample body", show=False, id="request.sample"),
        Binding("y", "copy('curl')", "Curl", id="request.curl", tooltip="Copy as a curl command"),
        Binding("Y", "copy('python')", "Copy as Python", show=False, id="request.python"),
        Binding(
            "R",
            "replicas",
            "Replicas",
            show=False,
            id="request.replicas",
            tooltip="How many it needs",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tools: RequestTools | None = None
        self._service: Service | None = None
        self._typed: dict[str, tuple[str, str]] = {}  # address and body, by service
        self._shown: Report | None = None
        self._folded = True
        self._url = Input(id="url", compact=True, placeholder="https://host/score")
        self._body = TextArea(SAMPLE, id="body", compact=True, highlight_cursor_line=False)
        self._answer = DetailPanel([Section("", (Paragraph(FIRST, "muted"),))], id="answer")
        self._history = ResourceTable(HISTORY, empty="Nothing was sent yet.", id="history")

    def compose(self) -> ComposeResult:
        yield StatusBar(TITLES, PANES.index("services"))  # from where it is opened
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label("POST", markup=False)
            yield self._url
            yield Label("within", markup=False)
            yield Input(DEFAULT_LIMIT, id="limit", compact=True)
        with Horizontal(classes="line hidden", id="file-line"):
            yield Label("File", markup=False)
            yield Input(id="file", compact=True, placeholder="path of a file with the body")
        yield Static(id="about")
        with Vertical(id="work"):
            yield from (self._body, self._answer, self._history)

    # What it is about

    def open(self, service: Service, tools: RequestTools) -> None:
        """Ask this service; what was typed for it before is still there."""
        if self._service is not None and service.ref == self._service.ref:
            self._service, self._tools = service, tools
        else:
            url, body = self._typed.get(str(service.ref), (service.scoring_uri, SAMPLE))
            self._service, self._tools, self._shown = service, tools, None
            self._url.value, self._body.text = url, body
            self.workers.cancel_group(self, "send")
            self._say(FIRST)
        self.remove_class("-history")
        self._describe()
        self.set_focus(self._body)

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        self.workers.cancel_group(self, "send")
        self._service = self._tools = self._shown = None
        self._say("The workspace was switched: choose a service with 1 and ask it from there.")
        self._describe()

    @on(TextArea.Changed)
    @on(Input.Changed)
    def _describe(self) -> None:
        """Say who is asked, with what key, and what is odd about what is typed."""
        try:
            problem = "" if len(self._body.text) > MOST_CHECKED else body_problem(self._body.text)
            self._request()
        except InvalidInput as error:
            problem = f"{error.title} {error.message}"
        if self._service is not None:
            self._typed[str(self._service.ref)] = (self._url.value, self._body.text)
        key = key_words(self._url.value.strip(), self._service)
        about = Content.assemble((key, "bold"), (f"  {problem}", "$text-warning"))
        self.query_one("#about", Static).update(about)

    def _request(self) -> Request:
        limit = parse_limit(self.query_one("#limit", Input).value)
        return Request(self._url.value.strip(), self._body.text, limit_s=limit)

    # Sending

    def action_send(self) -> None:
        """Send the body once."""
        if self._tools is None or self._sending:
            return
        try:
            request = self._request()
        except InvalidInput as error:
            self._tell(error)
            return
        self.remove_class("-history")
        self._send(request, self._tools)
        self.set_focus(self._answer)

    @property
    def _sending(self) -> bool:
        return any(one.group == "send" and not one.is_finished for one in self.workers)

    @work(exclusive=True, group="send", exit_on_error=False, name="test request")
    async def _send(self, request: Request, tools: RequestTools) -> None:
        service = self._service
        ticking = asyncio.ensure_future(self._tick(request.limit_s))
        try:
            attempt = await tools.requests.send(request, service)
        except AmltuiError as error:
            self._say(f"{error.title}. {error.message} {error.hint}")
            self.console.report("test request", error)
            return
        except asyncio.CancelledError:
            self._say("The request was stopped. What the service did with it is not known.")
            raise
        finally:
            ticking.cancel()
        self._folded = True
        report = await self._show(attempt, tools)
        if service is not None and attempt.answer is not None:
            report.log = await tools.requests.log_lines(attempt, service)
            if report is self._shown:
                self._draw()

    async def _tick(self, limit_s: float) -> None:
        seconds = 0
        while True:
            self._say(f"Waiting for the answer: {seconds} of {limit_s:g} s. esc stops it.")
            await asyncio.sleep(1)
            seconds += 1

    async def _show(self, attempt: Attempt, tools: RequestTools) -> Report:
        report = await tools.requests.report(attempt, self._service, folded=self._folded)
        self._shown = report
        self._draw()
        return report

    def _draw(self) -> None:
        report = self._shown
        if report is not None:
            about = f"{report.attempt.number} {self._folded}"
            self._answer.set_sections(sections(report, self._service, self._folded), about)
        self.refresh_bindings()

    def _tell(self, error: AmltuiError) -> None:
        self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")

    def _say(self, text: str) -> None:
        self._answer.set_sections([Section("", (Paragraph(text, "muted"),))], "remark")

    # Looking at answers

    @work(exclusive=True, group="fold", exit_on_error=False, name="answer")
    async def action_fold(self) -> None:
        """Show all of a long answer, or its outline again."""
        if self._shown is None or self._tools is None:
            return
        self._folded = not self._folded
        log = self._shown.log
        (await self._show(self._shown.attempt, self._tools)).log = log
        self._draw()

    def action_history(self) -> None:
        """Show what was sent to this service, or the answer again."""
        showing = self.toggle_class("-history").has_class("-history")
        if showing and self._tools is not None:
            attempts = self._tools.requests.attempts(self._service)
            self._history.set_rows([_row(one) for one in reversed(attempts)])
        self.set_focus(self._history if showing else self._answer)
        self.refresh_bindings()

    @on(ResourceTable.RowSelected)
    @work(exclusive=True, group="fold", exit_on_error=False, name="answer")
    async def _from_history(self, event: ResourceTable.RowSelected) -> None:
        if (attempt := self._chosen(event.key)) is None or self._tools is None:
            return
        self._take(attempt.request.body)
        self._url.value = attempt.request.url
        self.remove_class("-history")
        self.set_focus(self._answer)
        await self._show(attempt, self._tools)

    def _chosen(self, key: str | None) -> Attempt | None:
        kept = self._tools.requests.history if self._tools else ()
        return next((one for one in kept if str(one.number) == key), None)

    @work(exclusive=True, group="fold", exit_on_error=False, name="comparison")
    async def action_compare(self) -> None:
        """Show what differs between the chosen attempt, or the one before, and the last."""
        attempts = self._tools.requests.attempts(self._service) if self._tools else []
        now = attempts[-1] if attempts else None
        before = attempts[-2] if len(attempts) > 1 else None
        if self.has_class("-history"):
            before = self._chosen(self._history.highlighted)
        elif self._shown is not None and now and self._shown.attempt.number != now.number:
            before = self._shown.attempt
        if before is None or now is None or before.number == now.number or self._tools is None:
            self.notify("Send it twice, or choose an older one in the history.")
            return
        lines = await self._tools.requests.off_the_loop(lambda: compare(before, now))
        self.remove_class("-history")
        title = f"#{before.number} compared with #{now.number}"
        items = tuple(Paragraph(line, DIFF.get(line[:1], "")) for line in lines)
        self._answer.set_sections([Section(title, items)], title)
        self.set_focus(self._answer)

    # The body

    def action_edit(self) -> None:
        self.remove_class("-history")
        self.set_focus(self._body)

    def _take(self, body: str) -> None:
        """Put another body into the field, so that ctrl+z brings back what was typed."""
        self._body.replace(body, (0, 0), self._body.document.end)

    def action_default(self) -> None:
        self._take(SAMPLE)

    def action_file(self) -> None:
        self.query_one("#file-line").remove_class("hidden")
        self.set_focus(self.query_one("#file", Input))

    @on(Input.Submitted, "#file")
    @work(exclusive=True, group="body", exit_on_error=False, name="body")
    async def _read_file(self, event: Input.Submitted) -> None:
        if (tools := self._tools) is None:
            return
        try:
            self._take(await tools.requests.off_the_loop(lambda: tools.read_body(event.value)))
        except AmltuiError as error:
            self._tell(error)
            return
        self.query_one("#file-line").add_class("hidden")
        self.set_focus(self._body)

    @work(exclusive=True, group="body", exit_on_error=False, name="swagger")
    async def action_swagger(self) -> None:
        """Ask the service for its swagger.json and make a body of it."""
        if self._tools is None or self._service is None:
            return
        try:
            self._take(await self._tools.requests.swagger_sample(self._service))
        except AmltuiError as error:
            self._tell(error)

    def action_editor(self) -> None:
        if self._tools is None:
            return
        edit, text, taken = self._tools.edit_body, self._body.text, [self._body.text]
        failed = suspended(self.app, lambda: taken.append(edit(text)))
        if failed is not None:
            self._tell(failed)
        self._take(taken[-1])

    # Copying, leaving

    def action_copy(self, form: str) -> None:
        """Copy the request as a curl command or as Python, a variable in place of the key."""
        key = self._service is not None and self._service.auth is not AuthMode.NONE
        try:
            text = (as_curl if form == "curl" else as_python)(self._request(), key=key)
        except InvalidInput as error:
            self._tell(error)
            return
        remark = " The key is not in it: set AMLTUI_KEY." if key else ""
        self.notify(copy(self.app, text) + remark)

    async def action_replicas(self) -> None:
        from .replicas import ReplicasPane

        if self._service is None or self._tools is None:
            return
        await self.console.switch_mode("replicas")
        if isinstance(self.console.screen, ReplicasPane):
            self.console.screen.load_service(self._service, self._tools.requests, self._tools.load)

    async def action_back(self) -> None:
        """Stop what is running, else leave what has the focus, else go back."""
        if self._sending:
            self.workers.cancel_group(self, "send")
        elif isinstance(self.focused, (Input, TextArea)):
            self.query_one("#file-line").add_class("hidden")
            self.set_focus(self._answer)
        elif self.has_class("-history"):
            self.action_history()
        else:
            await self.console.switch_mode("services")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are text while somebody types."""
        if action in ("send", "back"):
            return True
        typing = isinstance(self.focused, (Input, TextArea))
        return not typing and (action != "fold" or self._shown is not None)


def sections(report: Report, service: Service | None, folded: bool) -> list[Section]:
    """The report for the detail panel; how it ended stands on top, in colour."""
    head, *rest = report.parts(service, folded=folded)
    answer = report.attempt.answer
    style: CellStyle = "ok" if answer is not None and answer.status < 400 else "failed"
    first = Section("", (Paragraph(head.title, style), *map(_item, head.rows)))
    return [first, *(Section(part.title, tuple(map(_item, part.rows))) for part in rest)]


def _item(row: tuple[str, str]) -> Item:
    return Field(*row) if row[0] else Paragraph(row[1])


def _row(attempt: Attempt) -> TableRow:
    answer = attempt.answer
    good = answer is not None and answer.status < 400
    cells = (
        Cell(str(attempt.number), "", attempt.number),
        Cell(f"{attempt.sent_at:%H:%M:%S}"),
        Cell(attempt.words, "ok" if good else "failed"),
        Cell(span(answer.timing.wait_s) if answer else "-"),
    )
    return TableRow(str(attempt.number), cells)
