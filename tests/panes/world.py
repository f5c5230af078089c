"""A small world for the panes: a workspace and an engine in memory, a clock that stands."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from amltui.app import Console
from amltui.domain.changes import Changes
from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.images import EnvironmentImage, EnvironmentVersion
from amltui.domain.model_paths import ModelContent
from amltui.domain.models import (
    AuthMode,
    Can,
    Container,
    EngineChoice,
    EngineInfo,
    Failure,
    Image,
    Keys,
    Kind,
    ModelUse,
    OperationState,
    Progress,
    Ref,
    Resources,
    Scale,
    Service,
    State,
    Token,
    WorkspaceInfo,
)
from amltui.panes import pane
from amltui.panes.launch import Launch
from amltui.ports import Engine, Tools, Workspace
from amltui.settings import Choice, Settings
from amltui.workers.containers import Containers
from amltui.workers.operations import Operation
from amltui.workers.services import Services
from amltui.workers.workbench import Workbench

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
UNREACHABLE = AmltuiError(
    "Azure cannot be reached", "The name was not found.", "Check the network.",
    problem=Problem.NETWORK,
)  # fmt: skip
NO_ENGINE = AmltuiError("No engine", "It does not run.", "Start it.", problem=Problem.ENGINE)
HOSTILE = "[/foo] [bold]x \x1b[31mred\x1b]0;title\x07 \x9b2J ‮evil [@click=app.quit]y[/] 日本"


def cloud(name: str, **fields: Any) -> Service:
    """A healthy ACI service of that name, changed by `fields`."""
    service = Service(
        Ref("azureml", name),
        name,
        Kind.ACI,
        State.OK,
        "Healthy",
        Can.LOGS | Can.FOLLOW | Can.INIT_LOGS | Can.INVOKE | Can.KEYS | Can.DELETE,
        target="westeurope",
        resources=Resources(1, 2),
        auth=AuthMode.KEY,
        scoring_uri=f"http://{name}.example.org/score",
        swagger_uri=f"http://{name}.example.org/swagger.json",
        created_at=NOW - timedelta(days=3),
        created_by="Sam Example",
    )
    return replace(service, **fields)


def believable() -> tuple[Service, ...]:
    """Services of several kinds and states."""
    return (
        cloud("diabetes", models=(ModelUse("diabetes", "3", "ScikitLearn"),)),
        cloud(
            "fraud",
            kind=Kind.AKS,
            target="aks-prod",
            resources=Resources(2, 4, 4, 8),
            scale=Scale(3, 2, 3, True, 1, 10, 70, 1, 1, 500, 60000),
            tags=(("team", "risk"),),
        ),
        cloud(
            "churn",
            state=State.FAILED,
            raw_state="Failed",
            scoring_uri="",
            swagger_uri="",
            failure=Failure(
                "AciDeploymentFailed",
                "Aci Deployment failed",
                "400",
                (Failure("CrashLoopBackOff", "Your container crashed."),),
            ),
        ),
        cloud("tiny", resources=Resources(0.1, 0.5), auth=AuthMode.NONE, can=Can.LOGS),
    )


@dataclass
class MemoryWorkspace:
    """Answers with what it holds; `error` and `gate` make it fail or hang."""

    rows: tuple[Service, ...] = ()
    error: AmltuiError | None = None
    connect_errors: list[AmltuiError] = field(default_factory=list)
    device_code: bool = False
    text: str | None = "one\ntwo\n"
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    deleted: list[Ref] = field(default_factory=list)
    updated: list[tuple[Ref, Changes]] = field(default_factory=list)
    progress: list[OperationState] = field(default_factory=lambda: [OperationState("Succeeded")])
    clusters: tuple[Compute, ...] = ()
    registered: Mapping[str, tuple[int, ...]] | None = None
    known_environments: tuple[EnvironmentVersion, ...] | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        self.gate.wait()
        if self.error is not None:
            raise self.error

    def connect(self, on_progress: Callable[[Progress], None]) -> WorkspaceInfo:
        if self.device_code:
            on_progress(Progress("sign-in", "", "https://example.org/device", "ABCD-EFGH"))
        self._answer("connect")
        if self.connect_errors:
            raise self.connect_errors.pop(0)
        return WorkspaceInfo("prod", "rg", "sub", "westeurope", "sam@example.org", "1.61")

    def services(self) -> tuple[Service, ...]:
        self._answer("services")
        return self.rows

    def service(self, ref: Ref) -> Service:
        return next(row for row in self.rows if row.ref == ref)

    def logs(self, ref: Ref, tail: int, init: bool = False) -> str | None:
        self._answer("init log" if init else "log")
        return self.text

    def build_log(self, ref: Ref) -> str | None:
        self._answer("build log")
        return self.text

    def keys(self, ref: Ref) -> Keys:
        self._answer("keys")
        return Keys("PRIMARY-0000", "SECONDARY-0000")

    def token(self, ref: Ref) -> Token:
        self._answer("token")
        return Token("TOKEN-0000", NOW + timedelta(hours=1))

    def delete(self, ref: Ref) -> None:
        self._answer("delete")
        self.deleted.append(ref)

    def update(self, ref: Ref, changes: Changes, folder: Path) -> str:
        self._answer("update")
        self.updated.append((ref, changes))
        return "operation-1"

    def operation(self, operation_id: str, offset: int = 0) -> OperationState:
        self._answer("operation")
        return self.progress.pop(0) if len(self.progress) > 1 else self.progress[0]

    def regenerate_key(self, ref: Ref, which: str) -> Keys:
        self._answer("regenerate")
        return Keys(f"NEW-{which}-0000", f"NEW-{which}-0000")

    def computes(self) -> tuple[Compute, ...]:
        self._answer("computes")
        return self.clusters

    def models(self) -> Mapping[str, tuple[int, ...]] | None:
        self._answer("models")
        return self.registered

    def model_content(self, name: str, version: int) -> ModelContent:
        self._answer("model_content")
        return ModelContent((("bert/vocab.txt", 2048), ("bert/weights", 3 * 1024**3)), 2)

    def environments(self) -> tuple[EnvironmentVersion, ...] | None:
        self._answer("environments")
        return self.known_environments

    def environment_image(self, name: str, version: str) -> EnvironmentImage:
        self._answer("environment image")
        return EnvironmentImage(name.startswith("AzureML-"), f"r.example/{name}", "FROM base\n")

    def build_environment(self, name: str, version: str) -> str:
        self._answer("build environment")
        return f"https://build.example/{name}/{version}"

    def close(self) -> None:
        self.asked.append("close")


@dataclass
class MemoryEngine:
    """An engine with the containers it is given."""

    rows: tuple[Container, ...] = ()
    local: tuple[Service, ...] = ()
    error: AmltuiError | None = None
    stored: tuple[Image, ...] = ()
    used: str = ""

    def info(self) -> EngineInfo:
        if self.error is not None:
            raise self.error
        address = "unix:///var/run/docker.sock"
        return EngineInfo("Docker", "20.10", "1.41", address, origin="the default address")

    def engines(self) -> tuple[EngineChoice, ...]:
        return (
            EngineChoice("context:default", "context default", "unix:///var/run/docker.sock"),
            EngineChoice("context:far", "context far", "ssh://far.example.org"),
        )

    def use(self, key: str) -> None:
        self.used = key

    def containers(self) -> tuple[Container, ...]:
        if self.error is not None:
            raise self.error
        return self.rows

    def images(self) -> tuple[Image, ...]:
        if self.error is not None:
            raise self.error
        return self.stored

    def services(self) -> tuple[Service, ...]:
        if self.error is not None:
            raise self.error
        return self.local

    def close(self) -> None:
        return None


class IdleTools:
    """Tools that find nothing."""

    def detail(self, container: str) -> Any:
        raise NO_ENGINE

    def watch_usage(self, on_usage: Callable[[Any], None]) -> IdleTools:
        return self

    def show(self, containers: Any) -> None:
        return None

    def close(self) -> None:
        return None


@dataclass
class World:
    """What a test hands to the console and looks at afterwards."""

    workspace: MemoryWorkspace = field(default_factory=MemoryWorkspace)
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    tools: Any = field(default_factory=IdleTools)
    settings: Settings = field(
        default_factory=lambda: Settings("sub", "rg", "prod", refresh_seconds=3600)
    )
    operations: tuple[Operation, ...] = ()
    pane: str = "services"
    banner: bool = False
    problem: AmltuiError | None = None
    now: datetime = NOW
    ask: Callable[[Services], Any] | None = None
    local_services: Callable[[], Any] | None = None
    opened: list[Choice | None] = field(default_factory=list)
    dismissed: list[bool] = field(default_factory=list)

    def console(self) -> Console:
        """A console on this world."""
        engine = cast(Engine, self.engine)
        bench = Workbench(cast(Tools, self.tools), read_only=self.settings.read_only)

        def open_services(choice: Choice | None) -> Services:
            self.opened.append(choice)
            workspace = cast(Workspace, self.workspace) if choice else None
            return Services(workspace, engine, self.clock, read_only=self.settings.read_only)

        return Console(
            Launch(
                settings=self.settings,
                containers=Containers(engine, self.clock),
                bench=lambda: bench,
                open_services=open_services,
                operations=self.operations,
                clock=self.clock,
                pane=self.pane,
                problem=self.problem,
                banner=self.banner,
                dismiss_banner=lambda: self.dismissed.append(True),
                ask=self.ask,
                local_services=self.local_services,
            )
        )

    def clock(self) -> datetime:
        """The time, which moves only when the test moves it."""
        return self.now


Screen = tuple[Console, Pilot[int]]


@asynccontextmanager
async def running(world: World, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Screen]:
    """The console on a screen of that size, its first rows in place."""
    app = world.console()
    pane.DETAIL_REST = 0.001
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot
        world.workspace.gate.set()


async def settled(pilot: Pilot[Any]) -> None:
    """Let threads answer and the screen be drawn."""
    for _ in range(3):
        while any(thread.name.startswith("call: ") for thread in threading.enumerate()):
            await asyncio.sleep(0.001)
        await pilot.pause()


async def until(pilot: Pilot[Any], holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        await asyncio.sleep(0.002)
        await pilot.pause()
