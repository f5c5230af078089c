"""What a killed program left on in the terminal is switched off, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.panes.terminal_handover import Modes

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
