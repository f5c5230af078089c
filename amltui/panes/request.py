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
from amltui.domain.models import Service
from amltui.domain.replica_input import InvalidInput
from amltui.domain.request import SAMPLE, Request, body_problem
from amltui.widgets.status_bar import StatusBar
from amltui.workers.requests import key_words

from .pane import PANES, TITLES, WorkspaceSwitched
from .request_base import FIRST
from .request_body import RequestBody
from .request_looking import RequestLooking
from .request_tools import RequestTools

LARGE = "Too large or odd to type in: E edits all of it, ctrl+z takes it back."
DEFAULT_LIMIT = "60 s"


class RequestPane(RequestLooking, RequestBody):
    """A test request to a service: F5 or ctrl+r sends it, esc stops it or goes back.

    The key is added by itself and never shown. esc leaves the text, so that letters are keys;
    enter goes back into it. One request is one request: nothing is repeated by itself.
    """

    PANE = "request"
    CSS_PATH = "request.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "replicas", "Replicas", show=False, id="request.replicas",
                tooltip="How many it needs"),
        Binding("F", "mend", "Fix", show=False, id="request.mend",
                tooltip="What can be done about an error; each is shown before it is done"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._typed: dict[str, tuple[str, str]] = {}  # own address and body, by service

    def compose(self) -> ComposeResult:
        yield StatusBar(TITLES, PANES.index("services"))  # from where it is opened
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label("POST", markup=False)
            yield self.url
            yield Label("within", markup=False)
            yield Input(DEFAULT_LIMIT, id="limit", compact=True)
        with Horizontal(classes="line hidden", id="file-line"):
            yield Label("File", markup=False)
            yield Input(id="file", compact=True, placeholder="path of a file with the body")
        with Horizontal(classes="line hidden", id="header-line"):
            yield Label("Header", markup=False)
            hint = "Authorization: Bearer …; it is neither shown nor kept"
            yield Input(id="header", compact=True, password=True, placeholder=hint)
        yield Static(id="about")
        with Vertical(id="work"):
            yield from (self.body, self.answer, self.history)

    # What it is about

    def open(self, service: Service | None, tools: RequestTools) -> None:
        """Ask this service, or an address of one's own; what was typed for it is still there."""
        same = self.tools is not None and _key(service) == _key(self.service)
        self.service, self.tools = service, tools
        url, body = self._typed.get(_key(service), ("", SAMPLE))
        self.url.value = url or self._start
        if not same:
            self.body.take(body)
            self.body.history.clear()
            self.query_one("#header", Input).value = ""
            self.shown = None
            self.workers.cancel_group(self, "send")
            self.say(FIRST)
        self.remove_class("-history")
        self.close_lines()
        self._describe()
        self.set_focus(self.body if self.url.value else self.url)

    @property
    def _start(self) -> str:
        """Where the service is asked as long as nobody types another address."""
        return self.service.scoring_uri if self.service is not None else ""

    @on(WorkspaceSwitched)
    def _start_over(self) -> None:
        self.workers.cancel_group(self, "send")
        self._typed.clear()
        self.service = self.tools = self.shown = None
        self.say("The workspace was switched: choose a service with 1 and ask it from there.")
        self._describe()

    @on(TextArea.Changed)
    @on(Input.Changed)
    def _describe(self) -> None:
        """Say who is asked, with what key, and what is odd about what is typed."""
        try:
            problem = LARGE if self.body.read_only else body_problem(self.body.text)
            self.request()
        except InvalidInput as error:
            problem = f"{error.title} {error.message}"
        if self.tools is not None:
            url = self.url.value.strip()
            self._typed[_key(self.service)] = (url if url != self._start else "", self.body.whole)
        key = key_words(self.url.value.strip(), self.service)
        if self.service is None and self.tools is not None:
            key = "Your own address: a adds a header; no key is sent."
        odd = f"\n{problem}" if problem else ""
        about = Content.assemble((key, "bold"), (odd, "$text-warning"))
        self.query_one("#about", Static).update(about)

    # Sending

    def action_send(self) -> None:
        """Send the body once."""
        # F5 overtakes what was typed just before it and still waits in the field's queue.
        (self.focused or self).call_later(self._send_typed)

    def _send_typed(self) -> None:
        if self.tools is None or self._sending:
            return
        try:
            request = self.request()
        except InvalidInput as error:
            self.tell(error)
            return
        self.remove_class("-history")
        self._send(request, self.tools)
        self.set_focus(self.answer)

    @property
    def _sending(self) -> bool:
        return any(one.group == "send" and not one.is_finished for one in self.workers)

    @work(exclusive=True, group="send", exit_on_error=False, name="test request")
    async def _send(self, request: Request, tools: RequestTools) -> None:
        service = self.service
        ticking = asyncio.ensure_future(self._tick(request.limit_s))
        try:
            attempt = await tools.requests.send(request, service)
        except AmltuiError as error:
            self.say(f"{error.title}. {error.message} {error.hint}")
            self.console.report("test request", error)
            return
        except asyncio.CancelledError:
            self.say("The request was stopped. What the service did with it is not known.")
            raise
        finally:
            ticking.cancel()
        self.folded = True
        report = await self.show(attempt, tools)
        if service is not None:
            report.log = await tools.requests.log_lines(attempt, service)
            if report is self.shown:
                self.draw()

    async def _tick(self, limit_s: float) -> None:
        seconds = 0
        while True:
            self.say(f"Waiting for the answer: {seconds} of {limit_s:g} s. esc stops it.")
            await asyncio.sleep(1)
            seconds += 1

    # Leaving

    async def action_replicas(self) -> None:
        """Calculate with the service's settings; with the SDK's for an address of one's own."""
        from .replicas import ReplicasPane

        service, tools = self.service, self.tools
        await self.console.switch_mode("replicas")
        if service is not None and tools is not None:
            pane = self.console.screen
            if isinstance(pane, ReplicasPane):
                pane.load_service(service, tools.requests, tools.load)

    async def action_back(self) -> None:
        """Stop what is running, else leave what has the focus, else go back."""
        if self._sending:
            self.workers.cancel_group(self, "send")
        elif isinstance(self.focused, (Input, TextArea)):
            self.close_lines()
            self.set_focus(self.answer)
        elif self.has_class("-history"):
            self.action_history()
        else:
            await self.console.switch_mode("services")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are text while somebody types."""
        if action in ("send", "back"):
            return True
        typing = isinstance(self.focused, (Input, TextArea))
        if action == "mend":
            return not typing and self.shown is not None and bool(self.shown.findings)
        return not typing and (action != "fold" or self.shown is not None)

    @work(exclusive=True, group="mend", exit_on_error=False, name="fix")
    async def action_mend(self) -> None:
        """Offer what can be done about the answer that is shown."""
        from .remedy_actions import Patient, mend

        if self.shown is not None:
            await mend(self.console, Patient.of(self.service, self.shown.findings))


def _key(service: Service | None) -> str:
    """What is typed is kept by this."""
    return str(service.ref) if service is not None else ""
