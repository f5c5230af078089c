"""Help made of the bindings that work here and now, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "ampersand": "&",
    "exclamation_mark": "!",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "esc",
}


def key_name(key: str) -> str:
    """A key as it is printed on the keyboard."""
    return NAMES.get(key, key)


def bindings_of(screen: Screen[object]) -> list[tuple[str, Binding, bool]]:
    """The live bindings of a screen: keys, binding, whether it works now; one row an action."""
    rows: dict[tuple[str, str], tuple[list[str], Binding, bool]] = {}
    active: Iterable[ActiveBinding] = screen.active_bindings.values()
    for _node, binding, enabled, _tooltip in active:
        if not binding.description or binding.system:
            continue
        keys, _, _ = rows.setdefault((binding.action, binding.description), ([], binding, enabled))
        keys.append(key_name(binding.key))
    return [(" ".join(keys), binding, enabled) for keys, binding, enabled in rows.values()]


class HelpScreen(ModalScreen[None]):
    """What the pane is for and every key that works in it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        width: 90%; max-width: 100; height: 90%; border: round $primary; background: $surface;
    }
    HelpScreen #about { padding: 0 1 1 1; height: auto; }
    HelpScreen VerticalScroll { padding: 0 1; scrollbar-size-vertical: 1; }
    HelpScreen #keys { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", id="help.close"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="help.up"),
    ]

    def __init__(self, title: str, about: str, rows: list[tuple[str, Binding, bool]]) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._rows = rows

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"Help: {self._title}")
            box.border_subtitle = Content("j k scroll · esc close")
            if self._about:
                yield Static(Content(self._about), id="about")
            with VerticalScroll():
                yield Static(self._keys(), id="keys")

    def _keys(self) -> Content:
        width = max((len(keys) for keys, _, _ in self._rows), default=0)
        lines: list[Content] = []
        for keys, binding, enabled in self._rows:
            text = binding.tooltip or binding.description
            if not enabled:
                text += " (not now)"
            lines.append(
                Content.assemble(
                    (f"{keys:<{width}}", "bold"), "  ", (text, "" if enabled else "dim")
                )
            )
        return Content("\n").join(lines)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
