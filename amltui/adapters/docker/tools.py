"""Everything that can be done with one container or image, behind `ports.Tools`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from amltui.domain.containerdiff import Change, Commit, Difference, Replacement, SyncPlan
from amltui.domain.workbench import (
    ContainerDetail,
    Entry,
    Extracted,
    Original,
    Probe,
    Standin,
    Usage,
)

from . import files, images, lifecycle, probes, shell, standin, sync
from .access import EngineAccess
from .stats import UsageStreams


class ContainerTools:
    """One container's shell, files, commit, life and probes. Safe to call from several threads."""

    def __init__(self, access: EngineAccess | None = None) -> None:
        """`access` says which engine; without it the one that the docker command would use."""
        self._access = access or EngineAccess()

    def detail(self, container: str) -> ContainerDetail:
        """All that is worth knowing of a container."""
        return lifecycle.detail(self._access, container)

    def start(self, container: str) -> None:
        """Start a stopped container, or resume a paused one."""
        lifecycle.start(self._access, container)

    def stop(self, container: str) -> None:
        """Ask a container to end, and end it after 10 s."""
        lifecycle.stop(self._access, container)

    def restart(self, container: str) -> None:
        """Stop and start a container."""
        lifecycle.restart(self._access, container)

    def remove(self, container: str, force: bool = False) -> None:
        """Remove a container; a running one only with `force`."""
        lifecycle.remove(self._access, container, force=force)

    def inspect(self, identity: str, image: bool = False) -> str:
        """The engine's whole answer about a container or an image, secrets masked."""
        return lifecycle.inspect(self._access, identity, image=image)

    def remove_image(self, image: str, force: bool = False) -> None:
        """Remove a name of an image, and the image with its last one."""
        lifecycle.remove_image(self._access, image, force=force)

    def watch_usage(self, on_usage: Callable[[Usage], None]) -> UsageStreams:
        """Streams of what containers use; `on_usage` is called on their threads."""
        return UsageStreams(self._access, on_usage)

    # -- shell

    def open_shell(
        self, container: str, columns: int, rows: int, term: str
    ) -> shell.ContainerShell:
        """The best shell of a running container."""
        return shell.open_shell(self._access, container, columns=columns, rows=rows, term=term)

    def stand_in(self, container: str = "", image: str = "") -> Standin:
        """A container to have a shell in: of an image, or of a container that does not run."""
        standin.sweep(self._access)
        if image:
            return standin.stand_in_for_image(self._access, image)
        return standin.stand_in_for_container(self._access, container)

    def remove_standin(self, stand_in: Standin) -> None:
        """Remove a stand-in and its temporary image."""
        standin.remove(self._access, stand_in)

    # -- files

    def list_folder(self, container: str, path: str) -> tuple[Entry, ...]:
        """What is in a folder of a container."""
        return files.list_folder(self._access, container, path)

    def read_file(self, container: str, path: str) -> tuple[bytes, Original]:
        """A small file's content."""
        return files.read_file(self._access, container, path)

    def write_back(self, original: Original, data: bytes) -> bool:
        """Put an edited file back, if it was edited and is still what it was inside."""
        return files.write_back(self._access, original, data)

    def copy_out(self, container: str, path: str, destination: Path) -> Extracted:
        """Copy a file or folder out to a new path."""
        return files.copy_out(self._access, container, path, destination)

    def copy_in(self, container: str, source: Path, path: str, overwrite: bool = False) -> int:
        """Copy a file or folder in."""
        return files.copy_in(self._access, container, source, path, overwrite=overwrite)

    # -- differences

    def changes(self, container: str) -> tuple[Change, ...]:
        """What differs from the container's image."""
        return images.changes(self._access, container)

    def dirty(self, container: str) -> tuple[Change, ...]:
        """The edits that no commit has."""
        return images.dirty(self._access, container)

    def source_root(self, container: str, entry_script: str = "") -> str:
        """Where the source directory is in a container."""
        return sync.source_root_of(self._access, container, entry_script)

    def compare(self, container: str, root: str, local: Path) -> tuple[Difference, ...]:
        """A folder of the container against one of this machine, file by file."""
        return sync.compare_with(self._access, container, root, local)

    def apply(self, container: str, root: str, local: Path, plan: SyncPlan) -> tuple[str, ...]:
        """Do a sync; returns what was left out because it had changed since the plan."""
        return sync.apply(self._access, container, root, local, plan)

    # -- commit

    def plan_commit(self, container: str, image: str = "") -> Commit:
        """What a commit would hold and be called."""
        return images.plan_commit(self._access, container, image)

    def commit(self, container: str, image: str, message: str = "", author: str = "") -> str:
        """Commit a container; returns the image's id."""
        return images.commit(self._access, container, image, message=message, author=author)

    def replace(
        self, container: str, image: str, on_step: Callable[[str], None] = lambda _: None
    ) -> Replacement:
        """Stop a container and run an image in its place."""
        return images.replace(self._access, container, image, on_step=on_step)

    # -- probes

    def app_files(self, container: str) -> Probe:
        """The files of the app."""
        return probes.app_files(self._access, container)

    def packages(self, container: str, conda_file: Path | None = None) -> Probe:
        """The Python packages, beside a conda file's pins."""
        return probes.packages(self._access, container, conda_file)

    def model_path(self, container: str, name: str = "", version: str = "") -> Probe:
        """Where `Model.get_model_path` looks."""
        return probes.model_path(self._access, container, name, version)

    def run_init(self, container: str, limit: float = 60.0) -> Probe:
        """Run `init()` of the entry script alone."""
        return probes.run_init(self._access, container, limit)

    def environment(self, container: str) -> Probe:
        """The environment variables, secrets masked."""
        return probes.environment(self._access, container)

    def ports(self, wanted: Iterable[int]) -> Probe:
        """Whether ports of this machine are free, and who holds them if not."""
        return probes.ports(self._access, wanted)

    def close(self) -> None:
        """Drop the connections."""
        self._access.close()
