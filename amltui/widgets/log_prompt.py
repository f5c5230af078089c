"""A line at the bottom to type into, as in less; what was typed is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

NO_CONTROLS = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f]*"
"""What may be typed or pasted: a field shows what it holds, so nothing that a terminal obeys."""


class Ask(Enum):
    """What is asked for."""

    SEARCH = "/"
    FILTER = "&"
    TIME = "go to time"
    SAVE = "save as"


class LogPrompt(Horizontal):
    """Asks one question at a time; hidden while it asks none."""

    DEFAULT_CSS = """
    LogPrompt { height: 1; display: none; }
    LogPrompt.asking { display: block; }
    LogPrompt #label { width: auto; }
    LogPrompt #note { width: auto; max-width: 50%; color: $text-muted; }
    LogPrompt #note.wrong { color: $text-error; }
    LogPrompt Input { width: 1fr; border: none; padding: 0; height: 1; background: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="prompt.leave", tooltip="Leave; the text is kept"),
        Binding(
            "ctrl+r",
            "turn",
            "Regex",
            id="prompt.turn",
            tooltip="Search for a text or a regular expression; save what is shown or all",
        ),
        Binding("up", "older", "Older", show=False, id="prompt.older", tooltip="Typed before"),
        Binding("down", "newer", "Newer", show=False, id="prompt.newer", tooltip="Typed after"),
    ]

    @dataclass
    class Typed(Message):
        """The text or the switch has changed."""

        ask: Ask
        text: str
        turned: bool

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        ask: Ask
        text: str
        turned: bool

    @dataclass
    class Left(Message):
        """The prompt was left without an answer."""

        ask: Ask

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ask: Ask | None = None
        self.turned = {Ask.SEARCH: False, Ask.FILTER: False, Ask.SAVE: False}
        self._drafts: dict[Ask, str] = {}
        self._history: dict[Ask, list[str]] = {ask: [] for ask in Ask}
        self._at = 0

    def compose(self) -> ComposeResult:
        yield Static(id="label")
        yield Input(restrict=NO_CONTROLS, select_on_focus=True, compact=True)
        yield Static(id="note")

    @property
    def input(self) -> Input:
        """The field."""
        return self.query_one(Input)

    def open(self, ask: Ask, text: str | None = None) -> None:
        """Ask; the field holds `text`, or what was typed last and not sent, or what was sent."""
        self.ask = ask
        history = self._history[ask]
        self._at = len(history)
        if text is None:
            text = self._drafts.get(ask, history[-1] if history else "")
        self.add_class("asking")
        with self.prevent(Input.Changed):
            self.input.value = text
        self._label()
        self.note("")
        self.screen.set_focus(self.input)  # `focus` would take effect after the next key

    def close(self) -> None:
        """Ask nothing."""
        self.ask = None
        self.remove_class("asking")

    def note(self, text: str, wrong: bool = False) -> None:
        """Say something beside the field: how much is found, what is wrong with it."""
        note = self.query_one("#note", Static)
        note.set_class(wrong, "wrong")
        note.update(Content(f" {text}" if text else ""))

    def _label(self) -> None:
        assert self.ask is not None
        label = self.ask.value
        if self.ask is Ask.SAVE:
            label = "save all lines as: " if self.turned[self.ask] else "save shown lines as: "
        elif self.ask is Ask.TIME:
            label += " (14:03, -5m): "
        elif self.turned[self.ask]:
            label = f"regex {label}"
        self.query_one("#label", Static).update(Content(label))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.ask is not None:
            self._drafts[self.ask] = event.value
            self.post_message(self.Typed(self.ask, event.value, self.turned.get(self.ask, False)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        ask = self.ask
        if ask is None:
            return
        history = self._history[ask]
        if event.value and event.value not in history[-1:]:
            history.append(event.value)
        self._drafts.pop(ask, None)
        self.post_message(self.Submitted(ask, event.value, self.turned.get(ask, False)))

    def action_leave(self) -> None:
        ask = self.ask
        if ask is not None:
            self.close()
            self.post_message(self.Left(ask))

    def action_turn(self) -> None:
        if self.ask in self.turned:
            self.turned[self.ask] = not self.turned[self.ask]
            self._label()
            self.post_message(self.Typed(self.ask, self.input.value, self.turned[self.ask]))

    def action_older(self) -> None:
        self._recall(-1)

    def action_newer(self) -> None:
        self._recall(1)

    def _recall(self, step: int) -> None:
        if self.ask is None:
            return
        history = self._history[self.ask]
        self._at = max(0, min(len(history), self._at + step))
        self.input.value = history[self._at] if self._at < len(history) else ""
