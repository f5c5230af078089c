"""A dialog that asks for one or more lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Label, Static

from amltui.domain.text import clean, clean_line

from .dialogs import Dialog


class TextField(NamedTuple):
    """One line to be typed; `hint` is shown while it is empty."""

    label: str
    value: str = ""
    hint: str = ""


class FieldsDialog(Dialog[tuple[str, ...] | None]):
    """Fields to fill in; returns what was typed, in order, or None. Enter goes on to the next."""

    DEFAULT_CSS = """
    FieldsDialog {
        Label { color: $text-muted; }
        #note { color: $text-muted; margin: 1 0 0 0; height: auto; width: 100%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel", id="fields.cancel"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, title: str, fields: Sequence[TextField], note: str = "") -> None:
        super().__init__()
        self._title, self._fields, self._note = title, tuple(fields), note

    def compose(self) -> ComposeResult:
        """The fields under their labels, and what happens with them."""
        with self.box(self._title):
            for field in self._fields:
                yield Label(Content(clean_line(field.label)))
                yield Input(clean_line(field.value), placeholder=field.hint, compact=True)
            if self._note:
                yield Static(Content(clean(self._note)), id="note")
            yield Static(Content("enter go on · esc cancel"), id="keys")

    def on_mount(self) -> None:
        """Start in the first field."""
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        inputs = list(self.query(Input))
        at = inputs.index(event.input)
        if at + 1 < len(inputs):
            inputs[at + 1].focus()
        else:
            self.dismiss(tuple(each.value.strip() for each in inputs))
