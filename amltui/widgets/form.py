"""A form to fill in by keys: lines of a name, something to type or pick in, and a remark."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult, RenderResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from amltui.domain.text import clean_line

from .bounded_text import BoundedTextArea
from .harmless_input import HarmlessInput
from .pick import Pick
from .table_model import CellStyle, cut

Complete = Callable[[str, str], Awaitable[str]]
"""The text that begins with what is typed at a path; "" where there is none."""

COLOURS: dict[CellStyle, str] = {
    "failed": "$text-error", "degraded": "$text-warning", "muted": "$text-muted",
    "ok": "$text-success",
}  # fmt: skip
AT_ONCE = 5  # lines that are made before others have their turn


@dataclass(frozen=True)
class FormField:
    """A line as it is asked for; `options` are picked from, `tall` texts have several lines."""

    path: str
    label: str
    placeholder: str = ""
    options: tuple[tuple[str, str], ...] = ()
    tall: bool = False
    title: str = ""


class FormLine(Widget):
    """One line of a form. Name and remark are drawn, not widgets: a form has a lot of lines."""

    @dataclass
    class Changed(Message):
        """Something else was typed or picked."""

        path: str

    def __init__(self, field: FormField, text: str, complete: Complete) -> None:
        super().__init__(classes="-tall" if field.tall else "")
        self.field = field
        self._remark = Content("")
        self.editor = _editor(field, text, complete)
        title = [Static(Content(field.title), classes="title")] if field.title else []
        self.widgets: list[Widget] = [*title, self]

    def compose(self) -> ComposeResult:
        """What is typed in; its left margin is where the name stands."""
        yield self.editor

    def render(self) -> RenderResult:
        """The name to the left of what is typed in, the remark to the right."""
        room = self.editor.styles.margin.left
        name = cut(self.field.label, room - 1)
        look = "bold" if self.has_focus_within else ""
        between = " " * (room - cell_len(name) + self.editor.outer_size.width + 1)
        return Content.assemble((name, look), between, self._remark)

    @property
    def text(self) -> str:
        """What is typed or picked."""
        if isinstance(self.editor, BoundedTextArea):
            return self.editor.whole
        return self.editor.value if isinstance(self.editor, (Input, Pick)) else ""

    def put(self, text: str) -> None:
        """Show another text; who hears of it knows."""
        if isinstance(self.editor, BoundedTextArea):
            self.editor.take(text)
        elif isinstance(self.editor, (Input, Pick)):
            self.editor.value = text

    def remark(self, text: str, style: CellStyle = "muted") -> None:
        """Say something about what is typed."""
        said = Content.styled(clean_line(text), COLOURS.get(style, ""))
        if said != self._remark:
            self._remark = said
            self.refresh()

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Pick.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed(self.field.path))


class FormPage(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Lines one below the other; those that stay keep their cursor when others come and go."""

    DEFAULT_CSS = """
    FormPage {
        height: 1fr; padding: 0 1; scrollbar-size-vertical: 1;
        .title { height: 1; text-style: bold underline; }
        FormLine {
            height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
            &.-tall { height: auto; max-height: 4; min-height: 1; }
            &:focus-within { color: $foreground; }
            & > * { margin: 0 0 0 26; }
            Input, TextArea {
                width: 50%; height: 1; border: none; padding: 0 1; background: $boost;
            }
            TextArea { height: auto; max-height: 4; }
            Pick { width: auto; max-width: 95%; padding: 0 1; }
        }
    }
    """

    def __init__(self, complete: Complete, *, id: str) -> None:
        super().__init__(id=id)
        self._complete = complete
        self._fields: tuple[FormField, ...] = ()
        self._changing = asyncio.Lock()
        self._held: dict[FormField, FormLine] = {}

    @property
    def lines(self) -> tuple[FormLine, ...]:
        """The lines from the top."""
        return tuple(self._held[field] for field in self._fields)

    def line(self, path: str) -> FormLine | None:
        """The line of a path."""
        return next((line for line in self.lines if line.field.path == path), None)

    async def show_fields(self, fields: Sequence[FormField], texts: Callable[[str], str]) -> None:
        """Show these lines; `texts` says what stands in one."""
        async with self._changing:
            await self._show_fields(tuple(fields), texts)

    async def _show_fields(self, after: tuple[FormField, ...], texts: Callable[[str], str]) -> None:
        before, held = self._fields, self._held
        if before == after:
            return
        head = _alike(before, after)
        tail = _alike(before[head:][::-1], after[head:][::-1])
        gone = [held[field] for field in before[head : len(before) - tail]]
        come = after[head : len(after) - tail]
        below = held[after[len(after) - tail]].widgets[0] if tail else None

        def note(count: int) -> None:
            """So many have come: this may be cancelled before the others do."""
            self._fields = (*after[:head], *come[:count], *after[len(after) - tail :])
            self._held = {field: held[field] for field in self._fields}

        with self.app.batch_update():
            # Awaited, it would wait for whoever called this because of a key.
            self.remove_children([widget for line in gone for widget in line.widgets])
            note(0)
            for at in range(0, len(come), AT_ONCE):  # many lines at once would stall the loop
                made = {field: FormLine(field, texts(field.path), self._complete)
                        for field in come[at : at + AT_ONCE]}  # fmt: skip
                held = {**held, **made}
                note(at + AT_ONCE)
                await self.mount(*(w for line in made.values() for w in line.widgets), before=below)

    def put_texts(self, texts: Callable[[str], str]) -> None:
        """Show what stands in the lines now, where it is something else."""
        for line in self.lines:
            if line.text != texts(line.field.path):
                line.put(texts(line.field.path))


def _alike(one: Sequence[FormField], other: Sequence[FormField]) -> int:
    """How many fields at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


class _Completer(Suggester):
    def __init__(self, path: str, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._path = path
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return await self._complete(self._path, value) or None


def _editor(field: FormField, text: str, complete: Complete) -> Input | BoundedTextArea | Pick:
    if field.options:
        return Pick(field.options, text)
    if field.tall:
        area = BoundedTextArea(text, compact=True, placeholder=field.placeholder,
                               highlight_cursor_line=False)  # fmt: skip
        area.show_line_numbers = False
        return area
    return HarmlessInput(
        text,
        placeholder=field.placeholder,
        compact=True,
        select_on_focus=False,
        suggester=_Completer(field.path, complete),
    )
