"""The text area for texts that others wrote."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from amltui.widgets.bounded_text import MOST, BoundedTextArea


class Area(App[None]):
    def compose(self) -> ComposeResult:
        yield BoundedTextArea("typed")

    @property
    def area(self) -> BoundedTextArea:
        return self.query_one(BoundedTextArea)

    @property
    def drawn(self) -> str:
        return "".join(self.area.render_line(at).text for at in range(20))


LARGE = '{"data": "' + "x" * MOST + '"}'
HARMFUL = '{"a": "\x1b]2;title\x07 \x9b31m \u202e"}'


@pytest.mark.parametrize("text", [LARGE, HARMFUL])
async def test_what_cannot_be_typed_in_is_kept_whole_and_given_up_again(text: str) -> None:
    async with Area().run_test() as pilot:
        area = pilot.app.query_one(BoundedTextArea)
        area.take(text)
        await pilot.press("x")
        assert area.whole == text
        assert len(area.text) < 3_000
        assert not set("\x1b\x07\x9b\u202e") & set(pilot.app.drawn)  # type: ignore[attr-defined]
        await pilot.press("ctrl+z", "x")
        assert area.whole == area.text == "xtyped"


async def test_what_is_typed_can_be_taken_back() -> None:
    async with Area().run_test() as pilot:
        area = pilot.app.query_one(BoundedTextArea)
        for text in ("{\n\t1\r\n}", LARGE, "small"):
            area.take(text)
            assert area.whole == text.replace("\r\n", area.document.newline)
        assert not area.read_only
        await pilot.press("ctrl+z")
        assert area.whole.startswith("{\n\t1")


@pytest.mark.parametrize("pasted", [LARGE, HARMFUL])
async def test_a_paste_is_bounded_too(pasted: str) -> None:
    async with Area().run_test() as pilot:
        area = pilot.app.query_one(BoundedTextArea)
        area.post_message(events.Paste("1"))
        area.post_message(events.Paste(pasted))
        await pilot.pause()
        assert area.whole == f"1{pasted}typed"
        assert area.read_only
        area.post_message(events.Paste("2"))
        await pilot.pause()
        assert area.whole == f"1{pasted}typed"
