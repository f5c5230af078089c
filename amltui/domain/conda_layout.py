"""A conda file read line by line, so that a fix can change one line and leave the rest alone.

A YAML library gives the values but not the lines to change; this reads the layout that conda files
have in practice (block lists) and says so when a file has another, instead of guessing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_KEY = re.compile(r"([A-Za-z_][\w-]*)[ ]*:(?:[ \t]+(.*))?")
_ITEM = re.compile(r"( *)-(?: +(.*))?")
_COMMENT = re.compile(r"\s+#.*")
_QUOTED = re.compile(r"""("[^"\\]*"|'[^']*')(\s+#.*)?\s*""")
_SPECIAL = tuple("&*!|>{}[]@`%\"'?,")


@dataclass(frozen=True)
class Item:
    """An entry of a list: its line (from 1), column of its dash, text and trailing comment."""

    line: int
    indent: int
    text: str
    comment: str = ""


@dataclass
class Layout:
    """What stands where; `unread` is the first line (from 1) that is laid out otherwise, or 0."""

    keys: dict[str, int] = field(default_factory=dict)
    conda: list[Item] = field(default_factory=list)
    pip: list[Item] = field(default_factory=list)
    pip_key: Item | None = None
    unread: int = 0
    lines: int = 0

    @property
    def last_line(self) -> int:
        """The last line of the dependencies."""
        items = [*self.conda, *self.pip, *([self.pip_key] if self.pip_key else [])]
        return max((one.line for one in items), default=self.keys.get("dependencies", 0))


class _Other(Exception):
    """A line is laid out in a way that is not read here."""


def read_layout(text: str) -> Layout:
    """Where the dependencies of a conda file stand."""
    layout = Layout()
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    layout.lines = len(lines) - (lines[-1] == "")
    section = ""
    for number, line in enumerate(lines, start=1):
        bare = line.strip(" ")
        if not bare or bare.startswith("#") or (bare == "---" and not layout.keys):
            continue
        try:
            section = _read_line(layout, number, line, section)
        except _Other:
            layout.unread = number
            break
    return layout


def _read_line(layout: Layout, number: int, line: str, section: str) -> str:
    if not line.isprintable() or line.startswith(("---", "...")):
        raise _Other
    key = _KEY.fullmatch(line)
    if key is not None:
        value = _COMMENT.sub("", " " + (key[2] or "")).strip()
        if key[1] in layout.keys or (key[1] == "dependencies" and value):
            raise _Other
        layout.keys[key[1]] = number
        return key[1]
    if section != "dependencies":
        if not section or line[0] not in " -":
            raise _Other
        return section
    _read_item(layout, number, line)
    return section


def _read_item(layout: Layout, number: int, line: str) -> None:
    match = _ITEM.fullmatch(line)
    if match is None:
        raise _Other
    indent = len(match[1])
    entry, comment = _scalar(match[2] or "")
    item = Item(number, indent, entry, comment)
    outer = layout.conda[0].indent if layout.conda else None
    if outer is None and layout.pip_key is not None:
        outer = layout.pip_key.indent
    if outer is None or indent == outer:
        if entry == "pip:":
            if layout.pip_key is not None:
                raise _Other
            layout.pip_key = item
        else:
            layout.conda.append(_plain(item))
        return
    after_pip = layout.pip_key is not None and not any(
        one.line > layout.pip_key.line for one in layout.conda
    )
    if not after_pip or indent < outer + 2 or (layout.pip and indent != layout.pip[0].indent):
        raise _Other
    layout.pip.append(_plain(item))


def _scalar(written: str) -> tuple[str, str]:
    """The text of an entry and its trailing comment."""
    quoted = _QUOTED.fullmatch(written)
    if quoted is not None:
        text = quoted[1][1:-1]
        if not text or text.endswith(":"):
            raise _Other
        return text, quoted[2] or ""
    if written.startswith(_SPECIAL) or not written:
        raise _Other
    comment = _COMMENT.search(" " + written)
    text = written[: comment.start() - 1] if comment and comment.start() else written
    if not text or text.startswith("#"):
        raise _Other
    return text.strip(" "), comment[0] if comment else ""


def _plain(item: Item) -> Item:
    # A colon makes a mapping of an entry, and a dash alone or with a space a list in the list.
    if ": " in item.text or item.text.endswith(":") or item.text.startswith("- "):
        raise _Other
    if item.text == "-":
        raise _Other
    return item
