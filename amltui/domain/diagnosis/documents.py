"""Documents inside a text: what a commit, a manifest or an alert's rule says is no report."""

from __future__ import annotations

import re

from amltui.domain.diagnosis.events import SECTIONS
from amltui.domain.diagnosis.normalise import Line

_LINES = 2_000  # after its heading that may belong to a document
_MARKS = re.compile(r"[\s+~/@\\-]*")  # what indents: blanks, list marks, those of a difference
_WORDS = re.compile(r"\w")
_HEADING = re.compile(
    # a commit, a difference between files
    r"commit [0-9a-f]{7,64}\b|(?:Author|AuthorDate|Commit|CommitDate|Date|Merge): "
    r"|diff -\S+ |index [0-9a-f]{6,64}\.\.|(?:new|deleted) file mode |(?:similarity|rename) \w"
    # a section of a manifest or a notebook: what somebody wants or writes, not what is
    rf"|[\s-]*[\"']?(?:{'|'.join(SECTIONS)})[\"']?: ?[\[{{|>]?[+-]?\s*$"
    # a plan of Terraform
    r"|[\s+~/<=-]*resource [\"']\w+[\"'] [\"'][\w-]+[\"'] \{$"
)


class Documents:
    """Which lines belong to the last document: those that are indented below its heading."""

    def __init__(self) -> None:
        """Begin outside of any."""
        self._line = self._indent = self._depth = 0
        self._replica = ""

    @property
    def open(self) -> bool:
        """Tell whether the document may go on, so that every line must be seen."""
        return bool(self._line)

    def begin(self, line: Line) -> bool:
        """Note a heading; return False if *line* is none."""
        if not _HEADING.match(line.text):
            return False
        self._line, self._replica, self._depth = line.number, line.replica, line.depth
        self._indent = _indent(line.text)
        return True

    def holds(self, line: Line) -> bool:
        """Tell whether *line* is of the document; else, unless another replica's, it has ended."""
        if self._line and not 0 <= line.number - self._line <= _LINES:
            self._line = 0
        if not self._line or line.replica != self._replica:
            return False
        if (
            not _WORDS.search(line.text)
            or _indent(line.text) > self._indent
            or line.depth > self._depth  # a string of its list
            or self.begin(line)
        ):
            return True
        self._line = 0
        return False


def _indent(text: str) -> int:
    marks = _MARKS.match(text)
    return marks.end() if marks else 0
