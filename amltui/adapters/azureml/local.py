"""Deploy a project into the local Docker engine, through the SDK's LocalWebservice.

Run as ``python -m amltui.adapters.azureml.local``, a process of its own: the SDK prints, changes
the working directory and insists on one (a model's folder, then the source directory). It reads
one job, a JSON object on one line of stdin (see `LocalJob`), and writes events on stdout, one JSON
object a line:

``step`` (step, title), ``output`` (text: what the SDK and the engine print, not sanitised), and
last ``done`` (port, container, seconds) or ``failed`` (title, message, hint, problem, detail).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amltui.adapters.azureml import local_problems
from amltui.adapters.azureml.build_leftovers import BuildLeftovers
from amltui.adapters.azureml.capture import EventStream
from amltui.adapters.docker.client import connect as connect_engine
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, mask

STEPS = {
    "engine": "Looking for the Docker engine",
    "connect": "Connecting to the workspace",
    "register": "Registering the model",
    "context": "Preparing the build context",
    "build": "Building the image",
    "start": "Starting the container",
    "wait": "Waiting for its first answer",
    "sweep": "Tidying up after the build",
}
# Model.deploy does these in one call; what it prints tells how far it is.
_STEP_BEGINS = {
    "Generating Docker build context.": "context",
    "Building Docker image from Dockerfile...": "build",
    "Successfully built ": "start",
    "Checking container health...": "wait",
}
_LOG_LINES = 200


@dataclass(frozen=True)
class LocalJob:
    """What to deploy; paths may be relative to the source directory."""

    connection: dict[str, Any]
    source_dir: str
    entry_script: str
    conda_file: str
    model_name: str
    service_name: str
    model_path: str | None = None
    """A file or folder to register; without one, the newest *model_name* of the workspace."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags for a model that is registered."""
    engine: str | None = None
    """The engine's address; without one, the one that the docker command would use."""
    port: int | None = None
    """A port of 127.0.0.1; without one, a free one."""
    replace: bool = False
    """Replace a local service of this name: the SDK then unpickles that container's labels."""
    leash: bool = False
    """End with whoever holds stdin, instead of going on without."""


