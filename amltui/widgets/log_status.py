"""The line under a log: does it follow, what is found, what is filtered, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual.strip import Strip

from .canvas import Canvas, strip_of

PLAIN = Style()
STATE = Style(bold=True)
PAUSED = Style(bold=True, reverse=True)
WRONG = Style(color="red", bold=True)


@dataclass(frozen=True)
class LogState:
    """What the view says of itself."""

    following: bool = True
    new: int = 0  # lines that came since it was paused
    lines: int = 0
    dropped: int = 0
    shown: int | None = None  # lines that the filter lets through
    filter: str = ""
    found: str = ""  # "37 of 214"
    problem: str = ""  # why a search or filter ended early
    flags: str = ""  # wrap, clock, folds, columns scrolled
    marked: str = ""
    trouble: str = ""  # failures that the lines show


class LogStatus(Canvas):
    """Draws a `LogState`, what matters most first when room is short."""

    DEFAULT_CSS = "LogStatus { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = LogState()

    @property
    def state(self) -> LogState:
        """What is shown now."""
        return self._state

    def show(self, state: LogState) -> bool:
        """Show another state; whether it is another one."""
        if state == self._state:
            return False
        self._state = state
        self.redraw()
        return True

    def draw(self, width: int, height: int) -> list[Strip]:
        """The line: state on the left, counts on the right."""
        state = self._state
        right = f"{state.lines:,} lines"
        if state.dropped:
            right = f"{state.dropped:,} dropped · {right}"
        if state.following:
            parts = [("FOLLOW", STATE)]
        else:
            parts = [(f"PAUSED +{state.new:,} new" if state.new else "PAUSED", PAUSED)]
        room = width - cell_len(parts[0][0]) - 2
        details = (
            (state.problem, WRONG),
            (state.found, PLAIN),
            (state.trouble, WRONG if state.trouble.startswith("✗") else PLAIN),
            (state.filter, PLAIN),
            (state.marked, PLAIN),
            (state.flags, PLAIN),
        )
        for text, style in details:
            if text and room > 4:
                if cell_len(text) + 2 > room:
                    text = set_cell_size(text, room - 3) + "…"
                parts += [("  ", PLAIN), (text, style)]
                room -= cell_len(text) + 2
        gap = width - sum(cell_len(text) for text, _ in parts) - cell_len(right) - 1
        if gap >= 2:
            parts += [(" " * gap + right, PLAIN)]
        return [strip_of(parts, width, PLAIN)][:height]
