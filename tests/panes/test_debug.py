"""The debug screen: what is asked, what is shown, and how it goes on after trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from amltui.app import Console
from amltui.domain.debugpull import refusal
from amltui.domain.debugwait import Look, Stage
from amltui.domain.drafts import Draft
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.panes.debug import DebugPane
from amltui.panes.logs import LogsPane
from amltui.settings import Settings
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import ConfirmDialog, ErrorDialog
from amltui.widgets.fields_dialog import FieldsDialog
from amltui.widgets.path_dialog import PathDialog
from amltui.workers import debugging as module
from amltui.workers.debugging import Debugging
from amltui.workers.deployments import Deployments
from amltui.workers.planning import Planning
from tests.golden import compare, screen_text
from tests.workers.debug_world import SECRET, MemoryDebugTools, wish

from .world import HOSTILE, MemoryWorkspace, World, believable, running, settled, until

Screen = tuple[Console, Pilot[int]]


@dataclass
class NoRuns:
    """Runs of which there are none."""

    async def run(self, run: str) -> Any:
        raise AmltuiError(f"There is no run {run}.", problem=Problem.NOT_FOUND)


@dataclass
class DebugWorld(World):
    """A console whose debugging is in memory."""

    debug_tools: MemoryDebugTools = field(default_factory=MemoryDebugTools)
    made: list[tuple[Plan, str]] = field(default_factory=list)

    def console(self) -> Console:
        def make(plan: Plan, folder: str) -> Debugging:
            self.made.append((plan, folder))
            return Debugging(self.debug_tools, wish(), read_only=self.settings.read_only)

        launch = super().console().launch
        runs = cast(Deployments, NoRuns())
        return Console(replace(launch, debug=make, deployments=lambda: runs))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> DebugWorld:
    monkeypatch.setattr(module, "LOOKS_EVERY", 0.001)
    return DebugWorld(MemoryWorkspace(believable()))


@asynccontextmanager
async def opened(
    world: DebugWorld, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Console, Pilot[int], DebugPane]]:
    """The debug screen, at its first question: waits and ports are left as they are."""
    async with running(world, size) as (app, pilot):
        pane = DebugPane(Debugging(world.debug_tools, wish()))
        await app.push_screen(pane)
        await options(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the first question")
        yield app, pilot, pane


async def options(app: Console, pilot: Pilot[int], *typed: tuple[str, ...]) -> str:
    """Go through the fields of the options, of which some are typed anew; returns them."""
    await until(pilot, lambda: isinstance(app.screen, FieldsDialog), "the options")
    text, dialog = screen_text(app), app.screen
    for keys in typed:
        await pilot.press("ctrl+u", *keys, "enter")
    await pilot.press(*["enter"] * (4 - len(typed)))
    await until(pilot, lambda: app.screen is not dialog, "the next")
    return text


async def answer(app: Console, pilot: Pilot[int], yes: bool = True) -> str:
    """Answer the question on the screen; returns it."""
    await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "a question")
    dialog = app.screen
    text = screen_text(app)
    await pilot.press(*(("right", "enter") if yes else ("escape",)))
    await until(pilot, lambda: app.screen is not dialog, "the next")
    return text


def shown(pane: DebugPane) -> str:
    """All that stands in the pane."""
    sections = pane._sections()
    return "\n".join(" ".join(map(str, item[:2])) for part in sections for item in part.items)


async def test_from_the_plan_to_the_debugger(world: DebugWorld) -> None:
    async with opened(world) as (app, pilot, pane):
        assert "amltui_debug.py" in await answer(app, pilot)
        assert '+    "version": "0.2.0"' in await answer(app, pilot)
        assert "✓ debug:1 has debugpy 1.8.22" in await answer(app, pilot)
        await until(
            pilot, lambda: "Attach The debugger is attached. The service" in shown(pane), "it"
        )
        await settled(pilot)
        compare("debug-attached-80x24", screen_text(app))
        assert SECRET not in screen_text(app) + shown(pane)
        assert "Docker Debug" in world.debug_tools.launch
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogsPane), "the log")


async def test_no_packages_nothing_and_n_asks_again(world: DebugWorld) -> None:
    async with opened(world, (60, 16)) as (app, pilot, pane):
        await answer(app, pilot, yes=False)
        assert "n goes on." in shown(pane)
        assert "package" not in world.debug_tools.asked
        await pilot.press("n")
        await options(app, pilot)
        await answer(app, pilot)
        await until(pilot, lambda: "package" in world.debug_tools.asked, "the package")


async def test_the_wait_and_the_ports_can_be_chosen(world: DebugWorld) -> None:
    world.debug_tools.taken = {5001: "taken by the container web", 6001: "taken by another"}
    async with running(world) as (app, pilot):
        pane = DebugPane(Debugging(world.debug_tools, wish()))
        await app.push_screen(pane)
        offered = await options(app, pilot, ("9", "0"), ("7", "0", "0", "0", "0"))
        assert "5001 is taken by the container web: 5002 is used instead." in offered
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the refusal")
        assert "a number from 1 to 65,535" in screen_text(app)
        await pilot.press("escape", "n")
        again = await options(app, pilot, ("9", "0"), ("6", "0", "0", "1"), ("6", "0", "0", "1"))
        assert "70000" in again  # what was typed is not lost
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the other refusal")
        assert "Both ports are 6001" in screen_text(app)
        await pilot.press("escape", "n")
        chosen = ("9", "0"), ("6", "0", "0", "1"), ("6", "0", "0", "8"), ("y", "e", "s")
        await options(app, pilot, *chosen)
        question = await answer(app, pilot)
        assert "Port 6001 is taken by another: 6002 is used instead." in question
        assert "waits 90 s" in question
        made = pane._debugging.wish
        assert (made.wait, made.http_port, made.debug_port, made.vim) == (90, 6002, 6008, True)
        assert '"port": 6008' in await answer(app, pilot)


async def test_a_refused_pull_is_explained_and_repeated_alone(world: DebugWorld) -> None:
    full = refusal("registry.example.org/x:1", f"no space left on device {HOSTILE}")
    world.debug_tools.errors["pull"] = [full]
    async with opened(world) as (app, pilot, pane):
        await answer(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the error")
        assert "The engine's disk is full" in screen_text(app)
        await pilot.press("escape")
        assert "✗ Pull the image" in shown(pane)
        await pilot.press("n")
        await answer(app, pilot)  # launch.json: the pull went well
        assert world.debug_tools.asked.count("package") == 1
        assert world.debug_tools.asked.count("pull") == 2


async def test_an_image_without_debugpy_does_not_start(world: DebugWorld) -> None:
    world.debug_tools.version = ""
    async with opened(world) as (app, pilot, pane):
        await answer(app, pilot)
        await answer(app, pilot)
        await until(pilot, lambda: "✗ Pre-flight" in shown(pane), "the list")
        assert "✗ debug:1 has no debugpy" in shown(pane)
        assert "run" not in world.debug_tools.asked


@pytest.mark.parametrize(
    ("last", "glyph"),
    [
        (Look(Stage.MISSED, answers=True), "! Attach"),
        (Look(Stage.ENDED, f"exit code 1 {HOSTILE}"), "✗ Run it"),
    ],
)
async def test_a_wait_that_ends_otherwise_says_how(
    world: DebugWorld, last: Look, glyph: str
) -> None:
    world.debug_tools.looks = [Look(Stage.WAITING), last]
    async with opened(world) as (app, pilot, pane):
        for _ in range(3):
            await answer(app, pilot)
        await until(pilot, lambda: glyph in shown(pane), "the end")
        assert app.screen.query_one(DetailPanel)  # hostile text has broken nothing


async def test_leaving_asks_only_while_something_would_be_given_up(world: DebugWorld) -> None:
    async with opened(world) as (app, pilot, pane):
        await answer(app, pilot, yes=False)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not pane and pane not in app.screen_stack, "away")


async def test_a_service_without_a_run_asks_for_its_plan(world: DebugWorld) -> None:
    async with running(world) as (app, pilot):
        planning = cast(Planning, OnePlan())
        app.launch = replace(app.launch, planning=lambda: planning)
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the question")
        assert "No run here deployed" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: bool(world.made), "the debugging")
        assert world.made[0][1] == "/plans"


class OnePlan:
    """One plan file."""

    async def suggest(self, typed: str) -> str:
        return ""

    async def open_file(self, typed: str) -> Any:
        return Draft("1", "/plans", wish().plan.to_dict())


async def test_read_only_has_no_such_key(world: DebugWorld) -> None:
    world.settings = Settings("sub", "rg", "prod", read_only=True)
    async with running(world) as (app, pilot):
        await pilot.press("V")
        await settled(pilot)
        assert not world.made
        assert not isinstance(app.screen, DebugPane)
