"""`amltui demo` with a real engine: a local service comes, answers, and is gone afterwards."""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import amltui
from amltui.adapters.docker.client import connect

from .terminal import Terminal

pytestmark = pytest.mark.engine
SAMPLE = Path(amltui.__file__).parent / "demo" / "project" / "sample-request.json"


def on_port(engine: Any, port: str) -> list[str]:
    """The containers that answer on a port of this machine."""
    found = engine.containers.list(all=True, filters={"publish": port}, ignore_removed=True)
    return [container.id for container in found]


def test_the_sample_service_comes_answers_and_goes() -> None:
    engine, _ = connect(None)
    with Terminal((sys.executable, "-m", "amltui", "demo"), columns=120, rows=40) as terminal:
        terminal.wait_for("⟳ diabetes-local")
        terminal.wait_until(lambda: "⟳" not in terminal.text, "the end of the deployment", 90)
        terminal.wait_for("http://localhost:")
        port = re.findall(r"http://localhost:(\d+)/score", terminal.text)[0]
        assert on_port(engine, port)
        terminal.send("/", "diabetes-local", "enter")
        terminal.wait_until(lambda: "address-parser" not in terminal.text, "the filter")
        terminal.wait_for("● running")
        terminal.send("l")
        terminal.wait_for("ready for serving")
        request = urllib.request.Request(
            f"http://localhost:{port}/score",
            SAMPLE.read_bytes(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert len(json.load(answer)["predictions"]) == 2
        terminal.wait_for("scored 2 rows")
        assert "FOLLOW" in terminal.text
        terminal.send("4")
        terminal.wait_for("diabetes-local")
        terminal.send("q")
        assert terminal.wait(10) == 0
        deadline = time.monotonic() + 30
        while on_port(engine, port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not on_port(engine, port)
