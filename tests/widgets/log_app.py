"""An app around a log view, and logs to show in it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.widgets.log_status import LogStatus
from amltui.widgets.log_view import LogView
from amltui.widgets.terminal_link import LinkedApp


def stamp(number: int) -> bytes:
    """The time of a line: one every millisecond."""
    seconds, milli = divmod(number, 1000)
    return b"2026-11-21T%02d:%02d:%02d.%03d000000Z" % (
        6 + seconds // 3600,
        seconds // 60 % 60,
        seconds % 60,
        milli,
    )


def numbered(count: int, text: bytes = b"line %d") -> list[bytes]:
    """Lines that say which one they are."""
    return [text % number for number in range(count)]


def filled(lines: Sequence[bytes], limit: int = 64 << 20) -> LogBuffer:
    """A buffer that holds these lines."""
    buffer = LogBuffer(limit)
    add(buffer, lines)
    return buffer


def add(buffer: LogBuffer, lines: Sequence[bytes]) -> None:
    """More lines, with times of their own."""
    first = buffer.stop
    buffer.append(Batch(0, lines, [stamp(first + at) for at in range(len(lines))]))


class LogApp(LinkedApp[None]):
    """Nothing but a view and its status line."""

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self.buffer = buffer

    def compose(self) -> ComposeResult:
        status = LogStatus()
        yield LogView(status)
        yield status

    def on_mount(self) -> None:
        self.view.show(self.buffer)
        self.view.focus()

    @property
    def view(self) -> LogView:
        """The view."""
        return self.query_one(LogView)

    @property
    def rows(self) -> list[str]:
        """What the view shows, without the column of the position mark."""
        view = self.view
        return [view.render_line(y).text[:-1].rstrip() for y in range(view.size.height)]

    @property
    def status(self) -> str:
        """What the status line shows."""
        return self.query_one(LogStatus).render_line(0).text.rstrip()
