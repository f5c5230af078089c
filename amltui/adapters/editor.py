"""The person's own editor."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from amltui.domain.errors import AmltuiError, Problem

from .terminal_program import terminal_program


def edit(path: Path) -> None:
    """Open a file in `$VISUAL`, else `$EDITOR`, else vi, on the terminal, until it is left.

    Raises:
        AmltuiError: there is no such program, or it says that it failed.
    """
    setting = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip() or "vi"
    with terminal_program("editor", setting, "nano") as command:
        code = subprocess.call([*command, str(path)])
    if code:
        raise AmltuiError(
            "The editor failed",
            f"{command[0]} ended with exit code {code}; nothing is written back.",
            "Try again; with a graphical editor, let it wait (code --wait).",
            problem=Problem.REFUSED,
        )
