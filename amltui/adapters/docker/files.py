"""Files of a container: listed, read, copied either way, and written back after an edit."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line
from amltui.domain.workbench import Entry, Extracted, Original

from . import archive
from .access import LONG_LIMIT, EngineAccess
from .archive import PathStat, local_error, no_such_path, pack, pack_bytes, raw, resolve, stat
from .execute import execute

READ_LIMIT = 2 << 20  # bytes of a file that is read or edited
CHECK_LIMIT = 64 << 20  # ... and that is looked at once more before it is overwritten
LIST_LIMIT = 64 << 20  # bytes read for a list where the container has no `find`
_ENTRY = re.compile(rb"(?m)^([0-9a-f]+) (\d+) (\d+) \./")
_FIND = ["find", ".", "-mindepth", "1", "-maxdepth", "1"]
_FORMAT = ["-exec", "stat", "-c", "%f %s %Y %n", "{}", "+"]
_KINDS = {0o040000: "folder", 0o120000: "link", 0o100000: "file"}


def list_folder(access: EngineAccess, container: str, path: str) -> tuple[Entry, ...]:
    """What is in a folder, folders first.

    A container without `find`, or that does not run, is read through an archive; of a big folder
    that list may be incomplete, and says so by a last entry named "...".
    """
    found = resolve(access, container, path)
    if found.kind != "folder":
        raise AmltuiError(
            f"{clean_line(path)} is no folder", "", "Open it instead.", problem=Problem.USAGE
        )
    entries = _found(access, container, found.path)
    if entries is None:
        entries = _archived(access, container, found.path)
    return tuple(sorted(entries, key=lambda entry: (entry.kind != "folder", entry.name)))


def read_file(
    access: EngineAccess, container: str, path: str, limit: int = READ_LIMIT
) -> tuple[bytes, Original]:
    """A file's content; links are followed.

    Raises:
        AmltuiError: there is none, it is none, or it is larger than `limit` bytes.
    """
    found = resolve(access, container, path)
    if found.kind != "file":
        raise AmltuiError(
            f"{clean_line(path)} is no file", f"It is a {found.kind}.", problem=Problem.USAGE
        )
    if found.size > limit:
        raise AmltuiError(
            f"{clean_line(path)} is too large",
            f"It has {found.size:,} bytes; up to {limit:,} are read.",
            "Copy it out instead.",
            problem=Problem.REFUSED,
        )
    with archive.reading(access, container, found.path) as (tar, _):
        member = next(iter(tar), None)
        file = tar.extractfile(member) if member is not None and member.isreg() else None
        if member is None or file is None:
            raise no_such_path(path)
        data = file.read(limit + 1)
    digest = hashlib.sha256(data).hexdigest()
    mode = member.mode & 0o7777
    return data, Original(container, found.path, digest, mode, member.uid, member.gid)


def write_back(access: EngineAccess, original: Original, data: bytes) -> bool:
    """Put an edited file back, in one step; False: it had not been edited.

    Raises:
        AmltuiError: the container's copy has changed meanwhile, or cannot be written.
    """
    if hashlib.sha256(data).hexdigest() == original.digest:
        return False
    _, now = read_file(access, original.container, original.path, limit=CHECK_LIMIT)
    if now.digest != original.digest:
        raise AmltuiError(
            f"{clean_line(posixpath.basename(original.path))} has changed in the container",
            "Somebody wrote to it after you had opened it.",
            "Your text is kept here; compare the two before you write it back.",
            problem=Problem.REFUSED,
        )
    folder, name = posixpath.split(original.path)
    staged = f".{name[:200]}.amltui-{secrets.token_hex(4)}"
    owner = {"uid": original.uid, "gid": original.gid, "mode": original.mode}
    if _is_running(access, original.container):
        with access.api(LONG_LIMIT) as api:
            api.put_archive(original.container, raw(folder), pack_bytes(data, staged, **owner))
        if _move(access, original.container, posixpath.join(folder, staged), original.path):
            return True
    # Nobody can look while it does not run; without mv and python there is only this way.
    with access.api(LONG_LIMIT) as api:
        api.put_archive(original.container, raw(folder), pack_bytes(data, name, **owner))
    return True


def copy_out(access: EngineAccess, container: str, path: str, destination: Path) -> Extracted:
    """Copy a file or folder out, to a path that does not exist yet; all of it or nothing.

    Raises:
        AmltuiError: the destination exists or cannot be written; there is no such path inside.
    """
    if os.path.lexists(destination):
        raise AmltuiError(
            f"{destination} exists already",
            "Nothing is overwritten by a copy.",
            "Choose another name, or move it away first.",
            problem=Problem.REFUSED,
        )
    aside = destination.with_name(f".{destination.name[:200]}.amltui-{secrets.token_hex(4)}")
    try:
        found = resolve(access, container, path)
        with archive.reading(access, container, found.path) as (tar, _):
            result = archive.extract(tar, aside)
        if not os.path.lexists(aside):
            raise no_such_path(path)
        os.rename(aside, destination)
    except OSError as error:
        raise local_error(error, destination) from error
    finally:
        _discard(aside)
    return result


def copy_in(
    access: EngineAccess, container: str, source: Path, path: str, *, overwrite: bool = False
) -> int:
    """Copy a file or folder in, to a path that does not exist yet; returns the bytes of content.

    Modes, times and links are kept; the owner is that of the folder it goes to. With `overwrite`
    files that are there are replaced; a folder's other files stay.

    Raises:
        AmltuiError: it exists, its folder does not, or the source cannot be read.
    """
    path = posixpath.normpath(path)
    folder, name = posixpath.split(path)
    parent = resolve(access, container, folder or "/")
    if not overwrite and _exists(access, container, path):
        raise AmltuiError(
            f"{clean_line(path)} exists already in the container",
            "",
            "Copy it with overwriting, or choose another name.",
            problem=Problem.REFUSED,
        )
    uid, gid = owner(access, container, parent.path)
    counted = _Counted(pack(source, name, uid=uid, gid=gid))
    with access.api(LONG_LIMIT) as api:
        api.put_archive(container, raw(parent.path), counted)
    return counted.size


def owner(access: EngineAccess, container: str, path: str) -> tuple[int, int]:
    """User and group id of a path; only the first block of its archive is read."""
    with archive.reading(access, container, path) as (tar, _):
        member = tar.next()
    return (member.uid, member.gid) if member is not None else (0, 0)


def delete(access: EngineAccess, container: str, path: str) -> None:
    """Delete a file or an empty folder of a running container.

    Raises:
        AmltuiError: it cannot be deleted, or its name cannot be said in a command.
    """
    if "\ufffd" in clean_line(path):
        raise AmltuiError(
            f"{clean_line(path)} could not be deleted",
            "Its name is not UTF-8.",
            "Delete it in a shell.",
            problem=Problem.REFUSED,
        )
    rm = execute(access, container, ["rm", "-f", "--", path], user="0")
    if rm.code:
        rm = execute(access, container, ["rmdir", "--", path], user="0")
    if rm.code:
        raise AmltuiError(
            f"{clean_line(path)} could not be deleted",
            clean_line(rm.stderr.decode("utf-8", "replace"))[:300],
            problem=Problem.REFUSED,
        )


class _Counted:
    """An iterator that counts bytes; requests takes one without a length as chunks."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            yield piece


