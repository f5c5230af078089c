"""Bring outside text to the form that signatures expect: decoded, uncoloured, without prefixes."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENCODINGS = (  # by the byte order mark; UTF-32's begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Which of the first four bytes are zero, where PowerShell left the mark out.
_UNMARKED: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)"
    r"|\x1b[@-Z\\^_=>78]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # nearly all there is, and five times as fast to find
# Several rounds of JSON escaping leave runs of backslashes: one is enough to read them.
_BACKSLASHES = re.compile(r"\\{2,}")
_ESCAPED_ANSI = re.compile(r"\\{1,8}(?:u001b|x1b|033|e)\[[0-9;?]{0,32}[A-Za-z]", re.IGNORECASE)
_ESCAPED_BREAK = re.compile(r"\\r\\n|\\[nr]")
_ESCAPED_UNICODE = re.compile(r"\\u00(2[267c]|3[ce]|60|5b|5d|20|09)", re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r"\\([\"'`/])")
_CURLY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "´": "'", "\xa0": " ", "\x00": ""})
_HTML = (("&#39;", "'"), ("&quot;", '"'), ("&apos;", "'"))
_HTML_MARK = re.compile(r"&(?:#39|quot|apos);")
_BREAK = re.compile(r"\r\n|\n|\r")

_MESSAGE_KEYS = (
    "message",
    "msg",
    "Message",
    "log",
    "textPayload",
    "text",
    "body",
    "line",
    "LogEntry",
)
_PLAIN_KEYS = {"text", "body", "line"}  # of data too: a log's record also has a time or level
_TIME_KEYS = ("time", "timestamp", "@timestamp", "ts", "date", "datetime", "stream", "asctime")
_TRACE_KEYS = ("exc_info", "exception", "stack_trace", "stack", "traceback", "exc_text", "error")
_LEVEL_KEYS = ("level", "levelname", "severity", "lvl", "log_level", "LogLevel", "loglevel")

_STATUS_KEYS = ("status", "status_code", "http_status", "response_status")
_PATH_KEYS = ("path", "uri", "url", "request_uri", "request_path")

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
_LEVELS = {
    "T": DEBUG, "D": DEBUG, "I": INFO, "W": WARNING, "E": ERROR, "C": ERROR, "F": ERROR,
    "TRACE": DEBUG, "DEBUG": DEBUG, "DBG": DEBUG, "INFO": INFO, "INF": INFO, "NOTICE": INFO,
    "INFORMATION": INFO, "WARN": WARNING, "WRN": WARNING, "WARNING": WARNING, "ERROR": ERROR,
    "ERR": ERROR, "CRIT": ERROR, "CRITICAL": ERROR, "FATAL": ERROR, "EXCEPTION": ERROR,
    "SEVERE": ERROR, "ALERT": ERROR, "EMERG": ERROR,
}  # fmt: skip
_NAME = (
    r"(?P<level>TRACE|DEBUG|DBG|INFO(?:RMATION)?|INF|NOTICE|WARN(?:ING)?|WRN|ERROR|ERR|CRIT(?:ICAL)?"
    r"|FATAL|SEVERE|EXCEPTION|ALERT|EMERG)"
)
_STAMP = (
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?"
)
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        # kubectl logs --prefix, stern, docker compose
        r"\[?pod/(?P<replica>[\w.-]{1,253}(?:/[\w.-]{1,63})?)\]?:? ",
        r"(?P<replica>[a-z0-9][\w.-]{0,200}-[a-z0-9]{5,10}-[a-z0-9]{5}) (?:[\w.-]{1,63} )?[│|]? ?",
        r"(?P<replica>[\w.-]{1,80}[_-]\d{1,3}) {1,40}\| ",
        # a container runtime's file, runit, a CI job, syslog
        _STAMP + r" std(?:out|err) [FP] ",
        _STAMP + r" \| [\w.-]{1,40}/(?:run|finish|log) \| ",
        # azmlinfsrv 0.8 and later; its predecessor and many of the users' loggers
        _STAMP + r" (?P<level>[DIWECF]) \[\d+\] [\w.]{1,80} - ",
        _STAMP + r" ?[|:-]? ?(?:\| )?[\w.<>-]{1,80} ?(?:\||-|:) ?" + _NAME + r" ?(?:\||-|:) ?",
        _STAMP + r" ?[|:-]? ?\[?" + _NAME + r"\]?(?![\w-])(?: ?\[[^\]\n]{1,80}\])?"
        r"(?: ?[\w.]{1,80}(?=:| -))? ?(?::|-|\|)? ?",
        _STAMP + r" \[\d+\] \[" + _NAME + r"\] ",
        _STAMP + r":? (?P<level>[DIWEF]) (?=[\w/]+\.(?:cc|cpp|cu|c|h):\d+\])",
        _STAMP + r"[:,]?[ \t]?(?:\| ?)?",
        r"\{(?:\w{1,60}=\"[^\"\n]{0,200}\",? ?){1,20}\} ",  # Loki's labels
        r"(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d{3,9} {1,8}\d+ [\w./-]{1,80}:\d+\] ",
        r"[^\W\d_]{3,5}\.? [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,80} [\w./-]{1,60}(?:\[\d+\])?: ",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]? ",
        r"time=\S{1,40} level=(?P<level>[a-z]{1,12}) msg=",
        # a level by itself, a CI annotation, a notebook frame, a build step's number
        r"\[" + _NAME + r"\] ?(?:\[[^\]\n]{1,80}\] )?",
        r"\[\d{1,7}\] \[" + _NAME + r"\] ",
        _NAME + r" {1,8}[\w.]{1,80}:[\w./-]{1,80}\.py:\d+ ",  # pytest
        _NAME + r":[\w.]{1,80}:",
        _NAME + r" ?(?:[|:-] |[|:-]$|\[[\w.]{1,60}\] )",
        r"##\[(?P<level>error|warning|debug|section)\]",
        r"E {3}(?=\S)",
        r"#\d{1,4} \d{1,6}\.\d{1,3} ",
        r"\[ {0,6}\d{1,8}\.\d{3,6}\] ",  # the kernel's own log
        r"no request id, ?",
        r"0{8}-0000-0000-0000-0{12}[,:]? ",
        r"[\w.-]{1,80} \| " + _NAME + r" \| ",
        r"\| ",
    )
)  # fmt: skip
_GROUP = re.compile(r" {2,40}(?:\| (?=\S| {2})|\+ (?=Exception Group ))")  # of exceptions
_MAX_PREFIXES = 6
_MAX_DEPTH = 4  # JSON inside JSON
_LEVEL_LIKE = re.compile(r"[\[{\d#|A-Z0a-z]")
# A row of a table that was exported, its last column quoted: the log's line.
_CSV = re.compile(r'"?' + _STAMP + r'"?,(?:"?[^",\n]{0,200}"?,){0,12}"((?:[^"\n]|"")*)"$')


@dataclass(frozen=True)
class Line:
    """One logical line: its number (1-based), its text without prefixes, what those said."""

    number: int
    text: str
    level: int = 0
    replica: str = ""
    raw: str = ""
    depth: int = 0  # JSON records that it was inside of


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first four bytes: UTF-16, UTF-32, else UTF-8."""
    for mark, encoding in _ENCODINGS:
        if head.startswith(mark):
            return encoding
    return _UNMARKED.get(tuple(byte == 0 for byte in head[:4]), "utf-8-sig")


