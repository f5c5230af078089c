"""Text from outside, made safe for the screen, and secrets kept off it.

A terminal obeys the bytes it is sent: a log line or a container's name can set the window title,
write the clipboard or turn the reading direction round. So every outside text passes through here
once, at the adapter's edge (log lines when they are drawn, because their colours are wanted).

The rule: escape sequences are dropped whole; what else could move, hide or join characters is
shown as a control picture or U+FFFD; nothing that a person can read is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

TAB = 8
"""Tabs are expanded to this many columns: a tab's width depends on where a terminal stands."""

MASK = "•••"

_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\n"
_ASCII = bytes(range(0x80))
_SETTLED = frozenset("\t\r\x1b")  # of a block, otherwise than by `_visible`
_HARMLESS = _PRINTABLE + b"\t" + bytes(range(0x80, 0x100))
_MAX_SPANS = 2_000  # of one line; what follows is shown without colour, in time linear in C

# A sequence ends where its line ends, so that an unterminated one never hides more than its line.
# It begins with a class of characters, and so does all that is searched in whole blocks of lines:
# that is looked for in C, ten times as fast as a choice of expressions.
_STRING = "[^\x07\x18\x1a\x1b\x9c\n]*(?:\x07|\x1b\\\\|[\x18\x1a\x9c])?"
_INTRODUCERS = "\x1b\x90\x98\x9b\x9d\x9e\x9f"
_SEQUENCE = re.compile(
    f"[{_INTRODUCERS}](?:"
    "(?<=\x1b)(?:"
    "\\[[0-?]*[ -/]*[@-~]?"  # CSI
    f"|[\\]PX^_]{_STRING}"  # OSC, DCS, SOS, PM, APC
    "|[ -/]*[0-~]?)"  # ESC x
    "|(?<=\x9b)[0-?]*[ -/]*[@-~]?"
    f"|{_STRING})"
)
_SEQUENCE_OR_RETURN = re.compile(_SEQUENCE.pattern + "|\r+")
_SGR = re.compile("(?:\x1b\\[|\x9b)([0-9;:]*)m")
_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_OVERWRITTEN = re.compile(r"(?m)^[^\n]*\r(?=[^\r\n])")

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff]+"
)
_NONCHARACTERS = "".join(
    f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0x10000, 0x110000, 0x10000)
)
_UNSAFE_WIDE = re.compile(
    "[\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + _NONCHARACTERS
    + "]+"
)
_WIDE = re.compile("[\U00010000-\U0010ffff]+")
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK * 4}){_MARK}+")  # beyond four on one letter: a flood of nothing
_SUSPECT = re.compile(f"{_MARK}|{_UNSAFE.pattern}|{_UNSAFE_WIDE.pattern}")
_EMOJI = "[\u2190-\u2bff\U0001f000-\U0001faff]"
_JOINER = re.compile(f"(?<={_EMOJI})[\ufe00-\ufe0f]*\u200d(?={_EMOJI})")


class _Substitutes(dict[int, int | None]):
    """For `str.translate`: control pictures, nothing for variation selectors, else U+FFFD."""

    def __missing__(self, code: int) -> int:
        return 0xFFFD


_SUBSTITUTES = _Substitutes(
    {code: 0x2400 + code for code in range(0x20)}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0xFE00, 0xFE10))
)

Colour = int | tuple[int, int, int] | None
"""A palette index (0-255), red-green-blue, or the terminal's own."""


class Sgr(NamedTuple):
    """How a piece of a log line asks to be drawn."""

    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    fg: Colour = None
    bg: Colour = None


class Span(NamedTuple):
    """A stretch of a line's cleaned text (character offsets) and how it is drawn."""

    start: int
    end: int
    sgr: Sgr


_PLAIN = Sgr()


def clean(text: str) -> str:
    """Outside text made safe for the screen; newlines are kept, tabs expanded."""
    if text.isascii() and text.isprintable():
        return text
    if "\x1b" in text or not text.isascii():
        text = _SEQUENCE.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _visible(text).expandtabs(TAB)


