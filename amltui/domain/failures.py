"""Error payloads made readable: JSON inside messages, often escaped twice, becomes a tree.

Azure ML reports a failed deployment as an error object whose messages quote the error objects of
Kubernetes or Container Instances, which quote the next ones. Errors become nodes of the tree; other
JSON (restart counts, container states, events) becomes indented text of the message around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .models import Failure
from .text import clean, clean_line, mask

MAX_DEPTH = 8  # levels of nesting that are unfolded; the rest stays text
MAX_NODES = 100  # errors in one tree
MAX_MESSAGE = 6_000  # characters of one message
_MAX_INPUT = 200_000  # characters of one text that are searched for JSON
_MAX_DECODES = 40  # places in one text where JSON is tried

_CODE = ("code", "Code", "errorCode", "reason")
_MESSAGE = ("message", "Message", "error_description", "detail")
_STATUS = ("statusCode", "status_code", "status", "httpStatusCode")
_INNER = ("error", "Error", "innerError", "innererror", "InnerError", "inner_error", "RootError")
_DETAILS = ("details", "Details", "errors", "Errors")
# Codes that only say that something failed; a sibling or child with another code says what.
_UMBRELLA = re.compile(
    r"(?i)^(|(aci|kubernetes|aks|service|model)?deploymentfailed|kuberneteserror|badrequest|error"
    r"|internalservererror|systemerror|usererror|servererror|unknown(error)?)$"
)
_JSON_START = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder(strict=False)


@dataclass
class _Budget:
    """How many more nodes may be made; one is shared by the whole tree."""

    nodes: int = MAX_NODES


def unfold(payload: Any) -> Failure | None:
    """The tree of an error payload, None where there is no error in it.

    Takes whatever the service sent (object, list, text, text with JSON in it) and never raises;
    texts are cleaned and masked, depth and size are bounded.
    """
    failures = _failures(payload, _Budget(), 0)
    if not failures:
        return None
    if len(failures) == 1:
        return failures[0]
    return Failure("", f"{len(failures)} errors", details=tuple(failures))


def innermost(failure: Failure) -> Failure:
    """The root cause in one line: the deepest error whose code says more than "it failed"."""
    ranked = [
        (not _UMBRELLA.match(node.code), bool(node.message), depth, -order)
        for order, (depth, node) in enumerate(_walk(failure, 0))
    ]
    best = max(range(len(ranked)), key=ranked.__getitem__)
    node = list(_walk(failure, 0))[best][1]
    lines = [line.strip() for line in node.message.splitlines() if line.strip()]
    return replace(node, message=lines[0] if lines else "", details=())


def _walk(failure: Failure, depth: int) -> Iterator[tuple[int, Failure]]:
    yield depth, failure
    for detail in failure.details:
        yield from _walk(detail, depth + 1)


def _failures(value: Any, budget: _Budget, depth: int) -> list[Failure]:
    """The errors that a value holds, outermost first."""
    if value is None or value in ("", {}, []) or budget.nodes <= 0 or depth > MAX_DEPTH:
        return []
    if isinstance(value, Mapping):
        found = _from_object(value, budget, depth)
        return [found] if found != Failure("", "") else []
    if isinstance(value, list):
        return [inner for item in value for inner in _failures(item, budget, depth + 1)]
    message, details = _split(str(value), budget, depth)
    if not message and len(details) == 1:
        return list(details)
    if not message and not details:
        return []
    budget.nodes -= 1
    return [Failure("", message, details=details)]


def _from_object(value: Mapping[Any, Any], budget: _Budget, depth: int) -> Failure:
    budget.nodes -= 1
    code = _first(value, _CODE)
    status = _first(value, _STATUS)
    message, details = _split(_first(value, _MESSAGE), budget, depth)
    for key in (*_INNER, *_DETAILS):
        if isinstance(value.get(key), (Mapping, list, str)):
            details += tuple(_failures(value[key], budget, depth + 1))
    known = {*_CODE, *_MESSAGE, *_STATUS, *_INNER, *_DETAILS}
    rest = {key: item for key, item in value.items() if key not in known and item is not None}
    if rest:
        message = "\n".join(filter(None, [message, *_outline(rest, "", depth)]))
    if not (code or status or message) and len(details) == 1:
        return details[0]  # {"error": {...}}: the wrapper says nothing
    return Failure(clean_line(code)[:200], _short(message), clean_line(status)[:40], details)


def _first(value: Mapping[Any, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        found = value.get(key)
        if found is not None and not isinstance(found, bool):
            if isinstance(found, (Mapping, list)):
                return _dump(found)
            if str(found):
                return str(found)
    return ""


def _split(text: str, budget: _Budget, depth: int) -> tuple[str, tuple[Failure, ...]]:
    """A message without the JSON in it, and the errors which that JSON held."""
    plain: list[str] = []
    details: list[Failure] = []
    for piece in _pieces(_unescape(text[:_MAX_INPUT])):
        if isinstance(piece, str):
            plain.append(piece)
        elif depth < MAX_DEPTH and _is_error(piece) and budget.nodes > 0:
            details += _failures(piece, budget, depth + 1)
        else:
            plain.append("\n" + "\n".join(_outline(piece, "", depth)) + "\n")
    return _short("".join(plain)), tuple(details)


def _pieces(text: str) -> Iterator[Any]:
    """Text and decoded JSON (objects and lists only) in the order of their appearance."""
    position = searched = 0
    for _ in range(_MAX_DECODES):
        match = _JSON_START.search(text, searched)
        if match is None:
            break
        try:
            value, end = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            searched = match.end()
            continue
        if value and not (isinstance(value, list) and all(isinstance(i, int) for i in value)):
            yield text[position : match.start()]
            yield value
            position = end
        searched = end
    yield text[position:]


def _unescape(text: str) -> str:
    r"""Text that arrived as the inside of a JSON string (`\"`, `\n`), peeled up to two times."""
    for _ in range(2):
        if '\\"' not in text or re.search(r'(?<!\\)"', text):
            break
        try:
            decoded = json.loads(f'"{text}"', strict=False)
        except (ValueError, RecursionError):
            break
        if not isinstance(decoded, str) or decoded == text:
            break
        text = decoded
    return text


def _is_error(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_error(item) for item in value)
    if not isinstance(value, Mapping):
        return False
    return any(key in value for key in _INNER) or (
        any(key in value for key in ("code", "Code", "errorCode"))
        and any(key in value for key in _MESSAGE)
    )


def _outline(value: Any, indent: str, depth: int) -> list[str]:
    """JSON that is no error as indented lines, `name: value`."""
    if depth > MAX_DEPTH + 4:
        return [f"{indent}…"]
    if isinstance(value, str):
        text = _unescape(value)
        parts = list(_pieces(text))
        if len(parts) > 1 and depth <= MAX_DEPTH:
            return [line for part in parts if part for line in _outline(part, indent, depth + 1)]
        return [indent + line for line in text.splitlines() if line.strip()]
    if isinstance(value, Mapping):
        lines: list[str] = []
        for key, item in list(value.items())[:50]:
            if item is None:
                continue
            inner = _outline(item, "", depth + 1)
            if not isinstance(item, (Mapping, list)) and len(inner) <= 1:
                lines.append(f"{indent}{key}: {inner[0] if inner else ''}")
            else:
                lines += [f"{indent}{key}:", *(f"{indent}  {line}" for line in inner)]
        return lines
    if isinstance(value, list):
        return [
            f"{indent}{'  ' if number else '- '}{line}"
            for item in value[:50]
            for number, line in enumerate(_outline(item, "", depth + 1))
        ]
    return [f"{indent}{value}"]


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError, TypeError):
        return str(value)


def _short(text: str) -> str:
    """Safe for the screen, without secrets, without empty runs, of bounded length."""
    text = mask(clean(text[: MAX_MESSAGE * 2])).strip()
    text = re.sub(r"\n[ \t]*(?:\n[ \t]*)+", "\n", text)
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " …"
