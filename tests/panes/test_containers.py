"""The containers pane: what is listed, what a failure does to it, what its keys do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from amltui.app import Console
from amltui.domain.errors import AmltuiError, Problem
from amltui.panes import containers
from amltui.panes.container_sync import SyncDialog
from amltui.panes.report import ReportDialog
from amltui.panes.status import status_of
from amltui.settings import Settings
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import ChoiceDialog, ConfirmDialog, ErrorDialog
from amltui.widgets.fields_dialog import FieldsDialog
from amltui.widgets.resource_table import ResourceTable
from tests.golden import compare, screen_text

from .containers_world import EDIT, IMAGES, ROWS, MemoryTools, container
from .world import HOSTILE, NO_ENGINE, NOW, MemoryEngine, World, running, settled, until


def world(tools: MemoryTools | None = None, **settings: Any) -> World:
    given = World(engine=MemoryEngine(ROWS, stored=IMAGES), pane="containers")
    given.tools = tools or MemoryTools()
    given.settings = Settings(refresh_seconds=3600, **settings)
    return given


def table(app: Console) -> ResourceTable:
    return app.screen.query_one(ResourceTable)


def said(app: Console) -> str:
    return app.screen.query_one(DetailPanel).text


async def has_usage(app: Console, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: "12.3%" in screen_text(app), "the usage")


def shows(app: Console, kind: type) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, kind) and app.focused is not None


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16)], ids=str)
async def test_the_pane_reads_well_at_every_size(size: tuple[int, int]) -> None:
    async with running(world(), size) as (app, pilot):
        await has_usage(app, pilot)
        await until(pilot, lambda: "↻7" in screen_text(app), "the details")
        compare(f"containers-{size[0]}x{size[1]}", screen_text(app))


async def test_a_container_in_full_on_a_narrow_screen() -> None:
    async with running(world()) as (app, pilot):
        await has_usage(app, pilot)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "Give it more memory" in screen_text(app), "the remedy")
        compare("containers-detail-80x24", screen_text(app))


async def test_images_and_back() -> None:
    tools = MemoryTools()
    async with running(world(tools)) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "fraud:latest" in screen_text(app), "the images")
        compare("containers-images-80x24", screen_text(app))
        await pilot.press("i")
        await until(pilot, shows(app, ReportDialog), "the inspection")
        assert '"Image": True' in said(app)
        await pilot.press("escape", "s")
        await until(pilot, shows(app, ErrorDialog), "the refusal")
        assert "stand in for sha256:aaa" in tools.asked
        await pilot.press("escape", "delete")
        await until(pilot, shows(app, ConfirmDialog), "the question")
        assert "fraud is made of it" in said(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "remove image sha256:aaa by force" in tools.asked, "the removal")
        await until(pilot, lambda: table(app).total == 2, "the images again")
        await pilot.press("x", "c", "p", "m")
        await until(pilot, lambda: table(app).total == len(ROWS), "the containers")
        assert not [asked for asked in tools.asked if asked.startswith(("stop", "commit"))]


async def test_only_what_can_be_seen_and_runs_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "REFRESH_SECONDS", 0.1)
    tools = MemoryTools()
    given = world(tools)
    given.engine.rows = tuple(container(f"c{number:02}") for number in range(60))
    async with running(given) as (app, pilot):
        await has_usage(app, pilot)
        assert tools.watch is not None
        assert 10 < len(tools.watch.shown) < 24
        assert "c00" in tools.watch.shown
        await pilot.press("G")
        await until(pilot, lambda: tools.watch is not None and "c59" in tools.watch.shown, "c59")
        assert "c00" not in tools.watch.shown
        await pilot.press("1")
        await until(pilot, lambda: tools.watch is not None and not tools.watch.shown, "the end")
        asked = [each for each in tools.asked if each.startswith("detail")]
        assert len(asked) == len(set(asked)) < 60  # once each, and not of those never seen


async def test_an_engine_that_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "REFRESH_SECONDS", 0.1)
    monkeypatch.setattr(containers, "RETRY_MOST", 0.1)
    given = world()
    async with running(given) as (app, pilot):
        given.engine.error = NO_ENGINE
        await until(pilot, lambda: table(app).dimmed, "the loss")
        assert table(app).total == len(ROWS)  # what was last known
        assert "no engine, seen now" in screen_text(app)
        given.engine.error = None
        await until(pilot, lambda: not table(app).dimmed, "the recovery")
        await until(pilot, lambda: "the default address" in screen_text(app), "the engine")
        assert app.troubles.at("engine") is None


async def test_the_age_on_top_is_that_of_the_list_below() -> None:
    async with running(world()) as (app, pilot):
        old = replace(app.containers.snapshot, taken_at=NOW - timedelta(minutes=3))
        app.containers._list.snapshot = old
        assert status_of(app).age == "updated 3 min ago"
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "services", "the other pane")
        assert not status_of(app).age  # no workspace was asked


async def test_an_engine_that_was_never_there() -> None:
    given = world()
    title, hint = "There is no engine where it should be", "Start that engine, or unset DOCKER_HOST"
    message = f"There is no socket {'/run/user/1000/docker.sock' * 2}, of DOCKER_HOST."
    given.engine.error = AmltuiError(title, message, hint, problem=Problem.ENGINE)
    async with running(given) as (app, pilot):
        lines = screen_text(app).replace("│", "").splitlines()
        said = " ".join(line.strip() for line in lines)  # in as many lines as it takes
        for part in (title, message[-20:], hint, "E asks another engine"):
            assert part in said
        footer = lines[-1]
        assert "Images" in footer
        assert not [each for each in ("Shell", "Commit", "Logs", "Probe") if each in footer]
        given.engine.error = None
        await pilot.press("r")
        await until(pilot, lambda: "Shell" in screen_text(app).splitlines()[-1], "the keys")


async def test_usage_stays_behind_a_dialog_and_goes_with_the_pane() -> None:
    tools = MemoryTools()
    async with running(world(tools)) as (app, pilot):
        await has_usage(app, pilot)
        pane = cast(containers.ContainersPane, app.screen)
        tools.silent = True  # as a real engine is, for the first second
        await pilot.press("E")
        await until(pilot, shows(app, ChoiceDialog), "a dialog")
        await pilot.press("escape")
        await until(pilot, lambda: tools.watches == 2, "the second watch")
        await settled(pilot)
        assert "12.3%" in screen_text(app)
        await pilot.press("1")
        await until(pilot, lambda: app.screen is not pane, "another pane")
        await pilot.press("4")
        await until(pilot, lambda: tools.watches == 3, "the third watch")
        await settled(pilot)
        assert "12.3%" not in screen_text(app)


async def test_another_engine() -> None:
    given = world()
    async with running(given) as (app, pilot):
        await pilot.press("E")
        await until(pilot, shows(app, ChoiceDialog), "the choice")
        given.engine.rows = ROWS[:1]
        await pilot.press("down", "enter")
        await until(pilot, lambda: given.engine.used == "context:far", "the other engine")
        await until(pilot, lambda: table(app).total == 1, "its containers")


async def test_a_stop_that_costs_something_asks() -> None:
    tools = MemoryTools((EDIT,))
    async with running(world(tools)) as (app, pilot):
        await pilot.press("x")
        await until(pilot, shows(app, ConfirmDialog), "the question")
        assert "They stay in it until it is removed" in said(app)
        await pilot.press("enter", "j", "x")  # "no" has the focus
        await until(pilot, lambda: "--rm" in screen_text(app), "the other question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "stop debug" in tools.asked, "the stop")
        assert "stop fraud" not in tools.asked
        tools.edits = ()
        await pilot.press("k", "x")
        await until(pilot, lambda: "stop fraud" in tools.asked, "a stop that costs nothing")
        await pilot.press("j", "j", "x")
        await until(pilot, lambda: "start hungry" in tools.asked, "the start")
        await pilot.press("G", "x")  # one that crashes over and over
        await until(pilot, lambda: "stop again" in tools.asked, "the end of its restarts")


async def test_a_removal_says_what_is_lost() -> None:
    tools = MemoryTools((EDIT,))
    async with running(world(tools)) as (app, pilot):
        await pilot.press("delete")
        await until(pilot, shows(app, ConfirmDialog), "the question")
        assert "1 changed file is not committed, and would be lost" in said(app)
        assert EDIT.path in said(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "remove fraud" in tools.asked, "the removal")


async def test_a_commit_shows_what_is_in_it() -> None:
    tools = MemoryTools((EDIT,))
    async with running(world(tools)) as (app, pilot):
        await pilot.press("c")
        await until(pilot, shows(app, ConfirmDialog), "the plan")
        text = screen_text(app)
        assert "Commit fraud as fraud:2?" in text
        assert EDIT.path in text
        assert "Not part of it, because mounted: /data." in text
        await pilot.press("right", "enter")
        await until(pilot, lambda: "commit fraud fraud:2" in tools.asked, "the commit")
        await until(pilot, lambda: "run fraud:2" in screen_text(app), "the offer")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "replace fraud fraud:2" in tools.asked, "the replacement")
        await until(pilot, lambda: table(app).highlighted == "again", "the new one")


async def test_leaving_with_edits_that_no_commit_has_asks() -> None:
    tools = MemoryTools((EDIT,))
    async with running(world(tools)) as (app, pilot):
        pane = cast(containers.ContainersPane, app.screen)
        assert pane.selected is not None
        await pane.remind(pane.selected)
        tools.gone = True
        await pane.remind(pane.selected)  # as after a shell whose container was removed
        assert app.screen is pane
        assert list(app.unsaved) == ["fraud"]
        tools.gone = False
        await pilot.press("q")
        await until(pilot, shows(app, ConfirmDialog), "the question")
        assert "1 changed file is not committed" in said(app)
        await pilot.press("escape", "c")
        await until(pilot, shows(app, ConfirmDialog), "the commit's plan")
        await pilot.press("right", "enter")
        await until(pilot, lambda: not app.unsaved, "the commit")


async def test_differences_are_decided_one_by_one() -> None:
    tools = MemoryTools()
    async with running(world(tools)) as (app, pilot):
        await pilot.press("f")
        await until(pilot, shows(app, ChoiceDialog), "the choice")
        await pilot.press("enter")
        await until(pilot, shows(app, FieldsDialog), "the folder")
        await pilot.press("/", "s", "r", "c", "enter")
        await until(pilot, shows(app, SyncDialog), "the differences")
        await pilot.press("right", "right", "left")
        compare("containers-sync-80x24", screen_text(app))
        await pilot.press("k", "k", "space", "space", "space", "enter")
        assert isinstance(app.screen, SyncDialog)  # nothing is chosen
        await pilot.press("O", "A")
        assert app.screen.decided == {"new.py": "INTO", "score.py": "INTO"}  # nothing is deleted
        await pilot.press("k", "k", "right", "right", "left")
        await pilot.press("enter")
        await until(pilot, shows(app, ConfirmDialog), "the plan")
        assert "delete old.py" in said(app)
        assert "2 overwritten or deleted on that side" in said(app)
        assert not [asked for asked in tools.asked if asked.startswith(("INTO", "OUT"))]
        await pilot.press("right", "enter")
        await until(pilot, lambda: "OUT overwrite score.py" in tools.asked, "the copies")
        assert "INTO add new.py" in tools.asked
        assert "INTO delete old.py" in tools.asked


async def test_copies() -> None:
    tools = MemoryTools()
    async with running(world(tools)) as (app, pilot):
        for downs, typed, asked in (
            (1, ["enter", "enter"], "out /var/azureml-app fraud"),
            (2, ["x", "enter", "enter"], "in x /var/azureml-app/x"),
        ):
            await pilot.press("f")
            await until(pilot, shows(app, ChoiceDialog), "the choice")
            await pilot.press(*["down"] * downs, "enter")
            await until(pilot, shows(app, FieldsDialog), "the fields")
            await pilot.press(*typed)
            await until(pilot, partial(tools.asked.__contains__, asked), "the copy")
            if downs == 1:
                await until(pilot, shows(app, ReportDialog), "what was left out")
                await pilot.press("escape")


async def test_probes_ask_for_what_they_compare_with(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conda.yml").write_text("dependencies: []")
    monkeypatch.chdir(tmp_path)
    tools = MemoryTools()
    async with running(world(tools)) as (app, pilot):
        await pilot.press("p")
        await until(pilot, shows(app, ChoiceDialog), "the probes")
        await pilot.press("down", "enter")
        await until(pilot, shows(app, FieldsDialog), "the conda file")
        await pilot.press("enter")
        await until(pilot, lambda: "packages conda.yml" in tools.asked, "the comparison")
        await until(pilot, shows(app, ReportDialog), "the table")
        await pilot.press("escape", "p")
        await until(pilot, shows(app, ChoiceDialog), "the probes")
        await pilot.press("down", "down", "enter")
        await until(pilot, shows(app, FieldsDialog), "the model")
        await pilot.press(*"mine", "enter", *"3", "enter")
        await until(pilot, lambda: "model path mine 3" in tools.asked, "the search")
        await until(pilot, shows(app, ReportDialog), "what was found")
        assert "\x1b" not in screen_text(app)


async def test_read_only_has_no_key_that_changes() -> None:
    tools = MemoryTools((EDIT,))
    async with running(world(tools, read_only=True)) as (app, pilot):
        await pilot.press("s", "c", "x", "R", "delete", "v")
        await settled(pilot)
        assert app.screen.query_one(ResourceTable).has_focus
        assert not [asked for asked in tools.asked if not asked.startswith("detail")]
        await pilot.press("p")
        await until(pilot, shows(app, ChoiceDialog), "the probes")
        assert "init()" not in screen_text(app)
        await pilot.press("escape", "f")
        await until(pilot, shows(app, ChoiceDialog), "what can be done")
        assert "copy in" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, shows(app, FieldsDialog), "the folder")
        await pilot.press("enter")
        await until(pilot, shows(app, SyncDialog), "the differences")
        await pilot.press("A", "enter")
        assert isinstance(app.screen, SyncDialog)


async def test_hostile_names_are_harmless() -> None:
    tools = MemoryTools()
    given = world(tools)
    bad = replace(container("x"), name=HOSTILE, image=HOSTILE, status=HOSTILE, service=HOSTILE)
    tools.details["x"] = replace(tools.details["fraud"], command=HOSTILE, network=HOSTILE)
    given.engine.rows = (bad,)
    async with running(given, (160, 48)) as (app, pilot):
        await has_usage(app, pilot)
        text = screen_text(app)
        assert "\x1b" not in text
        assert "[bold]x" in text
        given.engine.error = AmltuiError(HOSTILE, HOSTILE, HOSTILE)
        await pilot.press("r")
        await settled(pilot)
