"""Tell a real message from text that only talks about one."""

from __future__ import annotations

import re

from amltui.domain.diagnosis.events import SERVER_LINE
from amltui.domain.diagnosis.model import Entry
from amltui.domain.diagnosis.normalise import ERROR, WARNING, Line, last_line

TRANSIENT = re.compile(
    r"\bretry(?:ing)?\b(?!\S)|\bwill retry\b|\battempt \d+ ?(?:/|of) ?\d+|\btrying again\b"
    r"|Retry\(total=[1-9]|\bretry in\b|\(\d{1,3}/\d{1,3}\)\W*$",
    re.IGNORECASE,
)

# Words before a phrase that show that it is talked about, not reported.
MENTION = re.compile(
    r"(?:\bif (?:you|we|it|the|a|this)\b|\bwhen (?:you|we) (?:see|get)\b|\bsuch as\b|\be\.g\."
    r"|\bfor example\b"
    r"|\bhow to (?:fix|handle|solve|debug|avoid)\b|\brunbook\b|\bticket\b|\bcustomer (?:says"
    r"|reports?|wrote)\b|\barticle\b|\bfaq\b"
    r"|\bsubject:|\btitle:|\bquestion:|\bsummary\b\W|\bdocument(?:ation)?\b|\bchangelog\b"
    r"|\brelease notes?\b"
    r"|\b(?:no|zero|without(?: any)?|0|never|not an?|any|fixed|fixes|resolved|solved|prevents?"
    r"|avoids?|avoid|handles?|handler for|handling of|catch(?:es|ing)?|except"
    r"|simulat\w+|test(?:s|ing)?(?: for)?|expect(?:s|ed|ing)|ignor\w+|suppress\w*"
    r"|grep(?:ping)?(?: -\w+)*|search(?:ing|ed)?(?: for)?|alert(?:s|ing)? on|count(?: of)?"
    r"|errors? like|text|phrase|message was|predicted|label(?:led)?"
    r"|class(?:ified as)?)\s*[:=]?\s*[\"'`(\[]*\s*$)",
    re.IGNORECASE,
)

# The keys of JSON whose text is about something: nothing of the platform's reports errors there.
_TOLD = re.compile(
    r"[\"'](?:description|name|friendlyName|title|label|tags?|text|question|answer|prompt|document"
    r"|doc|passage|content|comment|review|note|summary|subject)[\"']\s*:\s*[\"'][^\"']*$",
    re.IGNORECASE,
)
_TEST_RESULT = re.compile(r"::test_\w|\b(?:PASSED|SKIPPED|XFAIL(?:ED)?)\b")

# An exception's own line: all of it is the message.
EXCEPTION_START = re.compile(
    r"\W{0,4}(?:[A-Za-z_]\w{0,80}\.){0,12}\w{0,80}(?:Error|Exception|Fault): "
)

# What may stand before a real message at the start of a line.
LEAD_IN = re.compile(
    r"(?:</?\w{1,10}>|[\"']?[\w./\\@-]{1,80}[\"']?\s?[:=]\s*|[\s\[\](){}<>|*#>,\"'`×│╰─▶├└-]"
    r"|line \d+:?|b(?=['\"])|\d{1,6}(?=\s)"
    r"|[DIWEF] |(?:got|fatal|error|exception|failed|warning|caused by|message|uncaught"
    r"|unhandled|worker|sorry|docker|exec|terminate called after throwing an instance of|what\(\)"
    r"|a(?:ci|ks) deployment failed with exception)\b[:!]?\s?)*",
    re.IGNORECASE,
)

# Words before a status that make it an answer.
ANSWERED = re.compile(
    r"(?:\bhttp\S*|error|status\S*|\bcode|return\w*|respon\w+|fail\w*|answer\w*|\bgot|\bwith|receiv\w*|unexpected"
    r"|->|=>|attempt \S+)(?:\W{0,6}|[^\w\"']{0,6}\b\w+\W{1,3})$",
    re.IGNORECASE,
)

# What the server itself writes before a traceback on the same line.
OWN_LEAD = re.compile(r"(?:xception|rror)\W{0,4}$|^\W*$|\{0\}\W*$|Insights/Logger\W*$")
INDENTED = re.compile(r"\s+\S|\s*$|[~^]+$")


def starts_line(line: Line, match: re.Match[str]) -> bool:
    """Tell whether nothing but marks, names and colons stands before the match on its line."""
    if EXCEPTION_START.match(line.text):
        return True
    if match.start() > 200:
        return False
    lead = LEAD_IN.match(match.string, 0, match.start())
    return lead is not None and lead.end() == match.start()


def answers(line: Line, match: re.Match[str]) -> bool:
    """Tell whether a status with its reason ("404 Not Found") is an answer, not mere words."""
    return starts_line(line, match) or ANSWERED.search(line.text[: match.start()][-60:]) is not None


def mentioned(text: str, position: int) -> bool:
    """Tell whether the words before *position* show that what follows is talked about."""
    if text.rstrip()[-1:] == "|":  # a row of a table in some document
        return True
    if _TOLD.search(text[max(0, position - 400) : position]) or _TEST_RESULT.search(text[:400]):
        return True
    return MENTION.search(text[max(0, position - 80) : position]) is not None


def quotes_traceback(line: Line) -> bool:
    """Tell whether a line only talks about a traceback, instead of beginning one."""
    start = line.text.find("Traceback")
    return start > 0 and line.level < ERROR and not OWN_LEAD.search(line.text[:start])


def traceback_level(line: Line, previous: str) -> tuple[int, bool]:
    """Return the level that a traceback was logged with, by the raw line before it if need be.

    And whether that makes it weak: logged as a warning or less, it was handled.
    """
    if line.level:
        return line.level, line.level <= WARNING
    before = last_line(line.number - 1, previous)
    weak = 0 < before.level <= WARNING and not SERVER_LINE.search(before.text)
    return before.level if before.level >= ERROR else 0, weak


def at_any_level(entry: Entry, access: bool) -> bool:
    """Tell whether *entry* may be reported from a line below the level of a warning."""
    return access or entry.any_level or entry.severity == "info"
