"""Plans as YAML files: every error with its line and column, comments kept when saving.

A plan may come from anywhere, so only plain data are read: no tags, no anchors, no second
document, limited in size and depth.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amltui.adapters.files.yaml_merge import merge, plain
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import InvalidPlan, Plan, PlanError
from amltui.domain.text import clean_line

LARGEST = 256 * 1024  # bytes
DEEPEST = 20


@dataclass(frozen=True)
class Located:
    """An error of a plan and where in the file it is (from 1; 0 where that is not known)."""

    error: PlanError
    line: int = 0
    column: int = 0


class PlanFileError(AmltuiError):
    """A file that is not a plan, with everything that is wrong in it; also one a line."""

    def __init__(self, path: Path, errors: tuple[Located, ...]) -> None:
        self.path = path
        self.errors = errors
        shown = clean_line(str(path))
        lines = [f"{place(shown, one)}: {clean_line(str(one.error))}" for one in errors]
        super().__init__(f"{shown} is not a plan.", "\n".join(lines), problem=Problem.USAGE)


def place(path: str, located: Located) -> str:
    """Where an error is, as compilers write it, so that editors can go there."""
    where = f":{located.line}:{located.column}" if located.line else ""
    return f"{path}{where}"


def load(path: Path) -> Plan:
    """The plan in a file; raises `PlanFileError` with all errors, or `AmltuiError` for the file."""
    return parse(read_text(path), path)


def parse(text: str, path: Path) -> Plan:
    """The plan in a text that was read from `path`."""
    data = _compose(text, path)
    try:
        return Plan.from_dict(plain(data))
    except InvalidPlan as invalid:
        located = (Located(error, *_position(data, error.field)) for error in invalid.errors)
        by_line = sorted(located, key=lambda one: (one.line, one.column))
        raise PlanFileError(path, tuple(by_line)) from None


def read(path: Path) -> Any:
    """The plain data of a YAML file, whether they are a plan or not; raises as `load` does."""
    return plain(_compose(read_text(path), path))


def read_text(path: Path) -> str:
    """The text of a file of at most `LARGEST` bytes; raises `AmltuiError` with what to do."""
    shown = clean_line(str(path))
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(shown, "It is not a file.")
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _unreadable(shown, f"{clean_line(why)}.", "Check the path.") from error
    if len(raw) > LARGEST:
        raise _unreadable(shown, f"It is larger than {LARGEST // 1024} kB.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(shown, f"Line {line} is not UTF-8.", "Save it as UTF-8.") from error


def save(path: Path, wanted: dict[str, Any]) -> None:
    """Write a plan's data; a file that is there keeps its comments and the order of its settings.

    The file is replaced at once, never half written. One that is there and is not YAML is not
    touched: `AmltuiError` says so.
    """
    held: Any = None
    target = Path(os.path.realpath(path))
    if target.exists():
        held = _compose(read_text(target), path)
    if isinstance(held, dict):
        merge(held, wanted)
    elif held is not None:
        raise AmltuiError(
            f"{clean_line(str(path))} is there already and is no plan.",
            "It was not touched.",
            "Save under another name.",
            problem=Problem.REFUSED,
        )
    else:
        held = wanted
    stream = io.StringIO()
    _yaml().dump(held, stream)
    write_atomically(path, stream.getvalue())


def write_atomically(path: Path, text: str, new_mode: int | None = None) -> None:
    """Put `text` into a file in one step, following links and keeping the file's mode.

    A file that is new gets `new_mode`, or what the process gives to new files.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = 0o666 & ~_umask() if new_mode is None else new_mode
        if target.exists():
            mode = stat.S_IMODE(target.stat().st_mode)
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
        try:
            with open(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise AmltuiError(
            f"{clean_line(str(path))} cannot be written.",
            f"{clean_line(error.strerror or str(error))}.",
            "Choose another place.",
            problem=Problem.USAGE,
        ) from error


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; `AmltuiError` refuses one that is."""
    refuse_existing(path)
    write_atomically(path, text)


def refuse_existing(path: Path) -> None:
    """Raise `AmltuiError` for a path at which something stands, were it a link to nothing."""
    if path.exists() or path.is_symlink():
        raise AmltuiError(
            f"{clean_line(str(path))} is there already.",
            "It was not touched.",
            "Name another file.",
            problem=Problem.REFUSED,
        )


def to_text(data: dict[str, Any], comments: list[str]) -> str:
    """Plain data as the text of a plan, below comments."""
    stream = io.StringIO()
    _yaml().dump(data, stream)
    above = "".join(f"# {clean_line(comment)}\n" for comment in comments)
    return f"{above}\n{stream.getvalue()}" if above else stream.getvalue()


def yaml_problem(text: str) -> str:
    """Why a text is not YAML, empty if it is; nothing is made of it, so that no alias can grow."""
    from ruamel.yaml.error import MarkedYAMLError

    try:
        for _ in _events(text):
            pass
    except MarkedYAMLError as error:
        line = f"Line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return f"{line}{_sentence(error.problem or 'it is not YAML')}"
    except Exception as error:  # noqa: BLE001 - of odd bytes the library raises anything
        return _sentence(str(error).partition("\n")[0] or "it is not YAML")
    return ""


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _unreadable(shown: str, why: str, hint: str = "") -> AmltuiError:
    return AmltuiError(f"{shown} cannot be read.", why, hint, problem=Problem.USAGE)


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # never fold what a person wrote
    yaml.preserve_quotes = True
    return yaml


def _compose(text: str, path: Path) -> Any:
    """The document with the place of everything in it; raises `PlanFileError`."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        _refuse_more_than_data(text)
        return _yaml().load(text)
    except _NotPlain as error:
        problem = PlanError("", error.message, error.hint)
        raise PlanFileError(path, (Located(problem, error.line, error.column),)) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        told = _sentence(error.problem or error.context or "it is not YAML")
        raise PlanFileError(path, (Located(PlanError("", told), line, column),)) from None
    except YAMLError as error:
        problem = PlanError("", _sentence(str(error).splitlines()[0] if str(error) else "no YAML"))
        raise PlanFileError(path, (Located(problem),)) from None
    except Exception as error:  # noqa: BLE001 - of odd scalars the library raises anything
        told = _sentence(f"a value cannot be read: {error}")
        raise PlanFileError(path, (Located(PlanError("", told)),)) from None


def _sentence(text: str) -> str:
    text = clean_line(text.strip())[:300]
    if duplicate := re.match(r'found duplicate key "(.*?)"', text):
        return f"“{duplicate[1]}” is there twice."
    return f"{text[:1].upper()}{text[1:]}."


class _NotPlain(Exception):
    def __init__(self, event: Any, message: str, hint: str = "") -> None:
        self.line, self.column = event.start_mark.line + 1, event.start_mark.column + 1
        self.message, self.hint = message, hint


def _refuse_more_than_data(text: str) -> None:
    """Raise for what could make objects, loops or a pile of copies of a document."""
    depth = 0
    for event in _events(text):
        kind = type(event).__name__
        if getattr(event, "anchor", None):
            raise _NotPlain(event, "Anchors and aliases are not used in plans.", "Write it out.")
        tag = getattr(event, "ctag", None) or getattr(event, "tag", None)
        if tag:
            raise _NotPlain(event, "Tags (!…) are not used in plans.", "Write the plain value.")
        if kind.endswith("StartEvent") and kind not in ("StreamStartEvent", "DocumentStartEvent"):
            depth += 1
            if depth > DEEPEST:
                raise _NotPlain(event, "It is nested too deeply.")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            depth -= 1


def _events(text: str) -> Iterator[Any]:
    yield from _yaml().parse(io.StringIO(text))


_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def _position(data: Any, field: str) -> tuple[int, int]:
    """Where a field is in the file, or the nearest of its parents; (0, 0) if there is none."""
    found = (0, 0)
    node = data
    for name, index in _PART.findall(field):
        try:
            if index:
                line, column = node.lc.item(int(index))
                node = node[int(index)]
            else:
                keys = [key for key in node if str(key) == name]
                line, column = node.lc.key(keys[0])
                node = node[keys[0]]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        found = (line + 1, column + 1)
    return found if found != (0, 0) else ((1, 1) if data is not None else (0, 0))
