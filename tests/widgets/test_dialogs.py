"""Every dialog by keys alone, at the smallest sizes, with hostile text in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.screen import ModalScreen
from textual.widgets import Button

from amltui.domain.errors import AmltuiError
from amltui.widgets import dialogs
from amltui.widgets.dialogs import (
    Choice,
    ChoiceDialog,
    ConfirmDialog,
    DeviceCodeDialog,
    ErrorDialog,
    TypeNameDialog,
)
from amltui.widgets.resource_table import ResourceTable
from tests.golden import compare, screen_text

SIZES = [(80, 24), (160, 48), (60, 16)]
ERROR = AmltuiError(
    "The workspace did not answer [/x]",
    "The server said 503 three times in a row \x1b[2J; the last answer took 30 s.",
    "Wait a minute and press r.",
    detail="\n".join(f"raw line {at} " + "x" * 50 for at in range(30)),
)
CHOICES = [Choice(f"w{at}", f"ws-{at} [/b]", f"rg-{at % 3}") for at in range(40)]

MAKERS: dict[str, Callable[[], ModalScreen[Any]]] = {
    "error": lambda: ErrorDialog(ERROR),
    "confirm": lambda: ConfirmDialog("Stop following?", "12 unsaved lines are lost [/b].", "Stop"),
    "type-name": lambda: TypeNameDialog("fraud-scorer", "The service, its keys and its URI go."),
    "choice": lambda: ChoiceDialog("Workspaces", CHOICES, "WORKSPACE"),
    "device-code": lambda: DeviceCodeDialog("https://example.com/devicelogin", "FAKE-CODE1"),
}


class Page(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[object] = []

    async def ask(self, dialog: ModalScreen[Any]) -> None:
        await self.push_screen(dialog, self.answers.append)


def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the dialogs copy, from now on; they are told a sentence with a bracket in it."""
    copied: list[str] = []

    def copy(_: App[None], text: str) -> str:
        copied.append(text)
        return "Sent [/x]."

    monkeypatch.setattr(dialogs, "copy", copy)
    return copied


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MAKERS)
async def test_how_it_looks(name: str, size: tuple[int, int]) -> None:
    app = Page()
    async with app.run_test(size=size, notifications=True) as pilot:
        await app.ask(MAKERS[name]())
        await pilot.pause()
        text = screen_text(app)
        assert "\x1b" not in text
        compare(f"dialog-{name}-{size[0]}x{size[1]}", text)


@pytest.mark.parametrize(
    ("name", "key", "answer"),
    [
        ("error", "escape", None), ("error", "enter", None), ("error", "q", None),
        ("confirm", "escape", False), ("confirm", "enter", False), ("confirm", "n", False),
        ("type-name", "escape", False), ("choice", "escape", None), ("choice", "enter", "w0"),
        ("device-code", "escape", False),
    ],
)  # fmt: skip
async def test_the_first_key_does_no_harm(name: str, key: str, answer: object) -> None:
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        await app.ask(MAKERS[name]())
        await pilot.press(key)
        await pilot.pause()
        assert app.answers == [answer]
        assert not isinstance(app.screen, ModalScreen)


async def test_an_error_unfolds_scrolls_and_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = copies(monkeypatch)
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        await app.ask(ErrorDialog(ERROR))
        await pilot.press("d")
        compare("dialog-error-unfolded-60x16", screen_text(app))
        await pilot.press("G")
        assert "raw line 29" in screen_text(app)
        await pilot.press("d")
        assert "raw line" not in screen_text(app)
        await pilot.press("y")
        assert copied[0].startswith("The workspace did not answer [/x]\n\n")
        assert copied[0].endswith("x" * 50)
        await pilot.pause()
        assert "Sent [/x]." in screen_text(app)


async def test_yes_takes_a_move_and_enter() -> None:
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        for move in ("right", "tab", "l"):
            await app.ask(ConfirmDialog("Stop?", "It stops.", bad=True))
            await pilot.press(move, "enter")
            await pilot.pause()
        assert app.answers == [True, True, True]


async def test_a_long_question_scrolls_while_the_answer_has_the_focus() -> None:
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        await app.ask(ConfirmDialog("Stop?", "\n".join(f"line {at}" for at in range(30))))
        await pilot.press(*["down"] * 4)
        assert "line 4" in screen_text(app)
        assert "line 3" not in screen_text(app)
        assert "Cancel" in screen_text(app)


async def test_only_the_exact_name_deletes() -> None:
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        await app.ask(TypeNameDialog("Fraud", "It goes."))
        await pilot.press(*"fraud")
        yes = app.screen.query_one("#yes", Button)
        assert yes.disabled
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "not the name" in screen_text(app)
        await pilot.press("home", "delete", "F")
        assert not yes.disabled
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [True]


async def test_a_choice_is_narrowed_by_typing() -> None:
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        await app.ask(ChoiceDialog("Workspaces", CHOICES))
        await pilot.press("down", "down", "up", "enter")
        await pilot.pause()
        await app.ask(ChoiceDialog("Workspaces", CHOICES))
        await pilot.press("3", "9")
        table = app.screen.query_one(ResourceTable)
        assert (table.shown, table.total) == (1, 40)
        await pilot.press("enter")
        await pilot.pause()
        await app.ask(ChoiceDialog("Workspaces", CHOICES))
        await pilot.press("x", "enter")
        await pilot.pause()
        assert app.answers == ["w1", "w39"], "Enter on nothing chooses nothing"


async def test_the_device_code_waits_copies_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = copies(monkeypatch)
    app = Page()
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        dialog = DeviceCodeDialog("https://example.com/devicelogin", "FAKE-CODE1")
        await app.ask(dialog)
        await pilot.press("y", "u")
        assert copied == ["FAKE-CODE1", "https://example.com/devicelogin"]
        assert "Waiting" in screen_text(app)
        assert "Sent [/x]." in screen_text(app)
        dialog.show_status("Waiting, the code is good for 3 minutes more.")
        await pilot.pause()
        assert "3 minutes more" in screen_text(app)
        dialog.dismiss(True)
        await pilot.pause()
        assert app.answers == [True]