def split_lines(text: str) -> list[str]:
    """Return the lines of *text*; CR, LF and CRLF each end one (progress bars use a lone CR)."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def coloured(text: str) -> bool:
    """Tell whether *text* may hold terminal control sequences, or escaped ones."""
    return "\x1b" in text or "\x9b" in text or "u001b[" in text


def strip_ansi(text: str) -> str:
    """Return *text* without terminal control sequences; JSON has them escaped."""
    text = _COLOUR.sub("", text)
    if "u001b[" in text:
        text = _ESCAPED_ANSI.sub("", text)
    return _ANSI.sub("", text) if "\x1b" in text or "\x9b" in text else text


def logical_lines(number: int, raw: str, depth: int = 0) -> Iterator[Line]:
    """Yield the logical lines inside *raw*: a JSON string or log record may hold many."""
    text = raw if raw.isascii() else raw.translate(_CURLY)
    stripped = text.strip()
    if stripped[-1:] == '"' and (row := _CSV.match(stripped)):
        text = stripped = row[1].replace('""', '"')
    if stripped[-1:] in ("}", '"') and depth < _MAX_DEPTH:
        inner, replica, outer_level = _strip_prefixes(stripped)
        record = _json_record(stripped) or _json_record(inner)
        if record is not None:
            message, level, access = record
            for piece in message.split("\n"):
                for line in logical_lines(number, piece, depth + 1):
                    yield Line(
                        number,
                        line.text,
                        line.level or level or outer_level,
                        line.replica or replica,
                        line.raw,
                        max(line.depth, depth + 1),
                    )
            if access:
                yield Line(number, access, level or outer_level, replica, stripped, depth + 1)
            return
    if "\\" in text:
        text = _unescape(text)
    if "&" in text and _HTML_MARK.search(text):
        for entity, char in _HTML:
            text = text.replace(entity, char)
    for piece in text.split("\n"):
        yield strip_prefixes(number, piece)


def last_line(number: int, raw: str) -> Line:
    """Return the last logical line inside *raw* that is not empty."""
    line = Line(number, "")
    for one in logical_lines(number, raw):
        line = one if one.text.strip() else line
    return line


def strip_prefixes(number: int, text: str) -> Line:
    """Return *text* as a line without time stamps, pod names, logger names and levels in front."""
    rest, replica, level = _strip_prefixes(text)
    return Line(number, rest, level, replica, text)


def _strip_prefixes(text: str) -> tuple[str, str, int]:
    replica, level, position = "", 0, 0
    for _ in range(_MAX_PREFIXES):
        if not _LEVEL_LIKE.match(text, position):
            break
        for prefix in _PREFIXES:
            match = prefix.match(text, position)
            if match:
                break
        else:
            break
        groups = match.groupdict()
        replica = replica or groups.get("replica") or ""
        named = _LEVELS.get((groups.get("level") or "").upper(), 0)
        level = named or level
        position = match.end()
    if text.startswith("  ", position) and (group := _GROUP.match(text, position)):
        position = group.end()
    return (text[position:] if position else text), replica, level


def _json_record(text: str) -> tuple[str, int, str] | None:
    """Return message, level, request of a JSON log record, or a JSON string's text; else None."""
    if len(text) < 2 or (text[0], text[-1]) not in (("{", "}"), ('"', '"')):
        return None
    try:
        record = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(record, str):
        return _json_record(record.strip()) or (record, 0, "")
    if not isinstance(record, dict):
        return None
    dated = any(key in record for key in (*_TIME_KEYS, *_LEVEL_KEYS))
    message = next(
        (
            record[key]
            for key in _MESSAGE_KEYS
            if isinstance(record.get(key), str) and (dated or key not in _PLAIN_KEYS)
        ),
        None,
    )
    if message is None or {"code", "statusCode", "details"} & record.keys():
        return None  # an error payload: its codes matter as much as its message
    traces = [record[key] for key in _TRACE_KEYS if isinstance(record.get(key), str)]
    level = next((record[key] for key in _LEVEL_KEYS if isinstance(record.get(key), str)), "")
    return "\n".join([message, *traces]), _LEVELS.get(level.upper(), 0), _request(record)


def _request(record: dict[str, object]) -> str:
    """Return a request's record as the line of a web server's log, "" if it is none."""
    path = next((value for key in _PATH_KEYS if isinstance(value := record.get(key), str)), "")
    status = next((value for key in _STATUS_KEYS if isinstance(value := record.get(key), int)), 0)
    return f'"{record.get("method", "POST")} {path} HTTP/1.1" {status}' if path and status else ""


def _unescape(text: str) -> str:
    """Return *text* without the backslashes of one or more rounds of JSON escaping."""
    text = _ESCAPED_ANSI.sub("", _BACKSLASHES.sub(r"\\", text))
    text = _ESCAPED_UNICODE.sub(lambda m: chr(int(m[1], 16)), text)
    text = _ESCAPED_QUOTE.sub(r"\1", text)
    text = _ESCAPED_BREAK.sub("\n", text)
    return text.replace("\\t", "\t")


def has_inner_break(text: str) -> bool:
    """Tell whether *text* holds escaped line ends, that is several logical lines."""
    return "\\n" in text or "\\r" in text
