"""An app's files in a container and in the local source directory: compared, and made the same."""

from __future__ import annotations

import hashlib
import os
import posixpath
import secrets
import shutil
import stat as modes
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from amltui.domain.containerdiff import (
    Difference,
    Direction,
    FileState,
    FileType,
    SyncPlan,
    SyncStep,
    compare,
    source_root,
)
from amltui.domain.debugcopy import WRAPPER
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line

from . import archive, files
from .access import LONG_LIMIT, EngineAccess
from .execute import execute
from .lifecycle import detail

IGNORED = frozenset(
    {
        ".git", ".amlignore", ".gitignore", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".venv", ".vscode", ".DS_Store", "__pycache__", "azureml-models",
        f"{WRAPPER}.py",
    }
)  # fmt: skip
"""Names that are no part of the source: caches, the editor's, and the models beside it."""

# Names are not passed along: a name need not be UTF-8, and there may be thousands.
_MOVE = """
move() {
  for f in * .[!.]* ..?*; do
    [ -e "$f" ] || [ -L "$f" ] || continue
    if [ -d "$f" ] && [ ! -L "$f" ]; then
      mkdir -p -- "$1/$f" && (cd -- "./$f" && move "$1/$f") || exit 1
    else
      mv -f -- "./$f" "$1/$f" || exit 1
    fi
  done
}
cd -- "$1" && move "$2" && cd / && rm -rf -- "$1"
"""


def source_root_of(access: EngineAccess, container: str, entry_script: str = "") -> str:
    """Where the source directory is in a container.

    `entry_script` is the one of the inference configuration, relative to the source directory.
    """
    found = detail(access, container)
    return source_root(
        found.variable("AML_APP_ROOT"),
        found.variable("AZUREML_ENTRY_SCRIPT"),
        inside_source=entry_script,
    )


def compare_with(
    access: EngineAccess, container: str, root: str, local: Path
) -> tuple[Difference, ...]:
    """A folder of the container against one of this machine, by content.

    Raises:
        AmltuiError: one of them is not there.
    """
    return compare(local_tree(local), inside_tree(access, container, root))


def local_tree(root: Path) -> dict[str, FileState]:
    """The files of a local folder by their path below it."""
    if not root.is_dir():
        raise AmltuiError(f"{root} is no folder here", problem=Problem.USAGE)
    found: dict[str, FileState] = {}
    try:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in IGNORED)
            for name in (*folders, *names):
                path = Path(folder, name)
                if name in IGNORED or (state := _local_state(path)) is None:
                    continue
                found[path.relative_to(root).as_posix()] = state
    except OSError as error:
        raise AmltuiError(
            f"{error.filename or root} cannot be read",
            f"{error.strerror}.",
            problem=Problem.PERMISSION,
        ) from error
    return found


def inside_tree(access: EngineAccess, container: str, root: str) -> dict[str, FileState]:
    """The files of a container's folder by their path below it; all content passes through here."""
    found: dict[str, FileState] = {}
    strays: list[str] = []
    resolved = archive.resolve(access, container, root)
    with archive.reading(access, container, resolved.path) as (tar, _):
        for member in tar:
            parts = [part for part in member.name.split("/") if part not in ("", ".")][1:]
            if not parts or ".." in parts or IGNORED.intersection(parts):
                continue
            path = "/".join(parts)
            if member.isdir():
                found[path] = FileState(FileType.FOLDER)
            elif member.issym():
                found[path] = FileState(FileType.LINK, target=member.linkname)
            elif member.islnk():
                first = "/".join(member.linkname.strip("/").split("/")[1:])
                if first in found:
                    found[path] = found[first]
                else:
                    strays.append(path)
            elif member.isreg():
                found[path] = _inside_state(tar, member)
    for path in strays:  # hard links to what is ignored: by themselves they are files
        with archive.reading(access, container, posixpath.join(resolved.path, path)) as (tar, _):
            for member in tar:
                found[path] = _inside_state(tar, member)
    return found


def apply(
    access: EngineAccess, container: str, root: str, local: Path, plan: SyncPlan
) -> tuple[str, ...]:
    """Do what a plan says; returns what was left out because it had changed since.

    Raises:
        AmltuiError: a side cannot be read or written; what is done by then stays.
    """
    now_local, now_inside = local_tree(local), inside_tree(access, container, root)
    source, target = now_local, now_inside
    if plan.direction is Direction.OUT:
        source, target = target, source
    steps, left_out = _still_valid(plan.steps, source, target)
    if plan.direction is Direction.INTO:
        _into(access, container, root, local, steps)
    else:
        try:
            _out(access, container, root, local, steps)
        except OSError as error:
            raise archive.local_error(error, local) from error
    return left_out


def _still_valid(
    steps: Iterable[SyncStep], source: Mapping[str, FileState], target: Mapping[str, FileState]
) -> tuple[list[SyncStep], tuple[str, ...]]:
    valid, left_out = [], []
    for step in steps:
        if source.get(step.path) == step.source and target.get(step.path) == step.target:
            valid.append(step)
        else:
            left_out.append(step.path)
    return valid, tuple(left_out)


