"""Package a plan's copy for debugging as an image, through the SDK's `Model.package`.

Run as ``python -m amltui.adapters.azureml.package``, a process of its own as the SDK prints and
changes the working directory. It reads one job, a JSON object on one line of stdin (see `Job`), and
writes events on stdout, one JSON object a line: ``step`` (step, title), ``output`` (text), and last
``done`` (location, username, password) or ``failed``. It ends when stdin does. The password of the
registry is on the pipe and in memory, nowhere else.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amltui.adapters.files.debug_copy import copy_source
from amltui.adapters.run_record import RunRecord
from amltui.domain.debugcopy import INSTALL, OLD_PACKAGE, PACKAGE, VIM
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, mask

from . import host, problems
from .capture import EventStream

STEPS = {
    "connect": "Connecting to the workspace",
    "copy": "Copying the source and the environment",
    "register": "Registering the models",
    "upload": "Sending the copy",
    "image": "Building the image in the workspace",
    "login": "Asking for the login of the registry",
}
_POLL = 5.0  # seconds between two questions, as the SDK's own


@dataclass(frozen=True)
class Job:
    """What to package: a plan and the folder of its paths; without a plan, only a login."""

    connection: dict[str, Any]
    plan: dict[str, Any] | None = None
    folder: str = "."
    port: int = 0
    wait: int = 0
    vim: bool = False


class Packaging:
    """One packaging, told as events."""

    def __init__(self, job: Job, temporary: Path, events: EventStream) -> None:
        self._job = job
        self._temporary = temporary
        self._events = events
        self._step = ""

    def run(self) -> int:
        """Do it and return the exit code."""
        try:
            done = self._package()
        except Exception as error:  # noqa: BLE001 - the SDK raises anything
            self._events.drain()
            self._events.emit("failed", **_explain(error, self._step).to_wire())
            return 1
        self._events.drain()
        self._events.emit("done", **done)
        return 0

    def _package(self) -> dict[str, str]:
        from .auth import connect
        from .registry import credentials

        self._begin("connect")
        workspace = connect(self._job.connection, None)
        location = "" if self._job.plan is None else self._image(workspace, self._job.plan)
        self._begin("login")
        return {"location": location, **credentials(workspace)}

    def _image(self, workspace: Any, plan: dict[str, Any]) -> str:
        from azureml.core import Model

        from .steps import Run, inside
        from .steps_models import environment_of, inference_config, models, register

        self._begin("copy")
        job = self._job
        copied = copy_source(
            plan, Path(job.folder), self._temporary, port=job.port, wait=job.wait, vim=job.vim
        )
        described = {"plan": copied, "folder": job.folder, "connection": job.connection}
        run = Run(self._temporary.name, described, {}, RunRecord(self._temporary))
        run.workspace = workspace  # signed in already
        run.environment = _with_debugger(environment_of(run), run.plan.name, vim=job.vim)
        self._begin("register")
        register(run)
        self._begin("upload")
        with inside(run.source):
            package = Model.package(
                workspace, models(run), inference_config(run), image_name=f"{run.plan.name}-debug"
            )
        self._begin("image")
        self._wait(package)
        return str(package.location)

    def _wait(self, package: Any) -> None:
        """As `wait_for_creation(True)`; its first question comes at once, and no log is no end."""
        pause, offset, seconds = threading.Event(), 0, 0.2
        while True:
            if package.package_build_log_uri:
                log = package.get_logs(decode=False, offset=offset)
                offset += len(log)
                if log:
                    self._events.emit("output", text=log.decode("utf-8", "replace"))
            if package.state not in ("NotStarted", "Running"):
                break
            pause.wait(seconds)
            seconds = min(_POLL, seconds * 2)
            package.update_creation_state()
        if package.state != "Succeeded":
            said = package.error if isinstance(package.error, dict) else {}
            raise AmltuiError(
                f"The image was not built: {package.state}",
                mask(clean(str(said.get("message") or package.error or "")))[:600],
                "The output above says how far it came; the packages are the usual cause.",
                problem=Problem.SERVER,
            )

    def _begin(self, step: str) -> None:
        self._step = step
        sys.stdout.flush()
        self._events.emit("step", step=step, title=STEPS[step])


def _with_debugger(environment: Any, name: str, *, vim: bool) -> Any:
    """A copy of an environment that brings debugpy, and no ptvsd."""
    copied = environment.clone(f"{name}-debug")
    docker, more = copied.docker, [VIM] if vim else []
    if copied.python.user_managed_dependencies:
        more.append(INSTALL)
    else:
        packages = copied.python.conda_dependencies
        packages.remove_pip_package(OLD_PACKAGE)
        packages.add_pip_package(PACKAGE)
    base = docker.base_dockerfile or (f"FROM {docker.base_image}" if docker.base_image else "")
    if more and base:
        docker.base_image = None
        docker.base_dockerfile = "\n".join((base.rstrip(), *more, ""))
    return copied


def _explain(error: Exception, step: str) -> AmltuiError:
    doing = {"register": "registering the models", "image": "building the image"}
    return problems.of_exception(error, doing.get(step, "packaging"))


def main() -> None:
    """Read the job and do it; the process ends at once, whatever threads the SDK still has."""
    os.umask(0o077)
    job = Job(**json.loads(sys.stdin.buffer.readline()))
    temporary = Path(tempfile.mkdtemp(prefix="amltui-debug-"))
    tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
    connection = dict(job.connection)
    if connection.get("auth") == "demo":
        connection["home"] = str(temporary)  # the SDK notes the demo's endpoints there
    host.prepare(connection)
    os.environ["AZUREML_DEFAULT_RETRIES"] = "3"

    def leave(code: int) -> None:
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(code)

    def leash() -> None:
        while os.read(0, 4096):
            pass
        leave(130)

    signal.signal(signal.SIGTERM, lambda *_: leave(143))
    threading.Thread(target=leash, daemon=True).start()
    leave(Packaging(job, temporary, EventStream(lambda _: None)).run())


if __name__ == "__main__":
    main()
