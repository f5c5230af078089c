"""Keys that come in one go, as on a slow line, change a text in their order."""

from __future__ import annotations

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import Input, TextArea

from amltui.widgets.key_order import KeysInOrder


class Typing(KeysInOrder[None]):
    """A field some way down, so that what bubbles up takes its time."""

    def __init__(self, field: Input | TextArea) -> None:
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical():
            yield self.field


@pytest.mark.parametrize("kind", [Input, TextArea])
async def test_letters_do_not_overtake_backspace_and_arrows(
    kind: type[Input] | type[TextArea],
) -> None:
    async with Typing(kind()).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Typing)
        app.field.focus()
        await pilot.pause()
        for key in ("a", "backspace", "b", "left", "c", "end", "d"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        text = app.field.value if isinstance(app.field, Input) else app.field.text
        assert text == "cbd"
