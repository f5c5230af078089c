"""Containers for the tests of shell, files and commit: from an image of this machine's Python."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.docker.access import EngineAccess
from amltui.adapters.docker.tools import ContainerTools
from amltui.demo.interpreter import base_layer

PREFIX = f"amltui-shtest-{os.getpid()}"
ENGINE = "unix:///var/run/docker.sock"
APP = "/var/azureml-app"
SCORE = """\
import json
import os

def init():
    print("loading", os.getcwd())

def run(data):
    return json.loads(data)
"""
FOREVER = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2 & wait; done"]


class Box:
    """Starts containers of one image and removes what it started."""

    def __init__(self, image: str, engine: str = ENGINE) -> None:
        import docker

        self.image = image
        self.api: Any = docker.APIClient(engine, version="1.41", timeout=60)
        self.access = EngineAccess(engine)
        self.tools = ContainerTools(self.access)
        self.made: list[str] = []

    def run(self, command: list[str] | None = None, *, image: str = "", **config: Any) -> str:
        """Start a container; returns its name. `config` is the engine's own, e.g. HostConfig."""
        name = f"{PREFIX}-{secrets.token_hex(4)}"
        self.made.append(name)
        whole = {"Image": image or self.image, "Cmd": command or FOREVER, **config}
        self.api.create_container_from_config(whole, name=name)
        self.api.start(name)
        return name

    def sh(self, container: str, script: str) -> str:
        """The output of a script in a container."""
        identity = self.api.exec_create(container, ["/bin/sh", "-c", script])["Id"]
        output: bytes = self.api.exec_start(identity)
        return output.decode()

    def processes(self, container: str) -> list[str]:
        """The command lines of a container's processes."""
        titles_and_rows = self.api.top(container, ps_args="-eo pid,args")
        return [row[-1] for row in titles_and_rows["Processes"]]

    def clean(self) -> None:
        """Remove all containers and images made."""
        for each in self.api.containers(all=True):
            if any(name.lstrip("/").startswith(PREFIX) for name in each["Names"]):
                with suppress(Exception):
                    self.api.remove_container(each["Id"], force=True, v=True)
        for image in self.api.images():
            for tag in image.get("RepoTags") or []:
                if tag.startswith(PREFIX):
                    with suppress(Exception):
                        self.api.remove_image(tag, force=True)


def wait_until(holds: Callable[[], Any], what: str, limit: float = 10.0) -> Any:
    """Wait until something holds; AssertionError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (value := holds()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)
    return value


@cache
def build(engine: str = ENGINE) -> str:
    """Build the image, once in a test run: every module that takes the fixture has its own."""
    import docker

    layer = base_layer()
    layer.write(f"{APP}/score.py", SCORE)
    layer.write(f"{APP}/azureml-models/diabetes/3/model.json", '{"weights": [1, 2]}')
    api: Any = docker.APIClient(engine, version="1.41", timeout=60)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.tar")
        layer.save(path)
        api.import_image_from_file(
            str(path),
            repository=PREFIX,
            tag="1",
            changes=[
                "ENV PATH=/usr/local/bin:/usr/bin:/bin",
                f"ENV AML_APP_ROOT={APP}",
                "ENV AZUREML_ENTRY_SCRIPT=score.py",
                f"ENV AZUREML_MODEL_DIR={APP}/azureml-models/diabetes/3",
                "LABEL who=a-test",
            ],
        )
    return f"{PREFIX}:1"


@pytest.fixture(scope="session")
def _image() -> Iterator[str]:
    tag = build()
    yield tag
    Box(tag).clean()


@pytest.fixture
def box(_image: str) -> Iterator[Box]:
    """A box whose containers go when the test ends."""
    made = Box(_image)
    yield made
    for name in made.made:
        with suppress(Exception):
            made.api.remove_container(name, force=True, v=True)
