"""A field for text that others wrote."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input

from amltui.domain.text import clean_field


class HarmlessInput(Input):
    """An input that holds any text and draws signs for what a terminal would obey."""

    @property
    def _value(self) -> Text:
        drawn = super()._value
        if not self.password:
            drawn.plain = clean_field(self.value)
        return drawn
