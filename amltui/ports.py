"""What the workers need of the outside world. Every method blocks and raises only `AmltuiError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from .domain.containers import ContainerRun
from .domain.logbuffer import Batch
from .domain.models import (
    Container,
    EngineInfo,
    Keys,
    Progress,
    Ref,
    Service,
    Token,
    WorkspaceInfo,
)


class Workspace(Protocol):
    """An Azure Machine Learning workspace. Safe to call from several threads."""

    def connect(self, on_progress: Callable[[Progress], None]) -> WorkspaceInfo:
        """Sign in and find the workspace; idempotent. Progress carries a device code, if any."""

    def services(self) -> tuple[Service, ...]:
        """All web services: one HTTP request a page, whatever the services hold."""

    def service(self, ref: Ref) -> Service:
        """One web service, fresh."""

    def logs(self, ref: Ref, tail: int, init: bool = False) -> str | None:
        """The last `tail` lines of the service's log, or of its init container's.

        None while there is no container.
        """

    def keys(self, ref: Ref) -> Keys:
        """The keys of a service with key authentication."""

    def token(self, ref: Ref) -> Token:
        """An access token of a service with token authentication."""

    def delete(self, ref: Ref) -> None:
        """Delete the service; returns when the workspace has accepted it."""

    def close(self) -> None:
        """Let go of the process behind it at once, whatever it is doing."""


class LogStream(Protocol):
    """An open log of a container."""

    def batches(self) -> Iterator[Batch]:
        """Batches as they arrive, until the container ends, the connection breaks or `close`."""

    def remainder(self) -> Batch | None:
        """What arrived of a line without its end: a line only if the container has ended."""

    def close(self) -> None:
        """End the iteration from any thread."""


class StartWatch(Protocol):
    """An open watch for the start of a container."""

    def wait(self) -> bool:
        """Block until the container starts; False when it is removed, after `close` or a break."""

    def close(self) -> None:
        """End the waiting from any thread."""


class Engine(Protocol):
    """A container engine. Safe to call from several threads."""

    def info(self) -> EngineInfo:
        """Who answers; raises with the remedy when nobody does."""

    def containers(self) -> tuple[Container, ...]:
        """All containers, running or not."""

    def services(self) -> tuple[Service, ...]:
        """The local web services, read from plain labels (pickled ones are never opened)."""

    def delete(self, ref: Ref) -> None:
        """Stop and remove the container of a local service."""

    def open_log(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = True,
    ) -> LogStream:
        """The log of a container: its last `tail` lines (None: all), then what comes.

        `since` and `until` are time stamps as batches carry them, both inclusive; the engine
        applies `tail` before them.
        """

    def container_run(self, container_id: str) -> ContainerRun:
        """Whether a container runs and, if not, how it ended."""

    def watch_start(self, container_id: str) -> StartWatch:
        """A watch for the container's next start; already watching when this returns."""

    def close(self) -> None:
        """Drop the connections."""


class Runs(Protocol):
    """The processes of runs, each named by its run's directory."""

    def start(self, directory: Path, first: str, last: str) -> None:
        """Start a process, detached from the terminal, for the steps from `first` to `last`."""

    def alive(self, directory: Path) -> bool:
        """Whether a process works on the run."""

    def stop(self, directory: Path) -> None:
        """End the run's process; returns when it is gone."""

    def ask(self, directory: Path, question: str, *words: str) -> Any:
        """An answer from the workspace or the engine: leftovers, remove KIND NAME, build-log."""
