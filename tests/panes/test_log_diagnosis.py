"""The failures that a log shows: marked in its margin, told beside it, mended from there."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from amltui.domain.logbatch import Batch
from amltui.widgets.detail import DetailPanel
from tests.golden import compare, screen_text
from tests.panes.logs_app import DIABETES, PaneApp, lines, until

QUIET = b"2026-11-21 11:00:00,000 | root | INFO | scored request %d in 12 ms"
LOOP = [
    b"[2026-11-21 11:00:%02d +0000] [%d] [INFO] Booting worker with pid: %d"
    % (at, at + 30, at + 30)
    for at in range(0, 50, 10)
]
CRASH = [
    b"2026-11-21 11:00:00,000 | root | ERROR | User's init function failed",
    b"Traceback (most recent call last):",
    b'  File "/var/azureml-app/score.py", line 3, in init',
    b"    import lightgbm",
    b"ModuleNotFoundError: No module named 'lightgbm'",
    b"[2026-11-21 11:00:09 +0000] [7] [INFO] Reason: Worker failed to boot.",
]


async def judged(app: PaneApp, pilot: Pilot[None], *batches: Batch) -> None:
    """The pane with a log that has been diagnosed to its end."""
    app.pane.open(DIABETES)
    app.sources.send(DIABETES, *batches)
    count = sum(len(batch.lines) for batch in batches)
    await until(pilot, lambda: len(app.reader.view.buffer) >= count, "not all lines came")
    await until(pilot, lambda: app.pane.diagnosis and not app.pane.diagnosis.left, "not judged")
    await pilot.pause()


def told(app: PaneApp) -> str:
    panel = app.pane.query_one("#diagnosis", DetailPanel)
    return "\n".join(panel.render_line(y).text.rstrip() for y in range(panel.size.height))


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_the_root_cause_is_marked_and_told(size: tuple[int, int]) -> None:
    app = PaneApp()
    async with app.run_test(size=size, notifications=True) as pilot:
        await judged(app, pilot, lines(30, QUIET), Batch(0, CRASH))
        await until(pilot, lambda: "✗ d: A Python package is missing" in app.state, "not told")
        await pilot.press("d")
        await until(pilot, lambda: "lightgbm" in told(app), "the panel does not tell")
        assert [row[0] for row in app.rows if "lightgbm'" in row] == ["✗"]
        compare(f"logs-diagnosis-{size[0]}x{size[1]}", screen_text(app))
        await pilot.press("d")
        assert not app.pane.has_class("-diagnosis")


async def test_a_key_goes_from_one_line_of_evidence_to_the_next() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot, Batch(0, CRASH), lines(300, QUIET, 10))
        assert app.pane.diagnosis is not None
        marks = app.pane.diagnosis.marks
        shown = sorted(marks)
        cause = max(number for number in shown if marks[number])
        at = shown.index(cause)
        assert len(shown) >= 2
        for number in (cause, *shown[at + 1 :], *shown[: at + 1]):
            await pilot.press("D")
            assert app.reader.view.cursor == number


async def test_harmless_lines_get_no_mark() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot, lines(200, QUIET))
        assert not app.reader.view.marks
        assert "✗" not in app.state
        await pilot.press("D", "d")
        await until(pilot, lambda: "No known failure" in told(app), "the panel does not say so")
        assert "No known failure" in app.toasts


async def test_what_turns_out_well_loses_its_mark() -> None:
    """Three boots look like a loop until the worker is ready."""
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot, Batch(0, LOOP))
        await until(pilot, lambda: "✗" in app.state, "the loop is not told")
        ready = b"2026-11-21 11:01:00,000 | root | INFO | Users's init has completed successfully"
        app.sources.send(DIABETES, Batch(0, [ready]), lines(20, QUIET))
        await until(pilot, lambda: "✗" not in app.state, "the alarm stays")
        assert not app.reader.view.marks


async def test_a_folded_traceback_carries_the_mark_of_what_is_in_it() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await judged(app, pilot, Batch(0, CRASH[1:5]), lines(5, QUIET))
        await pilot.press("z")
        await until(pilot, lambda: any("⋯" in row for row in app.rows), "nothing is folded")
        assert [row[0] for row in app.rows if "⋯" in row] == ["✗"]
