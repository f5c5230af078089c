"""Opening logs from the Logs pane and from the services: every kind, alone and together."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, cast

import pytest

from amltui.app import Console
from amltui.domain.containers import ContainerRun
from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import Batch
from amltui.domain.models import Container
from amltui.panes.log_reader import LogReader
from amltui.panes.logs import LogsPane
from amltui.widgets.dialogs import ErrorDialog
from amltui.widgets.resource_table import ResourceTable
from amltui.widgets.tick_dialog import TickDialog
from amltui.workers import merge
from tests.golden import screen_text
from tests.panes.world import NO_ENGINE, MemoryEngine, MemoryWorkspace, World, cloud, running, until

API = Container("c-api", "api", "api:1", "running", "Up 3 minutes")
DB = Container("c-db", "db", "db:1", "running", "Up 3 minutes")
OLD = Container("c-old", "old", "old:1", "exited", "Exited (1) 2 hours ago")


def stamp(second: int) -> bytes:
    return b"2026-11-21T11:00:%02d.000000000Z" % second


class Log:
    """The log of a container that has ended."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batches(self) -> Any:
        yield self._batch

    def remainder(self) -> Batch | None:
        return None

    def close(self) -> None:
        return None


class Watch:
    """Nothing starts."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def wait(self) -> bool:
        return not self._closed.wait(60)

    def close(self) -> None:
        self._closed.set()


class Engine(MemoryEngine):
    """Each container wrote a line every other second, then ended."""

    def open_log(self, container_id: str, **_: Any) -> Log:
        seconds = range(10) if container_id == "c-api" else range(1, 10, 2)
        name = container_id[2:].encode()
        lines = [b"%s at %d" % (name, second) for second in seconds]
        return Log(Batch(0, lines, [stamp(s) for s in seconds], b"\1" * len(lines)))

    def container_run(self, container_id: str) -> ContainerRun:
        return ContainerRun(False, 3, started_at="2026-11-21T11:00:00Z")

    def watch_start(self, container_id: str) -> Any:
        return Watch()


def world(**more: Any) -> World:
    return replace(World(engine=Engine((API, DB, OLD)), pane="logs"), **more)


def header(app: Console) -> str:
    return str(cast(LogsPane, app.screen).query_one("#source").content)  # type: ignore[attr-defined]


def rows(app: Console) -> list[str]:
    view = app.screen.query_one(LogReader).view
    return [view.render_line(y).text[:-1].rstrip() for y in range(view.size.height)]


async def listed(app: Console, pilot: Any) -> list[str]:
    """What is offered, once everybody was asked."""
    await pilot.press("a")
    await until(pilot, lambda: isinstance(app.screen, TickDialog), "the list")
    await until(pilot, lambda: app.screen.query_one(ResourceTable).shown > 0, "its rows")
    table = app.screen.query_one(ResourceTable)
    return [table.render_line(y).text.rstrip() for y in range(1, table.size.height)]


async def test_e_tells_the_error_of_the_log_that_is_shown() -> None:
    async with running(world()) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "exit code 3" in header(app), "the end")
        (log,) = cast(LogsPane, app.screen)._logs
        log.error = AmltuiError("No answer from the engine", "It was lost.", "Start it again.")
        await pilot.press("e")
        assert isinstance(app.screen, ErrorDialog)
        assert "Start it again." in screen_text(app)


async def test_several_that_are_ticked_are_one_log_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "FIRST", 30.0)  # the first lines may take long on a busy machine
    async with running(world()) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("space", "space", "enter")
        await until(pilot, lambda: any("db at 9" in row for row in rows(app)), "the lines")
        seen = [row.split() for row in rows(app) if " at " in row]
        assert [(row[0], int(row[-1])) for row in seen] == [
            (name, second)
            for second in range(10)
            for name in (("api", "db") if second % 2 else ("api",))
        ]
        await until(pilot, lambda: "exit code 3" in header(app), "the end")
        both = "2 logs by time: api, db (this machine): the container ended: exit code 3"
        await until(pilot, lambda: header(app).startswith(both), "the end of both, said once")


async def test_what_is_offered_and_what_is_missing() -> None:
    failed = cloud("churn", raw_state="Failed")
    async with running(world(workspace=MemoryWorkspace((failed,)))) as (app, pilot):
        await until(pilot, lambda: app.workspace_info is not None, "the workspace")
        offered = await listed(app, pilot)
        await until(pilot, lambda: app.screen.query_one(ResourceTable).shown == 6, "all of them")
        table = app.screen.query_one(ResourceTable)
        offered = [table.render_line(y).text.rstrip(" │") for y in range(1, 7)]
        assert [row.split(maxsplit=1 + row.startswith("▌"))[-1] for row in offered] == [
            "service, ACI westeurope, Failed",
            "container, Up 3 minutes",
            "container, Up 3 minutes",
            "init container",
            "image build",
            "container, Exited (1) 2 hours ago",
        ]
        app.workspace_info = None
        cast(MemoryEngine, app.containers._engine).error = NO_ENGINE
        await pilot.press("escape")
        await listed(app, pilot)
        remark = app.screen.query_one("#remark")
        await until(pilot, lambda: "No engine" in str(remark.content), "what is missing")  # type: ignore[attr-defined]


async def test_a_filter_takes_no_space_and_enter_alone_opens_the_row() -> None:
    async with running(world()) as (app, pilot):
        await listed(app, pilot)
        await pilot.press(*"db", "enter")
        await until(pilot, lambda: any("db at 9" in row for row in rows(app)), "the log")
        assert header(app).startswith("container db (this machine)")


async def test_the_build_log_of_a_service() -> None:
    workspace = MemoryWorkspace((cloud("churn"),), text="Step 1/9 : FROM x\nnumpy is missing\n")
    async with running(replace(world(workspace=workspace), pane="services")) as (app, pilot):
        await until(pilot, lambda: bool(app.services.rows), "the services")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, LogsPane), "the pane")
        await until(pilot, lambda: any("numpy" in row for row in rows(app)), "the log")
        assert header(app).startswith("image build of churn (ACI westeurope), polled")
        assert "build log" in workspace.asked
