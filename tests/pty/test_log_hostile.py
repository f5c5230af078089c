"""The hostile corpus through a real terminal: none of its bytes arrive as they were sent."""

from __future__ import annotations

import re
import sys

from amltui.widgets.terminal_link import QUESTION as ASKED
from tests.domain.hostile import CASES

from .terminal import Terminal

QUESTION = ASKED.encode()
COMMAND = [sys.executable, "-m", "tests.pty.log_terminal", "hostile"]
# What Textual sends itself, and the view's question; anything else with ESC would be the log's.
OURS = re.compile(
    rb"\x1b\[[0-9;]*[Hm]"
    rb"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d+u|\x1b\[<u|\x1b\[6n"
    rb"|\x1b\]22;[a-z]*\x07"  # the shape of the pointer
    rb"|\r(?=\n)"  # the terminal driver's
)
CONTROLS = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f].{0,12}|\xc2[\x80-\x9f].{0,12}")
SWITCHED_ON = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?1004h", b"\x1b[?1006h")


def press(terminal: Terminal, key: str) -> str:
    """The screen after a key: every frame ends with the view's question."""
    frames = terminal.raw.count(QUESTION)
    terminal.send(key)
    terminal.wait_until(lambda: terminal.raw.count(QUESTION) > frames, f"the frame after {key!r}")
    return terminal.text


def test_no_control_byte_of_a_log_reaches_the_terminal() -> None:
    names = list(CASES)
    with Terminal(COMMAND, columns=100, rows=24) as terminal:
        terminal.wait_for(f"<{names[-1]}>")
        terminal.wait_until(lambda: QUESTION in terminal.raw, "the first frame")
        setup = bytes(terminal.raw)
        shown = press(terminal, "g")
        seen: set[str] = set()
        for key in ["\x1b[6~"] * (2 * len(names) // 21) + ["t", "w", "k"]:
            seen |= set(re.findall(r"<([\w-]+)>", shown))
            shown = press(terminal, key)
        seen |= set(re.findall(r"<([\w-]+)>", shown))
        drawn = bytes(terminal.raw)[len(setup) :]
        terminal.send("q")
        assert terminal.wait(10) == 0

    assert set(names) <= seen, set(names) - seen
    assert not CONTROLS.findall(OURS.sub(b"", setup + drawn))
    for switch in SWITCHED_ON:  # what Textual sends once at its start is not sent again by a log
        assert switch not in drawn
