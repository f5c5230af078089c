"""What a name of a script can stand for, and the few functions whose result is known."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

LONGEST = 10_000  # characters of a text or entries of a list that is put together
_LARGEST = 10**12


@dataclass(frozen=True)
class Unknown:
    """Something that only running the script would tell."""

    line: int


@dataclass(frozen=True)
class Reference:
    """A name that the script does not make itself, as Model.Framework.ONNX or a module."""

    path: str
    line: int = 0


@dataclass(frozen=True)
class Variable:
    """The value of an environment variable."""

    name: str


@dataclass(eq=False)
class Made:
    """What a call returned: who was called, on what, with what, and what was set on it since."""

    function: str  # the last two names of it: Model.register, InferenceConfig, .wait_for_...
    line: int
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    receiver: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    spread: bool = False  # *args or **kwargs that are not known

    def bound(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The arguments by name."""
        return {**dict(zip(names, self.args, strict=False)), **self.kwargs}


@dataclass(frozen=True)
class Remark:
    """What a person must know of a script that was read; `line` counts from 1."""

    line: int
    message: str


def known_call(path: str, args: list[Any], kwargs: dict[str, Any], receiver: Any) -> Any:
    """The result of the few functions that are simple enough to know; None for all others."""
    texts = [one for one in args if isinstance(one, str)]
    all_texts = bool(args) and len(texts) == len(args) and not kwargs
    if path in ("os.path.join", "path.join", "Path", "pathlib.Path") and all_texts:
        joined = posixpath.join(*texts)
        return joined if len(joined) <= LONGEST else None
    if path in ("os.path.abspath", "os.path.normpath", "os.path.realpath", "str") and all_texts:
        return texts[0]
    if path in ("os.getenv", "os.environ.get", "getenv", "environ.get") and texts:
        return Variable(texts[0])
    if path == "dict" and not args:
        return dict(kwargs)
    if path == ".format" and isinstance(receiver, str) and not kwargs:
        return _fill(receiver, r"\{\}", args)
    return None


def known_constant(value: Any) -> bool:
    """Whether a literal is one of those that a plan can hold."""
    if isinstance(value, int):
        return abs(value) < _LARGEST
    if isinstance(value, str):  # half a surrogate pair can be typed, but not written to a file
        return len(value) <= LONGEST and not any("\ud800" <= char <= "\udfff" for char in value)
    return value is None or isinstance(value, float)


def operate(op: ast.operator, left: Any, right: Any, line: int) -> Any:
    """The result of joining two values, where it can be known."""
    result: Any = None
    if isinstance(left, str) and isinstance(right, str) and isinstance(op, (ast.Add, ast.Div)):
        result = left + right if isinstance(op, ast.Add) else posixpath.join(left, right)
    elif isinstance(left, list) and isinstance(right, list) and isinstance(op, ast.Add):
        result = left + right
    elif isinstance(left, str) and isinstance(op, ast.Mod):
        result = _fill(left, r"%[sd]", right if isinstance(right, list) else [right])
    elif isinstance(left, (int, float)) and isinstance(right, (int, float)):
        if abs(left) > _LARGEST or abs(right) > _LARGEST:
            return Unknown(line)
        if isinstance(op, ast.Add):
            return left + right
        if isinstance(op, ast.Sub):
            return left - right
        return left * right if isinstance(op, ast.Mult) else Unknown(line)
    return result if result is not None and len(result) <= LONGEST else Unknown(line)


def _fill(template: str, hole: str, values: list[Any]) -> str | None:
    """A template with plain holes only, filled; None for everything else."""
    pieces = re.split(hole, template)
    plain = all(isinstance(one, (str, int, float)) for one in values)
    rest = "".join(pieces)
    if len(pieces) != len(values) + 1 or not plain or any(char in rest for char in "{}%"):
        return None
    filled = "".join(a + str(b) for a, b in zip(pieces, [*values, ""], strict=True))
    return filled if len(filled) <= LONGEST else None


def differ(before: Any, after: Any) -> bool:
    """Whether an assignment changes what is known of a name."""
    simple = (str, int, float, bool)
    if isinstance(before, simple) and isinstance(after, simple):
        return before != after
    return isinstance(before, Made) and isinstance(after, Made)
