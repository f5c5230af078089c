"""The keys of a log view: less, vim and k9s agree on nearly all of them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType


def _key(key: str, action: str, description: str, tooltip: str, *, show: bool = False) -> Binding:
    return Binding(
        key, action, description, show=show, id=f"log.{action.partition('(')[0]}", tooltip=tooltip
    )


MOVING = (
    _key("j,down", "line_down", "Down", "One row down"),
    _key("k,up", "line_up", "Up", "One row up; following pauses"),
    _key("pagedown,ctrl+f", "page_down", "Page down", "One screen down"),
    _key("pageup,ctrl+b", "page_up", "Page up", "One screen up; following pauses"),
    _key("ctrl+d", "half_down", "Half down", "Half a screen down"),
    _key("ctrl+u", "half_up", "Half up", "Half a screen up; following pauses"),
    _key("g,home", "top", "Top", "To the oldest line held"),
    _key("G,end", "follow", "End", "To the end, and follow it"),
    _key("space", "toggle_follow", "Follow/pause", "Pause, or follow the end again", show=True),
    _key("h,left", "left", "Left", "Scroll to the left"),
    _key("l,right", "right", "Right", "Scroll to the right"),
    _key("0", "first_column", "First column", "Scroll all the way to the left"),
    _key("n", "next_match", "Next match", "To the next line that matches"),
    _key("N", "previous_match", "Previous match", "To the line that matched before"),
)
SHOWING = (
    _key("w", "wrap", "Wrap", "Wrap long lines, or cut them", show=True),
    _key("t", "clock", "Times", "Time stamps: off, local, UTC, since the start"),
    _key("enter", "unfold", "Unfold", "Fold or unfold a traceback, repeated lines or JSON"),
    _key("z", "fold_all", "Fold tracebacks", "Fold all tracebacks, or unfold them"),
    _key("m", "mark", "Mark", "Mark this line: y copies from it to the cursor"),
)


class LogKeys:
    """The bindings, apart from what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVING, *SHOWING]
