"""The log view, driven by keys and the mouse."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.events import MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsearch import Search
from amltui.domain.logtime import Clock
from amltui.domain.text import Sgr
from amltui.widgets.log_render import MATCH, LogPainter, Look, sgr_style
from amltui.widgets.log_rows import LogRows
from amltui.widgets.log_view import LogView
from tests.domain.hostile import CASES

from .log_app import LogApp, add, filled, numbered

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SIZE = (60, 13)  # 12 rows and the status line


def found(buffer: LogBuffer, pattern: str, *, invert: bool = False) -> Search:
    search = Search(buffer, pattern, invert=invert)
    search.step()
    return search


async def until(pilot: Pilot[None], text: str) -> None:
    """Wait for a row, at the pace of the view's own frames."""
    app = pilot.app
    assert isinstance(app, LogApp)
    for _ in range(100):
        if any(text in row for row in app.rows):
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{text!r} did not come: {app.rows}")


async def test_it_opens_at_the_end_and_follows() -> None:
    app = LogApp(filled(numbered(200_000)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        assert app.rows[-1] == " line 199999"
        assert app.rows[0] == " line 199988"
        assert app.status.startswith("FOLLOW")
        assert app.status.endswith("200,000 lines")
        add(app.buffer, [b"the newest"])
        app.view.update()
        await until(pilot, "the newest")


async def test_scrolling_up_pauses_and_says_how_much_is_new() -> None:
    app = LogApp(filled(numbered(100)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("k")
        assert app.rows[-2] == "▌line 98"
        add(app.buffer, numbered(1234, b"new %d"))
        app.view.update()
        for _ in range(100):
            if "+1,234 new" in app.status:
                break
            await pilot.pause(0.02)
        assert app.status.startswith("PAUSED +1,234 new")
        assert app.rows[-2] == "▌line 98"
        await pilot.press("G")
        assert app.rows[-1] == " new 1233"
        assert app.status.startswith("FOLLOW")
        await pilot.press("space")
        assert app.status.startswith("PAUSED")


async def test_the_keys_of_a_pager() -> None:
    app = LogApp(filled(numbered(100)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("g")
        assert app.rows[0] == "▌line 0"
        await pilot.press("j", "down")
        assert app.view.cursor == 2
        await pilot.press("pagedown")
        assert (app.rows[0], app.view.cursor) == (" line 11", 13)
        await pilot.press("ctrl+d")
        assert app.rows[0] == " line 17"
        await pilot.press("ctrl+u", "pageup")
        assert app.rows[0] == " line 0"
        await pilot.press("end")
        assert app.view.following
        await pilot.press("k", "j", "j")  # down from the last row follows again
        assert app.view.following


async def test_long_lines_scroll_to_the_side_and_wrap() -> None:
    app = LogApp(filled([b"short", b"".join(b"%03d " % n for n in range(40)), b"end"]))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("l")
        assert app.rows[1].startswith(" 002 003")
        await pilot.press("h", "h")
        assert app.rows[1].startswith(" 000 001")
        await pilot.press("w")
        assert "".join(row[1:59].ljust(58) for row in app.rows[1:4]).split() == [
            f"{n:03d}" for n in range(40)
        ]
        assert app.rows[4] == " end"
        assert "wrap" in app.status


async def test_wide_characters_never_break_the_row() -> None:
    lines = ["日本語テキスト" * 20, "🎉" * 50, "e\u0301" * 100, "a日" * 40]
    app = LogApp(filled([line.encode() for line in lines]))
    async with app.run_test(size=(31, 20), notifications=True) as pilot:
        for key in ("l", "l", "w", "g", "j", "j", "0"):
            await pilot.press(key)
            view = app.view
            assert {cell_len(view.render_line(y).text) for y in range(view.size.height)} == {31}


async def test_matches_are_marked_and_walked_through() -> None:
    app = LogApp(filled(numbered(1_000)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.view.find(found(app.buffer, "line 77"))
        await pilot.press("N")
        assert app.view.cursor == 779
        assert "11 of 11" in app.status
        marked = [
            s for y in range(12) for s in app.view.render_line(y) if s.style and s.style.bgcolor
        ]
        assert {segment.text for segment in marked} == {"line 77"}
        assert marked[0].style is not None
        assert marked[0].style.bgcolor == MATCH.bgcolor
        await pilot.press("n")  # from the last to the first
        assert app.view.cursor == 77
        await pilot.press("n")
        assert app.view.cursor == 770


async def test_a_match_far_to_the_right_or_in_a_fold_is_brought_into_sight() -> None:
    lines = [b"Traceback (most recent call last):", b"  File", b"KeyError: needle"]
    app = LogApp(filled([b"-" * 500 + b"needle", *lines, *numbered(50)]))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("z")
        app.view.find(found(app.buffer, "needle"))
        await pilot.press("N")
        assert any("KeyError: needle" in row for row in app.rows)
        await pilot.press("N")
        assert any(row.endswith("needle") for row in app.rows)
        assert app.view.cursor == 0
        await pilot.press("w", "n", "n")
        assert any(row.endswith("needle") for row in app.rows)


async def test_a_filter_keeps_the_place_and_gives_it_back() -> None:
    app = LogApp(filled(numbered(1_000)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.view.go_to(505)
        app.view.filter(found(app.buffer, "5", invert=True), "&!5")
        await pilot.pause()
        assert "5" not in "".join(row[6:] for row in app.rows)
        assert app.view.cursor == 499
        assert "&!5 (729 lines)" in app.status
        app.view.filter(None)
        await pilot.pause()
        assert app.view.cursor == 499
        assert "&" not in app.status


async def test_time_stamps_in_every_clock() -> None:
    app = LogApp(filled(numbered(5)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        seen = {}
        for _ in range(4):
            await pilot.press("t")
            seen[app.view.clock] = app.rows[4]
        assert seen[Clock.UTC] == " 06:00:00.004 line 4"
        assert seen[Clock.START] == "    +0:00.004 line 4"
        assert seen[Clock.OFF] == " line 4"


async def test_several_sources_have_a_column_of_their_own() -> None:
    buffer = LogBuffer()
    buffer.append(Batch(0, [b"from one", b"from two"], sources=bytes([0, 1])))
    app = LogApp(buffer)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.view.sources = {0: "[@click=x]one", 1: "two"}
        app.view.answer_key()
        await pilot.pause()
        assert app.rows[:2] == [" [@click=x]one from one", " two           from two"]
        colours = {app.view.render_line(y)._segments[1].style for y in (0, 1)}
        assert len(colours) == 2


async def test_enter_unfolds_json_and_the_cursor_stays() -> None:
    app = LogApp(filled([b'{"level": "ERROR", "n": 1}', b"next"]))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("g", "enter")
        assert app.rows[:4] == ["▌{", '   "level": "ERROR",', '   "n": 1', " }"]
        await pilot.press("enter")
        assert app.rows[1] == " next"


async def test_marking_makes_a_range() -> None:
    app = LogApp(filled(numbered(50)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.view.go_to(40)
        await pilot.press("m", "j", "j")
        assert app.view.range() == (40, 42)
        assert [row[0] for row in app.rows if row[1:] in ("line 40", "line 41", "line 42")] == [
            "●",
            "│",
            "▌",
        ]
        assert [line.number for line in app.view.lines(40, 42)] == [40, 41, 42]


async def test_the_wheel_scrolls_and_a_drag_selects_lines() -> None:
    app = LogApp(filled(numbered(100, b"line %d of text")))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.view.post_message(MouseScrollUp(app.view, 5, 5, 0, -1, 0, False, False, False))
        await pilot.pause()
        assert app.rows[0] == " line 85 of text"
        await pilot.mouse_down(LogView, offset=(6, 2))
        await pilot.hover(LogView, offset=(4, 4))
        await pilot.mouse_up(LogView, offset=(4, 4))
        await pilot.pause()
        assert app.screen.get_selected_text() == "87 of text\nline 88 of text\nline"


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-dark"])
async def test_rows_go_out_as_textual_would_send_them(theme: str) -> None:
    lines = [b"plain", b"ERROR: red", b"\x1b[32mgreen\x1b[0m and \x1b[1;44mon blue", "ä宽".encode()]
    app = LogApp(filled(lines * 8))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.theme = theme
        await pilot.press("k", "m")
        await pilot.pause()
        view = app.view
        for crop in (Region(0, 0, *view.size), Region(3, 2, 20, 4)):
            ours, textuals = view.render_lines(crop), Widget.render_lines(view, crop)
            assert [seen(strip) for strip in ours] == [seen(strip) for strip in textuals]


def seen(strip: Strip) -> list[tuple[str, object, object, bool, bool]]:
    """What of a strip reaches the terminal, cell by cell: text and style, without what is noted."""
    return [
        (character, style.color, style.bgcolor, bool(style.bold), bool(style.dim))
        for segment in strip
        for character in segment.text
        for style in [segment.style or Style()]
    ]


async def test_dropped_lines_are_counted_and_a_pause_survives_them() -> None:
    app = LogApp(filled(numbered(20_000), limit=100_000))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("g")
        add(app.buffer, numbered(20_000, b"new %d"))
        app.view.answer_key()
        await pilot.pause()
        assert f"{app.buffer.dropped:,} dropped" in app.status
        assert app.view.cursor == app.buffer.start


async def test_an_empty_log_takes_every_key() -> None:
    app = LogApp(LogBuffer())
    keys = [*"jkgGhl0nNwtzm", "space", "enter", "pageup", "pagedown", "ctrl+d", "home", "end"]
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press(*keys)
        assert app.view.range() is None
        assert set(app.rows) == {""}


@pytest.mark.parametrize("size", [(1, 2), (3, 3), (20, 4)])
async def test_it_survives_tiny_screens(size: tuple[int, int]) -> None:
    app = LogApp(filled([*numbered(30), "日本".encode() * 30]))
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.press("k", "w", "t", "t", "g", "l", "G")


async def test_nobody_draws_while_nobody_looks() -> None:
    app = LogApp(filled(numbered(50)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        app.view.sleep()
        add(app.buffer, [b"unseen"])
        app.view.update()
        await pilot.pause(0.3)
        assert not any("unseen" in row for row in app.rows)
        app.view.wake()
        await pilot.pause()
        assert app.rows[-1] == " unseen"


@pytest.mark.parametrize("name", CASES)
def test_no_hostile_line_reaches_a_strip(name: str) -> None:
    check(CASES[name])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_become_cells_of_the_right_width(raw: bytes) -> None:
    check(raw)


def check(raw: bytes) -> None:
    """Whatever a line holds, its rows have their width and no character that is not a cell."""
    rows = LogRows(filled([raw.replace(b"\n", b" ")]))
    line = rows.line(0)
    painter = LogPainter()
    for wrap in (False, True):
        rows.wrap, rows.width = wrap, 38
        shown = rows.shown(line)
        for row in range(min(shown.rows, 20)):
            for offset in (0, 5):
                look = Look(rows.variant(line), row, 40, offset, "", "", "", False, 0, None)
                strip = painter.paint(look, line, shown, [(1, 3)])
                assert cell_len(strip.text) == 40
                assert not {unicodedata.category(c) for c in strip.text} & {"Cc", "Cs"}
                assert not BIDI & set(strip.text)


def test_colours_of_a_program_become_styles() -> None:
    style = sgr_style(Sgr(bold=True, fg=1, bg=(1, 2, 3)))
    assert style.bold
    assert style.color is not None
    assert style.color.number == 1
    assert style.bgcolor is not None
    assert style.bgcolor.triplet == (1, 2, 3)


async def test_a_wait_that_is_over_before_it_began_does_not_freeze_the_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = LogApp(filled(numbered(50)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        waits = [1e-7]
        monkeypatch.setattr(app.view._pace, "wait", lambda _: waits.pop() if waits else 0.0)
        add(app.buffer, [b"the newest"])
        app.view.update()
        await until(pilot, "the newest")
