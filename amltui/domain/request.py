"""A request to a scoring URI and its answer: what is asked, and what it says in words.

A request never holds a key: the authorisation is added when it is sent and forgotten with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .errors import AmltuiError
from .latency import Timing, span
from .replica_input import Field, InvalidInput, parse_seconds
from .text import clean, clean_line, mask

SAMPLE = '{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}'
KEY_VARIABLE = "AMLTUI_KEY"  # stands in copied commands where the key or token belongs
MOST_BODY = 4_000_000  # bytes of an answer that are read
LIMIT = Field("limit", "Time limit in seconds", "0.1", "3600", "For example 10 or 60 s.")

SECRET_HEADER = re.compile(r"(?i)authorization|cookie|.*(key|token|secret|password).*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_LINES, _FOLDED_LINES = 3_000, 200
_MOST_SHOWN = 60_000  # characters; a screen is drawn from them in some 30 ms
_FOLDED_ITEMS = 20
_MOST_TEXT, _FOLDED_TEXT = 4_000, 200  # characters of one string
_WIDTH = 76
_DIFFED_LINES = 400

# What a caller needs of an answer's headers, in this order; the others are shown after them.
HEADERS = (
    "x-ms-run-function-failed", "x-ms-run-fn-exec-ms", "x-ms-request-id", "x-ms-client-request-id",
    "x-request-id", "ms-azureml-model-error-statuscode", "ms-azureml-model-error-reason",
    "azureml-model-deployment", "x-ms-server-version", "www-authenticate", "retry-after",
    "location", "content-type", "content-encoding", "content-length", "server", "date",
)  # fmt: skip

_WORDS = {
    200: "it answered",
    301: "it answers elsewhere: redirects are not followed, as the key would go along",
    400: "it could not read the request",
    401: "the key or token was missing or refused",
    403: "the caller may not do this",
    404: "there is nothing at this path",
    408: "the request took too long to arrive",
    413: "the request is too large",
    415: "the content type is not accepted",
    422: "it could not use the input",
    424: "the model's container failed",
    429: "too many requests",
    500: "the server failed; newer images answer so when run() raises",
    502: "run() failed, or the replica crashed",
    503: "no replica was free or ready",
    504: "scoring took longer than the time limit",
}


@dataclass(frozen=True)
class Request:
    """What is sent. `limit_s` bounds the whole exchange, name look-up and body included.

    Raises:
        InvalidInput: an address, header or limit that cannot be sent.
    """

    url: str
    body: str = SAMPLE
    headers: tuple[tuple[str, str], ...] = ()
    limit_s: float = 60.0
    method: str = "POST"

    def __post_init__(self) -> None:
        parts = _address(self.url)
        if parts.username or parts.password:
            raise InvalidInput(
                "url", "The address holds a user or password.", "They would be shown and kept.",
                "Send them in a header instead.",
            )  # fmt: skip
        LIMIT.check(Fraction(str(self.limit_s)))
        for name, value in self.headers:
            if not _HEADER_NAME.fullmatch(name) or not value.isprintable():
                raise InvalidInput(
                    "headers", f"“{clean_line(name)[:40]}” cannot be sent as a header.",
                    "Its name must be one word, its value one line of text.",
                )  # fmt: skip

    @property
    def to_keep(self) -> Request:
        """The request without headers that hold a secret."""
        plain = tuple(one for one in self.headers if not SECRET_HEADER.fullmatch(one[0]))
        return replace(self, headers=plain)

    @property
    def own_authorization(self) -> bool:
        """Whether the person wrote an authorisation of their own, so that none is added."""
        return any(name.lower() == "authorization" for name, _ in self.headers)


@dataclass(frozen=True)
class Answer:
    """What came back, without the key that was sent, should it be in there.

    `body` is as it came: `pretty` makes it safe for the screen. `cut` says why it ends early.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: str
    size: int  # bytes of the body that were read
    timing: Timing
    cut: str = ""

    def header(self, name: str) -> str:
        """The value of a header, empty where there is none."""
        return next((value for known, value in self.headers if known.lower() == name), "")

    @property
    def words(self) -> str:
        """The status, its name and what it means for a scoring call."""
        meaning = _WORDS.get(self.status, "" if self.status < 300 else _WORDS[301])
        if self.status >= 400:
            meaning = _WORDS.get(self.status, _WORDS[500] if self.status >= 500 else _WORDS[400])
        text = f"{self.status} {self.reason}".strip()
        return f"{text}: {meaning}" if meaning else text

    @property
    def notable(self) -> list[tuple[str, str]]:
        """The headers that matter, first, then the others."""
        order = {name: at for at, name in enumerate(HEADERS)}
        return sorted(self.headers, key=lambda one: order.get(one[0].lower(), len(order)))


