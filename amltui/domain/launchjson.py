"""`.vscode/launch.json` with one entry more, and everything else in it as it was.

VS Code's file is JSON with comments and trailing commas, which no JSON library keeps. So the text
is read only to find the place, and edited there; the rest is not touched.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from .errors import AmltuiError, Problem

NAME = "Azure Machine Learning Deployment: Docker Debug"
OLD_NAMES = ("Azure Machine Learning: Docker Debug",)
_DEPTH = 64
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9eE+.-]*|true|false|null")


@dataclass
class Node:
    """A value of the file and where it stands; `value` is what json would give."""

    start: int
    end: int
    value: Any
    items: list[Node] = field(default_factory=list)  # of an array
    members: dict[str, Node] = field(default_factory=dict)  # of an object
    trailing_comma: bool = False


def entry(
    remote_root: str,
    *,
    port: int = 5678,
    host: str = "localhost",
    local_root: str = "${workspaceFolder}",
) -> dict[str, Any]:
    """The configuration that attaches to a container; ``debugpy`` is VS Code's type since 2024."""
    return {
        "name": NAME,
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": host, "port": port},
        "pathMappings": [{"localRoot": local_root, "remoteRoot": remote_root}],
        "justMyCode": False,
    }


def merge(text: str, configuration: dict[str, Any]) -> str:
    """The file's text with the configuration in it; an entry of its name is replaced.

    Raises:
        AmltuiError: the file is not what VS Code can read, either; nothing is guessed.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.strip().removeprefix("\ufeff"):
        whole = {"version": "0.2.0", "configurations": [configuration]}
        return json.dumps(whole, indent=4, ensure_ascii=False) + "\n"
    root = parse(text)
    if not isinstance(root.value, dict):
        raise _unreadable(text, root.start, "it is no object")
    array = root.members.get("configurations")
    if array is None:
        return _add_member(text, root, configuration, newline)
    if not isinstance(array.value, list):
        raise _unreadable(text, array.start, '"configurations" is no list')
    for item in array.items:
        if isinstance(item.value, dict) and item.value.get("name") == configuration["name"]:
            if item.value == configuration:
                return text
            indent = _indent_at(text, item.start)
            shown = _shown(configuration, indent, _step(text, array), newline)
            return text[: item.start] + shown + text[item.end :]
    return _add_item(text, array, configuration, newline)


def diff(before: str, after: str, path: str = ".vscode/launch.json") -> str:
    """What a merge changes, as a unified diff."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), path, path, lineterm="", n=2
    )
    return "\n".join(lines)


def parse(text: str) -> Node:
    """A file with comments and trailing commas, and where each value stands.

    Raises:
        AmltuiError: it is not even that.
    """
    start = 1 if text.startswith("\ufeff") else 0
    node = _value(text, _skip(text, start), 0)
    if _skip(text, node.end) != len(text):
        raise _unreadable(text, _skip(text, node.end), "something follows the end")
    return node


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _DEPTH:
        raise _unreadable(text, at, "it is nested too deeply")
    if text[at : at + 1] == "{":
        return _object(text, at, depth)
    if text[at : at + 1] == "[":
        return _array(text, at, depth)
    match = _STRING.match(text, at) or _WORD.match(text, at)
    if match is None:
        raise _unreadable(text, at, "a value is missing")
    try:
        return Node(at, match.end(), json.loads(match[0], strict=False))
    except ValueError:
        raise _unreadable(text, at, "a value cannot be read") from None


def _object(text: str, start: int, depth: int) -> Node:
    node = Node(start, start, {})
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        key = _STRING.match(text, at)
        if key is None:
            raise _unreadable(text, at, "a name in quotation marks is missing")
        at = _skip(text, key.end())
        if text[at : at + 1] != ":":
            raise _unreadable(text, at, "a colon is missing")
        value = _value(text, _skip(text, at + 1), depth + 1)
        name = str(json.loads(key[0], strict=False))
        node.members[name], node.value[name] = value, value.value
        at, node.trailing_comma = _next(text, value.end, "}")
    node.end = at + 1
    return node


def _array(text: str, start: int, depth: int) -> Node:
    node = Node(start, start, [])
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        value = _value(text, at, depth + 1)
        node.items.append(value)
        node.value.append(value.value)
        at, node.trailing_comma = _next(text, value.end, "]")
    node.end = at + 1
    return node


def _next(text: str, at: int, close: str) -> tuple[int, bool]:
    """Behind the comma, or at the bracket that closes."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1), True
    if text[at : at + 1] != close:
        raise _unreadable(text, at, "a comma or bracket is missing")
    return at, False


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _add_item(text: str, array: Node, configuration: dict[str, Any], newline: str) -> str:
    """First in the list, as VS Code's own button does."""
    step = _step(text, array)
    if array.items and newline in text[array.start : array.items[0].start]:
        indent = _indent_at(text, array.items[0].start)
    else:
        indent = _indent_at(text, array.start) + step
    shown = f"{newline}{indent}{_shown(configuration, indent, step, newline)}"
    rest = text[array.start + 1 :]
    if array.items:
        shown += ","
        if not rest.lstrip(" \t").startswith(("\n", "\r", "//", "/*")):
            shown += f"{newline}{indent}"
            rest = rest.lstrip(" \t")
    elif newline not in text[array.start : array.end]:
        shown += f"{newline}{_indent_at(text, array.start)}"
        rest = rest.lstrip(" \t")
    return text[: array.start + 1] + shown + rest


def _add_member(text: str, root: Node, configuration: dict[str, Any], newline: str) -> str:
    step = "    "
    if root.members:
        step = _indent_at(text, next(iter(root.members.values())).start) or step
    whole = json.dumps([configuration], indent=step, ensure_ascii=False)
    shown = whole.replace("\n", newline + step)
    member = f'{newline}{step}"configurations": {shown}{"," if root.members else ""}'
    rest = text[root.start + 1 :]
    if newline not in rest[: root.end - root.start - 1]:
        member += newline
    return text[: root.start + 1] + member + rest


def _shown(configuration: dict[str, Any], indent: str, step: str, newline: str) -> str:
    whole = json.dumps(configuration, indent=step, ensure_ascii=False)
    return whole.replace("\n", newline + indent)


def _step(text: str, array: Node) -> str:
    """One level of the file's indentation."""
    outer = _indent_at(text, array.start)
    for item in array.items:
        inner = _indent_at(text, item.start)
        if len(inner) > len(outer) and inner.startswith(outer):
            return inner[len(outer) :]
    return outer or "    "


def _indent_at(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unreadable(text: str, at: int, why: str) -> AmltuiError:
    line = text.count("\n", 0, at) + 1
    return AmltuiError(
        "launch.json cannot be read",
        f"Line {line}: {why}.",
        "Correct it in VS Code, or copy the entry in by hand; nothing was changed.",
        problem=Problem.CONFIGURATION,
    )
