"""The detail panel: what it looks like, how it scrolls, that equal content costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from amltui.widgets.detail import DetailPanel, Field, Node, Paragraph, Section, lines_of, wrap
from amltui.widgets.table_model import width_of
from tests.golden import compare, screen_text

SECTIONS = (
    Section(
        "Service",
        (
            Field("Name", "fraud-scorer"),
            Field("State", "▲ Unhealthy", "degraded"),
            Field("Scoring URI", "http://fraud-scorer.example.com:80/api/v1/" + "long/" * 12),
            Field("Tags", "team=risk\nowner=[/ada] \x1b[31mred\x1b[0m"),
        ),
    ),
    Section(
        "Failure",
        (
            Node(
                "AciDeploymentFailed: your container application crashed. This may be caused by "
                "errors in your scoring file's init() function.",
                "failed",
                (
                    Node("CrashLoopBackOff: back-off restarting failed container", "", (
                        Node("ModuleNotFoundError: No module named 'sklearn', which score.py needs "
                             "before anything else"),
                        Node("exit code 1"),
                    )),
                    Node("次の失敗"),
                ),
            ),
        ),
    ),
    Section("", (Paragraph("A note under the tree.", "muted"),)),
)  # fmt: skip


class Page(App[None]):
    def __init__(self, sections: tuple[Section, ...] = SECTIONS) -> None:
        super().__init__()
        self.panel = DetailPanel(sections)

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.panel.border_title = "Detail"
        self.panel.focus()


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16), (34, 30)])
async def test_how_it_looks(size: tuple[int, int]) -> None:
    app = Page()
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        compare(f"detail-{size[0]}x{size[1]}", screen_text(app))


async def test_keys_scroll_and_a_refresh_keeps_the_place() -> None:
    many = (Section("Lines", tuple(Paragraph(f"line {at}") for at in range(100))),)
    app = Page(many)
    async with app.run_test(size=(60, 16), notifications=True) as pilot:
        for key, first in [
            ("j", "line 0"), ("down", "line 1"), ("k", "line 0"), ("G", "line 86"),
            ("pageup", "line 73"), ("g", "Lines"), ("ctrl+d", "line 5"), ("ctrl+u", "Lines"),
            ("k", "Lines"), ("space", "line 12"),
        ]:  # fmt: skip
            await pilot.press(key)
            assert screen_text(app).splitlines()[1].strip("│ ") == first, key
        assert "27/101" in screen_text(app)
        app.panel.set_sections([*many, Section("", (Paragraph("one more"),))])
        await pilot.pause()
        assert "27/102" in screen_text(app), "the same thing refreshed: the reader stays"
        app.panel.set_sections(many, about="another service")
        await pilot.pause()
        assert screen_text(app).splitlines()[1].strip("│ ") == "Lines"


async def test_equal_sections_repaint_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Page()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        drawn: list[tuple[int, int]] = []
        draw = app.panel.draw

        def counted(width: int, height: int) -> list[Strip]:
            drawn.append((width, height))
            return draw(width, height)

        monkeypatch.setattr(app.panel, "draw", counted)
        app.panel.set_sections(list(SECTIONS))
        await pilot.pause()
        assert drawn == []
        assert not app.panel._repaint_regions
        app.panel.set_sections(SECTIONS[:1])
        await pilot.pause()
        assert len(drawn) == 1


async def test_text_can_be_selected() -> None:
    app = Page()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        app.screen.selections = {app.panel: Selection(Offset(0, 1), Offset(17, 1))}
        await pilot.pause()
        assert app.screen.get_selected_text() == "Name         frau"
        app.screen.selections = {app.panel: Selection(None, None)}
        await pilot.pause()
        assert screen_text(app).splitlines()[1].strip("│ ") == "Service"
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.strip().endswith("A note under the tree.")


@given(st.text("ab cé日👍\n\x1b[", max_size=80), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    whole = "".join("".join(wrap(text, 1000)).split())
    assert "".join("".join(lines).split()) == whole


@given(st.integers(8, 120))
def test_no_line_is_wider_than_the_panel(width: int) -> None:
    for line in lines_of(SECTIONS, width):
        assert width_of("".join(text for text, _ in line)) <= width
