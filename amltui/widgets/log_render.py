"""One row of a log as a strip of cells: stamp, source, text in its colours, matches, position."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from amltui.domain.logbuffer import LogLine
from amltui.domain.loglines import Level, level
from amltui.domain.text import Colour, Sgr

from .log_rows import Shown, Variant, fit

PLAIN = Style()
STAMP = Style(dim=True)
MARKER = Style(italic=True, dim=True)
SELECTED = Style(reverse=True)
MATCH = Style(color="black", bgcolor="yellow")
CURSOR = Style(color="cyan", bold=True)
LEVELS = {
    Level.ERROR: Style(color="red"),
    Level.WARNING: Style(color="yellow"),
    Level.DEBUG: Style(dim=True),
}
SOURCES = tuple(
    Style(color=name) for name in ("cyan", "magenta", "green", "blue", "yellow", "bright_black")
)
GUTTER = {
    "": " ", "cursor": "▌", "range": "│", "mark": "●",
    "cause": "✗", "sign": "!", "at-cause": "✗", "at-sign": "!",
}  # fmt: skip
TROUBLE = Style(color="red", bold=True)
# Lines that show a failure, the root cause's first; where the cursor stands they are turned round.
GUTTERS = {
    "cause": TROUBLE, "sign": Style(color="yellow", bold=True),
    "at-cause": TROUBLE + SELECTED, "at-sign": Style(color="yellow", bold=True) + SELECTED,
}  # fmt: skip
THUMB = "▐"

_KEPT = 128  # strips: each has a dozen objects, which the garbage collector looks through


class Look(NamedTuple):
    """All that decides how a row looks beside its line: the key of the cache of strips."""

    variant: Variant
    row: int
    width: int  # of the whole row
    offset: int  # columns scrolled to the right; 0 when wrapped
    stamp: str
    source: str  # label, padded; empty when there is one source
    gutter: str
    thumb: bool
    search: int  # which search's matches are marked; 0 for none
    selected: tuple[int, int] | None


class LogPainter:
    """Draws rows and remembers them."""

    def __init__(self) -> None:
        self._strips: LRUCache[Look, Strip] = LRUCache(_KEPT)

    def forget(self) -> None:
        """Draw everything anew: the lines are other ones."""
        self._strips.clear()

    def known(self, look: Look) -> Strip | None:
        """The strip drawn for this look before."""
        return self._strips.get(look)

    def paint(
        self, look: Look, line: LogLine, shown: Shown, matches: Sequence[tuple[int, int]]
    ) -> Strip:
        """The strip of a row: one segment where nothing in it differs."""
        prefix = GUTTER[look.gutter] + look.stamp + look.source
        room = max(0, look.width - cell_len(prefix) - 1)
        start, stop = shown.part(look.row)
        cut, pad = (start, 0) if not look.offset else _skip(shown.text, start, stop, look.offset)
        end = min(stop, fit(shown.text, cut, room - pad))
        margin = GUTTERS.get(look.gutter, CURSOR) if look.gutter else PLAIN
        pieces = [(GUTTER[look.gutter], margin)]
        if look.stamp:
            pieces.append((look.stamp, STAMP))
        if look.source:
            pieces.append((look.source, SOURCES[line.source % len(SOURCES)]))
        if pad:
            pieces.append((" " * pad, PLAIN))
        pieces += _styled(shown, cut, end, _base(line, shown), matches, look)
        used = cell_len(prefix) + pad + cell_len(shown.text[cut:end])
        blank = " " * (look.width - 1 - used) + (THUMB if look.thumb else " ")
        pieces.append((blank, PLAIN))
        strip = self._strips[look] = Strip(_segments(pieces), look.width)
        return strip


def source_label(name: str, width: int) -> str:
    """A source's name in a column of its own."""
    return set_cell_size(name, width) + " "


def column_of(shown: Shown, row: int, character: int) -> int:
    """The column of a character within its row."""
    start, _ = shown.part(row)
    text = shown.text
    return character - start if text.isascii() else cell_len(text[start:character])


def column_start(shown: Shown, row: int, offset: int) -> int:
    """The first character seen of a row that is scrolled so many columns to the right."""
    start, stop = shown.part(row)
    return start if not offset else _skip(shown.text, start, stop, offset)[0]


def _skip(text: str, start: int, stop: int, cells: int) -> tuple[int, int]:
    """Where a row begins that is scrolled to the right, and the columns a cut character leaves."""
    end = min(stop, fit(text, start, cells))
    if end >= stop:
        return stop, 0
    lost = cells - cell_len(text[start:end])
    if lost <= 0:
        return end, 0
    return end + 1, max(0, cell_len(text[end]) - lost)


def _base(line: LogLine, shown: Shown) -> Style:
    """What is not coloured by the program itself has its level's colour, or the terminal's own."""
    if line.is_marker:
        return MARKER
    if any(span.sgr.fg is not None for span in shown.spans):
        return PLAIN
    return LEVELS.get(level(line.raw), PLAIN)


def _styled(
    shown: Shown,
    start: int,
    end: int,
    base: Style,
    matches: Sequence[tuple[int, int]],
    look: Look,
) -> list[tuple[str, Style]]:
    layers = [
        (max(a, start), min(b, end), style)
        for a, b, style in (
            *((span.start, span.end, sgr_style(span.sgr)) for span in shown.spans),
            *((a, b, MATCH) for a, b in matches),
            *(((*look.selected, SELECTED),) if look.selected else ()),
        )
        if a < end and b > start
    ]
    if not layers:
        return [(shown.text[start:end], base)]
    cuts = sorted({start, end, *(a for a, _, _ in layers), *(b for _, b, _ in layers)})
    pieces: list[tuple[str, Style]] = []
    for a, b in pairwise(cuts):
        style = base
        for first, last, layer in layers:
            if first <= a and b <= last:
                style += layer
        pieces.append((shown.text[a:b], style))
    return pieces


def _segments(pieces: list[tuple[str, Style]]) -> list[Segment]:
    segments: list[Segment] = []
    for text, style in pieces:
        if not text:
            continue
        # Blanks without a background look the same in any style: one segment less.
        if segments and (segments[-1].style == style or _invisible(text, style, segments[-1])):
            segments[-1] = Segment(segments[-1].text + text, segments[-1].style)
        else:
            segments.append(Segment(text, style))
    return segments


def _invisible(text: str, style: Style, before: Segment) -> bool:
    return (
        not text.strip(" ")
        and style is PLAIN
        and before.style is not None
        and not (before.style.bgcolor or before.style.reverse or before.style.underline)
    )


@lru_cache(maxsize=512)
def sgr_style(sgr: Sgr) -> Style:
    """A log line's own colours as a style."""
    return Style(
        bold=sgr.bold or None,
        dim=sgr.dim or None,
        italic=sgr.italic or None,
        underline=sgr.underline or None,
        reverse=sgr.reverse or None,
        color=_colour(sgr.fg),
        bgcolor=_colour(sgr.bg),
    )


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)
