"""Containers and images in memory, and tools that note what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from amltui.domain.containerdiff import (
    Change,
    ChangeKind,
    Commit,
    Difference,
    FileState,
    FileType,
    Replacement,
    SyncPlan,
)
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Container, Image
from amltui.domain.workbench import (
    ContainerDetail,
    Extracted,
    Mount,
    Probe,
    Standin,
    Usage,
    ending_of,
)

from .world import HOSTILE, NOW

EDIT = Change("/var/azureml-app/score.py", ChangeKind.CHANGED, 113, file_type="file")


def container(name: str, state: str = "running", status: str = "Up 3 minutes") -> Container:
    """A container of that name, which is its id, too."""
    return Container(name, name, f"{name}:1", state, status, NOW - timedelta(minutes=3))


def ended(name: str, code: int, out_of_memory: bool = False) -> ContainerDetail:
    """A container that has ended."""
    ending = ending_of(code, out_of_memory, "")
    return ContainerDetail(name, name, f"{name}:1", "sha256:1", "exited", "python", ending)


SERVICE = replace(
    container("fraud"), service="fraud", ports=("*:8000->5001/tcp",), image="fraud:latest"
)
ROWS = (
    SERVICE,
    container("debug", status="Up 2 hours (healthy)"),
    container("hungry", "exited", "Exited (137) 2 hours ago"),
    container("broken", "exited", "Exited (3) 5 minutes ago"),
    container("again", "restarting", "Restarting (1) 3 seconds ago"),
)
DETAILS = {
    "fraud": ContainerDetail(
        "fraud", "fraud", "fraud:latest", "sha256:1", "running", "runsvdir /var/runit",
        memory_limit=512 << 20, restart_policy="always", network="bridge",
        ports=(("5001/tcp", "8000"),), mounts=(Mount("bind", "/data", "/data", False),),
    ),
    "debug": ContainerDetail(
        "debug", "debug", "debug:1", "sha256:2", "running", "sh", health="healthy",
        auto_remove=True,
    ),
    "hungry": ended("hungry", 137, True),
    "broken": ended("broken", 3),
    "again": replace(
        ended("again", 1), state="restarting", restart_count=7, restart_policy="on-failure"
    ),
}  # fmt: skip
IMAGES = (
    Image("sha256:" + "a" * 64, ("fraud:latest", "fraud:1"), 800 << 20, NOW, ("fraud",)),
    Image("sha256:" + "b" * 64, (), 1 << 30, NOW - timedelta(days=40)),
)
FOUND = (
    Difference("new.py", FileState(FileType.FILE, 4, "x"), None),
    Difference("old.py", None, FileState(FileType.FILE, 9, "y")),
    Difference("score.py", FileState(FileType.FILE, 5, "a"), FileState(FileType.FILE, 6, "b")),
)


class Watch:
    """Says at once what each container uses, unless it is silent."""

    def __init__(self, on_usage: Callable[[Usage], None], *, silent: bool) -> None:
        self.on_usage = on_usage
        self.silent = silent
        self.shown: set[str] = set()

    def show(self, containers: Iterable[str]) -> None:
        for name in () if self.silent else set(containers) - self.shown:
            self.on_usage(Usage(name, 12.34, 128 << 20, 512 << 20, 3))
        self.shown = set(containers)

    def close(self) -> None:
        self.shown = set()


@dataclass
class MemoryTools:
    """Tools of an engine in memory; `asked` says what was done."""

    edits: tuple[Change, ...] = ()
    details: dict[str, ContainerDetail] = field(default_factory=lambda: dict(DETAILS))
    asked: list[str] = field(default_factory=list)
    watch: Watch | None = None
    watches: int = 0
    silent: bool = False
    gone: bool = False

    def detail(self, container: str) -> ContainerDetail:
        self.asked.append(f"detail {container}")
        return self.details.get(container) or replace(DETAILS["fraud"], id=container)

    def inspect(self, identity: str, image: bool = False) -> str:
        return f'{{"Id": "{identity}", "Image": {image}}}'

    def watch_usage(self, on_usage: Callable[[Usage], None]) -> Watch:
        self.watch = Watch(on_usage, silent=self.silent)
        self.watches += 1
        return self.watch

    def dirty(self, container: str) -> tuple[Change, ...]:
        if self.gone:
            raise AmltuiError("No such container", problem=Problem.NOT_FOUND)
        return self.edits

    changes = dirty

    def start(self, container: str) -> None:
        self.asked.append(f"start {container}")

    def stop(self, container: str) -> None:
        self.asked.append(f"stop {container}")

    def restart(self, container: str) -> None:
        self.asked.append(f"restart {container}")

    def remove(self, container: str, force: bool = False) -> None:
        self.asked.append(f"remove {container}")

    def remove_image(self, image: str, force: bool = False) -> None:
        self.asked.append(f"remove image {image[:10]}{' by force' if force else ''}")

    def plan_commit(self, container: str, image: str = "") -> Commit:
        return Commit(container, f"{container}:2", self.edits, 113, ("/data",), running=True)

    def commit(self, container: str, image: str, message: str = "", author: str = "") -> str:
        self.asked.append(f"commit {container} {image}")
        return "sha256:3"

    def replace(self, container: str, image: str, on_step: Callable[[str], None]) -> Replacement:
        self.asked.append(f"replace {container} {image}")
        return Replacement("again", container, image)

    def stand_in(self, container: str = "", image: str = "") -> Standin:
        self.asked.append(f"stand in for {container or image[:10]}")
        raise AmltuiError("There is no shell in this image", problem=Problem.REFUSED)

    def remove_standin(self, stand_in: Standin) -> None:
        self.asked.append("remove the stand-in")

    def packages(self, container: str, conda_file: Path | None = None) -> Probe:
        self.asked.append(f"packages {conda_file.name if conda_file else ''}")
        return Probe("pip freeze", ("PACKAGE", "INSTALLED"), (("numpy", "1.21"),))

    def model_path(self, container: str, name: str = "", version: str = "") -> Probe:
        self.asked.append(f"model path {name} {version}")
        return Probe("Where get_model_path looks", remarks=("It is there.",), text=HOSTILE)

    def source_root(self, container: str, entry_script: str = "") -> str:
        return "/var/azureml-app"

    def compare(self, container: str, root: str, local: Path) -> tuple[Difference, ...]:
        self.asked.append(f"compare {local.name}")
        return FOUND

    def apply(self, container: str, root: str, local: Path, plan: SyncPlan) -> tuple[str, ...]:
        self.asked += [f"{plan.direction.name} {step.words}" for step in plan.steps]
        return ("old.py",) if any(step.action == "delete" for step in plan.steps) else ()

    def copy_out(self, container: str, path: str, destination: Path) -> Extracted:
        self.asked.append(f"out {path} {destination.name}")
        return Extracted(3, 1234, ["dev: a device, pipe or socket"])

    def copy_in(self, container: str, source: Path, path: str, overwrite: bool = False) -> int:
        self.asked.append(f"in {source.name} {path}")
        return 99
