"""What the workers need of the outside world. Every method blocks and raises only `AmltuiError`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from .domain.changes import Changes
from .domain.computes import Compute
from .domain.containerdiff import Change, Commit, Difference, Replacement, SyncPlan
from .domain.containers import ContainerRun
from .domain.drafts import Draft, Mend
from .domain.facts import Facts, Fix
from .domain.images import EnvironmentImage, EnvironmentVersion, LegacyImage
from .domain.logbatch import Batch
from .domain.model_paths import ModelContent
from .domain.models import (
    Container,
    EngineChoice,
    EngineInfo,
    Image,
    Keys,
    Leftover,
    OperationState,
    Progress,
    Ref,
    Service,
    Token,
    WorkspaceInfo,
)
from .domain.plan import Plan
from .domain.workbench import (
    ContainerDetail,
    Entry,
    Extracted,
    Original,
    Probe,
    ShellEnd,
    Standin,
    Usage,
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

    def build_log(self, ref: Ref) -> str | None:
        """The build log of the service's image as it is now; None where no build is known."""

    def images(self) -> tuple[LegacyImage, ...]:
        """The images of the time before environments, newest first; `build_log` reads theirs."""

    def keys(self, ref: Ref) -> Keys:
        """The keys of a service with key authentication."""

    def token(self, ref: Ref) -> Token:
        """An access token of a service with token authentication."""

    def delete(self, ref: Ref) -> None:
        """Delete the service; returns when the workspace has accepted it."""

    def update(self, ref: Ref, changes: Changes, folder: Path) -> str:
        """Change a service; returns the operation to watch, "" when it is done already.

        `folder` is where the paths of the changes' plan begin.
        """

    def regenerate_key(self, ref: Ref, which: str) -> Keys:
        """Replace the "Primary" or "Secondary" key; callers with the old one are refused."""

    def operation(self, operation_id: str, offset: int = 0) -> OperationState:
        """How an operation is doing, with what it said after `offset` characters."""

    def computes(self) -> tuple[Compute, ...]:
        """The compute targets of the workspace, other than the services' containers."""

    def models(self) -> Mapping[str, tuple[int, ...]] | None:
        """The versions of every registered model by name; None where they are too many to list."""

    def model_content(self, name: str, version: int) -> ModelContent:
        """The files of a registered model."""

    def environments(self) -> tuple[EnvironmentVersion, ...] | None:
        """The environments, by name; None where they are too many to list."""

    def environment_image(self, name: str, version: str) -> EnvironmentImage:
        """The image of an environment."""

    def build_environment(self, name: str, version: str) -> str:
        """Have its image built unless it is there; the address whose log `build_log` reads."""

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

    def engines(self) -> tuple[EngineChoice, ...]:
        """The engines that could be asked: the configured one and the Docker contexts."""

    def use(self, key: str) -> None:
        """Ask another engine from now on: the key of an `EngineChoice`."""

    def containers(self) -> tuple[Container, ...]:
        """All containers, running or not."""

    def images(self) -> tuple[Image, ...]:
        """All images, the newest first."""

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


class Shell(Protocol):
    """An open shell; what the terminal is handed over to."""

    program: str

    def fileno(self) -> int: ...
    def receive(self) -> bytes | None: ...
    def send(self, data: bytes) -> int: ...
    def resize(self, columns: int, rows: int) -> None: ...
    def hang_up(self) -> None: ...
    def end(self) -> ShellEnd: ...


class UsageWatch(Protocol):
    """Streams of usage for containers that come and go."""

    def show(self, containers: Iterable[str]) -> None: ...
    def close(self) -> None: ...


