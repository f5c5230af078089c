"""The two lines on top of every pane: where am I, what is connected, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from amltui.domain.text import clean_line

from .table_model import cut

LEAST_LEFT = 16  # columns that the workspace's name keeps beside a failure and what is going on
LEAST_PROBLEM = 12  # columns below which a failure says nothing


@dataclass(frozen=True)
class Status:
    """What the bar says. Texts may come from outside; they are shown literally."""

    workspace: str = ""
    identity: str = ""
    engine: str = ""
    age: str = ""
    running: str = ""  # operations going on
    problem: str = ""  # what is wrong, in a few words
    read_only: bool = False


class StatusBar(Vertical):
    """Tabs of the panes on the first line, the state of the console on the second."""

    DEFAULT_CSS = """
    StatusBar { height: 2; dock: top; background: $panel; color: $foreground; }
    StatusBar Static { height: 1; width: 1fr; padding: 0 1; }
    """

    @dataclass
    class TabClicked(Message):
        """Somebody chose a pane with the mouse."""

        index: int

    def __init__(self, tabs: tuple[str, ...], active: int) -> None:
        super().__init__()
        self._tabs = tabs
        self._active = active
        self._status = Status()
        self._shown = ("", "")

    def compose(self) -> ComposeResult:
        yield Static(id="tabs")
        yield Static(id="state")

    def on_mount(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._show()

    def show(self, status: Status) -> None:
        """Show another status; equal ones cost nothing."""
        if status != self._status:
            self._status = status
            self._show()

    def _show(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        width = self.size.width - 2
        tabs = _tab_line(self._tabs, self._active, self._status, width)
        state = _state_line(self._status, width)
        shown = (tabs.markup, state.markup)
        if shown[0] != self._shown[0]:
            self.query_one("#tabs", Static).update(tabs, layout=False)
        if shown[1] != self._shown[1]:
            self.query_one("#state", Static).update(state, layout=False)
        self._shown = shown

    def on_click(self, event: Click) -> None:
        if event.y != 0:
            return
        column = 1
        for index, tab in enumerate(_tab_texts(self._tabs, self._active, self.size.width - 2)):
            column += cell_len(tab) + 1
            if event.x < column:
                self.post_message(self.TabClicked(index))
                return


def _tab_texts(tabs: tuple[str, ...], active: int, width: int) -> list[str]:
    """The tabs; brackets round the active one, as it must be readable without any style."""
    texts = [f"{index + 1} {name}" for index, name in enumerate(tabs)]
    roomy = [f"[{text}]" if at == active else f" {text} " for at, text in enumerate(texts)]
    if sum(map(cell_len, roomy)) + len(tabs) - 1 <= width:
        return roomy
    return [f"[{text}]" if at == active else text for at, text in enumerate(texts)]


def _tab_line(tabs: tuple[str, ...], active: int, status: Status, width: int) -> Content:
    texts = _tab_texts(tabs, active, width)
    parts = [
        Content.styled(text, "bold reverse" if at == active else "")
        for at, text in enumerate(texts)
    ]
    line = Content(" ").join(parts)
    right = "READ-ONLY" if status.read_only else ""
    room = width - line.cell_length - cell_len(right)
    if right and room >= 1:
        line = Content.assemble(line, " " * room, (right, "bold"))
    return line


def _state_line(status: Status, width: int) -> Content:
    """The state, what matters most on the right: a failure, what is going on, else the age.

    Where room is short the left gives way: who is connected to what can be guessed, a failure not.
    """
    left = clean_line(status.workspace)
    right = _right(status, width, beside=min(cell_len(left), LEAST_LEFT))
    details = [status.identity, status.engine]
    if status.problem or status.running:
        details.append(status.age)
    for detail in map(clean_line, filter(None, details)):
        if cell_len(left) + cell_len(detail) + 3 + right.cell_length + 2 <= width:
            left = f"{left} · {detail}"
    left = cut(left, max(0, width - right.cell_length - 2))
    gap = " " * (width - cell_len(left) - right.cell_length)
    return Content.assemble(left, gap, right)


def _right(status: Status, width: int, beside: int) -> Content:
    """What is on the right, with so many columns left `beside` it where a failure is shortened.

    A failure may stand for hours, and was told in full when it was new: what is going on has the
    room, and of the failure the mark and its key stay.
    """
    mark, key = "✗ ", "(e)"
    if not status.problem:
        shown, style = (status.running, "bold") if status.running else (status.age, "$text-muted")
        return Content.styled(cut(clean_line(shown), width), style)
    room = width - len(mark) - len(key) - 1
    running = cut(clean_line(status.running), room - 2)
    if running:
        running = f"  {running}"
        room -= cell_len(running) + beside + 2
    problem = cut(clean_line(status.problem), room) if room >= LEAST_PROBLEM else ""
    told = f"{mark}{problem} {key}" if problem else f"{mark}{key}"
    return Content.assemble((told, "bold $text-error"), (running, "bold"))
