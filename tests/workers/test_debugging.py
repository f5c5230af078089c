"""Debugging step by step: logins that run out, ports that are taken, and a wait with an end."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from amltui.domain import launchjson
from amltui.domain.debugwait import Level, Look, Stage, words
from amltui.domain.errors import AmltuiError, Problem
from amltui.workers import debugging as module
from amltui.workers.debugging import Debugging

from .debug_world import LOCATION, SECRET, MemoryDebugTools, wish


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKS_EVERY", 0.001)


def nothing(_: object) -> None:
    return None


async def pulled(tools: MemoryDebugTools, tell: Callable[[str], None] = nothing) -> Debugging:
    debugging = Debugging(tools, wish())
    await debugging.fetch(await debugging.package(nothing), tell)
    return debugging


async def test_all_of_it_in_order() -> None:
    tools, told = MemoryDebugTools(), list[str]()
    debugging = await pulled(tools, told.append)
    change = await debugging.launch_change()
    await debugging.write_launch(change)
    entry = json.loads(tools.launch)["configurations"][0]
    mapping = {"localRoot": "${workspaceFolder}/src", "remoteRoot": "/var/azureml-app/src"}
    assert (entry["connect"]["port"], entry["pathMappings"]) == (5678, [mapping])
    marks = await debugging.preflight(await debugging.launch_change())
    assert {mark.level for mark in marks} == {Level.OK}
    assert await debugging.start() == "debug"
    seen = [look.stage async for look, _ in debugging.watch()]
    assert seen == [Stage.STARTING, Stage.WAITING, Stage.ATTACHED, Stage.ATTACHED]
    assert "5 MB of 10 MB, 0 of 1 layers are here" in told
    assert SECRET not in repr(debugging.__dict__) + "".join(told)


async def test_a_login_that_ran_out_is_renewed_once() -> None:
    tools, told = MemoryDebugTools(void={SECRET}), list[str]()
    await pulled(tools, told.append)
    assert [each for each in tools.asked if each in ("pull", "login")] == ["pull", "login", "pull"]
    assert "The login was refused; asking for a new one." in told
    tools = MemoryDebugTools(void={SECRET, f"{SECRET}-new"})
    with pytest.raises(AmltuiError, match="refuses the login") as caught:
        await pulled(tools)
    assert (caught.value.problem, tools.asked.count("pull")) == (Problem.SIGN_IN, 2)


async def test_what_else_is_wrong_with_a_pull_is_not_tried_again() -> None:
    full = AmltuiError("The engine's disk is full", problem=Problem.ENGINE)
    tools = MemoryDebugTools(errors={"pull": [full]})
    with pytest.raises(AmltuiError, match="disk is full"):
        await pulled(tools)
    assert "login" not in tools.asked


async def test_taken_ports_are_said_and_the_next_free_ones_used() -> None:
    holders = {5001: "taken by the container web", 5678: "taken by a program of this machine"}
    tools = MemoryDebugTools(taken=holders)
    debugging = Debugging(tools, wish())
    assert await debugging.choose_ports() == (
        "Port 5001 is taken by the container web: 5002 is used instead.",
        "Port 5678 is taken by a program of this machine: 5679 is used instead.",
    )
    assert (debugging.wish.http_port, debugging.wish.debug_port) == (5002, 5679)
    change = await debugging.launch_change()
    assert '"port": 5679' in change.after


async def test_what_keeps_it_from_starting_is_marked() -> None:
    tools = MemoryDebugTools(version="", local=False, program=("", False), launch="{}")
    debugging = await pulled(tools)
    marks = await debugging.preflight(await debugging.launch_change())
    found = {mark.level: mark for mark in marks}
    assert found[Level.BAD].title == "debug:1 has no debugpy"
    assert "VS Code is not found" in found[Level.UNKNOWN].title
    assert any("ssh -L 5678:localhost:5678" in mark.hint for mark in marks)
    assert any("lacks the configuration" in mark.title for mark in marks)


async def test_an_image_that_cannot_be_asked_is_no_obstacle() -> None:
    no_shell = AmltuiError("There is no shell in this image", problem=Problem.NOT_FOUND)
    debugging = await pulled(MemoryDebugTools(errors={"debugger_in": [no_shell]}))
    marks = await debugging.preflight(await debugging.launch_change())
    assert [mark.hint for mark in marks if mark.level is Level.UNKNOWN] == [no_shell.title]


async def test_the_wait_counts_down_from_when_it_began_and_has_an_end() -> None:
    looks = [Look(Stage.STARTING), *[Look(Stage.WAITING)] * 3, Look(Stage.MISSED, answers=True)]
    times = iter(range(1_000))
    debugging = Debugging(
        MemoryDebugTools(looks=looks), wish(wait=20), clock=lambda: float(next(times))
    )
    debugging.container = "c0ffee"
    seen = [(look.stage, left) async for look, left in debugging.watch()]
    assert [left for stage, left in seen if stage is Stage.WAITING] == sorted(
        (left for stage, left in seen if stage is Stage.WAITING), reverse=True
    )
    assert seen[0] == (Stage.STARTING, 20.0)
    assert seen[-1][0] is Stage.MISSED
    assert "breakpoints in run() work" in words(Look(Stage.MISSED), 0.0, 5678)


async def test_a_debugger_that_comes_late_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATE_LOOKS_EVERY", 0.001)
    missed, busy = Look(Stage.MISSED, answers=True), Look(Stage.STARTING, answers=True)
    restarted = [Look(Stage.STARTING), Look(Stage.WAITING)]
    looks = [missed, missed, busy, *restarted, missed, Look(Stage.ATTACHED, answers=True)]
    debugging = Debugging(MemoryDebugTools(looks=[*looks]), wish())
    seen = [look.stage async for look, _ in debugging.watch(late=True)]
    # A log so long that its beginning is not read any more is not a container that starts.
    assert seen == [Stage.MISSED] * 3 + [look.stage for look in looks[3:]]
    debugging = Debugging(MemoryDebugTools(looks=[*looks]), wish())
    assert [look.stage async for look, _ in debugging.watch()] == [Stage.MISSED]


async def test_read_only_packages_and_starts_nothing() -> None:
    tools = MemoryDebugTools()
    debugging = Debugging(tools, wish(), read_only=True)
    for refused in (debugging.describe, debugging.start):
        with pytest.raises(AmltuiError, match="read-only"):
            await refused()
    with pytest.raises(AmltuiError, match="read-only"):
        await debugging.package(nothing)
    assert tools.asked == ["cancel"] or tools.asked == []


async def test_an_entry_that_is_there_already_is_no_change() -> None:
    tools = MemoryDebugTools()
    debugging = await pulled(tools)
    await debugging.write_launch(await debugging.launch_change())
    again = await debugging.launch_change()
    assert (again.diff, LOCATION.startswith("registry")) == ("", True)
    assert launchjson.NAME in again.before


def test_zeros_in_front_hide_no_number_that_is_too_large() -> None:
    with pytest.raises(AmltuiError, match="from 1 to 3,600"):
        wish().typed("00000000199999999", "5001", "5678", "no")
