"""Where a body comes from, and a header of one's own; the request copied for elsewhere."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from amltui.domain.errors import AmltuiError
from amltui.domain.models import AuthMode
from amltui.domain.replica_input import InvalidInput
from amltui.domain.request import SAMPLE
from amltui.domain.request_copy import as_curl, as_python
from amltui.widgets.clipboard import copy

from .request_base import RequestBase
from .terminal_handover import suspended


class RequestBody(RequestBase):
    """The actions that fill the fields, and copy them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit", id="request.edit", tooltip="Type in the body"),
        Binding("o", "file", "File", show=False, id="request.file",
                tooltip="Take the body from a file"),
        Binding("s", "swagger", "Swagger", show=False, id="request.swagger",
                tooltip="Body of swagger.json"),
        Binding("E", "editor", "Edit with $EDITOR", show=False, id="request.editor"),
        Binding("d", "default", "Usual sample body", show=False, id="request.sample"),
        Binding("a", "header", "Header", show=False, id="request.header",
                tooltip="A header of your own, as a key for an address of your own"),
        Binding("y", "copy('curl')", "Curl", id="request.curl", tooltip="Copy as a curl command"),
        Binding("Y", "copy('python')", "Copy as Python", show=False, id="request.python"),
    ]  # fmt: skip

    def action_edit(self) -> None:
        """Type in the body."""
        self.remove_class("-history")
        self.set_focus(self.body)

    def action_default(self) -> None:
        """Take the usual sample."""
        self.body.take(SAMPLE)

    # A file, and a header: lines that are there when they are needed

    def action_file(self) -> None:
        """Ask for a file."""
        self._open_line("file")

    def action_header(self) -> None:
        """Ask for a header; what is typed is not shown, and sent until it is emptied."""
        self._open_line("header")

    def _open_line(self, name: str) -> None:
        self.query_one(f"#{name}-line").remove_class("hidden")
        self.set_focus(self.query_one(f"#{name}", Input))

    def close_lines(self) -> None:
        """Put these lines away; a header that is sent stays in sight."""
        self.query_one("#file-line").add_class("hidden")
        empty = not self.query_one("#header", Input).value.strip()
        self.query_one("#header-line").set_class(empty, "hidden")

    @on(Input.Submitted, "#header")
    def _take_header(self) -> None:
        self.close_lines()
        self.set_focus(self.body)

    @on(Input.Submitted, "#file")
    @work(exclusive=True, group="body", exit_on_error=False, name="body")
    async def _read_file(self, event: Input.Submitted) -> None:
        if (tools := self.tools) is None:
            return
        try:
            self.body.take(await tools.requests.off_the_loop(lambda: tools.read_body(event.value)))
        except AmltuiError as error:
            self.tell(error)
            return
        self.close_lines()
        self.set_focus(self.body)

    @work(exclusive=True, group="body", exit_on_error=False, name="swagger")
    async def action_swagger(self) -> None:
        """Ask the service for its swagger.json and make a body of it."""
        if self.tools is None:
            return
        try:
            request = self.request()
            self.body.take(await self.tools.requests.swagger_sample(self.service, request))
        except AmltuiError as error:
            self.tell(error)

    def action_editor(self) -> None:
        """Hand the body to the person's editor."""
        if self.tools is None:
            return
        edit, text, taken = self.tools.edit_body, self.body.whole, [self.body.whole]
        failed = suspended(self.app, lambda: taken.append(edit(text)))
        if failed is not None:
            self.tell(failed)
        self.body.take(taken[-1])

    def action_copy(self, form: str) -> None:
        """Copy the request as a curl command or as Python, a variable in place of the key."""
        key = self.service is not None and self.service.auth is not AuthMode.NONE
        try:
            text = (as_curl if form == "curl" else as_python)(self.request(), key=key)
        except InvalidInput as error:
            self.tell(error)
            return
        remark = " The key is not in it: set AMLTUI_KEY." if key else ""
        self.notify(copy(self.app, text) + remark)
