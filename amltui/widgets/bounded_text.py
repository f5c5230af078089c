"""A text area for texts that others wrote: of any size, and with anything in them."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.widgets import TextArea

from amltui.domain.text import clean

MOST = 20_000  # characters; the whole text is laid out anew at every key
SHOWN = 2_000  # characters of a text that is kept beside the area


class BoundedTextArea(TextArea):
    """A text area that stays quick and harmless, whatever it is given.

    A text that is too large to be laid out at every key, or holds what a terminal would obey, is
    kept beside the area, which shows its beginning, made harmless, and lets nobody type. Ctrl+z
    goes back to what was typed.
    """

    _kept: str | None = None
    _typed = ""  # what the area held before

    def __init__(self, text: str = "", **options: Any) -> None:
        fits = _fits(text)
        super().__init__(text if fits else "", **options)
        if not fits:
            self.take(text)

    @property
    def whole(self) -> str:
        """The text, also where only its beginning is shown."""
        return self.text if self._kept is None else self._kept

    def take(self, text: str) -> None:
        """Put another text in; ctrl+z brings back what was typed."""
        self._go_back()
        if _fits(text):
            self.replace(text, (0, 0), self.document.end)
            return
        self._typed, self._kept = self.text, text
        self.read_only = True
        rest = len(text) - SHOWN
        self.load_text(clean(text[:SHOWN]) + (f"… {rest:,} more characters" if rest > 0 else ""))

    def action_undo(self) -> None:
        """Undo the last edit, or give up a text that is kept beside the area."""
        if not self._go_back():
            super().action_undo()

    def _go_back(self) -> bool:
        if self._kept is None:
            return False
        self._kept = None
        self.read_only = False
        self.load_text(self._typed)
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        """A paste that makes too much of the text, or is harmful, is taken as a whole."""
        start, end = sorted(self.selection)
        before = self.get_text_range((0, 0), start)
        pasted = before + event.text + self.get_text_range(end, self.document.end)
        if self.read_only or not _fits(pasted):
            event.prevent_default()
        if not self.read_only and not _fits(pasted):
            self.take(pasted)


def _fits(text: str) -> bool:
    if len(text) > MOST:
        return False
    plain = text.replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n")
    return clean(plain) == plain
