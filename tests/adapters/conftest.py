"""A demo server for the adapter's tests, real processes and real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from amltui.adapters.azureml.client import HostWorkspace, Limits
from amltui.demo import launcher
from amltui.demo.launcher import DemoServer
from tests.demo.demo_sdk import ControlClient

SHORT = Limits(
    connect=20, services=20, service=20, logs=20, keys=20, token=20, delete=20, read=15
)  # fmt: skip


@dataclass
class Demo:
    """The demo server and its controls."""

    server: DemoServer

    @property
    def connection(self) -> dict[str, Any]:
        return self.server.connection

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return ControlClient(self.server).call(method, path, body)

    def fault(self, kind: str, path: str = "/services", **more: Any) -> None:
        """From now on requests whose path matches meet this fault."""
        self.control("POST", "faults", [{"kind": kind, "path": path, **more}])

    def calm(self) -> None:
        """Take all faults back."""
        self.control("DELETE", "faults")

    def requests(self) -> list[str]:
        """The requests served since the last call."""
        served: list[str] = self.control("GET", "requests")
        self.control("DELETE", "requests")
        return [str(line) for line in served if "/_demo/" not in str(line)]


def wait_for(condition: Callable[[], Any], limit: float = 10.0) -> Any:
    """The condition's value as soon as it is true; AssertionError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)
    return value


@pytest.fixture(scope="session")
def demo_server() -> Iterator[Demo]:
    with launcher.start(images=False) as server:
        yield Demo(server)


@pytest.fixture
def demo(demo_server: Demo) -> Iterator[Demo]:
    demo_server.requests()
    yield demo_server
    demo_server.calm()


@pytest.fixture(scope="session")
def shared_workspace(demo_server: Demo) -> Iterator[HostWorkspace]:
    workspace = HostWorkspace(demo_server.connection, limits=SHORT)
    yield workspace
    workspace.close()


@pytest.fixture
def workspace(shared_workspace: HostWorkspace, demo: Demo) -> HostWorkspace:
    """A connected workspace that other tests use too."""
    shared_workspace.connect(lambda _: None)
    demo.requests()
    return shared_workspace


@pytest.fixture
def own_workspace(demo: Demo) -> Iterator[HostWorkspace]:
    """A workspace that a test may break."""
    workspace = HostWorkspace(demo.connection, limits=Limits(services=1.0, logs=1.0))
    yield workspace
    workspace.close()
