"""A widget that draws its own lines and sends the terminal only the ones that changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from .table_model import CellStyle

DIM = Style(dim=True)


class Canvas(Widget):
    """Lines drawn whole, compared with the lines on screen, and repainted where they differ.

    Why: over SSH the bytes are what is slow. Nothing here needs to know what a key or a refresh
    changed; a refresh that changes nothing sends nothing. There is no Textual scrollbar either: a
    note in the bottom border says where one is.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"canvas--{name}" for name in filter(None, get_args(CellStyle))
    }
    DEFAULT_CSS = """
    Canvas {
        & > .canvas--strong { text-style: bold; }
        & > .canvas--ok { color: $text-success; }
        & > .canvas--pending { color: $text-accent; }
        & > .canvas--degraded { color: $text-warning; }
        & > .canvas--failed { color: $text-error; text-style: bold; }
        & > .canvas--stopped { color: $text-muted; }
        & > .canvas--muted { color: $text-muted; }
    }
    """

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._picture: list[Strip] = []
        self._drawn_for = Size(0, 0)
        self._palette: dict[tuple[str, bool], Style] = {}

    @abstractmethod
    def draw(self, width: int, height: int) -> list[Strip]:
        """The whole content, `height` lines of `width` cells."""

    def position_note(self) -> str:
        """What the bottom border says: where one is in what is shown."""
        return ""

    def redraw(self) -> None:
        """Draw again and repaint the lines that changed."""
        size = self.size
        if not self.is_mounted or not size:
            return
        before, self._picture = self._picture, self.draw(size.width, size.height)
        note = Content(self.position_note())
        note_changed = note != self._border_subtitle
        # Set behind the descriptor, which would repaint the whole widget.
        self._border_subtitle = note
        if size != self._drawn_for:
            self._drawn_for = size
            self.refresh()
            return
        regions = [
            Region(0, y, changed_width(old, new, size.width), 1)
            for y, (old, new) in enumerate(zip(before, self._picture, strict=True))
            if old != new
        ]
        if note_changed and self.styles.border_bottom[0]:
            below = size.height + self.styles.padding.bottom
            regions.append(Region(-self.gutter.left, below, self.outer_size.width, 1))
        if regions:
            self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw before Textual renders for the first time or in a new size, border included.

        Without a border the picture is what goes out: what Textual does with each of its lines
        beside takes longer than drawing them, and a log that pours in has fifty with each frame.
        """
        if self.size != self._drawn_for:
            self._drawn_for = self.size
            self._picture = self.draw(self.size.width, self.size.height)
            self._border_subtitle = Content(self.position_note())
        if self.gutter or self.styles.tint.a or self.opacity < 1:
            return super().render_lines(crop)
        filters, (_, background) = self.get_line_filters(), self.background_colors
        strips = [self.picture_line(y) for y in crop.line_range]
        for at, strip in enumerate(strips):
            if any(segment.style for segment in strip):  # a filter changes colours: there are some
                for each in filters:
                    strip = strip.apply_filter(each, background)
                strips[at] = strip
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One line of the picture, also where Textual asks what is below the mouse."""
        return self.picture_line(y)

    def picture_line(self, y: int) -> Strip:
        """One line as it was drawn."""
        if y < len(self._picture):
            return self._picture[y]
        return Strip.blank(self.size.width, self.look(""))

    def on_resize(self, _: events.Resize) -> None:
        """Fit the lines to the new size."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Take over new colours after a change of theme, focus or style sheet."""
        super().notify_style_update()
        self._palette.clear()
        self._drawn_for = Size(0, 0)
        self.refresh()

    def look(self, name: str, dim: bool = False) -> Style:
        """The style of a component class by its short name; "" is plain text."""
        style = self._palette.get((name, dim))
        if style is None:
            style = self.rich_style
            if name:
                style += self.get_component_styles(f"canvas--{name}").partial_rich_style
            if dim:
                style += DIM
            self._palette[name, dim] = style
        return style


def strip_of(parts: Iterable[tuple[str, Style]], width: int, blank: Style) -> Strip:
    """A line of so many cells from pieces of text that fit; neighbours of one style are joined."""
    segments: list[Segment] = []
    for text, style in parts:
        if segments and segments[-1].style == style:
            segments[-1] = Segment(segments[-1].text + text, style)
        elif text:
            segments.append(Segment(text, style))
    return Strip(segments).adjust_cell_length(width, blank).simplify()


def changed_width(old: Strip, new: Strip, width: int) -> int:
    """How many cells from the left may differ between two lines: blanks at their ends do not."""
    last_old, last_new = list(old)[-1:], list(new)[-1:]
    if not last_old or not last_new or last_old[0].style != last_new[0].style:
        return width
    ends = (last_old[0].text, last_new[0].text)
    return width - min(len(end) - len(end.rstrip(" ")) for end in ends)
