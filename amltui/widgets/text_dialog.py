"""A text of several lines in a window of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static, TextArea

from .bounded_text import BoundedTextArea
from .dialogs import Dialog


class TextDialog(Dialog[None]):
    """Every change is handed to `keep` at once, so that there is nothing to lose by leaving."""

    DEFAULT_CSS = """
    TextDialog {
        TextArea { height: 12; max-height: 70vh; border: none; background: $boost; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Done", priority=True, id="text.done"),
    ]

    def __init__(self, title: str, text: str, keep: Callable[[str], None]) -> None:
        super().__init__()
        self._title, self._text, self._keep = title, text, keep

    def compose(self) -> ComposeResult:
        """The text."""
        with self.box(self._title):
            area = BoundedTextArea(self._text, compact=True, tab_behavior="indent")
            yield area
            keys = "enter new line · ctrl+z undo · esc done, all is kept"
            if area.read_only:
                keys = "too large or odd to type in: ctrl+z begins anew · esc done"
            yield Static(Content(keys), id="keys")

    def on_mount(self) -> None:
        """Start at the end of the text."""
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    @on(TextArea.Changed)
    def _changed(self) -> None:
        area = self.query_one(BoundedTextArea)
        if area.whole != self._text:
            self._text = area.whole
            self._keep(self._text)
