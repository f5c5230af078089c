"""Looking at answers: unfolded, from the history, repeated and compared."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from amltui.domain.request import Attempt, compare
from amltui.widgets.detail import Paragraph, Section
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.table_model import CellStyle

from .request_base import RequestBase
from .request_words import row

DIFF: dict[str, CellStyle] = {"+": "ok", "-": "failed"}


class RequestLooking(RequestBase):
    """The actions on what came back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fold", "Unfold", show=False, id="request.fold",
                tooltip="All of a long answer"),
        Binding("h", "history", "History", id="request.history", tooltip="What was sent before"),
        Binding("c", "compare", "Compare", show=False, id="request.compare", tooltip="Two answers"),
    ]  # fmt: skip

    @work(exclusive=True, group="fold", exit_on_error=False, name="answer")
    async def action_fold(self) -> None:
        """Show all of a long answer, or its outline again."""
        if self.shown is None or self.tools is None:
            return
        self.folded = not self.folded
        log = self.shown.log
        (await self.show(self.shown.attempt, self.tools)).log = log
        self.draw()

    def action_history(self) -> None:
        """Show what was sent to this service, or the answer again."""
        showing = self.toggle_class("-history").has_class("-history")
        if showing and self.tools is not None:
            attempts = self.tools.requests.attempts(self.service)
            self.history.set_rows([row(one) for one in reversed(attempts)])
        self.set_focus(self.history if showing else self.answer)
        self.refresh_bindings()

    @on(ResourceTable.RowSelected)
    @work(exclusive=True, group="fold", exit_on_error=False, name="answer")
    async def _from_history(self, event: ResourceTable.RowSelected) -> None:
        if (attempt := self._chosen(event.key)) is None or self.tools is None:
            return
        self.body.take(attempt.request.body)
        self.url.value = attempt.request.url
        self.remove_class("-history")
        self.set_focus(self.answer)
        await self.show(attempt, self.tools)

    def _chosen(self, key: str | None) -> Attempt | None:
        kept = self.tools.requests.history if self.tools else ()
        return next((one for one in kept if str(one.number) == key), None)

    @work(exclusive=True, group="fold", exit_on_error=False, name="comparison")
    async def action_compare(self) -> None:
        """Show what differs between the chosen attempt, or the one before, and the last."""
        attempts = self.tools.requests.attempts(self.service) if self.tools else []
        now = attempts[-1] if attempts else None
        before = attempts[-2] if len(attempts) > 1 else None
        if self.has_class("-history"):
            before = self._chosen(self.history.highlighted)
        elif self.shown is not None and now and self.shown.attempt.number != now.number:
            before = self.shown.attempt
        if before is None or now is None or before.number == now.number or self.tools is None:
            self.notify("Send it twice, or choose an older one in the history.")
            return
        lines = await self.tools.requests.off_the_loop(lambda: compare(before, now))
        self.remove_class("-history")
        title = f"#{before.number} compared with #{now.number}"
        items = tuple(Paragraph(line, DIFF.get(line[:1], "")) for line in lines)
        self.answer.set_sections([Section(title, items)], title)
        self.set_focus(self.answer)
