"""The pattern for debugging `run()`: what goes wrong in it is returned to the caller.

It is put into an entry script, recognised and taken out again as a change of lines: comments,
layout and line ends stay. A change is made and compared with the script before it is offered.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Sequence
from itertools import chain, count

from .findings import Edit, Hunk, apply

PUT_IN = "Let run() return its errors, to debug it"
TAKE_OUT = "Let run() raise its errors again"
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def insert(text: str) -> Edit | None:
    """The change that wraps what `run()` does in the pattern.

    None where it is there already, and where it could not be done safely: the script is no Python,
    has several `run()` or mixed line ends, or `run()` stands on one line, is async, decorated or a
    generator.
    """
    with contextlib.suppress(*_UNREADABLE):
        return _insert(text)
    return None


def remove(text: str) -> Edit | None:
    """The change that takes the pattern out: what `insert` put in, or the plain form of Microsoft's
    article; None where there is none, or it has a layout of its own."""
    with contextlib.suppress(*_UNREADABLE):
        return _remove(text)
    return None


def handler(tree: ast.Module) -> ast.ExceptHandler | None:
    """The handler that makes `run()` return its errors; None where there is none."""
    run = _run(tree)
    pattern = _pattern(run) if run is not None else None
    return pattern.handlers[0] if pattern is not None else None


def _insert(text: str) -> Edit | None:
    tree, lines = ast.parse(text), _lines(text)
    run = _run(tree)
    if run is None or _pattern(run) is not None or not _is_plain(run):
        return None
    above = _last(run.body[0]) if _documented(run) else run.lineno
    body = run.body[_documented(run) :]
    if not body or not _begins_its_line(body[0], lines):
        return None
    first, last = body[0].lineno, _last(body[-1])
    while first - 1 > above and lines[first - 2].lstrip().startswith("#"):
        first -= 1  # comments above the first statement are about it
    unit = _indent(body[0], lines)
    name = _free_name("\n".join(lines[run.lineno - 1 : last]))
    strings = _in_strings(body)
    inner = (
        line if number in strings or not line.strip() else unit + line
        for number, line in enumerate(lines[first - 1 : last], first)
    )
    new = (
        f"{unit}try:",
        *inner,
        f"{unit}except Exception as {name}:",
        f'{unit}{unit}return {{"error": str({name})}}',
    )
    edit = Edit(PUT_IN, (Hunk(first, last - first + 1, new),))
    made = apply(text, edit)
    back = _remove(made)
    return edit if back is not None and apply(made, back) == text else None


def _remove(text: str) -> Edit | None:
    tree, lines = ast.parse(text), _lines(text)
    run = _run(tree)
    pattern = _pattern(run) if run is not None else None
    if run is None or pattern is None or not lines:
        return None
    first, until, last = pattern.lineno, pattern.handlers[0].lineno, _last(pattern)
    if lines[first - 1].strip() != "try:":
        return None
    unit = _indent(pattern.body[0], lines).removeprefix(_indent(pattern, lines))
    strings = _in_strings(pattern.body)
    inner = tuple(
        line if number in strings or not line.strip() else line.removeprefix(unit)
        for number, line in enumerate(lines[first : until - 1], first + 1)
    )
    edit = Edit(TAKE_OUT, (Hunk(first, last - first + 1, inner),))
    run.body[_documented(run) :] = pattern.body
    same = ast.dump(ast.parse(apply(text, edit))) == ast.dump(tree)
    return edit if same else None


def _lines(text: str) -> list[str]:
    """The lines without their ends; none where these are mixed."""
    end = "\r\n" if "\r" in text else "\n"
    lines = text.split(end)
    return [] if any("\r" in line or "\n" in line for line in lines) else lines


def _run(tree: ast.Module) -> ast.FunctionDef | None:
    """The script's `run()`, if there is one and no other."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in tree.body if isinstance(node, kinds) and node.name == "run"]
    return found[0] if len(found) == 1 and isinstance(found[0], ast.FunctionDef) else None


def _is_plain(run: ast.FunctionDef) -> bool:
    """Whether what it returns is what the caller gets."""
    yields = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(run))
    return not yields and not run.decorator_list


def _documented(run: ast.FunctionDef) -> int:
    """How many statements its docstring is."""
    return int(ast.get_docstring(run, clean=False) is not None)


def _pattern(run: ast.FunctionDef) -> ast.Try | None:
    """The statement that is all of `run()`, if it does nothing but catch and return errors."""
    body = run.body[_documented(run) :]
    held = body[0] if len(body) == 1 else None
    if not isinstance(held, ast.Try) or held.orelse or held.finalbody or len(held.handlers) != 1:
        return None
    return held if _returns_its_error(held.handlers[0]) else None


def _returns_its_error(caught: ast.ExceptHandler) -> bool:
    """Whether it is one of the forms in which Microsoft's articles return an exception."""
    if not isinstance(caught.type, ast.Name) or caught.type.id != "Exception" or not caught.name:
        return False
    lines, said = [ast.unparse(one) for one in caught.body], f"str({caught.name})"
    held = lines[0].removesuffix(f" = {said}")
    if len(lines) == 2 and held.isidentifier():
        lines, said = lines[1:], held
    answer = f"{{'error': {said}}}"
    return lines in ([f"return {said}"], [f"return {answer}"], [f"return json.dumps({answer})"])


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _indent(node: ast.stmt, lines: Sequence[str]) -> str:
    return lines[node.lineno - 1][: node.col_offset]


def _begins_its_line(node: ast.stmt, lines: Sequence[str]) -> bool:
    return bool(lines) and _indent(node, lines).isspace()


def _in_strings(body: Sequence[ast.stmt]) -> set[int]:
    """The lines that begin inside a string, where an indentation would be part of it."""
    return {
        number
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, (ast.Constant, ast.JoinedStr))
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }


def _free_name(text: str) -> str:
    """A name for the exception that the text does not use for anything."""
    words = set(re.findall(r"\w+", text))
    return next(name for name in chain("e", map("e{}".format, count(2))) if name not in words)
