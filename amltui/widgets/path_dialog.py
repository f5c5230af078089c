"""Asks for the path of a file, which is completed while it is typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, Static

from amltui.domain.text import clean_line

from .dialogs import Dialog
from .harmless_input import HarmlessInput

Suggest = Callable[[str], Awaitable[str]]


class PathDialog(Dialog[str]):
    """Returns the path as it was typed, empty for "none"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="path.cancel"),
    ]

    def __init__(self, title: str, path: str, about: str, does: str, suggest: Suggest) -> None:
        super().__init__()
        self._title, self._path, self._about, self._does = title, path, about, does
        self._suggest = suggest

    def compose(self) -> ComposeResult:
        """The field, and what happens then."""
        with self.box(self._title):
            suggester = _PathSuggester(self._suggest)
            yield HarmlessInput(self._path, compact=True, suggester=suggester)
            yield Static(Content(f"{clean_line(self._about)}\n"))
            keys = f"enter {self._does} · → complete · esc cancel"
            yield Static(Content(keys), id="keys")

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Name no file."""
        self.dismiss("")


class _PathSuggester(Suggester):
    def __init__(self, suggest: Suggest) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suggest = suggest

    async def get_suggestion(self, value: str) -> str | None:
        return await self._suggest(value) or None
