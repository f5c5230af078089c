"""Lines of a form, and options on one line."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widget import AwaitMount, Widget

from amltui.widgets.form import FormField, FormLine, FormPage
from amltui.widgets.pick import Pick
from tests.golden import screen_text

COLOURS = (("r", "red"), ("g", "green"), ("b", "[/blue]"))


async def no_completion(path: str, typed: str) -> str:
    return ""


class FormApp(App[None]):
    """A form, and what it said."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def compose(self) -> ComposeResult:
        yield FormPage(no_completion, id="form")

    @property
    def form(self) -> FormPage:
        return self.query_one(FormPage)

    def on_form_line_changed(self, event: FormLine.Changed) -> None:
        line = self.form.line(event.path)
        self.heard.append(f"{event.path}={line.text if line else ''}")


def field(path: str, **more: object) -> FormField:
    return FormField(path, path, **more)  # type: ignore[arg-type]


async def test_options_are_chosen_by_keys_and_said_in_brackets() -> None:
    async with FormApp().run_test(size=(60, 5), notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, FormApp)
        await app.form.show_fields([field("colour", options=COLOURS)], lambda path: "g")
        app.query_one(Pick).focus()
        await pilot.pause()
        assert " red [green] [/blue]" in screen_text(app)
        await pilot.press("right", "right", "left")
        assert app.heard == ["colour=b", "colour=r", "colour=b"]
        many = tuple((str(number), f"option {number}") for number in range(9))
        await app.form.show_fields([field("one", options=many)], lambda path: "3")
        await pilot.pause()
        assert "‹ option 3 ›" in screen_text(app)


async def test_lines_that_stay_keep_what_was_typed_and_their_cursor() -> None:
    async with FormApp().run_test(size=(60, 8), notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, FormApp)
        a, b, c, d = (field(name) for name in "abcd")
        await app.form.show_fields([a, b, d], lambda path: "")
        kept = app.form.line("d")
        assert kept is not None
        kept.editor.focus()
        await pilot.press("x")
        await app.form.show_fields([a, c, d], lambda path: path.upper())
        await pilot.pause()
        assert [line.text for line in app.form.lines] == ["", "C", "x"]
        assert app.form.line("d") is kept
        assert kept.editor.has_focus
        await app.form.show_fields([], str)
        assert app.form.lines == ()


async def test_a_line_is_two_widgets_and_many_come_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once: list[int] = []
    mount = FormPage.mount

    def counted(page: FormPage, *widgets: Widget, **more: Any) -> AwaitMount:
        at_once.append(len(widgets))
        return mount(page, *widgets, **more)

    monkeypatch.setattr(FormPage, "mount", counted)
    async with FormApp().run_test(size=(60, 8), notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, FormApp)
        await app.form.show_fields([field(f"f{at}") for at in range(31)], lambda path: path)
        await pilot.pause()
        assert [line.text for line in app.form.lines] == [f"f{at}" for at in range(31)]
        assert max(at_once) <= 5
        assert len(list(app.form.query("*"))) == 62


async def test_outside_text_is_literal() -> None:
    async with FormApp().run_test(size=(80, 5), notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, FormApp)
        await app.form.show_fields([field("a"), field("b", tall=True)], lambda path: "[/foo]")
        app.form.lines[0].remark("[/bar] \x1b[31m", "failed")
        await pilot.pause()
        assert "[/foo]" in screen_text(app)
        assert "[/bar]" in screen_text(app)


HOSTILE = "a\x1b]2;title\x07b\x1b[2J\x9b31m\u202ec\x07"


async def test_what_a_terminal_would_obey_is_held_and_never_drawn() -> None:
    async with FormApp().run_test(size=(160, 8), notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, FormApp)
        fields = [field("short"), field("tall", tall=True), field("later")]
        await app.form.show_fields(fields, lambda path: "" if path == "later" else HOSTILE)
        app.form.put_texts(lambda path: f"{HOSTILE}{HOSTILE}")
        for line in app.form.lines:
            line.editor.focus()
            await pilot.pause()
            drawn = screen_text(app)
            assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or one == "\u202e"
                           for one in drawn.replace("\n", ""))  # fmt: skip
            assert line.text == f"{HOSTILE}{HOSTILE}"
        assert all(len(one) <= 160 for one in drawn.splitlines())
        assert "a␛]2;title␇b␛[2J�31m�c␇" in drawn
