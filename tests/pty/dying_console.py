"""A console that starts a run and dies of a signal: what becomes of the run, and what is told."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from amltui.adapters.runs import RunProcesses
from amltui.domain.plan import Plan
from amltui.domain.run import JOURNAL
from amltui.workers.deployments import Deployments, RunSummary
from tests.adapters.run_world import World

from .terminal import Terminal

# The console as `amltui demo` opens it; it starts a run as if somebody had agreed to it.
CONSOLE = """
import sys
from pathlib import Path
from amltui import app, launch
from amltui.adapters.files import plans
from amltui.settings import load

async def begin(console):
    path = Path(sys.argv[1])
    run = await console.launch.start_plan(plans.load(path), str(path.parent))
    await console.action_pane("deploy")
    console.screen.began(run)

mount = app.Console.on_mount

async def on_mount(console):
    await mount(console)
    console.run_worker(begin(console), exit_on_error=False)

app.Console.on_mount = on_mount
sys.exit(launch.open_console(load({}), demo=True, keep=False, pane="services"))
"""


@dataclass
class Round:
    """One console and its run, whose state is kept in a folder of their own."""

    world: World
    plan: Plan
    folder: Path
    deployments: Deployments = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            "AMLTUI_DEMO_SERVER": self.world.server.address,
            "XDG_STATE_HOME": str(self.folder),
            "DOCKER_HOST": "unix:///nowhere/docker.sock",  # nothing is built in it
        }
        self.runs_dir = self.folder / "amltui" / "runs"
        self.deployments = Deployments(self.runs_dir, RunProcesses(), time.time)

    def die(self, how: int, ready: Callable[[Terminal], object], after: float = 0.0) -> None:
        """Open the console and end it so many seconds after it is as wanted."""
        file = self.world.project / f"{self.plan.name}.yml"
        with open(file, "w", encoding="utf-8") as out:
            YAML().dump(self.plan.to_dict(), out)
        command = [sys.executable, "-c", CONSOLE, str(file)]
        with Terminal(command, environment=self.environment) as terminal:
            ready(terminal)
            time.sleep(after)
            if how == signal.SIGHUP:
                terminal.hang_up()
            else:
                os.kill(terminal.pid, how)
            assert terminal.wait(20) is not None, "the console goes on without its terminal"

    def reached(self, step: str) -> bool:
        """Whether the journal says that a step has begun."""
        began = re.compile(rf'"event":"StepStarted",.*"step":"{step}"')
        return any(began.search(path.read_text()) for path in self.runs_dir.glob(f"*/{JOURNAL}"))

    def ended(self, limit: float = 60.0) -> RunSummary | None:
        """The run once no process works on it any more; None if it never began."""
        deadline = time.monotonic() + limit
        while True:
            found = asyncio.run(self.deployments.runs())
            assert len(found) <= 1
            if not found or found[0].view.over:
                return found[0] if found else None
            assert time.monotonic() < deadline, found[0].view
            time.sleep(0.1)

    def told(self) -> list[dict[str, object]]:
        """What the next start tells of the runs."""
        done = subprocess.run(
            [sys.executable, "-m", "amltui", "runs", "--json"],
            env={**os.environ, **self.environment},
            capture_output=True,
            check=True,
        )
        return list(json.loads(done.stdout))

    def step(self) -> str:
        """Where the run is now, in a word."""
        found = asyncio.run(self.deployments.runs())
        current = found[0].view.current if found else None
        return "before it began" if not found else current.step if current else "through"

    def go_on(self) -> RunSummary:
        """Resume what broke off, to its end."""

        async def resume() -> RunSummary:
            (found,) = await self.deployments.runs()
            await self.deployments.resume(found.id)
            async for _ in self.deployments.watch(found.id):
                pass
            return await self.deployments.run(found.id)

        return asyncio.run(resume())