class Tools(Protocol):
    """What can be done with one container or image. Safe to call from several threads."""

    def detail(self, container: str) -> ContainerDetail: ...
    def start(self, container: str) -> None: ...
    def stop(self, container: str) -> None: ...
    def restart(self, container: str) -> None: ...
    def remove(self, container: str, force: bool = ...) -> None: ...
    def inspect(self, identity: str, image: bool = ...) -> str: ...
    def remove_image(self, image: str, force: bool = ...) -> None: ...
    def watch_usage(self, on_usage: Callable[[Usage], None]) -> UsageWatch: ...
    def open_shell(self, container: str, columns: int, rows: int, term: str) -> Shell: ...
    def stand_in(self, container: str = ..., image: str = ...) -> Standin: ...
    def remove_standin(self, stand_in: Standin) -> None: ...
    def list_folder(self, container: str, path: str) -> tuple[Entry, ...]: ...
    def read_file(self, container: str, path: str) -> tuple[bytes, Original]: ...
    def write_back(self, original: Original, data: bytes) -> bool: ...
    def copy_out(self, container: str, path: str, destination: Path) -> Extracted: ...
    def copy_in(self, container: str, source: Path, path: str, overwrite: bool = ...) -> int: ...
    def changes(self, container: str) -> tuple[Change, ...]: ...
    def dirty(self, container: str) -> tuple[Change, ...]: ...
    def source_root(self, container: str, entry_script: str = ...) -> str: ...
    def compare(self, container: str, root: str, local: Path) -> tuple[Difference, ...]: ...
    def apply(self, container: str, root: str, local: Path, plan: SyncPlan) -> tuple[str, ...]: ...
    def plan_commit(self, container: str, image: str = ...) -> Commit: ...
    def commit(self, container: str, image: str, message: str = ..., author: str = ...) -> str: ...
    def replace(
        self, container: str, image: str, on_step: Callable[[str], None] = ...
    ) -> Replacement: ...
    def app_files(self, container: str) -> Probe: ...
    def packages(self, container: str, conda_file: Path | None = ...) -> Probe: ...
    def model_path(self, container: str, name: str = ..., version: str = ...) -> Probe: ...
    def run_init(self, container: str, limit: float = ...) -> Probe: ...
    def environment(self, container: str) -> Probe: ...
    def ports(self, wanted: Iterable[int]) -> Probe: ...


class PlanFiles(Protocol):
    """The files behind a plan that is being written; paths of a plan begin at its `folder`."""

    def drafts(self) -> tuple[Draft, ...]:
        """The plans that are not finished, the newest first."""

    def keep(self, draft: Draft) -> None:
        """Write a draft, at once or not at all, for this user only, without secrets."""

    def drop(self, draft_id: str) -> None:
        """Remove a draft that may be there."""

    def read(self, path: Path) -> Any:
        """The data of a plan file, right or wrong."""

    def text(self, path: Path) -> str:
        """The text of a small file."""

    def save(self, path: Path, data: Mapping[str, Any], folder: str) -> None:
        """Write a plan file; one that is there keeps its comments."""

    def write_new(self, path: Path, text: str) -> None:
        """Write a file that is not there yet."""

    def gather(self, plan: Plan, folder: str) -> Facts:
        """What this machine knows of a plan."""

    def mend(self, fix: Fix, folder: str, seen: str) -> Mend:
        """What a fix would make of its file, which must still be the text that it was made for."""

    def apply(self, mend: Mend) -> None:
        """Make the change, if the file is still what the change was made for."""

    def complete(self, typed: str, folder: str) -> tuple[str, ...]:
        """Paths that begin with what is typed, folders with a slash at their end."""


class LocalTools(Protocol):
    """What is done with local web services beside looking at them."""

    def reload(self, container_id: str, source: Path) -> None:
        """Copy a source directory (or entry script) into the container and start it anew."""

    def stamp(self, source: Path) -> object:
        """Something that is different once a file of the source was saved."""

    def leftovers(self, container_id: str) -> tuple[Leftover, ...]:
        """What stays when only the container is removed: its image, the build's containers."""

    def remove(self, leftover: Leftover) -> None:
        """Remove one of these; what somebody else uses meanwhile stays, and that is told."""


class Runs(Protocol):
    """The processes of runs, each named by its run's directory."""

    def start(self, directory: Path, first: str, last: str) -> None:
        """Start a process, detached from the terminal, for the steps from `first` to `last`."""

    def alive(self, directory: Path) -> bool:
        """Whether a process works on the run."""

    def stop(self, directory: Path) -> None:
        """End the run's process; returns when it is gone."""

    def demo_ended(self, url: str, ca_bundle: str) -> bool:
        """Whether the demo with this address and authority is no more; it never comes back."""

    def ask(self, directory: Path, question: str, *words: str) -> Any:
        """An answer from the workspace or the engine: leftovers, remove KIND NAME, build-log."""
