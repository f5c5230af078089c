"""The services pane: what is listed, what a failure does to it, what its keys do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input

from amltui.app import Console
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Can, Failure, Kind, Ref, Service, State
from amltui.panes.services import ServicesPane
from amltui.settings import Choice, Settings
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import DeviceCodeDialog, ErrorDialog, TypeNameDialog
from amltui.widgets.help import HelpScreen
from amltui.widgets.resource_table import ResourceTable
from tests.golden import compare, screen_text

from .world import (
    HOSTILE,
    NO_ENGINE,
    NOW,
    UNREACHABLE,
    MemoryEngine,
    MemoryWorkspace,
    World,
    believable,
    cloud,
    running,
    settled,
    until,
)


def world(*rows: Service, **fields: Any) -> World:
    return World(MemoryWorkspace(rows or believable()), **fields)


def table(app: Console) -> ResourceTable:
    return app.screen.query_one(ResourceTable)


def detail(app: Console) -> str:
    return app.screen.query_one(DetailPanel).text


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16)], ids=str)
async def test_the_pane_reads_well_at_every_size(size: tuple[int, int]) -> None:
    async with running(world(banner=True), size) as (app, _):
        compare(f"services-{size[0]}x{size[1]}", screen_text(app))


async def test_a_detail_on_a_narrow_screen_takes_the_tables_place() -> None:
    async with running(world()) as (app, pilot):
        await pilot.press("enter")
        compare("services-detail-80x24", screen_text(app))
        await pilot.press("escape")
        assert table(app).has_focus
        assert not app.screen.has_class("-detail")


async def test_the_cursor_stays_on_its_service_when_others_come_and_go() -> None:
    given = world(cloud("b"), cloud("c"))
    async with running(given) as (app, pilot):
        await pilot.press("j")
        assert table(app).highlighted == "azureml:c"
        given.workspace.rows = (cloud("a"), cloud("b"), cloud("c"), cloud("d"))
        await pilot.press("r")
        await settled(pilot)
        assert table(app).total == 4
        assert table(app).highlighted == "azureml:c"


async def test_a_poll_makes_anew_only_the_rows_that_say_something_else() -> None:
    given = world(cloud("a"), cloud("b"), cloud("c", created_at=NOW - timedelta(seconds=30)))
    async with running(given) as (app, pilot):
        before = table(app)._model.rows
        given.workspace.rows = (cloud("a"), cloud("b", raw_state="Busy"), given.workspace.rows[2])
        given.now = NOW + timedelta(seconds=1)
        await pilot.press("r")
        await until(pilot, lambda: "Busy" in screen_text(app), "the change")
        assert [old is new for old, new in zip(before, table(app)._model.rows, strict=True)] == [
            True,
            False,
            True,
        ]
        given.now = NOW + timedelta(seconds=10)
        await pilot.press("r")
        await until(pilot, lambda: "40 s" in screen_text(app), "the age")


async def test_ages_sort_the_youngest_first() -> None:
    days = {"old": 9, "new": 1, "middle": 5}
    rows = [cloud(name, created_at=NOW - timedelta(days=age)) for name, age in days.items()]
    async with running(world(*rows, cloud("unknown", created_at=None))) as (app, _):
        table(app).sort("age")
        shown = [row.key.partition(":")[2] for row in table(app)._model.shown]
        assert shown == ["new", "middle", "old", "unknown"]


async def test_a_slash_leads_from_the_detail_to_the_filter() -> None:
    async with running(world()) as (app, pilot):
        await pilot.press("enter", "slash", *"fraud", "enter")
        assert not app.screen.has_class("-detail")
        assert table(app).has_focus
        assert table(app).highlighted == "azureml:fraud"


async def test_filter_as_you_type_by_name_state_target_and_tag() -> None:
    async with running(world()) as (app, pilot):
        for text, names in [
            ("churn", {"azureml:churn"}),
            ("failed", {"azureml:churn"}),
            ("aks-prod", {"azureml:fraud"}),
            ("team=risk", {"azureml:fraud"}),
            ("!healthy", {"azureml:churn"}),
        ]:
            await pilot.press("slash")
            app.screen.query_one(Input).value = text
            await pilot.pause()
            shown = {row.key for row in table(app)._model.shown}
            assert shown == names, text
            await pilot.press("escape")
        assert table(app).shown == 4
        assert table(app).has_focus


async def test_when_the_workspace_goes_away_the_rows_stay_dim_with_their_age() -> None:
    given = world()
    async with running(given) as (app, pilot):
        given.workspace.error = UNREACHABLE
        given.now = NOW + timedelta(minutes=4)
        await pilot.press("r")
        await settled(pilot)
        assert table(app).total == 4
        assert all(row.dim for row in table(app)._model.rows)
        assert "Azure cannot be reached · data 4 min old" in screen_text(app)
        assert len(app._notifications) == 1
        await pilot.press("e")
        assert isinstance(app.screen, ErrorDialog)
        assert "Check the network." in screen_text(app)
        await pilot.press("escape")
        given.workspace.error = None
        await pilot.press("r")
        await settled(pilot)
        assert not any(row.dim for row in table(app)._model.rows)
        assert "cannot be reached" not in app.status.problem


async def test_one_toast_for_one_kind_of_error_however_often_it_comes() -> None:
    given = world()
    given.workspace.error = UNREACHABLE
    async with running(given) as (app, pilot):
        for _ in range(3):
            await pilot.press("r")
            await settled(pilot)
        assert len(app._notifications) == 1


async def test_without_an_engine_the_cloud_is_there_and_the_bar_says_so() -> None:
    given = world(engine=MemoryEngine(error=NO_ENGINE))
    async with running(given, (120, 40)) as (app, _):
        assert table(app).total == 4
        assert "No engine" in app.status.problem
        assert "no engine" in screen_text(app)


async def test_without_a_workspace_local_services_are_shown_and_the_way_is_told() -> None:
    local = Service(Ref("docker", "x"), "x", Kind.LOCAL, State.OK, "running", Can.LOGS)
    given = world(settings=Settings(), engine=MemoryEngine(local=(local,)))
    async with running(given) as (app, _):
        assert table(app).highlighted == "docker:x"
        assert "no workspace" in screen_text(app)
    given = world(settings=Settings())
    async with running(given) as (app, _):
        assert "--workspace-name" in table(app).empty


async def test_a_row_that_cannot_be_read_is_one_marked_row() -> None:
    odd = cloud(
        "odd", state=State.UNKNOWN, raw_state="", notes=("scoringUri is missing",), raw="{}"
    )
    async with running(world(cloud("fine"), odd), (160, 48)) as (app, pilot):
        assert table(app).total == 2
        await pilot.press("G")
        assert "? UNKNOWN" in screen_text(app)
        assert "scoringUri is missing" in detail(app)


async def test_the_error_payload_is_unfolded_and_its_cause_named() -> None:
    async with running(world(), (160, 48)) as (app, _):
        table(app).highlight("azureml:churn")
        await settled(_)
        assert "Root cause" in detail(app)
        assert "└─ CrashLoopBackOff: Your container crashed." in detail(app)


async def test_tiny_defaults_are_pointed_out() -> None:
    async with running(world(), (160, 48)) as (app, pilot):
        table(app).highlight("azureml:tiny")
        await settled(pilot)
        assert "0.1/0.5!" in screen_text(app)
        assert "the SDK's defaults" in detail(app)


async def test_keys_are_hidden_until_asked_for_and_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("amltui.panes.service_actions.KEYS_SHOWN_SECONDS", 1.0)
    async with running(world(), (160, 48)) as (app, pilot):
        assert "PRIMARY" not in screen_text(app)
        await pilot.press("K")
        await until(pilot, lambda: "PRIMARY-0000" in detail(app), "the key")
        await until(pilot, lambda: "PRIMARY-0000" not in detail(app), "hiding the key")


async def test_keys_of_one_service_are_not_shown_beside_another() -> None:
    async with running(world(), (160, 48)) as (app, pilot):
        await pilot.press("K")
        await until(pilot, lambda: "PRIMARY-0000" in detail(app), "the key")
        table(app).focus()
        await pilot.press("j")
        await pilot.pause()
        assert "PRIMARY-0000" not in detail(app)


async def test_a_service_without_keys_says_so() -> None:
    given = world()
    async with running(given) as (app, pilot):
        table(app).highlight("azureml:tiny")
        await pilot.press("K")
        await until(pilot, lambda: len(app._notifications) == 1, "a toast")
        assert "keys" not in given.workspace.asked


async def test_delete_wants_the_name_typed() -> None:
    given = world()
    async with running(given) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, TypeNameDialog), "the dialog")
        await pilot.press(*"churn2", "enter")
        assert given.workspace.deleted == []
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: bool(given.workspace.deleted), "the deletion")
        assert given.workspace.deleted == [Ref("azureml", "churn")]


async def test_read_only_mode_has_no_delete() -> None:
    given = world(settings=replace(World().settings, read_only=True))
    async with running(given) as (app, pilot):
        await pilot.press("D")
        await pilot.pause()
        assert isinstance(app.screen, ServicesPane)
        assert "READ-ONLY" in screen_text(app)


async def test_copy_says_what_was_sent_and_nothing_where_there_is_nothing() -> None:
    async with running(world()) as (app, pilot):
        table(app).highlight("azureml:diabetes")
        await pilot.press("y")
        assert app.clipboard == "http://diabetes.example.org/score"
        await pilot.press("Y")
        assert app.clipboard == "diabetes"
        table(app).highlight("azureml:churn")
        await pilot.press("y")
        await pilot.pause()
        assert any("no scoring URI" in toast.message for toast in app._notifications)


async def test_a_hostile_workspace_is_shown_literally_in_every_pane() -> None:
    failure = Failure(HOSTILE, HOSTILE, HOSTILE, (Failure(HOSTILE, HOSTILE),))
    bad = cloud(
        "bad", description=HOSTILE, tags=((HOSTILE, HOSTILE),), target=HOSTILE, failure=failure,
        created_by=HOSTILE, image=HOSTILE, raw_state=HOSTILE, notes=(HOSTILE,),
        state=State.FAILED,
    )  # fmt: skip
    error = AmltuiError(HOSTILE, HOSTILE, HOSTILE, problem=Problem.SERVER, detail=HOSTILE)
    given = world(bad)
    async with running(given, (120, 40)) as (app, pilot):
        given.workspace.error = error
        for keys in ["r", "e", "escape", "enter", "escape", "question_mark", "escape", "l",
                     "4", "3", "5", "escape", "1", "D", "escape", "ctrl+p", "escape"]:  # fmt: skip
            await pilot.press(keys)
            await settled(pilot)
            text = screen_text(app)
            assert not any(ord(char) < 32 and char != "\n" for char in text), keys
            assert "\x9b" not in text
            assert "\u202e" not in text
        assert "[bold]x" in app.status.problem


async def test_help_lists_the_keys_that_work_here() -> None:
    async with running(world(), (100, 50)) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for words in ("Scoring URI", "Filter", "Its log, live", "Leave amltui"):
            assert words.split(",")[0] in text, words
        await pilot.press("escape")
        assert isinstance(app.screen, ServicesPane)


async def test_the_palette_offers_what_the_pane_can_do() -> None:
    async with running(world()) as (app, _):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {"Refresh", "Show keys", "Copy URI", "Workspace", "Quit"} <= set(titles)


async def test_the_footer_has_six_keys_at_most() -> None:
    async with running(world()) as (app, _):
        shown = {b.binding.action for b in app.screen.active_bindings.values() if b.binding.show}
        assert len(shown) <= 6


async def test_the_banner_is_dismissed_for_good() -> None:
    given = world(banner=True)
    async with running(given) as (app, pilot):
        assert "2026-06-30" in screen_text(app)
        await pilot.press("x")
        await pilot.pause()
        assert "2026-06-30" not in screen_text(app)
        assert given.dismissed == [True]


async def test_a_device_code_is_shown_in_the_console_until_the_sign_in_is_done() -> None:
    given = world()
    given.workspace.device_code = True
    given.workspace.gate.clear()
    app = given.console()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DeviceCodeDialog), "the dialog")
        await until(pilot, lambda: "ABCD-EFGH" in screen_text(app), "the code")
        assert "https://example.org/device" in screen_text(app)
        given.workspace.gate.set()
        await until(pilot, lambda: isinstance(app.screen, ServicesPane), "its end")
        await until(pilot, lambda: table(app).total == 4, "the rows")


async def test_a_refused_sign_in_is_not_tried_again_by_itself_but_by_r() -> None:
    given = world()
    refused = AmltuiError("Wrong secret", "It is refused.", "Renew it.", problem=Problem.SIGN_IN)
    given.workspace.connect_errors = [refused]
    async with running(given) as (app, pilot):
        assert given.workspace.asked.count("connect") == 1
        assert "Wrong secret" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: table(app).total == 4, "the rows")
        assert app.status.problem == ""


async def test_another_workspace_replaces_the_rows() -> None:
    other = Choice("sub2", "rg2", "other", "config.toml")
    settings = replace(World().settings, choices=(other, Choice("sub", "rg", "prod", "flag")))
    given = world(settings=settings)
    async with running(given) as (app, pilot):
        await pilot.press("W")
        await until(pilot, lambda: "Open which workspace?" in screen_text(app), "the list")
        await pilot.press(*"other")
        given.workspace.rows = (cloud("elsewhere"),)
        await pilot.press("enter")
        await until(pilot, lambda: table(app).highlighted == "azureml:elsewhere", "its rows")
        assert given.opened[-1] == other
        assert "close" in given.workspace.asked


async def test_no_polling_while_the_pane_is_hidden() -> None:
    given = world(settings=replace(World().settings, refresh_seconds=0.01))
    async with running(given) as (_app, pilot):
        await pilot.press("5")
        await settled(pilot)
        asked = given.workspace.asked.count("services")
        for _ in range(5):
            await pilot.pause(0.01)
        assert given.workspace.asked.count("services") == asked
        await pilot.press("escape", "1")
        await until(pilot, lambda: given.workspace.asked.count("services") > asked, "a poll")


async def test_the_log_of_a_service_opens_with_l() -> None:
    async with running(world()) as (app, pilot):
        table(app).highlight("azureml:diabetes")
        await pilot.press("l")
        await until(pilot, lambda: "two" in screen_text(app), "the log")
        assert "diabetes" in screen_text(app)
        await pilot.press("1")
        assert isinstance(app.screen, ServicesPane)


async def test_an_error_nobody_expected_is_told_and_the_console_goes_on() -> None:
    async with running(world()) as (app, pilot):

        async def broken() -> None:
            raise ZeroDivisionError("an odd case")

        app.screen.run_worker(broken(), name="a pane's work", exit_on_error=False)
        await until(pilot, lambda: "Something unexpected" in app.status.problem, "the word of it")
        assert app.is_running
        await pilot.press("e")
        await until(pilot, lambda: "an odd case" in screen_text(app), "the details")
