"""A few options on one line, one of them chosen: left and right choose another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from amltui.domain.text import clean_line

from .table_model import cut


class Pick(Widget, can_focus=True):
    """Shows all options where they fit, else the chosen one; brackets say which without colour."""

    DEFAULT_CSS = """
    Pick { height: 1; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", show=False),
        Binding("right,l,space", "move(1)", show=False),
    ]

    value = reactive("")

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        pick: Pick
        value: str

    def __init__(self, options: Sequence[tuple[str, str]], value: str) -> None:
        super().__init__()
        self._options = [(key, clean_line(word)) for key, word in options]
        self.set_reactive(Pick.value, value)

    def action_move(self, by: int) -> None:
        """Choose the next option, or the one before."""
        keys = [key for key, _ in self._options]
        at = keys.index(self.value) + by if self.value in keys else (0 if by > 0 else -1)
        self._choose(keys[at % len(keys)])

    def _choose(self, key: str) -> None:
        self.value = key
        self.post_message(self.Changed(self, key))

    def on_click(self, event: Click) -> None:
        """Choose the option under the mouse, or the next."""
        at = 0
        if self._roomy:
            for key, word in self._options:
                at += cell_len(word) + 2
                if event.x < at:
                    self._choose(key)
                    return
        else:
            self.action_move(1)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All options beside each other."""
        return sum(cell_len(word) + 2 for _, word in self._options)

    @property
    def _roomy(self) -> bool:
        return self.get_content_width(self.size, self.size) <= self.size.width

    def render(self) -> RenderResult:
        """All options, or only the chosen one."""
        look = "reverse" if self.has_focus else "bold"
        if self._roomy:
            return Content("").join(
                Content.styled(f"[{word}]", look)
                if key == self.value
                else Content.styled(f" {word} ", "$text-muted")
                for key, word in self._options
            )
        chosen = [word for key, word in self._options if key == self.value]
        word = cut(chosen[0] if chosen else "choose", max(1, self.size.width - 4))
        return Content.assemble("‹ ", (word, look), " ›")

    def watch_has_focus(self, _: bool) -> None:
        """Show the focus."""
        self.refresh()
