"""The Logs pane with logs that come from a queue."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from textual.events import Key

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.logsource import LogSource, SourceKind
from amltui.panes.pane import WorkspaceSwitched
from amltui.workers.feed import Feed, Follow, LogEvent
from amltui.workers.polled import LogUpdate
from tests.golden import compare, screen_text
from tests.panes.logs_app import DIABETES, FRAUD, NOW, PaneApp, lines, opened, until
from tests.widgets.log_app import stamp

BOTH = LogSource.of_several((DIABETES, FRAUD))


async def test_without_a_log_it_says_how_to_open_one() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        assert "press a to choose" in app.header
        await pilot.press("slash", "y", "ctrl+s", "o", "L", "T", "r", "escape", "n")
        assert not app.toasts


async def test_it_says_what_is_shown_and_how_it_is_doing() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        assert app.header == "container diabetes (this machine), live"
        app.sources.send(
            DIABETES, LogEvent(Follow.ENDED, "the container ended: out of memory (137)")
        )
        await until(pilot, lambda: "out of memory" in app.header, "the end is not told")
        broken = AmltuiError("No answer from the engine", "The connection was lost.")
        app.sources.send(DIABETES, LogEvent(Follow.BROKEN, "broken", error=broken))
        await until(pilot, lambda: "✗ container" in app.header, "the break is not told")
        app.sources.send(DIABETES, LogEvent(Follow.LIVE), lines(1, b"back %d"))
        await until(pilot, lambda: app.header.endswith("live"), "it is not told to be back")


class Before:
    """A reader that has older lines, or an error, once it is let go."""

    def __init__(self, *items: Batch | AmltuiError) -> None:
        self.items = items
        self.go = threading.Event()

    def older(self) -> Feed:
        return Feed(self._read, "older")

    def _read(self, feed: Feed) -> None:
        assert self.go.wait(10)
        for item in self.items:
            if isinstance(item, AmltuiError):
                raise item
            feed.put(item)


async def test_older_lines_are_put_in_front_and_nothing_moves() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        (log,) = app.pane._logs
        before = Before(lines(50_000, b"older %d"))
        log.begun(before, 100)
        log.begun(Before(), 100)  # who reads it again does not know where it began
        app.sources.send(DIABETES, lines(1, b"new %d", 100))
        await until(pilot, lambda: app.header.endswith("O reads older lines"), "it is not offered")
        await pilot.press("g", "slash", *"line 4", "enter")
        shown = app.rows
        await pilot.press("O", "O")
        assert app.header.endswith("reading its older lines")
        before.go.set()
        await until(pilot, lambda: "50,000 older lines" in app.toasts, "they did not come")
        assert app.header == "container diabetes (this machine), live"
        assert app.rows == shown
        await pilot.press("escape", "g")
        assert app.rows[:2] == ["▌older 0", " older 1"]
        await pilot.press("slash", *"older 49999", "enter")
        await until(pilot, lambda: "1 of 1" in app.state, "they are not searched")
        await pilot.press("O")
        assert "There are no older lines." in app.toasts


async def test_older_lines_that_cannot_be_read_are_told_and_asked_for_again() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        (log,) = app.pane._logs
        broken = Before(lines(5, b"half %d"), AmltuiError("It broke off", "The line.", "Again."))
        broken.go.set()
        log.begun(broken, 100)
        await pilot.press("O")
        await until(pilot, lambda: "It broke off" in app.toasts, "it is not told")
        assert len(log.buffer) == 100
        broken.items = broken.items[:1]
        await pilot.press("O")
        await until(pilot, lambda: "5 older lines" in app.toasts, "they did not come")


@pytest.mark.parametrize(("source", "why"), [(FRAUD, "hands out no more"), (BOTH, "alone")])
async def test_why_there_are_no_older_lines(source: LogSource, why: str) -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("O")
        app.pane.open(source)
        await pilot.press("O")
        await until(pilot, lambda: why in app.toasts, "it is not told")


async def test_a_polled_log_tells_its_age_and_its_errors() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        app.pane.open(FRAUD)
        taken = NOW - timedelta(seconds=12)
        app.sources.send(FRAUD, LogUpdate(lines(3), taken))
        await until(pilot, lambda: app.rows[2] == " line 2", "the log was not shown")
        assert app.header == "service fraud-score (AKS cluster), polled, read 10 s ago"
        error = AmltuiError("No answer within 50 s", "Gave up reading [/the] log.")
        app.sources.send(FRAUD, LogUpdate(Batch(0), taken, error, 4.0))
        await until(pilot, lambda: "again in 4 s" in app.header, "the error is not told")
        assert "[/the]" in app.header
        assert app.rows[2] == " line 2"


async def test_an_error_that_ends_it_can_be_tried_again() -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        await opened(app, pilot, 3 + 17)
        app.sources.send(DIABETES, AmltuiError("Refused", "Not for you.", problem=Problem.REFUSED))
        await until(pilot, lambda: "r tries again" in app.header, "the error is not told")
        await pilot.press("r")
        app.sources.send(DIABETES, LogEvent(Follow.LIVE), lines(1, b"again %d"))
        await until(pilot, lambda: app.rows[-1] == " again 0", "it was not read again")
        assert any("read again" in row for row in app.rows)


async def test_three_logs_go_on_being_read_and_the_fourth_ends_the_first() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        others = [LogSource(SourceKind.CONTAINER, name, container_id=name) for name in "abc"]
        for other in others[:2]:
            app.pane.open(other)
        app.sources.send(DIABETES, lines(50, b"meanwhile %d"))
        await pilot.pause(0.05)
        app.pane.open(DIABETES)
        await until(pilot, lambda: app.rows[-1] == " meanwhile 49", "lines were lost")
        assert app.header.startswith("[1/3]")
        await pilot.press("right_square_bracket")
        assert app.header.startswith("[2/3] container a")
        assert app.sources.opened == ["diabetes", "a", "b"]
        app.pane.open(others[2])
        await until(pilot, lambda: app.sources.closed == ["diabetes"], "it goes on being read")


async def test_another_workspace_ends_its_logs_only() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        app.pane.open(FRAUD)
        await until(pilot, lambda: "fraud-score" in app.sources.opened, "it was not opened")
        app.pane.post_message(WorkspaceSwitched())
        await until(pilot, lambda: app.sources.closed == ["fraud-score"], "it was not ended")
        assert "Another workspace" in app.header


async def test_a_search_marks_as_one_types_and_enter_goes_there() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot, 5_000)
        await pilot.press("slash", *"line 4")
        await until(pilot, lambda: app.note.strip() == "1,111 found", "nothing was found")
        assert app.reader.view.following
        await pilot.press(*"2", "enter")
        await until(pilot, lambda: "111 of 111" in app.state, "it did not go to a match")
        assert app.reader.view.cursor == 4_299
        await pilot.press("N")
        assert "110 of 111" in app.state
        app.sources.send(DIABETES, lines(1, b"line 42 again %d"))
        await until(pilot, lambda: "of 112" in app.state, "new lines are not searched")
        await pilot.press("escape")
        assert "of 112" not in app.state


async def test_leaving_a_prompt_gives_back_what_was_there_and_keeps_the_text() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("ampersand", *"9", "enter")
        await until(pilot, lambda: "&9 (19 lines)" in app.state, "it was not filtered")
        await pilot.press("ampersand", *"77")
        await until(pilot, lambda: "&77 (1 lines)" in app.state, "it was not filtered")
        await pilot.press("escape")
        await until(pilot, lambda: "&9 (19 lines)" in app.state, "the filter was not given back")
        await pilot.press("slash", *"draft", "escape", "slash")
        assert app.reader.prompt.input.value == "draft"
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "&" not in app.state, "escape did not clear")


async def test_a_regex_that_is_none_is_told_and_a_runaway_one_is_stopped() -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        await opened(app, pilot)
        app.sources.send(DIABETES, Batch(0, [b"a" * 60 + b"!"]))
        await pilot.press("slash", "ctrl+r", *"(a")
        await until(pilot, lambda: "not a regular expression" in app.note, "it is not told")
        await pilot.press(*"+)+$")
        await until(pilot, lambda: "stopped" in app.note, "it was not stopped")
        await pilot.press("enter", "k")
        assert "stopped" in app.state


async def test_inverse_and_level_filters_work_together() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.pane.open(DIABETES)
        texts = [b"INFO fine", b"ERROR bad", b"WARNING odd", b"ERROR worse", b"plain"]
        app.sources.send(DIABETES, Batch(0, texts))
        await until(pilot, lambda: app.rows[4] == " plain", "the log was not shown")
        await pilot.press("L", "L")
        await until(pilot, lambda: "warning and worse (3 lines)" in app.state, "no level filter")
        await pilot.press("ampersand", *"!bad", "enter")
        await until(pilot, lambda: app.rows[:3] == [" WARNING odd", " ERROR worse", ""], "not both")
        await pilot.press("L", "L")
        await until(pilot, lambda: "&!bad (4 lines)" in app.state, "the level stayed")


async def test_going_to_a_time() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot, 5_000)
        await pilot.press("t", "t", "T", *"06:00:02", "enter")
        assert app.reader.view.cursor == 2_000
        await pilot.press("T", *"soon", "enter")
        assert "a time is" in app.note


async def test_a_copy_is_sent_and_one_that_is_too_long_is_offered_as_a_file() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot, 20_000)
        await pilot.press("k", "m", "k", "y")
        assert app.clipboard == "line 19997\nline 19998"
        assert "Sent to the terminal" in app.toasts
        await pilot.press("g", "y")
        assert "Too long" in app.toasts
        assert app.reader.prompt.input.value == "diabetes-20261121-120000.log"


async def test_saving_writes_what_is_shown_for_its_owner_only_and_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot, 5_000)
        app.sources.send(DIABETES, Batch(0, [b"line password=hunter2 \x1b]52;c;eA==\x07"]))
        await pilot.press("ampersand", *"line", "enter")
        await until(pilot, lambda: "(5,001 lines)" in app.state, "it was not filtered")
        await pilot.press("ctrl+s", "enter")
        file = tmp_path / "diabetes-20261121-120000.log"
        await until(pilot, lambda: "5,001 lines in" in app.toasts, "it was not saved")
        assert str(file) in app.toasts
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        assert text.startswith("line 0\nline 1\n")
        assert text.endswith("line password=••• \n")
        await pilot.press("ctrl+s", "enter")
        await until(pilot, lambda: "exists already" in app.toasts, "it was overwritten")


async def test_all_lines_are_saved_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot, 100)
        await pilot.press("ampersand", *"99", "enter", "ctrl+s", "ctrl+r", "enter")
        await until(pilot, lambda: "100 lines in" in app.toasts, "it was not saved")


async def test_the_pager_needs_a_terminal_and_says_so() -> None:
    got: list[str] = []

    def page(texts: Iterable[str]) -> None:
        got.extend(texts)

    app = PaneApp(page)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("o")
        await until(pilot, lambda: "no terminal" in app.toasts, "it is not told")
        assert not got


async def test_what_is_pasted_into_a_prompt_cannot_hold_an_escape_sequence() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("slash")
        app.reader.prompt.input.insert_text_at_cursor("a\x1b]52;c;eA==\x07b")
        assert app.reader.prompt.input.value == ""


async def test_text_typed_right_after_the_key_of_a_prompt_is_not_lost() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        for key, character in (("slash", "/"), ("l", "l"), ("q", "q"), ("slash", "/"), ("1", "1")):
            app.post_message(Key(key, character))
        await pilot.pause()
        assert app.reader.prompt.input.value == "lq/1"
        assert app.reader.view._offset == 0


async def test_markup_in_names_is_text() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        source = LogSource(SourceKind.CONTAINER, "x [/foo] [@click=app.bell]y", container_id="m")
        app.pane.open(source)
        await pilot.pause()
        assert "x [/foo] [@click=app.bell]y" in app.header


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_how_it_looks(size: tuple[int, int]) -> None:
    app = PaneApp()
    texts = [
        b"2026-11-21 11:59:58,101 I [71] azmlinfsrv - Worker with pid 71 ready for serving traffic",
        b"2026-11-21 11:59:58,340 I [71] azmlinfsrv - POST /score 200 12.5ms 41",
        b"scored 1 row of diabetes-progression",
        b"no request id,scored 1 row of diabetes-progression",
        b'{"level": "WARNING", "message": "slow", "ms": 5012}',
        b"2026-11-21 11:59:58,907 E [71] azmlinfsrv - Encountered Exception: "
        b"Traceback (most recent call last):",
        b'  File "/var/azureml-app/score.py", line 31, in run',
        b"    frame = pd.DataFrame(rows, columns=COLUMNS)",
        b"ValueError: 9 columns passed, passed data had 4 columns",
        b"\x1b[32mready\x1b[0m \x1b]0;owned\x07" + "模型 🎉".encode(),
    ]
    async with app.run_test(size=size, notifications=True) as pilot:
        app.pane.open(DIABETES)
        app.sources.send(DIABETES, LogEvent(Follow.LIVE))
        both = [text for _ in range(8) for text in texts]
        app.sources.send(DIABETES, Batch(0, both, [stamp(n * 37) for n in range(len(both))]))
        await until(pilot, lambda: app.rows[-1].startswith(" ready"), "the log was not shown")
        await pilot.press("t", "t", "z", "slash", *"score", "enter", "m", "k", "k")
        await until(pilot, lambda: "of 32" in app.state or "32 found" in app.state, "not found")
        await until(pilot, lambda: app.pane.diagnosis and not app.pane.diagnosis.left, "not judged")
        await until(pilot, lambda: "✗ d: " in app.state, "its failure is not told")
        await pilot.pause()
        compare(f"logs-{size[0]}x{size[1]}", screen_text(app))