@dataclass(frozen=True)
class Attempt:
    """A request that was sent, when, and how it ended."""

    number: int
    request: Request
    sent_at: datetime
    ended_at: datetime
    target: str = ""  # the service's reference, empty for an address of one's own
    answer: Answer | None = None
    error: AmltuiError | None = None
    note: str = ""  # what was done beside sending it once

    @property
    def words(self) -> str:
        """How it ended, on one line."""
        if self.answer is not None:
            return self.answer.words
        return self.error.title if self.error is not None else "not answered"


def parse_limit(text: str) -> float:
    """A time limit in s from ``10``, ``10 s``, ``500ms`` or ``2m``. Raises InvalidInput."""
    return float(parse_seconds(LIMIT, text))


def _address(url: str) -> SplitResult:
    """The parts of an address that can be sent to. Raises InvalidInput."""
    why = "It must begin with http:// or https:// and name a host."
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError as error:  # brackets that do not match, a port that is none
        why = f"{clean_line(str(error))[:100]}."
    title = f"“{clean_line(url)[:80]}” is not an address to send to."
    raise InvalidInput("url", title, why, "A scoring URI looks like https://host/score.")


def parse_header(text: str) -> tuple[str, str]:
    """Name and value from ``Name: value``. Raises InvalidInput."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise InvalidInput("header", "A header is written as Name: value.", "There is no colon.")
    return name.strip(), value.strip()


def body_problem(body: str) -> str:
    """Why the body is no JSON, empty if it is; it can be sent anyway."""
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        )
        return f"The body is not JSON ({where or 'too deep or too large'}); it is sent as it is."
    return ""


def pretty(body: str, *, folded: bool = True) -> str:
    """JSON laid out to be read, anything else as it is; bounded in lines and in their length.

    A JSON text inside a JSON string, which is what ``return json.dumps(...)`` in run() makes, is
    laid out too.
    """
    most = _FOLDED_LINES if folded else _MOST_LINES
    notes = []
    try:
        value = json.loads(body)
        if isinstance(value, str) and value[:1] in ("{", "["):
            value = json.loads(value)
            notes.append("(a JSON text inside a JSON string: run() returns json.dumps(...))")
        found = _layout(value, "", "", "", folded)
        lines, whole = _first(found, most)
    except (ValueError, RecursionError):
        lines, whole = _first((_short(line, folded) for line in body.split("\n", most + 1)), most)
    if not whole:
        lines.append("… the rest is folded" if folded else "… the rest is not shown")
    # Line by line: a pattern that runs over all of it holds up every other thread.
    return "\n".join(mask(clean(line)) for line in [*notes, *lines])


def _first(lines: Iterator[str], most: int) -> tuple[list[str], bool]:
    """As many lines as are shown, and whether these are all."""
    found: list[str] = []
    size = 0
    for line in lines:
        if len(found) == most or size + len(line) > _MOST_SHOWN:
            return found, False
        found.append(line)
        size += len(line)
    return found, True


def _layout(value: Any, indent: str, head: str, end: str, folded: bool) -> Iterator[str]:
    """The lines of a value, between `head` and `end`; values without inner ones share lines."""
    most = _FOLDED_ITEMS if folded else None
    if isinstance(value, dict) and value:
        pairs = list(value.items())[:most]
        inner = [(f"{_scalar(key, folded)}: ", item) for key, item in pairs]
    elif isinstance(value, list) and any(isinstance(one, (dict, list)) and one for one in value):
        inner = [("", item) for item in value[:most]]
    elif isinstance(value, list):
        yield from _row(value, indent, head, end, folded)
        return
    else:
        yield indent + head + _scalar(value, folded) + end
        return
    left = len(value) - len(inner)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield indent + head + opening
    for at, (name, item) in enumerate(inner, 1):
        comma = "," if at < len(inner) else ""
        yield from _layout(item, indent + "  ", name, comma, folded)
    if left:
        yield f"{indent}  … {left:,} more"
    yield indent + closing + end


def _row(values: list[Any], indent: str, head: str, end: str, folded: bool) -> Iterator[str]:
    """A list of simple values, as many on a line as fit."""
    shown = values[: _FOLDED_ITEMS if folded else None]
    items = [_scalar(item, folded) for item in shown]
    if len(shown) < len(values):
        items.append(f"… {len(values) - len(shown):,} more")
    line = f"{indent}{head}["
    for at, item in enumerate(items):
        piece = f", {item}" if at else item
        if at and len(line) + len(piece) > _WIDTH:
            yield line + ","
            line, piece = indent + "  ", item
        line += piece
    yield f"{line}]{end}"


def _scalar(value: Any, folded: bool) -> str:
    return _short(json.dumps(value, ensure_ascii=False), folded)


def _short(text: str, folded: bool) -> str:
    most = _FOLDED_TEXT if folded else _MOST_TEXT
    return text if len(text) <= most else f"{text[:most]}… {len(text) - most:,} more characters"


def compare(before: Attempt, now: Attempt) -> list[str]:
    """What differs between two attempts, line by line; the bodies as a unified diff."""
    lines = [f"#{before.number}  {before.words}", f"#{now.number}  {now.words}", ""]
    if before.answer is not None and now.answer is not None:
        old, new = (one.answer.timing for one in (before, now) if one.answer is not None)
        for label in ("connect_s", "tls_s", "wait_s", "body_s", "total_s"):
            pair = getattr(old, label), getattr(new, label)
            if any(pair):
                lines.append(f"{label[:-2]:<8} {span(pair[0]):>9} → {span(pair[1]):>9}")
    for title, texts in (
        ("request", [one.request.body for one in (before, now)]),
        ("answer", [one.answer.body if one.answer else "" for one in (before, now)]),
    ):
        shown = [pretty(text, folded=False).split("\n")[:_DIFFED_LINES] for text in texts]
        changed = list(unified_diff(shown[0], shown[1], lineterm="", n=1))[2:]
        words = "differs" if changed else "differs, but not in the lines compared here"
        if texts[0] == texts[1]:
            words = "the same"
        lines += ["", f"{title}: {words}", *changed]
    return lines


def sample_of_swagger(text: str) -> str:
    """A body made of the example, or the types, in a service's swagger.json.

    Raises:
        InvalidInput: it is no Swagger 2 or OpenAPI 3 document, or none with a body.
    """
    try:
        root = json.loads(text)
        found = _swagger_body(root)
        if found is not None:
            return json.dumps(_example(found, root, 0), ensure_ascii=False)
    except (ValueError, TypeError, AttributeError, RecursionError, KeyError):
        pass
    raise InvalidInput(
        "swagger", "The service's swagger.json describes no body.",
        "It is made of the decorators of inference-schema in the entry script.",
        "Write the body by hand or load it from a file.",
    )  # fmt: skip


def _swagger_body(root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    paths = sorted(root["paths"].items(), key=lambda pair: not pair[0].endswith("/score"))
    for _, path in paths:
        post = path.get("post") or {}
        media = (post.get("requestBody") or {}).get("content", {}).get("application/json")
        if media:
            return {**media.get("schema", {}), **{k: media[k] for k in ("example",) if k in media}}
        for parameter in post.get("parameters", ()):
            if parameter.get("in") == "body":
                schema: Mapping[str, Any] = parameter["schema"]
                return schema
    return None


def _example(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    """The example that a schema gives, else one made of its types."""
    if depth > 12:
        return None
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        return _example(target, root, depth + 1)
    for given in ("example", "default"):
        if given in schema:
            return schema[given]
    kind = schema.get("type", "object" if "properties" in schema else "")
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: _example(part, root, depth + 1) for name, part in inner.items()}
    if kind == "array":
        return [_example(schema.get("items", {}), root, depth + 1)]
    return {"integer": 0, "number": 0.0, "boolean": False, "string": ""}.get(kind)
