"""The person's own editor."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

from amltui.domain.errors import AmltuiError, Problem


def edit(path: Path) -> None:
    """Open a file in `$VISUAL`, else `$EDITOR`, else vi, on the terminal, until it is left.

    Raises:
        AmltuiError: there is no such program, or it says that it failed.
    """
    setting = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip() or "vi"
    try:
        command = shlex.split(setting)
    except ValueError:  # an open quotation mark
        command = [setting]
    # Ctrl+c is the editor's; a handler of ours, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.call([*command, str(path)])
    except OSError as error:
        raise AmltuiError(
            "No editor",
            f"{command[0]} cannot be started: {error.strerror or error}.",
            "Set EDITOR to a program that is installed, for instance nano.",
            problem=Problem.CONFIGURATION,
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise AmltuiError(
            "The editor failed",
            f"{command[0]} ended with exit code {code}; nothing is written back.",
            "Try again; with a graphical editor, let it wait (code --wait).",
            problem=Problem.REFUSED,
        )
