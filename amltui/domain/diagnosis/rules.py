"""The compiled catalogue: which lines to look at, and which signatures to try on them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from amltui.domain.diagnosis.catalogue import catalogue
from amltui.domain.diagnosis.events import EVENTS, Event
from amltui.domain.diagnosis.model import Confidence, Entry, Form, Signature
from amltui.domain.diagnosis.pattern import compile_signature, gate, gate_word

# HTTP statuses in a context that proves that they are one; a bare number in a log means nothing.
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Time-?out",
    413: "(?:Request Entity|Payload|Content) Too Large",
    415: "Unsupported Media Type",
    424: "Failed Dependency",
    429: "Too Many",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "(?:Service (?:Temporarily )?Unavailable|Server Error)",
    504: "Gateway Time-?out",
}
_HEAD = 4  # letters: no word is shorter
_MAX_WINDOW = 2_000  # characters of a line that may end in a wrapped sentence

_STATUS_WORDS = (
    "bad request", "unauthorized", "forbidden", "not found", "method not allowed", "request time",
    "entity too large", "payload too large", "content too large", "unsupported media type",
    "failed dependency", "too many requests",
    "header fields too large", "internal server error", "bad gateway", "service unavailable",
    "temporarily unavailable", "server error", "gateway time", "returned error: ",
)  # fmt: skip
_STATUS_GATE = (
    ("h", r"ttp/\d(?:\.\d)?\\{0,4}[\"']?\s+[45]\d\d\b"),
    ("h", r"ttp/\d(?:\.\d)?\s+2\d\d\b"),
    ("h", r"ttp(?: error| status)?\W{0,2} [45]\d\d\b"),
    ("p", r"onse code\W{1,3}[45]\d\d\b"),
    ("u", r"s[_ -]code\W{0,8}(?:of |is |was )?[45]\d\d\b"),
    ("p", r"onse \[[45]\d\d\]"),
    ("p", r"ost /\S{0,200} 5\d\d [\d.]+ ?ms\b"),
    ("h", r"ttps?://\S{1,200} (?:->|=>) [45]\d\d\b"),
    ("c", r"ode=\\{0,4}\"(?:429|5\d\d)\b"),
    ("u", r"s=\\{0,4}\"(?:429|5\d\d)\b"),
    ("u", r"s\\{0,4}\": ?(?:429|5\d\d)\b"),
    ("p", r"onses\s{0,4}(?:[\\\n]|$)"),
    ("`", "``"),
    *(
        (begin, rf"{rest}[\"']?: ?[\[{{|>]?[+-]?[ \t]*(?:[\r\n\\]|$)")
        for begin, rest in (("g", "roups"), ("m", "etadata"), ("p", "ec"), ("u", "rce"))
    ),
)
_STATUS = re.compile(
    r"HTTP/\d(?:\.\d)?[\"']?\s+(?P<line>[45]\d\d)\b"
    r"|response code\W{1,3}(?P<sdk>[45]\d\d)\b"
    r"|status[_ -]code\W{0,8}(?:of |is |was |: )?(?P<client>[45]\d\d)\b"
    r"|<Response \[(?P<requests>[45]\d\d)\]"
    r"|\bHTTP(?: error| status)?\W{0,2} (?P<word>[45]\d\d)\b"
    r"|returned error: (?P<curl>[45]\d\d)\b"
    r"|(?:POST|GET) /\S{0,200} (?P<server>5\d\d) [\d.]+ ?ms\b"
    r"|https?://\S{1,200} (?:->|=>) (?P<arrow>[45]\d\d)\b"
    # What a load test or Prometheus counted, if it is more than a few.
    r"|\[(?P<tally>429|5\d\d)\]\s{1,9}\d{2,} responses\s*$"
    r"|\{[^}\n]{0,300}(?:code|status)=\"(?P<metric>429|5\d\d)\"[^}\n]{0,300}\} [1-9]\d|"
    + "|".join(
        rf"\b(?P<reason{s}>{s})\b(?![\"']\s*:).{{0,40}}{r}\b".replace(" ", r"\s+")
        for s, r in _REASONS.items()
    ),
    re.IGNORECASE,
)
ACCESS = re.compile(
    r"\"(?:POST|GET) (?P<path>[^\s\"]{1,300})[^\"\n]{0,40}\" (?P<status>[1-5]\d\d)\b"
    r"|\b(?:POST|GET) (?P<path2>/\S{0,200}) (?P<status2>[1-5]\d\d) [\d.]+ ?ms\b"
    r"|\b(?:POST|GET) (?P<url>https?://\S{1,300}) (?:->|=>|\"HTTP/[\d.]+) (?P<status3>[1-5]\d\d)\b"
)


@dataclass
class Rule:
    """One signature with the failure it belongs to; compiled when it is first needed."""

    entry: Entry
    signature: Signature
    word: str

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return the compiled signature."""
        signature = self.signature
        if signature.form is Form.CODE:
            return re.compile(rf"(?<![\w/.-]){re.escape(signature.pattern)}(?![\w/])")
        if signature.form is Form.EXCEPTION:
            return compile_signature(r"(?<![\w.])(?:\w{1,80}\.){0,12}" + signature.pattern)
        return compile_signature(signature.pattern)

    def confidence(self, text: str, match: re.Match[str]) -> Confidence:
        """Return how sure *match* is: a code is certain only where a code belongs."""
        if self.signature.form is not Form.CODE:
            return self.signature.confidence
        before = text[max(0, match.start() - 24) : match.start()]
        is_code = re.search(
            r"(?:code|reason)[\"']?\s*[:=]\s*[\"']?$|\($|^\s*$", before, re.IGNORECASE
        )
        return Confidence.CERTAIN if is_code else Confidence.LIKELY


