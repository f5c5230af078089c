"""The first frame, drawn before Textual is imported.

Importing takes longer than a person likes to look at an empty terminal. What is drawn here stands
where the console will draw the same, so nothing jumps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TABS = ("Services", "Logs", "Deploy", "Containers", "Replicas")
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"
_LEAVE = "\x1b[?1049l\x1b[?25h"


@contextmanager
def first_frame(about: str) -> Iterator[None]:
    """Draw the bar and `about` (our own words) at once; the terminal is put back at the end."""
    descriptor = sys.stdout.fileno()
    width = os.get_terminal_size(descriptor).columns
    tabs = "  ".join(f"{number} {name}" for number, name in enumerate(TABS, 1))
    lines = (f"  {tabs}"[:width], f" {about}"[:width])
    try:
        os.write(descriptor, (_ENTER + "\r\n".join(lines)).encode())
        yield
    finally:
        os.write(descriptor, _LEAVE.encode())  # harmless when Textual has left already
