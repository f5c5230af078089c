"""What differs: a container from its image, and an app's files inside from those outside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class ChangeKind(str, Enum):
    """What happened to a path."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


_KINDS = (ChangeKind.CHANGED, ChangeKind.ADDED, ChangeKind.DELETED)  # by the engine's number
_NOISE = re.compile(
    r"/(?:proc|sys|dev|run|tmp|var/(?:run|tmp|log|cache|lock))(?:/|$)"
    r"|/(?:root|home/[^/]+)/\.(?:cache|local/state|config/matplotlib|ipython|viminfo|lesshst"
    r"|python_history|bash_history|ash_history|sh_history|wget-hsts|azureml"
    r"|gunicorn)(?:/|$)"
    r"|/etc/(?:hosts|hostname|resolv\.conf|mtab|ld\.so\.cache)$"
    r"|/__pycache__(?:/|$)|\.pyc$|\.sw[a-p]$|~$|/\.nfs|/\.pytest_cache(?:/|$)"
    r"|/var/azureml-app/azureml-logs?(?:/|$)|/supervise(?:/|$)"
)


@dataclass(frozen=True)
class Change:
    """One path of a container that differs from its image; size in bytes, None where unknown."""

    path: str
    kind: ChangeKind
    size: int | None = None
    modified: str = ""
    file_type: str = ""  # file, folder, link, other; empty where unknown

    @property
    def deleted(self) -> bool:
        """Whether the image has it and the container does not."""
        return self.kind is ChangeKind.DELETED

    def sized(self, size: int, file_type: str, modified: str) -> Change:
        """The change with what the engine knows of the path."""
        return replace(self, size=size, file_type=file_type, modified=modified)


@dataclass(frozen=True)
class Commit:
    """A commit before it is made: its name and what will be in it."""

    container: str
    image: str
    changes: tuple[Change, ...]
    size: int  # bytes that the container has written
    not_included: tuple[str, ...] = ()  # what is mounted, and so not part of it
    auto_remove: bool = False
    running: bool = True

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before it is made."""
        said = []
        if not self.changes:
            said.append("Nothing differs from the image: the commit will be a copy of it.")
        if self.not_included:
            said.append(f"Not part of it, because mounted: {', '.join(self.not_included)}.")
        if self.auto_remove:
            said.append("The container was started with --rm: when it stops, it is gone.")
        if self.running:
            said.append("The container stands still while it is committed.")
        return tuple(said)


@dataclass(frozen=True)
class Replacement:
    """A container that runs in another's place; ports are pairs of inside and this machine's.

    `saved_as` is the image that holds what a removed --rm container had and no commit.
    """

    container_id: str
    name: str
    image: str
    ports: tuple[tuple[str, str], ...] = ()
    saved_as: str = ""


def parse_changes(answer: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """The engine's list, without the folders that changed only because something in them did."""
    found = {
        str(each["Path"]): _KINDS[each["Kind"]] if each["Kind"] in (0, 1, 2) else _KINDS[0]
        for each in answer
    }
    parents = {posixpath.dirname(path) for path in found}
    return tuple(
        Change(path, kind)
        for path, kind in sorted(found.items())
        if kind is not ChangeKind.CHANGED or path not in parents
    )


def edits(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that somebody made: no caches, logs, temporary files, histories, byte code."""
    return tuple(
        change
        for change in changes
        if not _NOISE.search(change.path)
        and not (change.file_type == "folder" and change.kind is ChangeKind.CHANGED)
    )


# -- files inside and outside ---------------------------------------------------------------------


class FileType(str, Enum):
    """What a path is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True)
class FileState:
    """A file as compared: its content by digest, a link by where it leads."""

    kind: FileType
    size: int = 0
    digest: str = ""
    mode: int = 0o644
    target: str = ""

    def same_as(self, other: FileState) -> bool:
        """Whether both hold the same; of the mode only the executable bit counts."""
        return (
            self.kind is other.kind
            and self.digest == other.digest
            and self.target == other.target
            and (self.kind is not FileType.FILE or (self.mode ^ other.mode) & 0o100 == 0)
        )


@dataclass(frozen=True)
class Difference:
    """One path that is not the same on both sides; None is not there."""

    path: str
    local: FileState | None
    inside: FileState | None

    @property
    def words(self) -> str:
        """What differs."""
        if self.inside is None:
            return "only here"
        if self.local is None:
            return "only in the container"
        if self.local.kind is not self.inside.kind:
            return f"{self.local.kind.value} here, {self.inside.kind.value} in the container"
        if self.local.digest == self.inside.digest and self.local.target == self.inside.target:
            return "executable on one side only"
        return "differs"


class Direction(str, Enum):
    """Which side becomes like the other."""

    INTO = "into the container"
    OUT = "out of the container"


@dataclass(frozen=True)
class SyncStep:
    """One file to be copied or deleted, and what it must still be on both sides for that."""

    action: str  # "copy" or "delete"
    path: str
    source: FileState | None
    target: FileState | None

    @property
    def words(self) -> str:
        """The step as a line of the plan."""
        if self.action == "delete":
            return f"delete {self.path}"
        return f"{'overwrite' if self.target else 'add'} {self.path}"


@dataclass(frozen=True)
class SyncPlan:
    """What a sync would do; shown before it is done."""

    direction: Direction
    steps: tuple[SyncStep, ...]
    left_alone: tuple[str, ...] = ()  # of the other side only, when nothing is to be deleted


def compare(
    local: Mapping[str, FileState], inside: Mapping[str, FileState]
) -> tuple[Difference, ...]:
    """What is not the same on both sides, by path; folders only if they are not there."""
    found = []
    for path in sorted({*local, *inside}):
        here, there = local.get(path), inside.get(path)
        if here is None or there is None or not here.same_as(there):
            found.append(Difference(path, here, there))
    return tuple(found)


def plan_sync(
    differences: Iterable[Difference], direction: Direction, *, delete: bool = False
) -> SyncPlan:
    """The steps that make one side like the other; what only the target has stays by default."""
    copies, deletions, left_alone = [], [], []
    for difference in differences:
        source, target = difference.local, difference.inside
        if direction is Direction.OUT:
            source, target = target, source
        if source is not None:
            copies.append(SyncStep("copy", difference.path, source, target))
        elif delete:
            deletions.append(SyncStep("delete", difference.path, None, target))
        else:
            left_alone.append(difference.path)
    # Deepest first, so that a folder is empty when its turn comes.
    return SyncPlan(direction, (*copies, *reversed(deletions)), tuple(left_alone))


def source_root(app_root: str, entry_script: str, *, inside_source: str = "") -> str:
    """Where the source directory is in a container, by its AML_APP_ROOT and AZUREML_ENTRY_SCRIPT.

    `inside_source` is the entry script as the inference configuration names it, if known: it may
    be in a folder of the source directory.
    """
    root = app_root or "/var/azureml-app"
    script = posixpath.normpath(posixpath.join(root, entry_script or ""))
    if inside_source and script.endswith("/" + posixpath.normpath(inside_source)):
        return script[: -len(posixpath.normpath(inside_source)) - 1] or "/"
    return posixpath.dirname(script) if entry_script else root
