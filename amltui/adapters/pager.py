"""Text handed to the person's own pager."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable

from .terminal_program import terminal_program


def page(lines: Iterable[str]) -> None:
    """Show lines in `$PAGER` (else less) on the terminal, until it is left.

    The text goes through a pipe: a log may hold secrets and is never written to a temporary file.

    Raises:
        AmltuiError: there is no such program.
    """
    setting = os.environ.get("PAGER", "").strip() or "less"
    with terminal_program("pager", setting, "less") as command:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert pager.stdin is not None
        # It may be left before it has read everything.
        with contextlib.suppress(BrokenPipeError), pager.stdin as pipe:
            for line in lines:
                pipe.write(line.encode("utf-8", "replace") + b"\n")
        pager.wait()
