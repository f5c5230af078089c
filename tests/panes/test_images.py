"""The Images pane: what is listed, one in detail, its log, and the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.images import EnvironmentVersion, LegacyImage
from amltui.domain.logsource import LogSource
from amltui.domain.models import Ref
from amltui.panes.images import NONE, ImagesPane
from amltui.panes.logs import LogsPane
from amltui.panes.pane import WorkspaceSwitched
from amltui.widgets.dialogs import ConfirmDialog, ErrorDialog
from tests.golden import compare, screen_text

from .world import HOSTILE, NOW, MemoryWorkspace, World, running, settled, until

REGISTRY = "contoso.azurecr.io"
IMAGES = (
    LegacyImage("pricing", "11", "Failed", f"{REGISTRY}/pricing:11", "WebApiContainer",
                NOW - timedelta(days=700), ("pricing-rules:2",), has_log=True,
                problem="The image could not be built."),
    LegacyImage("pricing", "2", "Succeeded", f"{REGISTRY}/pricing:2", "WebApiContainer",
                NOW - timedelta(days=720), ("pricing-rules:1",), tags=(("area", "pricing"),)),
)  # fmt: skip


class ImagesWorkspace(MemoryWorkspace):
    """A workspace with legacy images."""

    kept: tuple[LegacyImage, ...] = IMAGES

    def images(self) -> tuple[LegacyImage, ...]:
        self._answer("images")
        return self.kept


ENVIRONMENTS = (
    EnvironmentVersion("AzureML-sklearn", "1", "base:1", ("python=3.8",)),
    EnvironmentVersion("scoring", "3", "base:1", ("python=3.10", "azureml-defaults==1.61.0")),
)


def world(**changes: Any) -> World:
    """A console that opens on the images."""
    held = {"known_environments": (), **changes}
    return World(workspace=ImagesWorkspace(**held), pane="images")


async def listed(app: Any, pilot: Any) -> ImagesPane:
    await until(pilot, lambda: isinstance(app.screen, ImagesPane), "the pane")
    pane = app.screen
    assert isinstance(pane, ImagesPane)
    await until(pilot, lambda: pane.table.total >= 2, "the list")
    return pane


@pytest.mark.parametrize("size", [(80, 24), (60, 16)], ids=str)
async def test_images_are_shown_by_name_and_version(size: tuple[int, int]) -> None:
    async with running(world(), size) as (app, pilot):
        await listed(app, pilot)
        compare(f"images-{size[0]}x{size[1]}", screen_text(app))
        await pilot.press("enter")
        await settled(pilot)
        compare(f"images-detail-{size[0]}x{size[1]}", screen_text(app))


async def test_the_build_log_is_one_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[LogSource] = []
    monkeypatch.setattr(LogsPane, "open", lambda _, source: opened.append(source))
    async with running(world()) as (app, pilot):
        pane = await listed(app, pilot)
        pane.table.highlight("pricing:11")
        await pilot.press("l")
        await until(pilot, lambda: bool(opened), "the log")
        assert opened[0].words == "image build of pricing:11 (legacy image)"


async def test_an_environment_says_whether_it_is_built() -> None:
    async with running(world(known_environments=ENVIRONMENTS)) as (app, pilot):
        pane = await listed(app, pilot)
        pane.table.highlight("environment AzureML-sklearn:1")
        await until(pilot, lambda: "● built" in screen_text(app), "its image")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "not in the registry" in screen_text(app), "the other image")
        compare("images-environment-80x24", screen_text(app))


async def test_an_environment_whose_image_cannot_be_asked_for_says_so_and_is_asked_again() -> None:
    held = world(known_environments=ENVIRONMENTS)
    async with running(held, (160, 48)) as (app, pilot):
        pane = await listed(app, pilot)
        held.workspace.error = AmltuiError("Azure cannot be reached")
        pane.table.highlight("environment scoring:3")
        await until(pilot, lambda: "reached. r asks again." in screen_text(app), "the reason")
        held.workspace.error = None
        await pilot.press("r")
        await until(pilot, lambda: "not in the registry" in screen_text(app), "its image")


async def test_an_environment_may_be_called_like_a_legacy_image() -> None:
    one = EnvironmentVersion("pricing", "2")
    async with running(world(known_environments=(one,))) as (app, pilot):
        pane = await listed(app, pilot)
        assert pane.table.total == 3
        pane.table.highlight("environment pricing:2")
        assert pane.selected == one


@pytest.mark.parametrize(("name", "asked"), [("AzureML-sklearn:1", False), ("scoring:3", True)])
async def test_an_environment_s_image_is_built_for_its_log_after_a_question(
    monkeypatch: pytest.MonkeyPatch, name: str, asked: bool
) -> None:
    opened: list[LogSource] = []
    monkeypatch.setattr(LogsPane, "open", lambda _, source: opened.append(source))
    held = world(known_environments=ENVIRONMENTS)
    async with running(held) as (app, pilot):
        pane = await listed(app, pilot)
        pane.table.highlight(f"environment {name}")
        await until(pilot, lambda: "environment image" in held.workspace.asked, "its image")
        await settled(pilot)
        await pilot.press("l")
        if asked:
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
            assert "build environment" not in held.workspace.asked
            await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(opened), "the log")
        assert opened[0].words == f"image build of {name} (environment)"
        assert opened[0].ref == Ref("azureml", f"https://build.example/{name.replace(':', '/')}")


async def test_another_workspace_is_not_said_to_be_empty_before_it_was_asked() -> None:
    held = world()
    async with running(held) as (app, pilot):
        pane = await listed(app, pilot)
        held.workspace.gate.clear()
        pane.post_message(WorkspaceSwitched())
        await until(pilot, lambda: pane.table.total == 0, "nothing of the old one")
        shown = screen_text(app)
        assert "Asking the workspace" in shown
        assert NONE not in shown
        held.workspace.gate.set()
        await until(pilot, lambda: pane.table.total == 2, "the other list")


async def test_read_only_builds_nothing() -> None:
    held = world(known_environments=ENVIRONMENTS)
    held.settings = replace(held.settings, read_only=True)
    async with running(held) as (app, pilot):
        pane = await listed(app, pilot)
        pane.table.highlight("environment scoring:3")
        await until(pilot, lambda: "environment image" in held.workspace.asked, "its image")
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the refusal")
        assert "build environment" not in held.workspace.asked


async def test_escape_leads_back_step_by_step() -> None:
    async with running(world()) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("enter", "escape", "slash", *"fail", "enter")
        await settled(pilot)
        assert app.screen.query_one("#table").shown == 1  # type: ignore[attr-defined]
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen.query_one("#table").shown == 2  # type: ignore[attr-defined]
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "deploy", "the deployments")


async def test_what_went_wrong_is_told() -> None:
    error = AmltuiError("No permission", "You may not list images.", problem=Problem.PERMISSION)
    async with running(world(error=error)) as (app, pilot):
        await until(pilot, lambda: "You may not list images." in screen_text(app), "the error")


async def test_hostile_texts_stay_text() -> None:
    held = world()
    image = LegacyImage(HOSTILE, "1", HOSTILE, HOSTILE, HOSTILE, tags=((HOSTILE, HOSTILE),))
    held.workspace.kept = (image, IMAGES[0])  # type: ignore[attr-defined]
    async with running(held) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("g", "enter")
        await settled(pilot)
        assert not set(screen_text(app)) & set("\x1b\x07\x9b\u202e")