def clean_line(text: str) -> str:
    """`clean`, and one line: what stood on several is joined by a return sign."""
    if text.isascii() and text.isprintable():
        return text
    return "⏎ ".join(clean(text.replace("\t", " ")).strip("\n").split("\n"))


def clean_field(text: str) -> str:
    """Outside text for a field of one line: a sign for each character that does harm there."""
    if clean(text) == text and "\n" not in text:
        return text
    return "".join(
        one if one != "\n" and clean(one) == one else one.translate(_SUBSTITUTES) or "\ufffd"
        for one in text
    )


def clean_log(raw: bytes) -> str:
    """The text that `parse_log` shows of a log line, without its colours."""
    return parse_log(raw)[0]


def clean_log_block(raw: bytes) -> str:
    """Many log lines, joined by newlines, as `clean_log` shows each: for searching them at once."""
    odd = set(raw.translate(None, _PRINTABLE).decode("utf-8", "replace"))
    if not odd:
        return raw.decode("ascii")
    text = raw.decode("utf-8", "replace")
    if not odd.isdisjoint(_INTRODUCERS):
        text = _without_sequences(text)
    if "\r" in odd:
        text = _OVERWRITTEN.sub("", text).replace("\r", "")
    if _SUSPECT.search("".join(odd - _SETTLED)):
        text = _visible(text)
    return text.expandtabs(TAB) if "\t" in odd else text


def _without_sequences(text: str) -> str:
    if text.isascii():  # mostly there are only colours
        plain, colours = _COLOUR.subn("", text)
        if colours == text.count("\x1b"):
            return plain
    return _SEQUENCE.sub("", text)


def parse_log(raw: bytes) -> tuple[str, tuple[Span, ...]]:
    """One log line as shown, and its colours.

    Undecodable bytes become U+FFFD. A carriage return starts the line anew, as on a terminal: of a
    progress bar the last state is shown.
    """
    text = raw.decode("utf-8", "replace")
    if text.isascii() and text.isprintable():
        return text, ()
    return _parse(text.rstrip("\r\n").replace("\n", " "))


def _parse(text: str) -> tuple[str, tuple[Span, ...]]:
    pieces: list[str] = []
    spans: list[Span] = []
    length = 0
    overwrite = False
    state = _PLAIN
    at = 0

    def show(piece: str) -> None:
        nonlocal length, overwrite
        if overwrite:
            pieces.clear()
            spans.clear()
            length = 0
            overwrite = False
        shown = _visible(piece)
        if "\t" in shown:
            column = length % TAB
            shown = (" " * column + shown).expandtabs(TAB)[column:]
        pieces.append(shown)
        if state is not _PLAIN and shown:
            if spans and spans[-1].end == length and spans[-1].sgr == state:
                spans[-1] = Span(spans[-1].start, length + len(shown), state)
            else:
                spans.append(Span(length, length + len(shown), state))
        length += len(shown)

    for match in _SEQUENCE_OR_RETURN.finditer(text):
        if match.start() > at:
            show(text[at : match.start()])
        at = match.end()
        if text[match.start()] == "\r":
            overwrite = True
        elif (sgr := _SGR.fullmatch(text, *match.span())) is not None:
            state = _apply(state, sgr[1])
            if len(spans) >= _MAX_SPANS:
                state = _PLAIN
                break
    rest = text[at:]
    if at and len(spans) >= _MAX_SPANS:
        rest = _SEQUENCE.sub("", rest)
        if "\r" in rest:
            rest = _OVERWRITTEN.sub("", "\r" + rest).replace("\r", "")
            overwrite = True
    if rest:
        show(rest)
    return "".join(pieces), tuple(spans)


