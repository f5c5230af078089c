"""The console's side of the host: the `Workspace` port over the pipes of a child process."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amltui.domain.changes import Changes
from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.images import EnvironmentImage, EnvironmentVersion, LegacyImage
from amltui.domain.model_paths import ModelContent
from amltui.domain.models import (
    Keys,
    OperationState,
    Progress,
    Ref,
    Service,
    Token,
    WorkspaceInfo,
)

from . import legacy_images, problems, wire
from .process import HostProcess

Part = Callable[[list[Any]], None]


@dataclass(frozen=True)
class Limits:
    """Seconds that a call may take before it is abandoned and its host retired.

    They are above the host's own limits for a request, so that they only pass when it hangs.
    """

    connect: float = 75.0
    sign_in: float = 960.0  # once there is a code to type; Azure's codes end after 15 minutes
    services: float = 75.0
    service: float = 45.0
    logs: float = 45.0
    keys: float = 45.0
    token: float = 45.0
    delete: float = 45.0
    update: float = 300.0  # a source directory may have to be sent
    regenerate_key: float = 120.0
    operation: float = 45.0
    computes: float = 45.0
    names: float = 45.0
    read: float = 30.0  # the host's own, between two pieces of an answer


class HostWorkspace:
    """An Azure ML workspace whose SDK runs in a child process; starts at the first call.

    A call that hangs costs its caller its limit and nobody else anything: the next call goes to a
    fresh host, which connects by itself.
    """

    def __init__(
        self,
        connection: dict[str, Any] | Callable[[], dict[str, Any]],
        *,
        python: str = sys.executable,
        limits: Limits | None = None,
    ) -> None:
        self._describe = connection if callable(connection) else connection.copy
        self._connection: dict[str, Any] = {}  # once it is known: the demo's needs its server
        self._python = python
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._host: HostProcess | None = None
        self._retired: list[HostProcess] = []
        self._closed = False
        self._home = ""

    def start(self) -> None:
        """Start the host now, so that it imports the SDK meanwhile; returns at once."""

        def run() -> None:
            with contextlib.suppress(AmltuiError):  # the first call meets it again and tells it
                self._current()

        threading.Thread(target=run, name="start host", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The host's process, None while there is none."""
        host = self._host
        return host.pid if host is not None and not host.dead else None

    def connect(self, on_progress: Callable[[Progress], None]) -> WorkspaceInfo:
        """Sign in and find the workspace; idempotent."""
        return WorkspaceInfo(
            **self._call("connect", {}, self._limits.connect, on_progress=on_progress)
        )

    def services(self) -> tuple[Service, ...]:
        """All web services: one HTTP request a page."""
        rows: list[Service] = []
        self._call(
            "services",
            {},
            self._limits.services,
            on_part=lambda part: rows.extend(wire.decode(row) for row in part),
        )
        return tuple(rows)

    def service(self, ref: Ref) -> Service:
        """One web service, fresh."""
        return wire.decode(self._call("service", _args(ref), self._limits.service))

    def logs(self, ref: Ref, tail: int, init: bool = False) -> str | None:
        """The last `tail` lines of the log, raw, or None while there is no container."""
        return self._text("logs", {**_args(ref), "tail": tail, "init": init})

    def build_log(self, ref: Ref) -> str | None:
        """The build log of the service's image, raw, or None where no build is known."""
        return self._text("build_log", _args(ref))

    def images(self) -> tuple[LegacyImage, ...]:
        """The legacy images, newest first."""
        return tuple(map(legacy_images.decode, self._call("images", {}, self._limits.services)))

    def keys(self, ref: Ref) -> Keys:
        """The keys of a service with key authentication."""
        return Keys(*self._call("keys", _args(ref), self._limits.keys))

    def token(self, ref: Ref) -> Token:
        """An access token of a service with token authentication."""
        token = self._call("token", _args(ref), self._limits.token)
        return Token(
            token["value"], wire.moment(token["expires_at"]), wire.moment(token["refresh_after"])
        )

    def delete(self, ref: Ref) -> None:
        """Delete the service; returns when the workspace has accepted it."""
        self._call("delete", _args(ref), self._limits.delete)

    def update(self, ref: Ref, changes: Changes, folder: Path) -> str:
        """Change a service; returns the operation to watch, "" when it is done already."""
        said = {"changes": wire.encode_changes(changes), "folder": str(folder.absolute())}
        return str(self._call("update", {**_args(ref), **said}, self._limits.update))

    def regenerate_key(self, ref: Ref, which: str) -> Keys:
        """Replace the "Primary" or "Secondary" key."""
        args = {**_args(ref), "which": which}
        return Keys(*self._call("regenerate_key", args, self._limits.regenerate_key))

    def operation(self, operation_id: str, offset: int = 0) -> OperationState:
        """How an operation is doing, with what it said after `offset` characters."""
        args = {"id": operation_id, "offset": offset}
        return wire.decode_operation(self._call("operation", args, self._limits.operation))

    def computes(self) -> tuple[Compute, ...]:
        """The compute targets of the workspace."""
        found = self._call("computes", {}, self._limits.computes)
        return tuple(Compute(**compute) for compute in found)

    def standing(self) -> dict[str, Any]:
        """Who is signed in, what that identity may do, and the registry's settings."""
        found: dict[str, Any] = self._call("standing", {}, self._limits.connect)
        return found

    def models(self) -> Mapping[str, tuple[int, ...]] | None:
        """The versions of every registered model by name; None where they are too many to list."""
        found = self._call("models", {}, self._limits.names)
        return None if found is None else {name: tuple(held) for name, held in found.items()}

    def model_content(self, name: str, version: int) -> ModelContent:
        """The files of a registered model."""
        args = {"name": name, "version": version}
        found = self._call("model_content", args, self._limits.names)
        files = tuple((path, size) for path, size in found.pop("files", ()))
        return ModelContent(files, **found)

    def environments(self) -> tuple[EnvironmentVersion, ...] | None:
        """The environments, by name; None where they are too many to list."""
        found = self._call("environments", {}, self._limits.names)
        if found is None:
            return None
        return tuple(
            EnvironmentVersion(**{**row, "packages": tuple(row["packages"])}) for row in found
        )

    def environment_image(self, name: str, version: str) -> EnvironmentImage:
        """The image of an environment."""
        args = {"name": name, "version": version}
        return EnvironmentImage(**self._call("environment_image", args, self._limits.names))

    def build_environment(self, name: str, version: str) -> str:
        """Have its image built unless it is there; the address whose log `build_log` reads."""
        args = {"name": name, "version": version}
        return str(self._call("build_environment", args, self._limits.names))

    def close(self) -> None:
        """Kill the host at once, whatever it is doing; calls under way end with an error."""
        with self._lock:
            self._closed = True
            hosts = [*self._retired, *([self._host] if self._host else [])]
            self._host, self._retired = None, []
        for host in hosts:
            host.kill()
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def _text(self, call: str, args: dict[str, Any]) -> str | None:
        parts: list[str] = []
        there = self._call(call, args, self._limits.logs, on_part=parts.extend)
        return "".join(parts) if there else None

    def _current(self) -> HostProcess:
        connection = self._connection or self._describe()  # may wait, so not under the lock
        with self._lock:
            self._connection = self._connection or connection
            if self._closed:
                raise AmltuiError(
                    "The workspace is closed",
                    "The console is leaving or has changed to another workspace.",
                    problem=Problem.REFUSED,
                )
            if self._host is None or self._host.dead:
                if self._connection.get("auth") == "demo" and not self._home:
                    # The SDK notes the endpoints of every workspace below the home, for ever.
                    self._home = tempfile.mkdtemp(prefix="amltui-demo-")
                connection = {**self._connection, "home": self._home}
                hello = {"connection": connection, "read_limit": self._limits.read}
                self._host = HostProcess(self._python, hello)
            return self._host

    def _call(
        self,
        call: str,
        args: dict[str, Any],
        limit: float,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        on_part: Part | None = None,
    ) -> Any:
        host = self._current()
        deadline = time.monotonic() + limit
        try:
            with host.request(call, args) as answers:
                while True:
                    kind, value = answers.next(deadline - time.monotonic())
                    if kind == "ok":
                        return value
                    if kind == "error":
                        raise AmltuiError.from_wire(value)
                    if kind == "part" and on_part is not None:
                        on_part(value)
                    if kind == "event" and on_progress is not None:
                        progress = Progress(**value)
                        if progress.code:  # a person needs longer than a machine
                            deadline = time.monotonic() + self._limits.sign_in
                        on_progress(progress)
        except TimeoutError:
            self._retire(host)
            raise AmltuiError(
                f"No answer within {limit:g} s",
                f"Gave up waiting for the workspace ({call}).",
                f"Check the network. {problems.AGAIN}",
                problem=Problem.TIMEOUT,
            ) from None
        finally:
            if host in self._retired and host.idle:
                self._bury(host)

    def _retire(self, host: HostProcess) -> None:
        """No new calls for this host; it may finish the others it has."""
        with self._lock:
            if self._host is host:
                self._host = None
                self._retired.append(host)

    def _bury(self, host: HostProcess) -> None:
        with self._lock:
            if host in self._retired:
                self._retired.remove(host)
        host.kill()


def _args(ref: Ref) -> dict[str, Any]:
    return {"ref": [ref.backend, ref.endpoint, ref.deployment]}
