"""A line at the bottom to narrow a list while typing, like less and k9s have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label


class FilterLine(Horizontal):
    """Opened by its owner; enter keeps the filter, esc drops it, and both go back to the list.

    Focus moves at once and not by a message, so that keys typed ahead, or pasted, over a slow line
    end where they were meant to.
    """

    DEFAULT_CSS = """
    FilterLine {
        display: none; height: 1; padding: 0 1;
        Label { width: 2; text-style: bold; }
        Input { width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Keep filter", priority=True, id="filter.keep"),
        Binding("escape", "drop", "Drop filter", priority=True, id="filter.drop"),
    ]

    @dataclass
    class Changed(Message):
        """The text has changed; empty shows all."""

        text: str

    def __init__(self, target: Widget, hint: str) -> None:
        super().__init__()
        self._target = target
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The slash and the text."""
        yield Label("/", markup=False)
        yield Input(placeholder=self._hint, compact=True)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def open(self) -> None:
        """Show the line and type into it."""
        self.display = True
        self.screen.set_focus(self.query_one(Input))
        self.screen.refresh_bindings()

    def action_keep(self) -> None:
        """Back to the list, which stays filtered."""
        self.display = bool(self.text)
        self._leave()

    def action_drop(self) -> None:
        """Back to the whole list."""
        self.query_one(Input).value = ""
        self.display = False
        self._leave()

    def _leave(self) -> None:
        self.screen.set_focus(self._target)
        self.screen.refresh_bindings()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.display = self.display or bool(event.value)  # typed ahead of the enter that left it
        self.post_message(self.Changed(event.value))
