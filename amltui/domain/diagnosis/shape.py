"""Tell a real message from text that only talks about one."""

from __future__ import annotations

import itertools
import re

from amltui.domain.diagnosis.events import SERVER_LINE
from amltui.domain.diagnosis.normalise import ERROR, WARNING, Line, last_line
from amltui.domain.diagnosis.pods import pod_named

TRANSIENT = re.compile(
    r"\bretrying\b(?!\S)|(?<!\bplease )(?<!\band )(?<!\bor )(?<!\bto )(?<!\bcan )\bretry(?: |$)"
    r"|\bwill retry\b|\battempt \d+ ?(?:/|of) ?\d+|\btrying again\b"
    r"|Retry\(total=[1-9]|\bretry in \d|\(\d{1,3}/\d{1,3}\)\W*$",
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

# Advice, or a question, says so at the start of its sentence.
_ADVICE = re.compile(
    r"(?:^|[.!?:]\s)\W{0,12}(?:\[[\w.-]{1,30}\] )?"
    r"(?:how|if|in case|should|what|whenever|why)\s(?:(?![.!?]\s).)*$",
    re.IGNORECASE,
)
# Lines that are written, not printed by what failed: their words are no report.
_WRITTEN = re.compile(
    "|".join(
        (
            # a program
            r"\s*(?:(?:assert|elif|except|raise)\s|(?:#|//) )",
            r"\s*(?:self\.)?_?(?:console|log|logger|logging|print)\b(?:\.\w{1,20})?\([bfr]?[\"']",
            r"\s*[A-Z][A-Z_]{2,40} ?= ?[\[({\"']",
            # a command
            r"(?:\+{1,4}|\$|PS [A-Z]:\S*>|[\w.-]{1,40}@[\w.-]{1,60}:\S{1,200}[$#]) +\S",
            # an item of a page
            r"\s*<(?:code|dd|dt|li|td|th|tr)\b",
            # the title of a change
            r"\W{0,4}(?i:fix(?:ed|es)?|close[ds]?|resolve[ds]?) #\d",
            r"[0-9a-f]{7,40} \((?:HEAD|origin|tag)\b[^)]{0,200}\) ",
            r"(?:[0-9a-f]{7,40} (?:build|ci|perf|style|test)"
            r"|(?:[0-9a-f]{7,40} |\W{0,4})(?:chore|docs|feat|fix|refactor|revert))"
            r"(?:\([\w ./-]{1,40}\))?!?: ",
            r"[0-9a-f]{7,40} (?i:add|bump|drop|fix|handle|merge|pin|raise|release|remove|revert)",
            # what a search over files prints: compilers and warnings have a column or one blank
            r"[\w./\\-]{1,200}\.[A-Za-z]{1,5}:\d{1,6}:(?!\d)(?=\S|\s{2})",
        )
    )
)

# What behind a phrase shows that it did not happen, or not to this service.
_DENIED = re.compile(
    "|".join(
        (
            # a count of zero, at once or in the last column
            r"[\"'`)\]}]{0,3}\s*(?:[:=|,;]\s*)?(?:0(?:[.e]0*)?|false|none|null|no)[\"',;)\]}]{0,3}\s*$",
            r".{0,60}(?:[:=|]\s*|\s{2,})(?:0(?:\.0+)?(?:\s?%)?|none|never)\s*$",
            r".{0,120}[\"'}\s]\}\s+0(?:[.e]0*)?\s*$",
            # somebody wanted it, or it is over
            r".{0,120}\((?:as (?:designed|expected|intended|planned)|expected|handled|harmless"
            r"|ignored|non-?fatal|simulated)\)",
            r".{0,120}(?<!not )(?<!be )(?<!not been )\b(?:mitigated|recovered|resolved)\b",
            # of a table of what there is: long ago
            r".{0,40}\b\d+ (?:weeks|months|years) ago\b",
            # the condition of an alert that was not raised
            r"[\"'`)]?\s*(?:>=?|≥)\s*\d+\b(?!\.)"
            r"(?!.*(?<!not )\b(?:fired|firing|active|triggered)\b)",
            # a remedy in the next column
            r"[\"'`)]*(?:\s{2,}|\s*(?:->|=>|[→⇒])\s*)(?:add|attach|ask|az|check|choose|close|decrease"
            r"|delete|docker|enable|fix|free|get|give|grant|halve|increase|install|kubectl|look|lower"
            r"|open|pass|pin|pip|raise|read|rebuild|reduce|remove|rename|restart|run|scale|see|set"
            r"|start|stop|try|upgrade|use|wait)\s",
        )
    ),
    re.IGNORECASE,
)

# Words that lead to a phrase in a sentence, and those of a sentence that reports it all the same.
_SENTENCE = re.compile(r"(?:^|[\s(])(?:[a-z]['a-z-]*,? ){2,}[\"'`(]?$")
_REPORTED = re.compile(
    r"\b(?:an instance of|are|been|because of|by|code|due to|got|is|(?:is|are) in(?: an?)?|reason"
    r"|stat(?:e|us)|to|was|were|with) [\"'`(]?$"
    r"|error|exception|fail|fatal|message|denied|\(\w+\)|nodes? (?:are|is)\b",
    re.IGNORECASE,
)

# The keys of JSON whose text is about something: nothing of the platform's reports errors there.
_TOLD = re.compile(
    r"[\"'](?:description|name|friendlyName|title|label|tags?|text|question|answer|prompt|document"
    r"|doc|passage|content|comment|review|note|summary|subject)[\"']\s*:\s*[\"'][^\"']*$"
    r"|[\"'](?:tags|labels|annotations)[\"']\s*:\s*\{[^{}]*$"
    # a query
    r"|(?:[|=!]~|\|=|\b(?:contains|has(?:_any|_all|_cs)?|startswith|matches regex|i?like"
    r"|where \S+ =[=~]))\s*\(?\s*\\*[\"'][^\"']*$",
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

_DEBUGGER = re.compile(
    r"\b(?:debugpy|ptvsd|pydevd|debug(?:ger)?|listening|port \d+)\b", re.IGNORECASE
)
_NOT_WAITING = re.compile(r"\b(?:not|no longer|never|without|stop(?:s|ped)?)\W*$", re.IGNORECASE)

_PERSON = r"[^\W\d_][\w.'-]{0,40}(?: [^\W\d_][\w.'-]{0,40}){0,3}"
_CLOCK = r"\[?\d\d?:\d\d(?: ?[AP]M)?\]?"
# Who spoke, and when: a line of its own, or in front of the words; the head of a mail.
_SPEAKER = re.compile(
    r"^(?:\S{20,35} (?:std(?:out|err) [FP] )?)?"
    rf"(?:(?=\[){_CLOCK} {_PERSON}:?$|{_PERSON} {{1,4}}{_CLOCK}$"
    r"|(?:From|Sent|Subject|To): \S"
    rf"|{_CLOCK} <[\w.-]{{1,40}}> |[\d./-]{{6,10}}, \d\d:\d\d - {_PERSON}: )",
    re.MULTILINE,
)

# What the server itself writes before a traceback on the same line.
OWN_LEAD = re.compile(
    r"(?:xception|rror|xception Group)\W{0,4}$|^\W*$|\{0\}\W*$|Insights/Logger\W*$"
)
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


def mentioned(match: re.Match[str]) -> bool:
    """Tell whether the words around a phrase show that it is talked about, not reported."""
    text, start = match.string, match.start()
    if text.rstrip()[-1:] == "|" or text.startswith(("# HELP ", "# TYPE ")):
        return True  # a row of a table in some document, what a metric counts
    if _WRITTEN.match(text):
        return True
    before = text[max(0, start - 400) : start]
    return (
        _ADVICE.search(before) is not None
        or _DENIED.match(text[match.end() : match.end() + 400]) is not None
        or _TOLD.search(before) is not None
        or _TEST_RESULT.search(text[:400]) is not None
        or MENTION.search(before[-80:]) is not None
        or (_SENTENCE.search(before[-80:]) is not None and _REPORTED.search(before) is None)
    )


def is_chat(text: str) -> bool:
    """Tell whether *text* is what people wrote to one another: two of its lines say who."""
    return len(list(itertools.islice(_SPEAKER.finditer(text), 2))) == 2


def told_in_chat(line: Line, match: re.Match[str]) -> bool:
    """Tell whether a phrase is part of what somebody wrote, not of an output that was pasted."""
    quoted = line.text.lstrip().startswith(">")
    return quoted or not (line.level or starts_line(line, match) or pod_named(line.raw))


def waits(line: Line, match: re.Match[str]) -> bool:
    """Tell whether a line says that the script waits for a debugger now."""
    before = line.text[: match.start()]
    if line.text[:1].isspace() or _NOT_WAITING.search(before):
        return False
    return starts_line(line, match) or _DEBUGGER.search(before) is not None


def quotes_traceback(line: Line) -> bool:
    """Tell whether a line only talks about a traceback, instead of beginning one."""
    start = line.text.find("Traceback")
    return start > 0 and line.level < ERROR and not OWN_LEAD.search(line.text[:start])


def traceback_level(line: Line, previous: str) -> tuple[int, int]:
    """Return the level that a traceback was logged with, by the raw line before it if need be.

    And the level that makes it weak, or 0: logged as a warning or less, it was handled.
    """
    if line.level:
        return line.level, line.level if line.level <= WARNING else 0
    before = last_line(line.number - 1, previous)
    weak = before.level <= WARNING and not SERVER_LINE.search(before.text)
    return before.level if before.level >= ERROR else 0, before.level if weak else 0
