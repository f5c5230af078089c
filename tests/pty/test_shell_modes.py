"""What a killed program left on in the terminal is switched off, and nothing else."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.workbench import ShellEnd
from amltui.panes.terminal_handover import Leaving, Modes, _Caught, _join

CALM = b"\x1b\\\x0f\x1b(B\x1b[m"


def fed(*pieces: bytes) -> bytes:
    modes = Modes()
    for piece in pieces:
        modes.feed(piece)
    return modes.reset()


@pytest.mark.parametrize(
    ("output", "undone"),
    [
        (b"\x1b[?1049h", b"\x1b[r\x1b[?1049l"),
        (b"\x1b[?25l", b"\x1b[?25h"),
        (b"\x1b[?1h\x1b=", b"\x1b[?1l"),
        (b"\x1b=", b"\x1b>"),
        (b"\x1b[?1000;1006h", b"\x1b[?1006l"),
        (b"\x1b[?2004h", b"\x1b[?2004l"),
    ],
)
def test_what_is_on_is_switched_off(output: bytes, undone: bytes) -> None:
    assert undone in fed(output)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"plain text\r\n",
        b"\x1b[?1049h...\x1b[?1049l",
        b"\x1b[?25l\x1b[?25h",
        b"\x1b[?2004h\x1b[?2004l\x1b=\x1b>",
        b"\x1b[31mred",
        b"\x1b[?1049h\x1b=\x1bc",
    ],
)
def test_a_terminal_in_order_is_left_alone(output: bytes) -> None:
    assert fed(output) == CALM


@given(
    st.lists(
        st.sampled_from(
            [b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?1000;1006h",
             b"\x1b[?2004h", b"\x1b=", b"\x1b>", b"text", b"\x1b[1;31m", b"\x1b", b"\x1b[?"]
        )
    ),
    st.lists(st.integers(0, 200)),
)  # fmt: skip
def test_it_does_not_matter_how_the_output_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(parts)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert sorted(fed(*pieces).split(b"\x1b")) == sorted(fed(whole).split(b"\x1b"))


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_no_output_is_too_odd(pieces: list[bytes]) -> None:
    assert fed(*pieces).startswith(b"\x1b\\")


class Prompted:
    """A shell whose prompt came with its first line: nothing more is to be read."""

    program = "/bin/sh"

    def __init__(self) -> None:
        self.quiet, self.other = socket.socketpair()
        self.first = b"# "

    def fileno(self) -> int:
        return self.quiet.fileno()

    def receive(self) -> bytes | None:
        first, self.first = self.first, b""
        return first or (b"" if self.other.fileno() < 0 else None)

    def send(self, data: bytes) -> int:
        self.other.close()
        return len(data)

    def resize(self, columns: int, rows: int) -> None:
        pass

    def hang_up(self) -> None:
        raise AssertionError

    def end(self) -> ShellEnd:
        raise AssertionError


def test_a_prompt_that_is_there_already_is_shown() -> None:
    near, far = pty.openpty()
    ended: list[Leaving] = []
    thread = threading.Thread(
        target=lambda: ended.append(_join(Prompted(), Modes(), _Caught(quiet), far, far)),
        daemon=True,
    )
    quiet, wake = os.pipe()
    try:
        thread.start()
        assert select.select([near], [], [], 10)[0], "no prompt"
        assert os.read(near, 9) == b"# "
        os.write(near, b"\n")
        thread.join(10)
        assert ended == [Leaving.ENDED]
    finally:
        for descriptor in (near, far, quiet, wake):
            os.close(descriptor)
