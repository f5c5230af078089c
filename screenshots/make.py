"""Make the screenshots of the README from the demo: `python screenshots/make.py`.

The demo's clock stands still and its engine has no containers, so that the same pictures come out
every time. PNGs need cairosvg (`pip install cairosvg`) and a monospaced font of the machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.pilot import Pilot

import amltui.demo
from amltui.adapters.pager import page
from amltui.app import Console
from amltui.backends import Backends
from amltui.demo.launcher import start
from amltui.domain.models import Container, EngineInfo, Image, Service
from amltui.panes.launch import Launch
from amltui.panes.logs import LogsPane
from amltui.panes.wizard import WizardPane
from amltui.settings import Settings
from amltui.widgets.dialogs import ChoiceDialog
from amltui.widgets.resource_table import ResourceTable

HERE = Path(__file__).parent
MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
FONT = "DejaVu Sans Mono"

Steps = Callable[[Console, Pilot[Any]], Awaitable[None]]


class QuietEngine:
    """An engine without containers, so that the pictures do not show this machine's."""

    def info(self) -> EngineInfo:
        """Any version will do."""
        return EngineInfo("Docker", "28.0.4", "1.48", "unix:///var/run/docker.sock")

    def containers(self) -> tuple[Container, ...]:
        """None."""
        return ()

    def services(self) -> tuple[Service, ...]:
        """None."""
        return ()

    def images(self) -> tuple[Image, ...]:
        """None."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Wait until something holds of the console."""
    for _ in range(1000):
        if holds():
            await pilot.pause(0.3)
            return
        await pilot.pause(0.02)
    raise RuntimeError("the console did not come so far")


async def services(console: Console, pilot: Pilot[Any]) -> None:
    """The list with a failed service in detail."""
    table = console.screen.query_one(ResourceTable)
    await until(pilot, lambda: table.total > 10)
    await pilot.press("x")
    table.highlight("azureml:claims-triage")
    await pilot.pause(0.5)


async def diagnosis(console: Console, pilot: Pilot[Any]) -> None:
    """The log of a service that failed, and what it shows beside it."""
    await services(console, pilot)
    await pilot.press("l")
    await until(pilot, lambda: isinstance(console.screen, LogsPane))
    await pilot.pause(2)
    await pilot.press("d")
    await pilot.pause(1)


async def wizard(console: Console, pilot: Pilot[Any]) -> None:
    """The target of a deployment, with the SDK's defaults."""
    await services(console, pilot)
    await pilot.press("3", "n")
    await until(pilot, lambda: isinstance(console.screen, ChoiceDialog))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(console.screen, WizardPane))
    typed = ["enter", *"model.json", "enter", *"diabetes", "pagedown"]
    typed += [*".", "enter", *"score.py", "enter", "enter", *"conda.yml", "pagedown"]
    await pilot.press(*typed, *"diabetes-aci", "enter", "right", "right", "enter")
    await pilot.pause(1)


SHOTS: dict[str, Steps] = {"services": services, "diagnosis": diagnosis, "wizard": wizard}


async def shoot(name: str, steps: Steps, address: str) -> None:
    """One picture, as SVG and PNG."""
    os.environ["AMLTUI_DEMO_SERVER"] = address
    backends = Backends(Settings(), demo=True, clock=lambda: MOMENT)
    backends.engine = QuietEngine()  # type: ignore[assignment]
    launch = Launch(
        backends.settings,
        backends.containers,
        lambda: backends.bench,
        backends.open_services,
        clock=lambda: MOMENT,
        page=page,
        planning=lambda: backends.planning,
        start_plan=backends.start_plan,
    )
    console = Console(launch)
    try:
        async with console.run_test(size=(132, 36)) as pilot:
            await steps(console, pilot)
            svg = console.export_screenshot(title="amltui")
    finally:
        backends.close()
    # Without the web font a renderer would fall back to a proportional one and misplace the text.
    svg = svg.replace("Fira Code", FONT)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
    try:
        import cairosvg
    except ImportError:
        print(f"{name}.svg made; install cairosvg for the PNG")  # noqa: T201
        return
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(HERE / f"{name}.png"), scale=1.5)


def main() -> None:
    """All pictures."""
    os.chdir(Path(amltui.demo.__file__).parent / "project")  # what the wizard's paths begin at
    with TemporaryDirectory() as state, start(images=False, clock=MOMENT.timestamp()) as server:
        os.environ["XDG_STATE_HOME"] = state  # drafts of these pictures are nobody's
        for name, steps in SHOTS.items():
            asyncio.run(shoot(name, steps, server.address))


if __name__ == "__main__":
    main()
