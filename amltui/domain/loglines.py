"""What a single log line says of itself: its level."""

from __future__ import annotations

import re
from enum import IntEnum


class Level(IntEnum):
    """How bad a line is, as far as one can tell; a filter shows a level and what is worse."""

    NONE = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


_LOOKED_AT = 400  # bytes of a line: its level stands near its beginning

_WORDS = {
    Level.DEBUG: b"trace|debug|verbose",
    Level.INFO: b"info|information|notice",
    Level.WARNING: b"warn|warning",
    Level.ERROR: b"error|err|severe|fatal|critical|crit|panic|emerg|emergency|alert",
}
_LEVELS = {word: level for level, words in _WORDS.items() for word in words.split(b"|")} | {
    b"d": Level.DEBUG,
    b"i": Level.INFO,
    b"w": Level.WARNING,
    b"e": Level.ERROR,
    b"c": Level.ERROR,
    b"f": Level.ERROR,
}
_ANY = b"|".join(_WORDS.values())
_SEQUENCE = re.compile(rb"\x1b\[[0-9;:]*m")
# JSON and logfmt name the level; it counts more than a word before it.
_NAMED = re.compile(
    rb"(?i)(?:\"(?:level|levelname|log\.level|severity|loglevel)\"\s*:\s*\"|\b(?:level|lvl|severity)=\"?)"
    rb"(" + _ANY + rb")\b"
)
_AT_START = re.compile(
    rb"(?i:(" + _ANY + rb")\b(?![\w.-]|\s+\w))"  # "Error: ..."
    rb"|([IWEF])\d{4} \d\d:"  # klog
    rb"|\d{4}-\d\d-\d\d[ T][\d:,.]+ ([DIWEC]) \["  # azureml-inference-server-http
    rb"|(Traceback \(most recent call last\)|(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception)(?::|$))"
)
# Begins with a character class of its own making, so that most of a line is skipped in C.
_WORD = re.compile(
    rb"(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|SEVERE|FATAL|CRIT(?:ICAL)?|PANIC)(?![\w-])"
    rb"|\[(" + _ANY + rb")\]"
)
_INSIDE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_WARNING = re.compile(rb":\d+: \w*Warning: ")  # Python's warnings module
_ACCESS = re.compile(rb"\" ([1-5])\d\d (?:\d+|-)")  # an access log's status


def level(raw: bytes) -> Level:
    """A guess, cheap enough for a million lines, of how bad a raw log line is."""
    head = raw[:_LOOKED_AT]
    if b"\x1b" in head:
        head = _SEQUENCE.sub(b"", head)
    if b"=" in head or head.lstrip()[:1] == b"{":
        named = _NAMED.search(head)
        if named is not None:
            return _LEVELS[named[1].lower()]
    start = _AT_START.match(head)
    if start is not None:
        if start[4] is not None:
            return Level.ERROR
        return _LEVELS[(start[1] or start[2] or start[3]).lower()]
    for word in _WORD.finditer(head):
        if word[2] is not None or not word.start() or head[word.start() - 1] not in _INSIDE:
            return _LEVELS[(word[1] or word[2]).lower()]
    if b"Warning: " in head and _WARNING.search(head) is not None:
        return Level.WARNING
    access = _ACCESS.search(head)
    if access is not None:
        return {b"5": Level.ERROR, b"4": Level.WARNING}.get(access[1], Level.INFO)
    return Level.NONE


def continues(raw: bytes) -> bool:
    """Whether a line belongs to the one before it, as the inside of a traceback does."""
    return raw[:1] in (b" ", b"\t")
