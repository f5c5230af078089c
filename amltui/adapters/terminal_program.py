"""A program of the person's own choice that has the terminal until it is left."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from amltui.domain.errors import AmltuiError, Problem


@contextmanager
def terminal_program(kind: str, setting: str, example: str) -> Iterator[list[str]]:
    """The words of the command that `setting` names, to be started and waited for inside.

    `kind` is what the program is for; in capitals it is the variable that chooses it.

    Raises:
        AmltuiError: there is no such program.
    """
    try:
        command = shlex.split(setting)
    except ValueError:  # an open quotation mark
        command = [setting]
    # Ctrl+c is the program's; a handler of ours, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield command
    except OSError as error:
        raise AmltuiError(
            f"No {kind}",
            f"{command[0]} cannot be started: {error.strerror or error}.",
            f"Set {kind.upper()} to a program that is installed, for instance {example}.",
            problem=Problem.CONFIGURATION,
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
