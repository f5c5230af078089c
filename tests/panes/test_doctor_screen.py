"""The doctor's screen: checks appear as they end, and the one under the cursor is told in full."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from amltui.app import Console
from amltui.domain import doctor
from amltui.domain.doctor import Check
from amltui.panes.doctor import DoctorScreen
from amltui.panes.services import ServicesPane
from amltui.workers.doctor import Doctor
from tests.golden import screen_text

from .world import World, running, until


def held(slow: threading.Event) -> Doctor:
    def waits() -> doctor.Verdict:
        slow.wait(20)
        return doctor.failed("No engine. It does not run.", "sudo systemctl start docker")

    looks = (
        ("Python", lambda: doctor.ok("Python 3.11.7")),
        ("Terminal", lambda: doctor.warning("TERM is dumb", "export TERM=xterm-256color")),
        ("Container engine", waits),
        ("Role", lambda: doctor.not_tried("Nobody is signed in.", "az login")),
    )
    return Doctor([Check(title, "This machine", title, 30.0, look) for title, look in looks])


def console(made: list[threading.Event]) -> World:
    """A world whose console has a doctor."""

    class Healthy(World):
        def console(self) -> Console:
            app = super().console()

            def make() -> Doctor:
                made.append(threading.Event())
                return held(made[-1])

            app.launch = replace(app.launch, doctor=make)
            return app

    return Healthy()


def summary(app: Console) -> str:
    return screen_text(app).splitlines()[0]


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_checks_are_shown_as_they_end(size: tuple[int, int]) -> None:
    made: list[threading.Event] = []
    async with running(console(made), size) as (app, pilot):
        await pilot.press("H")
        await until(pilot, lambda: "1 under way" in summary(app), "the quick ones")
        made[-1].set()
        await until(pilot, lambda: "1 failed" in summary(app), "the slow one")
        await pilot.press("j", "j")
        await until(pilot, lambda: "systemctl" in screen_text(app), "the remedy")
        await pilot.press("escape")
        assert isinstance(app.screen, ServicesPane)


async def test_r_makes_them_again() -> None:
    made: list[threading.Event] = []
    async with running(console(made)) as (app, pilot):
        await pilot.press("H")
        await until(pilot, lambda: "1 under way" in summary(app), "the quick ones")
        await pilot.press("r")
        await until(pilot, lambda: len(made) == 2, "another doctor")
        made[1].set()
        await until(pilot, lambda: "under way" not in summary(app), "the end")
        made[0].set()
        assert isinstance(app.screen, DoctorScreen)
