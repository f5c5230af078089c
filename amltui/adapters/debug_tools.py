"""What debugging needs, behind `workers.debugging.DebugTools`: files, workspace and engine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amltui.domain.debugcopy import DebugCopy
from amltui.domain.debugpull import PullProgress
from amltui.domain.debugwait import Look
from amltui.domain.debugwish import LaunchChange, Package, Wish
from amltui.domain.models import Progress

from .azureml import local_job
from .docker import debugging
from .docker.access import EngineAccess
from .files import debug_copy, vscode


class DebugTools:
    """Safe to call from several threads; `connection` blocks until the workspace is known."""

    def __init__(self, connection: Callable[[], dict[str, Any]], access: EngineAccess) -> None:
        self._connection = connection
        self._access = access
        self._process: subprocess.Popen[bytes] | None = None

    # -- the workspace, by the SDK in a process of its own

    def describe(self, wish: Wish) -> DebugCopy:
        """What would be packaged."""
        return debug_copy.describe(
            wish.plan, Path(wish.folder), port=debugging.DEBUG_PORT, wait=wish.wait, vim=wish.vim
        )

    def package(self, wish: Wish, on_progress: Callable[[Progress], None]) -> Package:
        """Package a copy as an image; blocks until the workspace has built it."""
        job = {
            "plan": wish.plan.to_dict(),
            "folder": wish.folder,
            "port": debugging.DEBUG_PORT,
            "wait": wish.wait,
            "vim": wish.vim,
        }
        done = self._follow(job, on_progress)
        return Package(done["location"], _login(done))

    def login(self) -> dict[str, str]:
        """A new login for the workspace's registry."""
        return _login(self._follow({}, lambda _: None))

    def cancel(self) -> None:
        """End the process that packages, if there is one."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def _follow(
        self, job: dict[str, Any], on_progress: Callable[[Progress], None]
    ) -> dict[str, Any]:
        def started(process: subprocess.Popen[bytes]) -> None:
            self._process = process

        whole = {"connection": self._connection(), **job}
        return local_job.follow("package", "the package", whole, {}, on_progress, started)

    # -- the engine

    def engine(self) -> str:
        """Who answers there; raises with the remedy when nobody does."""
        with self._access.api() as api:
            version = api.version()
        return f"the engine answers: {version.get('Version', '')}"

    def is_local(self) -> bool:
        """Whether the engine publishes its ports on this machine."""
        return debugging.is_local(self._access)

    def free_port(self, wanted: int) -> tuple[int, str]:
        """A port that is free, and who holds the wanted one otherwise."""
        return debugging.free_port(self._access, wanted)

    def pull(
        self, location: str, login: dict[str, str], on_progress: Callable[[PullProgress], None]
    ) -> None:
        """Pull an image with a login that is kept nowhere."""
        debugging.pull(self._access, location, login, on_progress)

    def tag(self, location: str) -> str:
        """Give an image the next free tag of debug."""
        return debugging.tag(self._access, location)

    def debugger_in(self, image: str) -> str:
        """The version of debugpy in an image, empty if there is none."""
        return debugging.debugger_in(self._access, image)

    def run(self, image: str, service: str, http: int, debug: int) -> tuple[str, str]:
        """Start a container with both ports; returns its id and name."""
        return debugging.run(self._access, image, service, http, debug)

    def source_root(self, image: str, entry_script: str) -> str:
        """Where the source directory is in an image."""
        return debugging.root_of(self._access, image, entry_script)

    def look(self, container: str, http: int) -> Look:
        """How far a debug container is."""
        return debugging.look(self._access, container, http)

    # -- the editor

    def project_of(self, source: str, folder: str) -> str:
        """The folder that a person opens in the editor."""
        return str(vscode.project_of(Path(source), Path(folder)))

    def read_launch(self, project: str) -> str:
        """The text of launch.json, empty if there is none."""
        return vscode.read_launch(Path(project))

    def write_launch(self, change: LaunchChange) -> None:
        """Replace launch.json, if it is still what the change was made of."""
        vscode.write_launch(Path(change.project), change.before, change.after)

    def editor(self) -> tuple[str, bool]:
        """The editor's program, and whether it has its Python extension."""
        return vscode.editor()


def _login(done: dict[str, Any]) -> dict[str, str]:
    return {"username": str(done["username"]), "password": str(done["password"])}
