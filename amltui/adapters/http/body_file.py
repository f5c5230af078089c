"""Bodies of requests in files: one to send, and one to edit with the person's own editor."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from amltui.adapters.editor import edit
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line

MOST = 4_000_000  # bytes


def read(path: str) -> str:
    """The text of a file; ~ is the home folder.

    Raises:
        AmltuiError: it cannot be read, is no text or too large.
    """
    file = Path(path).expanduser()
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST + 1)
        if len(data) > MOST:
            raise ValueError(f"it is larger than {MOST:,} bytes")
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise AmltuiError(
            "The body cannot be read",
            f"{clean_line(path)}: {clean_line(str(why))[:200]}.",
            "Name a file with JSON in UTF-8.",
            problem=Problem.USAGE,
        ) from None


def edited(text: str) -> str:
    """The text after the person's editor had it, on the terminal; blocks until it is left.

    Raises:
        AmltuiError: there is no editor or it failed.
    """
    descriptor, name = tempfile.mkstemp(suffix=".json")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        edit(Path(name))
        return read(name)
    finally:
        os.unlink(name)
