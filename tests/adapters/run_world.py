"""Runs for tests: a demo workspace, plans of the sample project, and real processes."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from amltui.adapters.runs import RunProcesses
from amltui.demo import launcher
from amltui.domain.plan import Plan
from amltui.domain.run import Event
from amltui.workers.deployments import Deployments, RunSummary
from tests.demo.demo_sdk import ControlClient

PROJECT = Path(launcher.__file__).with_name("project")
PREFIX = "amltui-runtest"
ACI = {"kind": "aci", "cpu_cores": 1, "memory_gb": 1}
AKS = {"kind": "aks", "cluster": "aks-cpu-prod", "cpu_cores": 1, "memory_gb": 1}
LOCAL = {"kind": "local"}


def name() -> str:
    """A service name of the test's own."""
    return f"{PREFIX}-{uuid4().hex[:8]}"


@dataclass
class World:
    """A demo workspace, a folder with the sample project, and the runs of one state folder."""

    server: launcher.DemoServer
    folder: Path
    deployments: Deployments = field(init=False)

    def __post_init__(self) -> None:
        self.project = self.folder / "project"
        if not self.project.exists():
            shutil.copytree(PROJECT, self.project)
        self.runs_dir = self.folder / "runs"
        self.processes = RunProcesses()
        self.deployments = Deployments(self.runs_dir, self.processes, time.time)

    @property
    def connection(self) -> dict[str, Any]:
        return self.server.connection

    def plan(self, target: dict[str, Any], **changes: Any) -> Plan:
        """The sample project on a target."""
        service = changes.pop("name", None) or name()
        data = {
            "name": service,
            # Of its own: runs at the same time would each register the next version.
            "models": [{"file": "model.json", "name": service}],
            "inference": {
                "entry_script": "score.py",
                "source_directory": ".",
                "environment": {"conda_file": "conda.yml"},
            },
            "target": target,
        }
        return Plan.from_dict({**data, **changes})

    async def start(self, plan: Plan, folder: Path | None = None) -> str:
        return await self.deployments.start(plan, self.connection, folder or self.project)

    async def events(self, run: str) -> list[Event]:
        """All events of a run, once it has ended."""
        watching = self.deployments.watch(run)
        return [event async for events in watching for event in events]

    async def finish(self, run: str, limit: float = 60.0) -> RunSummary:
        """The run, once it has ended."""
        await asyncio.wait_for(self.events(run), limit)
        return await self.deployments.run(run)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return ControlClient(self.server).call(method, path, body)

    def requests(self) -> list[str]:
        """What the server was asked so far."""
        served: list[str] = self.control("GET", "requests")
        return [line for line in served if "/_demo/" not in line]

    def submissions(self) -> int:
        """How many deployments were handed over: POST .../services."""
        return sum(
            line.startswith("POST ") and line.partition("?")[0].endswith("/services")
            for line in self.requests()
        )

    def pid(self, run: str) -> int:
        """The process that works on a run."""
        told = json.loads((self.runs_dir / run / "process.json").read_text())
        return int(told["pid"])
