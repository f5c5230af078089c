"""A request as a command or script to copy: variables stand where a key belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from .request import KEY_VARIABLE, SECRET_HEADER, Request


def as_curl(request: Request, *, key: bool) -> str:
    """The request as a curl command; the key is read from $AMLTUI_KEY."""
    words = ["curl", "-sS", "-i", "-g", "-X", request.method, quote(request.url)]
    for name, value, variable in _headers(request, key):
        words += ["-H", quote(f"{name}: {value}") + (f'"${variable}"' if variable else "")]
    words += ["--max-time", f"{request.limit_s:g}"]
    if request.body:
        words += ["--data-raw", quote(request.body)]
    return " ".join(words)


def as_python(request: Request, *, key: bool) -> str:
    """The request as a Python script with `requests`; the key is read from $AMLTUI_KEY."""
    lines = ["import os", "", "import requests", "", "headers = {"]
    for name, value, variable in _headers(request, key):
        secret = f" + os.environ[{variable!r}]" if variable else ""
        lines.append(f"    {name!r}: {value!r}{secret},")
    if not any("os.environ" in line for line in lines):
        del lines[:2]
    return "\n".join(
        [
            *lines,
            "}",
            f"body = {request.body!r}",
            f"response = requests.request({request.method!r}, {request.url!r}, headers=headers,",
            f"    data=body.encode(), timeout={request.limit_s:g}, allow_redirects=False)",
            "print(response.status_code, response.text)",
            "",
        ]
    )


def _headers(request: Request, key: bool) -> Iterator[tuple[str, str, str]]:
    """Name, value and, after it, the variable that stands for a secret."""
    if all(name.lower() != "content-type" for name, _ in request.headers):
        yield "Content-Type", "application/json", ""
    if key and not request.own_authorization:
        yield "Authorization", "Bearer ", KEY_VARIABLE
    for name, value in request.headers:
        if SECRET_HEADER.fullmatch(name):
            yield name, "", re.sub(r"[^A-Z0-9]", "_", name.upper())
        else:
            yield name, value, ""
