"""Lists of failures that a tool prints as help: its remedies are no reports of the failures."""

from __future__ import annotations

import re

from amltui.domain.diagnosis.normalise import WARNING, Line

_LINES = 25  # after the heading that may belong to its list
_HEADING = 80  # characters: a longer line is no heading
_BULLET = re.compile(r"(?:[*•|+-]|\d{1,2}[.)]|[A-Z]\w{2,60} [-–—]) +\S")


class Advice:
    """Which lines are items of the last list of advice."""

    def __init__(self) -> None:
        """Begin outside of any."""
        self._line = self._indent = 0

    def begin(self, line: Line) -> None:
        """Note the heading of a list; a sentence that gives an address is none."""
        text = line.text
        if self.holds(line):
            return
        if line.level < WARNING and len(text) <= _HEADING and "://" not in text:
            self._line, self._indent = line.number, _indent(text)

    def holds(self, line: Line) -> bool:
        """Tell whether *line* is an item of the list: below its heading, indented or bulleted."""
        if not self._line or not 0 <= line.number - self._line <= _LINES or line.level >= WARNING:
            return False
        text = line.text
        return _indent(text) > self._indent or _BULLET.match(text.lstrip()) is not None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
