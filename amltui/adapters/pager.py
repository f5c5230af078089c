"""Text handed to the person's own pager."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterable

from amltui.domain.errors import AmltuiError, Problem


def page(lines: Iterable[str]) -> None:
    """Show lines in `$PAGER` (else less) on the terminal, until it is left.

    The text goes through a pipe: a log may hold secrets and is never written to a temporary file.

    Raises:
        AmltuiError: there is no such program.
    """
    setting = os.environ.get("PAGER", "").strip() or "less"
    try:
        command = shlex.split(setting)
    except ValueError:  # an open quotation mark
        command = [setting]
    # Ctrl+c is the pager's; a handler of ours, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert pager.stdin is not None
        try:
            with pager.stdin as pipe:
                for line in lines:
                    pipe.write(line.encode("utf-8", "replace") + b"\n")
        except BrokenPipeError:
            pass  # it was left before it had read everything
        pager.wait()
    except OSError as error:
        raise AmltuiError(
            "No pager",
            f"{command[0]} cannot be started: {error.strerror or error}.",
            "Set PAGER to a program that is installed, for instance less.",
            problem=Problem.CONFIGURATION,
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
