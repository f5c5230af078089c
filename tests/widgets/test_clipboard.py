"""What is sent to the terminal for a copy, and what the person is told."""

from __future__ import annotations

import base64

import pytest
from textual.app import App

from amltui.widgets.clipboard import LIMIT, copy


async def sent_by(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """The sentence, and what went to the terminal's driver."""
    app = App[None]()
    sent: list[str] = []
    async with app.run_test(notifications=True):
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", sent.append)
        sentence = copy(app, text)
        monkeypatch.undo()
    return sentence, [piece for piece in sent if "52;c;" in piece]


async def test_outside_tmux_it_is_plain_osc_52(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    sentence, sent = await sent_by("grün 日本", monkeypatch)
    encoded = base64.b64encode("grün 日本".encode()).decode()
    assert sent == [f"\x1b]52;c;{encoded}\x07"]
    assert sentence == "Sent to the terminal's clipboard: 7 characters."


async def test_inside_tmux_the_wrapped_form_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    sentence, sent = await sent_by("a\nb", monkeypatch)
    assert sent == ["\x1b]52;c;YQpi\x07", "\x1bPtmux;\x1b\x1b]52;c;YQpi\x07\x1b\\"]
    assert "tmux" in sentence
    assert "2 lines" in sentence


async def test_too_much_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = "x" * (LIMIT // 4 * 3)
    _, sent = await sent_by(fits, monkeypatch)
    assert len(sent) == 1
    sentence, sent = await sent_by(fits + "xxx", monkeypatch)
    assert sent == []
    assert "74,994" in sentence
    assert "file" in sentence


async def test_nothing_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await sent_by("", monkeypatch) == ("There is nothing to copy.", [])


async def test_escape_sequences_in_the_text_cannot_end_the_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMUX", "1")
    _, sent = await sent_by("\x07\x1b\\\x1b]0;title\x07 \udcff", monkeypatch)
    assert [piece.count("\x07") for piece in sent] == [1, 1]