@lru_cache(maxsize=1_024)
def _apply(state: Sgr, parameters: str) -> Sgr:
    """The drawing state after one SGR sequence; what is unknown changes nothing."""
    values = dict(zip(Sgr._fields, state, strict=True))
    codes = iter(_codes(parameters))
    for code in codes:
        if code == 0:
            values = dict(zip(Sgr._fields, _PLAIN, strict=True))
        elif code in _SWITCHES:
            values.update(_SWITCHES[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            values["fg"] = code - 30 if code < 90 else code - 82
        elif 40 <= code <= 47 or 100 <= code <= 107:
            values["bg"] = code - 40 if code < 100 else code - 92
        elif code in (38, 48, 58):
            colour = _extended(codes)
            if code != 58 and colour is not None:
                values["fg" if code == 38 else "bg"] = colour
    changed = Sgr(**values)  # type: ignore[arg-type]
    return _PLAIN if changed == _PLAIN else changed


_SWITCHES: dict[int, dict[str, bool | None]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    39: {"fg": None},
    49: {"bg": None},
}


def _codes(parameters: str) -> list[int]:
    """The numbers of an SGR sequence; `4:0` is 24 and `38:2::r:g:b` is `38;2;r;g;b`."""
    codes: list[int] = []
    for parameter in parameters.split(";"):
        head, *rest = parameter.split(":")
        if rest and head == "4":
            codes.append(24 if rest[0] == "0" else 4)
            continue
        if len(rest) >= 5 and rest[0] == "2":  # with a colour space, which nobody fills in
            del rest[1]
        codes.extend(int(value[:4] or 0) for value in [head, *rest])
    return codes


def _extended(codes: Iterator[int]) -> Colour:
    """The colour after 38 or 48: `5;n` or `2;r;g;b`."""
    form = next(codes, -1)
    if form == 5:
        index = next(codes, -1)
        return index if 0 <= index <= 255 else None
    if form == 2:
        red, green, blue = next(codes, -1), next(codes, -1), next(codes, -1)
        if all(0 <= part <= 255 for part in (red, green, blue)):
            return (red, green, blue)
    return None


def _visible(text: str) -> str:
    """Text without sequences: every character that does not simply stand in its cell replaced.

    Joiners between emoji and variation selectors go without a trace: side by side and in one
    style, emoji are as wide on every terminal as we think they are.
    """
    raw = text.encode("utf-8", "surrogatepass")
    others = set(raw.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
    if not raw.translate(None, _HARMLESS) and _SUSPECT.search("".join(others)) is None:
        return text
    if "\u200d" in others:
        text = _JOINER.sub("", text)
    if others:
        text = _STACKED.sub(r"\1", text)
    if any(other > "\uffff" for other in others):
        text = _WIDE.sub(lambda found: _UNSAFE_WIDE.sub(_substitute, found[0]), text)
    return _UNSAFE.sub(_substitute, text)


def _substitute(match: re.Match[str]) -> str:
    return match[0].translate(_SUBSTITUTES)


_NAMES = (  # what stands before them does not matter, and looking for it takes quadratic time
    r"(?:password|passwd|pwd|passphrase|secret|credential|token|sas"
    r"|(?:api|access|account|auth|primary|secondary|shared|storage|private|subscription|master)"
    r"[_-]?key)"
)
_SECRETS = (
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:(?=-----END)|\Z)", re.DOTALL),
    re.compile(r"((?:^|[?&;\s\"'])sig=)[^&\s\"'<>]+", re.IGNORECASE),
    re.compile(
        r"(authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:bearer|basic|digest|sharedkey)\s+)?)"
        r"[^\s\"',;}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*"),
    re.compile(rf"({_NAMES}\\?[\"']?\s*=\s*\\?[\"']?)(?!{MASK})[^\s\"'&,;}}\\]+", re.IGNORECASE),
    re.compile(rf"({_NAMES}\\?[\"']?\s*:\s*\\?[\"'])(?!{MASK})[^\"'\\]+", re.IGNORECASE),
    re.compile(rf"({_NAMES}:\s*)(?!{MASK})[^\s\"'&,;}}\\]{{6,}}", re.IGNORECASE),
    re.compile(r"((?:^|[?&;\s\"'])(?:key|code|pass)=)[^\s\"'&,;]+", re.IGNORECASE),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
)


def mask(text: str) -> str:
    """Text with its secrets replaced by dots: SAS signatures, tokens, keys, passwords."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<1>{MASK}", text)
    return text
