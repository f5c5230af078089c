"""Text that is shown, not reported: what a model or a tool says about failures is not one."""

from __future__ import annotations

import re

from amltui.domain.diagnosis.advice import Advice
from amltui.domain.diagnosis.body import AnswerBody
from amltui.domain.diagnosis.documents import Documents
from amltui.domain.diagnosis.normalise import Line, last_line

_FENCED_LINES = 60  # a fence of Markdown that nobody closed ends here
_COMMAND = 1000  # characters of a line that may be a command
_SEPARATORS = 3  # in a line: fewer make no table
# A command that may fail: what it says is not a failure of the whole.
_FORGIVEN = re.compile(
    r"\|\| ?(?:true|:|exit 0|echo\b(?!.*\bexit [1-9]).*)\W*$"
    r"|\bdocker (?:container )?rm (?:-f|--force)\b"
)
_CONDITION = re.compile(r"[\s-]*[\"']?type[\"']?\s*:\s*[\"']?[A-Z]\w+[\"']?,?\s*$")
_STATUS = re.compile(r"\s*[\"']?status[\"']?\s*:\s*[\"']?(true|false|unknown)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?[\d.]+%?$")


class Quoted:
    """Which lines of one log are answers, advice, Markdown, headings or forgiven commands."""

    def __init__(self) -> None:
        """Begin outside of any."""
        self.body = AnswerBody()
        self.documents = Documents()
        self._advice = Advice()
        self._fence: tuple[int, str] | None = None

    def begin(self, event: str, line: Line, *, serving: bool) -> None:
        """Note a line that begins something quoted.

        A fence counts where models speak: around a whole log somebody only put it there to paste.
        """
        if event == "answered":
            self.body.begin(line)
        elif event == "advice":
            self._advice.begin(line)
        elif event == "document":
            self.documents.begin(line)
        elif serving:
            self._fence = (line.number, line.replica)

    @property
    def fence_open(self) -> bool:
        """Tell whether a fence of Markdown was not closed yet."""
        return self._fence is not None

    def fenced(self, line: Line) -> bool:
        """Tell whether *line* stands between two fences of Markdown, or is the second."""
        if self._fence is None or line.replica != self._fence[1]:
            return False
        if line.number - self._fence[0] > _FENCED_LINES:
            self._fence = None
            return False
        if line.text.lstrip().startswith("```"):
            self._fence = None
        return True

    def holds(self, line: Line, previous: str, following: str) -> bool:
        """Tell whether *line*, between its raw neighbours, is quoted."""
        return (
            self.body.holds(line)
            or self._advice.holds(line)
            or _forgiven(previous[-_COMMAND:])
            or _is_false(line.text, previous[-_COMMAND:], following)
            or _is_heading(line.text, following)
        )


def _forgiven(previous: str) -> bool:
    """Tell whether the line before is a command that may fail."""
    if "||" not in previous and "docker" not in previous:
        return False
    return _FORGIVEN.search(last_line(0, previous).text) is not None


def _is_false(text: str, previous: str, following: str) -> bool:
    """Tell whether *text* names a condition of Kubernetes whose status, beside it, is False."""
    if not _CONDITION.match(text):
        return False
    status = _STATUS.match(following)
    if status is None and not text.lstrip().startswith("-"):  # else it begins the condition
        status = _STATUS.match(last_line(0, previous).text)
    return status is not None and status[1].lower() == "false"


def _is_heading(text: str, following: str) -> bool:
    """Tell whether *text* names the columns of a table whose first row follows."""
    row = following.partition("\n")[0]
    for separator in ",;\t":
        count = text.count(separator)
        if count >= _SEPARATORS and row.count(separator) == count:
            cells = [cell.strip() for cell in row.split(separator)]
            names = [cell.strip() for cell in text.split(separator)]
            return any(map(_NUMBER.match, cells)) and not any(map(_NUMBER.match, names))
    return False