def _found(access: EngineAccess, container: str, path: str) -> list[Entry] | None:
    """The folder by `find` and `stat`, which GNU, busybox and toybox have alike."""
    try:
        output = execute(
            access,
            container,
            ["sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", path, *_FIND, *_FORMAT],
        )
    except AmltuiError as error:
        if error.problem is Problem.REFUSED:  # it does not run
            return None
        raise
    if output.code:
        return None
    marks = list(_ENTRY.finditer(output.stdout))
    entries = []
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(output.stdout)
        name = output.stdout[mark.end() : end].removesuffix(b"\n")
        mode = int(mark[1], 16)
        entries.append(
            Entry(
                name=name.decode("utf-8", "surrogateescape"),
                kind=_KINDS.get(mode & 0o170000, "other"),
                size=int(mark[2]),
                mode=mode & 0o7777,
                modified=int(mark[3]),
            )
        )
    return entries


def _archived(access: EngineAccess, container: str, path: str) -> list[Entry]:
    entries: dict[str, Entry] = {}
    read = 0
    with archive.reading(access, container, path) as (tar, _):
        for member in tar:
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            read += member.size + 512
            if read > LIST_LIMIT:
                entries["..."] = Entry("...", "other", 0, 0, 0)
                break
            inner = parts[1:] if path != "/" else parts
            if len(inner) == 1:
                entries[inner[0]] = Entry(
                    inner[0], _kind(member), member.size, member.mode & 0o7777, int(member.mtime)
                )
    return list(entries.values())


def _kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "folder"
    if member.issym():
        return "link"
    return "file" if member.isreg() or member.islnk() else "other"


def _exists(access: EngineAccess, container: str, path: str) -> PathStat | None:
    try:
        return stat(access, container, path)
    except AmltuiError as error:
        if error.problem is Problem.NOT_FOUND:
            return None
        raise


def _is_running(access: EngineAccess, container: str) -> bool:
    with access.api() as api:
        state = api.inspect_container(container)["State"]
    return bool(state["Running"] and not state["Paused"])


_REPLACE = "import os, sys; os.replace(sys.argv[1], sys.argv[2])"
_IN_PLACE = 'cat -- "$1" > "$2" && rm -f -- "$1"'  # a mounted file cannot be replaced


def _move(access: EngineAccess, container: str, staged: str, target: str) -> bool:
    """Rename inside the container; False, and nothing staged left, if it has no means for that."""
    for command in (
        ["mv", "-f", "--", staged, target],
        ["python3", "-c", _REPLACE, staged, target],
        ["python", "-c", _REPLACE, staged, target],
        ["sh", "-c", _IN_PLACE, "sh", staged, target],
    ):
        if execute(access, container, command, user="0").code == 0:
            return True
    with suppress(AmltuiError):
        delete(access, container, staged)
    return False


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
