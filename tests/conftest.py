"""What all tests share: nothing of the machine leaks in; a missing engine is told."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import _wait, screen
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

# The pilot waits until the process has been idle for 20 ms, which is longer than Textual takes to
# draw, four times for each key. What is drawn sooner needs less of that.
screen.UPDATE_PERIOD = 0.004  # type: ignore[misc]
_wait.SLEEP_GRANULARITY, _wait.SLEEP_IDLE = 0.008, 0.000_4

# Each app parses the style sheets of all widgets: the same text gives the same rules.
_parse_rules = Stylesheet._parse_rules
_parsed: dict[Hashable, list[RuleSet]] = {}


def _parsed_once(sheet: Stylesheet, css: str, *where: Any, **more: Any) -> list[RuleSet]:
    key = (css, where, *more.items(), frozenset(sheet._variables.items()))
    if key not in _parsed:
        _parsed[key] = _parse_rules(sheet, css, *where, **more)
    return _parsed[key]


Stylesheet._parse_rules = _parsed_once  # type: ignore[assignment, method-assign]


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Own XDG folders, no settings, no colours decided by the caller's terminal."""
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg" / name.lower()))
    for name in list(os.environ):
        if name.startswith(("AMLTUI_", "AZUREML_", "AZURE_")) and name != "AMLTUI_REQUIRE_ENGINE":
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "TMUX", "HOSTNAME", "TEXTUAL", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


def engine_problem() -> str:
    """Why there is no engine, empty if there is one."""
    if shutil.which("docker") is None and not os.path.exists("/var/run/docker.sock"):
        return "Docker is not installed"
    try:
        import docker

        docker.from_env(timeout=5).ping()
    except Exception as error:
        return str(error)
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Engine tests run wherever an engine answers; where one is required, its lack is a failure."""
    wanted = [item for item in items if item.get_closest_marker("engine")]
    if not wanted or config.option.collectonly:
        return
    problem = engine_problem()
    if not problem:
        return
    if os.environ.get("AMLTUI_REQUIRE_ENGINE"):
        raise pytest.UsageError(f"the engine tests are required, but: {problem}")
    for item in wanted:
        item.add_marker(pytest.mark.skip(reason=f"no Docker engine: {problem}"))


@pytest.fixture
def alone_with_copies() -> Iterator[None]:
    """One test at a time makes temporary copies of containers: they count and sweep them all."""
    with open(os.path.join(tempfile.gettempdir(), "amltui-tests-copies.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Children of the test run end with it; a terminal in a mess is put right."""
    yield
    if os.isatty(0):
        subprocess.run(["stty", "sane"], check=False)
