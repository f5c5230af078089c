"""A demo server for the session, and the real, unpatched SDK connected to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amltui.demo.launcher import DemoServer, start
from tests.demo.demo_sdk import ControlClient, connect

# Read by the SDK when it is imported: without them a persistent 500 takes 14 s, a 429 224 s.
for name in ("BACKOFF", "500_BACKOFF", "503_BACKOFF"):
    os.environ.setdefault(f"AZUREML_DEFAULT_{name}", "0")
os.environ.setdefault("AZUREML_DEFAULT_RETRIES", "1")
os.environ.setdefault("AZUREML_LOG_DEPRECATION_WARNING_ENABLED", "False")

SPEED = 1e6


@pytest.fixture(scope="session")
def demo() -> Iterator[DemoServer]:
    """Return a server whose operations are over before the SDK asks for the first time."""
    with start(speed=SPEED) as server:
        yield server


@pytest.fixture(scope="session")
def workspace(demo: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the SDK's workspace object, with the demo's CA trusted and a home of its own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("REQUESTS_CA_BUNDLE", demo.ca_bundle)
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    patch.delenv("HOSTNAME", raising=False)
    try:
        yield connect(demo)
    finally:
        patch.undo()


@pytest.fixture
def control(demo: DemoServer) -> Iterator[ControlClient]:
    """Return the control client; every fault ends with the test, and no request failed inside."""
    client = ControlClient(demo)
    client.call("DELETE", "faults")
    client.call("DELETE", "requests")
    client.call("POST", "speed", {"speed": SPEED})
    yield client
    client.call("POST", "speed", {"speed": SPEED})
    client.call("DELETE", "faults")
    assert client.call("GET", "errors") == []


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: the SDK registers only what lies below it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
