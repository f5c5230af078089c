"""Bodies of requests in files: one to send, and one to edit with the person's own editor."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from amltui.adapters.editor import edit
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line

MOST = 4_000_000  # bytes


def read(path: str) -> str:
    """The text of a file; ~ is the home folder.

    Raises:
        AmltuiError: it cannot be read, is no text or too large.
    """
    try:
        with Path(path).expanduser().open("rb") as stream:
            return read_open(stream, path)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: the ~ of nobody
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise _unreadable(path, why) from None


def read_open(stream: BinaryIO, name: str) -> str:
    """The text of a file that is open, or of standard input; raises as `read` does."""
    data = stream.read(MOST + 1)
    if len(data) > MOST:
        raise _unreadable(name, f"it is larger than {MOST:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable(name, "it is not text in UTF-8") from None


def _unreadable(name: str, why: str) -> AmltuiError:
    return AmltuiError(
        "The body cannot be read",
        f"{clean_line(name) or 'No file is named'}: {clean_line(why)[:200]}.",
        "Name a file with JSON in UTF-8.",
        problem=Problem.USAGE,
    )


def edited(text: str) -> str:
    """The text after the person's editor had it, on the terminal; blocks until it is left.

    Raises:
        AmltuiError: there is no editor, it failed, or left what cannot be read: that file stays,
            and the error names it.
    """
    descriptor, name = tempfile.mkstemp(suffix=".json")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        edit(Path(name))
    except BaseException:
        os.unlink(name)
        raise
    found = read(name)
    os.unlink(name)
    return found