def _into(
    access: EngineAccess, container: str, root: str, local: Path, steps: list[SyncStep]
) -> None:
    copies = [step for step in steps if step.action == "copy"]
    folder = archive.resolve(access, container, root).path
    if copies:
        uid, gid = files.owner(access, container, folder)
        staging = f".amltui-sync-{secrets.token_hex(4)}"
        running = detail(access, container).state == "running"
        can_move = (
            running
            and not execute(
                access, container, ["sh", "-c", "command -v mv && command -v mkdir"]
            ).code
        )
        prefix = f"{staging}/" if can_move else ""
        with access.api(LONG_LIMIT) as api:
            api.put_archive(
                container,
                archive.raw(folder),
                _packed(local, copies, prefix, uid, gid, staged=can_move),
            )
        if can_move:
            _move(access, container, f"{folder}/{staging}", folder)
    for step in steps:
        if step.action == "delete":
            files.delete(access, container, posixpath.join(folder, step.path))


def _packed(
    local: Path, copies: list[SyncStep], prefix: str, uid: int, gid: int, *, staged: bool
) -> Iterator[bytes]:
    """One tar of all that is copied."""
    if staged:
        yield archive.folder_header(prefix.rstrip("/"), uid, gid)
    for step in copies:
        if _kind(step) is FileType.FOLDER:
            # A folder goes to its place at once; what is in it are steps of their own.
            yield archive.folder_header(step.path, uid, gid)
            continue
        yield from archive.pack_members(local / step.path, f"{prefix}{step.path}", uid=uid, gid=gid)
    yield archive.END


def _out(
    access: EngineAccess, container: str, root: str, local: Path, steps: list[SyncStep]
) -> None:
    wanted = {step.path for step in steps if step.action == "copy"}
    staging = local / f".amltui-sync-{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    try:
        if wanted:
            with archive.reading(access, container, root) as (tar, _):
                archive.extract(tar, staging, only=wanted)
        for step in steps:
            target = local / step.path
            if step.action == "delete":
                _delete_here(target)
            elif _kind(step) is FileType.FOLDER:
                target.mkdir(parents=True, exist_ok=True)
            else:
                staged = staging / step.path
                if not os.path.lexists(staged):  # a hard link to a file that stays where it is
                    _fetch(access, container, posixpath.join(root, step.path), staged)
                _place(staged, target, local)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch(access: EngineAccess, container: str, path: str, staged: Path) -> None:
    staged.parent.mkdir(parents=True, exist_ok=True)
    with archive.reading(access, container, path) as (tar, _):
        archive.extract(tar, staged)


def _delete_here(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        with suppress(OSError):  # it holds what is ignored: it stays
            target.rmdir()
    else:
        target.unlink()


def _place(staged: Path, target: Path, local: Path) -> None:
    """One file to its place, in one step; never through a link out of the source directory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(local.resolve()):
        raise AmltuiError(
            f"{target} leads out of the source directory",
            "One of its folders is a link.",
            "Replace the link by a folder.",
            problem=Problem.REFUSED,
        )
    if not os.path.lexists(staged):
        raise AmltuiError(
            f"{clean_line(str(target))} was not copied",
            "It is a link that leads out of the app's folder.",
            "Copy what it leads to.",
            problem=Problem.REFUSED,
        )
    if target.is_dir() and not target.is_symlink():
        target.rmdir()  # only if it is empty: never a folder with something in it
    os.replace(staged, target)


def _move(access: EngineAccess, container: str, staging: str, folder: str) -> None:
    """Each staged file to its place, by a rename."""
    output = execute(
        access, container, ["sh", "-c", _MOVE, "sh", staging, folder], limit=LONG_LIMIT, user="0"
    )
    if output.code:
        raise AmltuiError(
            "The files could not be put in their places",
            clean_line(output.stderr.decode("utf-8", "replace"))[:300],
            f"What is left of them is in {staging}.",
            problem=Problem.REFUSED,
        )


def _kind(step: SyncStep) -> FileType:
    assert step.source is not None
    return step.source.kind


def _local_state(path: Path) -> FileState | None:
    status = path.lstat()
    if modes.S_ISLNK(status.st_mode):
        return FileState(FileType.LINK, target=os.readlink(path))
    if modes.S_ISDIR(status.st_mode):
        return FileState(FileType.FOLDER)
    if not modes.S_ISREG(status.st_mode):
        return None
    with open(path, "rb", buffering=0) as file:
        return FileState(FileType.FILE, status.st_size, _digest(file), status.st_mode & 0o777)


def _inside_state(tar: tarfile.TarFile, member: tarfile.TarInfo) -> FileState:
    content = tar.extractfile(member)
    assert content is not None
    return FileState(FileType.FILE, member.size, _digest(content), member.mode & 0o777)


def _digest(content: Any) -> str:
    digest = hashlib.sha256()
    while piece := content.read(archive.PIECE):
        digest.update(piece)
    return digest.hexdigest()