@dataclass(frozen=True)
class RuleSet:
    """Everything that is tried on a line, behind one gate."""

    rules: tuple[Rule, ...]
    words: Mapping[str, tuple[tuple[int, str, Rule], ...]]  # by their first letters; with its place
    events: tuple[Event, ...]
    gate: re.Pattern[str]
    by_status: dict[int, Entry]

    def rules_for(self, folded: str) -> list[Rule]:
        """Return the rules whose word is in *folded* (lower case, single blanks)."""
        heads = {folded[at : at + _HEAD] for at in range(len(folded) - _HEAD + 1)}
        found = [
            (place, rule)
            for head in self.words.keys() & heads
            for place, word, rule in self.words[head]
            if word in folded
        ]
        return [rule for _, rule in sorted(found, key=itemgetter(0))]

    def events_for(self, folded: str) -> list[Event]:
        """Return the events whose word is in *folded*."""
        return [event for event in self.events if event.word in folded]

    def matches(
        self, text: str, folded: str, following: str
    ) -> Iterator[tuple[Rule, re.Match[str]]]:
        """Yield the rules that match *text*, or a sentence wrapped from it into *following*."""
        matched = set()
        for rule in self.rules_for(folded):
            if rule.signature.form is Form.FRAME:
                continue
            match = rule.pattern.search(text)
            if match:
                matched.add(id(rule))
                yield rule, match
        if not following.strip():
            return
        window = f"{text[-_MAX_WINDOW:]}\n{following}"
        base = len(text[-_MAX_WINDOW:])
        for rule in self.rules_for(" ".join(window.lower().split())):
            if rule.signature.form is Form.TEXT and id(rule) not in matched:
                match = rule.pattern.search(window)
                if match and match.start() < base < match.end():
                    yield rule, match


@functools.cache
def rule_set() -> RuleSet:
    """Return the catalogue's rules, ready to run; building them takes some milliseconds, once."""
    entries = catalogue().values()
    rules = tuple(
        Rule(
            entry,
            signature,
            signature.pattern.lower()
            if signature.form is Form.CODE
            else gate_word(signature.pattern),
        )
        for entry in entries
        for signature in entry.signatures
    )
    noticed = {event.word for event in EVENTS if not event.common}
    words = {rule.word for rule in rules} | noticed | set(_STATUS_WORDS)
    by_status = {status: entry for entry in entries for status in entry.statuses}
    by_head: dict[str, list[tuple[int, str, Rule]]] = {}
    for place, rule in enumerate(rules):
        by_head.setdefault(rule.word[:_HEAD], []).append((place, rule.word, rule))
    heads = {head: tuple(found) for head, found in by_head.items()}
    return RuleSet(rules, heads, EVENTS, gate(words, _STATUS_GATE), by_status)


def status_in(text: str) -> re.Match[str] | None:
    """Return the match of an HTTP status in a context that makes it one, or None."""
    return _STATUS.search(text)


def concerns_nobody(access: re.Match[str], status: int) -> bool:
    """Tell whether a request's line is no report: a server's of its clients' mistakes or of others.

    A client's line, which has the whole address, is about the service whatever the status.
    """
    address = access["url"] or access["path"] or access["path2"] or ""
    return "score" not in address or (status < 500 and not access["url"])


def status_of(match: re.Match[str]) -> int:
    """Return the number that :func:`status_in` found."""
    return int(next(value for value in match.groups() if value))
