"""Which adapters stand behind the workers: a real workspace or the demo's, and the engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .domain.errors import AmltuiError, Problem
from .domain.models import Progress
from .settings import Choice, Settings, state_path
from .workers.bridge import call

if TYPE_CHECKING:
    from .adapters.docker.engine import DockerEngine
    from .demo.launcher import DemoServer
    from .domain.plan import Plan
    from .panes.request_tools import RequestTools
    from .workers.containers import Containers
    from .workers.debugging import Debugging
    from .workers.deployments import Deployments
    from .workers.local_services import LocalServices
    from .workers.planning import Planning
    from .workers.services import Services
    from .workers.workbench import Workbench

SAMPLE = "diabetes-local"
DEMO = Choice("demo", "demo", "demo", "amltui demo")


def utc_now() -> datetime:
    """The wall clock; a test or a screenshot hands in another one."""
    return datetime.now(timezone.utc)


class Backends:
    """Opens the adapters when they are needed and lets go of them together."""

    def __init__(
        self,
        settings: Settings,
        *,
        demo: bool,
        keep: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._keep = keep
        self._opened: Choice | None = None  # the workspace that the console is on
        self._clock = clock
        self.settings = replace(settings.on(DEMO), choices=()) if demo else settings
        self._demo: Future[DemoServer] | None = self._start_demo() if demo else None
        self._closing: list[Callable[[], None]] = []
        self.ended_with_demo: tuple[str, ...] = ()  # services whose deployment could not go on

    @cached_property
    def engine(self) -> DockerEngine:
        """The container engine; nothing is asked of it yet."""
        from .adapters.docker.engine import DockerEngine

        engine = DockerEngine(self.settings.engine or None)
        self._closing.append(engine.close)
        return engine

    @cached_property
    def containers(self) -> Containers:
        """The worker for the engine's containers."""
        from .workers.containers import Containers

        return Containers(self.engine, self._clock)

    @cached_property
    def bench(self) -> Workbench:
        """The worker for one container: shell, files, commit, probes."""
        from .adapters.docker.tools import ContainerTools
        from .adapters.editor import edit
        from .workers.workbench import Workbench

        tools = ContainerTools(self.engine.access)
        return Workbench(tools, read_only=self.settings.read_only, editor=edit)

    def open_services(self, choice: Choice | None) -> Services:
        """The worker for the services of a workspace (None: of this machine only)."""
        from .adapters.azureml.client import HostWorkspace
        from .workers.services import Services

        self._opened = choice
        workspace = None
        if choice is not None:
            workspace = HostWorkspace(lambda: self.connection(choice))
            self._closing.append(workspace.close)
        return Services(workspace, self.engine, self._clock, read_only=self.settings.read_only)

    def connection(self, choice: Choice) -> dict[str, Any]:
        """What the process that owns the SDK must know to connect; blocks until the demo is up."""
        if self._demo is None:
            return {
                "auth": self.settings.auth,
                "tenant_id": self.settings.tenant_id,
                "subscription_id": choice.subscription_id,
                "resource_group": choice.resource_group,
                "workspace_name": choice.workspace_name,
            }
        return self._demo_server().connection

    def demo_address(self) -> tuple[str, str]:
        """Where the demo's server is, and its authority's certificate; blocks until it is up."""
        server = self._demo_server()
        return server.url, server.ca_bundle

    def ca_for(self, origin: str) -> str:
        """The demo's own authority, for the demo's server only; blocks until that is up."""
        if self._demo is None:
            return ""
        server = self._demo_server()
        same = origin.partition("://")[2] == server.url.partition("://")[2]
        return server.ca_bundle if same else ""

    def request_tools(self, services: Services) -> RequestTools:
        """What asks the services that a worker lists."""
        from .adapters.http import body_file
        from .adapters.http.client import HttpClient
        from .adapters.http.load import LoadGenerator
        from .panes.request_tools import RequestTools
        from .workers.load import LoadCheck
        from .workers.readlog import read
        from .workers.requests import Requests

        http = HttpClient(self.ca_for)
        requests = Requests(
            services,
            http,
            self._clock,
            lambda source, tail: read(self.containers, services, source, tail),
        )
        check = LoadCheck(requests, LoadGenerator(http))
        return RequestTools(requests, check, body_file.read, body_file.edited)

    @cached_property
    def deployments(self) -> Deployments:
        """The worker for this user's deployment runs."""
        from .deploy_commands import open_deployments

        return open_deployments(read_only=self.settings.read_only)

    @cached_property
    def local_services(self) -> LocalServices:
        """The worker that reloads, promotes and tidies up local services."""
        from .adapters.azureml.local_tools import LocalTools
        from .workers.local_services import LocalServices

        tools = LocalTools(lambda: self.engine.access.host)
        return LocalServices(tools, lambda: self.deployments, read_only=self.settings.read_only)

    @cached_property
    def planning(self) -> Planning:
        """The worker for plans that are being written; a new one's paths begin where we are."""
        from .adapters.files.drafts import PlanFiles
        from .workers.planning import Planning

        return Planning(PlanFiles(state_path() / "drafts"), self._clock, os.getcwd())

    def debugging(self, plan: Plan, folder: str) -> Debugging:
        """The worker for debugging a plan's service in the workspace that is open."""
        from .adapters.debug_tools import DebugTools
        from .domain.debugwish import Wish
        from .workers.debugging import Debugging

        tools = DebugTools(lambda: self.connection(self._needed()), self.engine.access)
        self._closing.append(tools.cancel)
        return Debugging(tools, Wish(plan, folder), read_only=self.settings.read_only)

    def _needed(self) -> Choice:
        """The workspace that is open; raises where none is."""
        if self._opened is None:
            raise AmltuiError(
                "No workspace is open",
                "Images are built in one, and even local services take their models from it.",
                "W chooses one.",
                problem=Problem.CONFIGURATION,
            )
        return self._opened

    async def start_plan(self, plan: Plan, folder: str) -> str:
        """Start a plan's run in the workspace that is open; paths begin at `folder`.

        Returns the run's id.
        """
        choice = self._needed()
        connection = await call(lambda: self.connection(choice), limit=60, what="connecting")
        engine = self.engine.access.host or ""
        return await self.deployments.start(plan, connection, Path(folder), engine=engine)

    # The demo

    def _start_demo(self) -> Future[DemoServer]:
        """Start the demo's server beside whatever comes next.

        Or join one that runs already, whose address AMLTUI_DEMO_SERVER holds: for tests that make
        it misbehave, and for a second console on the same demo.
        """
        from .demo.launcher import join, start

        address = os.environ.get("AMLTUI_DEMO_SERVER")
        if self._keep:
            os.environ["AMLTUI_DEMO_KEEP"] = "1"  # what is built says so of itself
        started: Future[DemoServer] = Future()

        def run() -> None:
            try:
                started.set_result(join(address) if address else start())
            except BaseException as error:  # noqa: BLE001 - told to whoever needs the server
                started.set_exception(error)

        threading.Thread(target=run, name="demo", daemon=True).start()
        return started

    def _demo_server(self) -> DemoServer:
        from .demo.launcher import DemoError

        assert self._demo is not None
        try:
            return self._demo.result(timeout=15)
        except (DemoError, TimeoutError) as error:
            raise AmltuiError(
                "The demo workspace did not start",
                str(error),
                "Start amltui demo again; if it stays so, please report it.",
                problem=Problem.INTERNAL,
            ) from None

    def deploy_sample(self, on_progress: Callable[[Progress], None]) -> str:
        """Deploy the demo's sample project into the engine; blocks.

        Unless it is to be kept, a janitor removes what was made once this process has ended,
        however it ends.
        """
        from .adapters.azureml import local_job
        from .adapters.docker import janitor
        from .demo.images import missing

        lacking = missing()
        if lacking:
            raise AmltuiError(
                "The sample service cannot run here",
                lacking,
                "Everything else of the demo works.",
                problem=Problem.CONFIGURATION,
            )
        self.engine.info()
        names = {service.name for service in self.engine.services()}
        server = self._demo_server()
        owner = server.url.removeprefix("http://")
        host = self.settings.engine or None
        janitor.sweep(host)
        if not self._keep:
            keeper = janitor.start(owner, host)
            if keeper.stdin is not None:
                self._closing.append(keeper.stdin.close)
        project = Path(__file__).parent / "demo" / "project"
        done = local_job.run(
            SAMPLE,
            {
                "connection": self.connection(DEMO),
                "source_dir": str(project),
                "entry_script": "score.py",
                "conda_file": "conda.yml",
                "model_path": "model.json",
                "model_name": "diabetes",
                "service_name": _free_name(names),
            },
            self.settings.engine,
            on_progress,
        )
        return f"It answers on http://localhost:{done['port']}/score; l on its row shows its log."

    def close(self) -> None:
        """Let go of everything, without waiting for anything that hangs."""
        for close in reversed(self._closing):
            close()
        if self._demo is not None and self._demo.done() and self._demo.exception() is None:
            server = self._demo.result()
            if server.is_own:
                why = "The demo was left, and its workspace ended."
                self.ended_with_demo = self.deployments.end_with(server.url, why)
            server.stop()


def _free_name(taken: set[str]) -> str:
    """A name for the sample that no local service has: another demo may be open."""
    names = (SAMPLE, *(f"{SAMPLE}-{number}" for number in range(2, 100)))
    return next(name for name in names if name not in taken)
