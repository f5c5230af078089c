"""One thing in full: titled sections of labelled values, paragraphs and nested failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip

from amltui.domain.text import clean

from .canvas import Canvas, strip_of
from .table_model import CellStyle, cut, width_of

LABEL = 22  # cells that the labels take at most
MIN_VALUE = 24  # below this the value goes under its label
WHEEL = 3  # lines per notch


class Field(NamedTuple):
    """A labelled value; newlines in it are kept and long lines wrapped."""

    label: str
    value: str
    style: CellStyle = ""


class Paragraph(NamedTuple):
    """Text over the whole width."""

    text: str
    style: CellStyle = ""


class Node(NamedTuple):
    """A failure inside a failure: drawn as a tree, so that the cause is where it belongs."""

    text: str
    style: CellStyle = ""
    children: tuple[Node, ...] = ()


Item = Field | Paragraph | Node


class Section(NamedTuple):
    """Items under a title; without a title they follow what is above."""

    title: str
    items: tuple[Item, ...]


Line = Sequence[tuple[str, str]]  # pieces of text and their style's name


class DetailPanel(Canvas, can_focus=True):
    """Sections to read, scrolled by keys; text can be selected with the mouse."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"canvas--title", "canvas--label"}
    DEFAULT_CSS = """
    DetailPanel {
        height: 1fr;
        padding: 0 1;
        border: round $foreground 30%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground;
        &:focus { border: round $primary; }
        & > .canvas--title { text-style: bold underline; }
        & > .canvas--label { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_by(1)", "Down", show=False, id="detail.down"),
        Binding("k,up", "scroll_by(-1)", "Up", show=False, id="detail.up"),
        Binding("g,home", "scroll_by(-1000000)", "Top", show=False, id="detail.first"),
        Binding("G,end", "scroll_by(1000000)", "End", show=False, id="detail.last"),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False, id="detail.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="detail.page-up"),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="detail.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="detail.half-up"),
    ]

    def __init__(
        self,
        sections: Sequence[Section] = (),
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._sections = tuple(sections)
        self._about = ""
        self._top = 0
        self._lines: list[Line] = []
        self._wrapped_for: tuple[tuple[Section, ...], int] | None = None

    def set_sections(self, sections: Sequence[Section], about: str = "") -> None:
        """Show these; equal ones repaint nothing.

        `about` says what they are about: something else is shown from its top, the same thing
        refreshed stays where the reader is.
        """
        given = tuple(sections)
        if about != self._about:
            self._about, self._top = about, 0
        elif given == self._sections:
            return
        self._sections = given
        if self.styles.is_auto_height:
            self.refresh(layout=True)
        self.redraw()

    @property
    def text(self) -> str:
        """What is shown, as plain lines."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    # -- drawing

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines, where the style sheet leaves the height to the content."""
        self._wrap(width)
        return len(self._lines)

    def position_note(self) -> str:
        """The last line in view and how many there are, if not all are in view."""
        height, count = self.size.height, len(self._lines)
        return f"{min(self._top + height, count)}/{count}" if count > height else ""

    def draw(self, width: int, height: int) -> list[Strip]:
        """The lines in view."""
        self._wrap(width)
        self._top = max(0, min(self._top, len(self._lines) - height))
        blank = self.look("")
        shown = [
            strip_of([(text, self.look(style)) for text, style in line], width, blank)
            for line in self._lines[self._top : self._top + height]
        ]
        return shown + [Strip.blank(width, blank)] * (height - len(shown))

    def _wrap(self, width: int) -> None:
        if self._wrapped_for == (self._sections, width):
            return
        self._wrapped_for = (self._sections, width)
        self._lines = list(lines_of(self._sections, width))

    def render_line(self, y: int) -> Strip:
        """A line of the picture, with the mouse's selection."""
        strip = super().render_line(y)
        selection = self.text_selection
        span = selection.get_span(self._top + y) if selection else None
        if span is not None:
            start, end = span
            end = strip.cell_length if end == -1 else end
            highlight = self.screen.get_component_rich_style("screen--selection")
            before, chosen, after = strip.divide([start, end, strip.cell_length])
            styled = Strip(
                [Segment(text, (style or self.look("")) + highlight) for text, style, _ in chosen]
            )
            strip = Strip.join([before, styled, after])
        return strip.apply_offsets(0, self._top + y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, for Textual's copy."""
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self.refresh()

    # -- keys and mouse

    def action_scroll_by(self, lines: int) -> None:
        """Scroll by so many lines."""
        self._top += lines
        self.redraw()

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        self.action_scroll_by(int(pages * max(1, self.size.height - 1)))

    def on_mouse_scroll_down(self) -> None:
        """Scroll down."""
        self.action_scroll_by(WHEEL)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up."""
        self.action_scroll_by(-WHEEL)


def lines_of(sections: Sequence[Section], width: int) -> Iterator[Line]:
    """The sections as lines of at most `width` cells."""
    labels = [width_of(i.label) for s in sections for i in s.items if isinstance(i, Field)]
    label = min(max(labels, default=0), LABEL)
    for at, section in enumerate(sections):
        if section.title:
            if at:
                yield []
            yield [(cut(clean(section.title), width), "title")]
        for item in section.items:
            if isinstance(item, Field):
                yield from _field_lines(item, label, width)
            elif isinstance(item, Paragraph):
                yield from ([(line, item.style)] for line in wrap(item.text, width))
            else:
                yield from _node_lines(item, "", "", width)


def wrap(text: str, width: int) -> list[str]:
    """Outside text in lines of at most `width` cells, broken between words where possible."""
    lines: list[str] = []
    for line in clean(text).split("\n"):
        if width_of(line) <= width:
            lines.append(line)
        else:
            lines += [piece.plain.rstrip() for piece in Content(line).wrap(max(2, width))]
    return lines


def _field_lines(field: Field, label: int, width: int) -> Iterator[Line]:
    indent = label + 2
    if width - indent < MIN_VALUE:
        yield [(cut(clean(field.label), width), "label")]
        yield from ([("  ", ""), (line, field.style)] for line in wrap(field.value, width - 2))
        return
    first, *rest = wrap(field.value, width - indent)
    name = cut(clean(field.label), label)
    yield [(name + " " * (indent - width_of(name)), "label"), (first, field.style)]
    yield from ([(" " * indent, ""), (line, field.style)] for line in rest)


def _node_lines(node: Node, first: str, rest: str, width: int) -> Iterator[Line]:
    """A node after the guide `first`, its wrapped lines and children after the guide `rest`."""
    below = rest + ("│ " if node.children else "")
    for at, line in enumerate(wrap(node.text, max(2, width - width_of(below)))):
        yield [(first if at == 0 else below, "label"), (line, node.style)]
    for child in node.children:
        last = child is node.children[-1]
        yield from _node_lines(
            child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), width
        )
