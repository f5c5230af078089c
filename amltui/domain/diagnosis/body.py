"""The body of a good HTTP answer: what a model says is no report of a failure."""

from __future__ import annotations

from amltui.domain.diagnosis.normalise import Line

_LINES = 40  # after the status line that may be headers and body
_DATA = ("{", "[", '"')


class AnswerBody:
    """Which lines belong to the last answer, if that was a good one."""

    def __init__(self) -> None:
        """Begin outside of any."""
        self._line = self._depth = self._held = 0

    def begin(self, line: Line) -> None:
        """Note the status line of a good answer; a log that mentions one is none."""
        if line.text.lstrip("<* ").startswith("HTTP/"):
            self._line, self._depth = line.number, line.depth

    def end(self) -> None:
        """Note the status line of another one."""
        self._line = 0

    def near(self, number: int) -> bool:
        """Tell whether the line of that number may be of the last good answer."""
        return bool(self._line) and 0 <= number - self._line <= _LINES

    def holds(self, line: Line) -> bool:
        """Tell whether *line* is data of the good answer."""
        data = line.depth > self._depth or line.text.lstrip()[:1] in _DATA
        data = data or line.number == self._held  # the rest of it, behind an escaped line end
        if data and self.near(line.number):
            self._held = line.number
            return True
        return False