class LocalDeployment:
    """One run of the job, told as events."""

    def __init__(self, job: LocalJob) -> None:
        self._job = job
        self._source = Path(job.source_dir).resolve()
        self._leftovers = BuildLeftovers()
        self._step = ""
        self._engine: Any = None
        self._events = EventStream(self._follow)

    def run(self) -> int:
        """Deploy and return the exit code: 0 when the container answers, 1 when it failed."""
        started = time.monotonic()
        trouble: Exception | None = None
        answer: dict[str, Any] = {}
        try:
            answer = self._deploy()
        except Exception as error:  # noqa: BLE001 - the SDK raises anything
            trouble = error
        # First: what was printed last tells at which step it failed.
        self._events.drain()
        failure = None if trouble is None else self._explain(trouble)
        self._sweep()
        if failure is not None:
            self._events.emit("failed", **failure.to_wire())
            return 1
        self._events.emit("done", **answer, seconds=round(time.monotonic() - started, 2))
        return 0

    def _deploy(self) -> dict[str, Any]:
        self._check_files()
        self._begin("engine")
        self._engine, url = connect_engine(self._job.engine)
        os.environ["DOCKER_HOST"] = url  # the SDK knows nothing of Docker's contexts
        port = self._check_engine()
        self._begin("connect")
        os.chdir(self._source)
        from amltui.adapters.azureml.auth import connect

        workspace = connect(self._job.connection, None)
        self._begin("register")
        service = self._start(workspace, self._model(workspace), port)
        service.wait_for_deployment()
        return {"port": int(service.port), "container": self._containers()[0].id}

    def _model(self, workspace: Any) -> Any:
        from amltui.adapters.azureml.registration import latest, register

        job = self._job
        if job.model_path is not None:
            return register(workspace, self._source / job.model_path, job.model_name, job.tags)
        model = latest(workspace, job.model_name)
        if model is None:
            raise AmltuiError(
                f"The workspace has no model {job.model_name}.",
                "Nothing was named to register as it, either.",
                "Check the name, or name a file or folder to register.",
                problem=Problem.NOT_FOUND,
            )
        return model

    def _start(self, workspace: Any, model: Any, port: int) -> Any:
        from azureml.core import Environment, Model
        from azureml.core.model import InferenceConfig
        from azureml.core.webservice import LocalWebservice

        os.chdir(self._source)
        name = self._job.service_name
        conda_file = str(self._source / self._job.conda_file)
        inference = InferenceConfig(
            entry_script=self._job.entry_script,
            source_directory=str(self._source),
            environment=Environment.from_conda_specification(name, conda_file),
        )
        configuration = LocalWebservice.deploy_configuration(port=port)
        return Model.deploy(workspace, name, [model], inference, configuration)

    def _check_files(self) -> None:
        for name in (self._job.entry_script, self._job.conda_file, self._job.model_path):
            if name is not None and not (self._source / name).exists():
                raise AmltuiError(
                    f"{name} does not exist.",
                    f"It was looked for in {self._source}.",
                    "Check the path; it is relative to the source directory.",
                    problem=Problem.USAGE,
                )

    def _check_engine(self) -> int:
        """Refuse now what would fail, or hurt another service, after a minute; return the port."""
        found = self._containers(stopped=True)
        if found and not self._job.replace:
            raise AmltuiError(
                f"There is a local service named {self._job.service_name} already.",
                f"It is container {found[0].short_id}.",
                "Choose another name, or replace it.",
                problem=Problem.REFUSED,
            )
        self._leftovers.remember(self._engine, self._job.service_name)
        port = self._job.port or free_port()
        if self._job.port and not found and not _is_free(port):
            raise AmltuiError(
                f"Port {port} is in use.",
                "Another program listens on it.",
                "Choose another port, or none to get a free one.",
                problem=Problem.REFUSED,
            )
        return port

    def _containers(self, *, stopped: bool = False) -> list[Any]:
        label = f"containerName={self._job.service_name}"
        listed = self._engine.containers.list(
            all=stopped, filters={"label": label}, ignore_removed=True
        )
        found: list[Any] = listed
        return found

    def _begin(self, step: str) -> None:
        if step != self._step:
            self._step = step
            self._events.emit("step", step=step, title=STEPS[step])

    def _follow(self, line: str) -> None:
        self._leftovers.read(line)
        step = next((s for start, s in _STEP_BEGINS.items() if line.startswith(start)), None)
        if step is not None:
            self._begin(step)

    def _sweep(self) -> None:
        if self._step in ("build", "start", "wait"):
            self._begin("sweep")
            with contextlib.suppress(Exception):  # what stays behind costs space, nothing else
                self._leftovers.remove(self._engine, self._job.service_name)

    def _explain(self, error: Exception) -> AmltuiError:
        log = self._log() if self._step == "wait" else ""
        return local_problems.explain(error, self._step, self._job.service_name, log)

    def _log(self) -> str:
        with contextlib.suppress(Exception):  # the crash is the news, not a log that is gone
            raw = self._containers(stopped=True)[0].logs(tail=_LOG_LINES)
            return mask(clean(raw.decode("utf-8", "replace")))
        return ""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _prepare_environment(job: LocalJob) -> None:
    # Exported, it makes the SDK look for a container of that name, and fail.
    os.environ.pop("HOSTNAME", None)
    if job.connection.get("ca_bundle"):
        os.environ["REQUESTS_CA_BUNDLE"] = job.connection["ca_bundle"]
    # Seconds; the SDK waits half a minute after one 429 by itself.
    os.environ.setdefault("AZUREML_DEFAULT_BACKOFF", "2")
    os.environ.setdefault("AZUREML_DEFAULT_503_BACKOFF", "1")
    os.environ.setdefault("AZUREML_LOG_DEPRECATION_WARNING_ENABLED", "False")
    # The container answers on localhost: no proxy can reach it.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost,127.0.0.1"]))


def _end_with_stdin(leave: Callable[[int], None]) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    leave(130)


def main() -> None:
    """Read the job and run it; the process ends at once, whatever threads the SDK still has."""
    job = LocalJob(**json.loads(sys.stdin.buffer.readline()))
    _prepare_environment(job)
    # The SDK leaves copies of the model and the source in the folder for temporary files.
    folder = tempfile.mkdtemp(prefix="amltui-local-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder

    def leave(code: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)

    signal.signal(signal.SIGTERM, lambda *_: leave(143))
    if job.leash:
        threading.Thread(target=_end_with_stdin, args=(leave,), daemon=True).start()
    leave(LocalDeployment(job).run())


if __name__ == "__main__":
    main()
