"""Requests, responses, and the table that joins a path to the code that answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request, its body already read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    spoiled: bool = False  # a fault asks for bad rows in the answer

    def json(self) -> Any:
        """Return the parsed body; raise Problem 400 when it is not JSON."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise Problem(400, "BadRequest", f"The request body is not JSON: {error}") from error

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise Problem 400 when it is anything else."""
        value = self.json()
        if not isinstance(value, dict):
            raise Problem(400, "BadRequest", "The request body must be a JSON object.")
        return value


@dataclass(frozen=True)
class Response:
    """One answer; a Path as body is streamed from disk."""

    status: int = 200
    body: bytes | Path = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Problem(Exception):
    """An error that becomes an HTTP answer in the shape of the model management service."""

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.payload: dict[str, Any] = {
            "code": code,
            "statusCode": status,
            "message": message,
            "details": [{"code": key, "message": text} for key, text in details.items()],
        }

    def response(self, correlation: str) -> Response:
        """Return the answer; real bodies carry a correlation that support asks for."""
        body = {**self.payload, "correlation": {"RequestId": correlation}}
        return answer(body, self.status)


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """Return a JSON answer; underscores in header names become dashes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8", **named})


def text(value: str, status: int = 200, **headers: str) -> Response:
    """Return a plain-text answer."""
    named = {name.replace("_", "-"): item for name, item in headers.items()}
    body = value.encode("utf-8", "replace")
    return Response(status, body, {"Content-Type": "text/plain; charset=utf-8", **named})


def ranged(content: str, request: Request) -> Response:
    """Return a growing text, or what is new of it when the client asks with `Range: bytes=N-`."""
    data = content.encode()
    wanted = request.headers.get("range", "")
    if not wanted.startswith("bytes="):
        return text(content)
    try:
        first = int(wanted[len("bytes=") :].partition("-")[0])
    except ValueError:
        return text(content)
    if first >= len(data):
        return text("", 416)
    return Response(206, data[first:], {"Content-Type": "text/plain; charset=utf-8"})


Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Route:
    """One method and path template: `{name}` is one segment, `{name*}` the rest of the path."""

    method: str
    template: str
    handler: Handler
    anonymous: bool = False

    def pattern(self) -> re.Pattern[str]:
        """Return the template as a regular expression."""
        parts = re.split(r"(\{\w+\*?\})", self.template)
        return re.compile("".join(_segment(part) for part in parts) + r"/?\Z")


def _segment(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}*")
    return f"(?P<{name}>.+)" if part.endswith("*}") else f"(?P<{name}>[^/]+)"


class Router:
    """Finds the route of a request; the first that matches wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, route.pattern()) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and its path parameters; raise Problem 404 or 405."""
        known = False
        for route, pattern in self._routes:
            match = pattern.match(path)
            if match is None:
                continue
            if route.method == method:
                return route, match.groupdict()
            known = True
        if known:
            raise Problem(405, "MethodNotAllowed", f"{method} is not allowed here.")
        raise Problem(404, "NotFound", f"The demo workspace has nothing at {path}.")
