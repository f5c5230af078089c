"""Files in and out of a container as a stream of tar, whatever their size and names.

What comes out is not trusted: nothing is written outside the destination, no device is made, and
links are made last, so that no file can be written through one.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat as modes
import tarfile
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line
from amltui.domain.workbench import Extracted

from .access import LONG_LIMIT, EngineAccess

PIECE = 1 << 20  # bytes that are in memory at a time
END = bytes(2 * tarfile.BLOCKSIZE)
_ZEROS = bytes(PIECE)
_GO_DIR, _GO_LINK, _GO_OTHER = 1 << 31, 1 << 27, (1 << 26) | (1 << 25) | (1 << 24)


@dataclass(frozen=True)
class PathStat:
    """A path in a container as the engine sees it: the link itself, not what it points to."""

    path: str
    kind: str  # file, folder, link, other
    size: int
    mode: int
    modified: str
    target: str = ""  # of a link, absolute


def stat(access: EngineAccess, container: str, path: str) -> PathStat:
    """Look at one path, without its content.

    Raises:
        AmltuiError: there is none.
    """
    from docker.utils import decode_json_header

    with access.api() as api:
        url = f"{api.base_url}/v{api.api_version}/containers/{container}/archive"
        answer = api.head(url, params={"path": raw(path)}, timeout=api.timeout)
        if answer.status_code == 404 and api.inspect_container(container):
            raise no_such_path(path)
        answer.raise_for_status()
        return _stat(path, decode_json_header(answer.headers["X-Docker-Container-Path-Stat"]))


def no_such_path(path: str) -> AmltuiError:
    """What to say of a path that a container does not have."""
    return AmltuiError(
        f"There is no {clean_line(path)} in the container",
        "Names are case-sensitive; a link may lead nowhere.",
        "List its folder.",
        problem=Problem.NOT_FOUND,
    )


def resolve(access: EngineAccess, container: str, path: str) -> PathStat:
    """Look at what a path leads to in the end.

    Raises:
        AmltuiError: there is none, or links lead in a circle.
    """
    for _ in range(16):
        found = stat(access, container, path)
        if found.kind != "link":
            return found
        path = posixpath.join(posixpath.dirname(path), found.target)
    raise AmltuiError(
        f"{clean_line(path)} leads in a circle",
        "It is a link to a link, 16 times.",
        problem=Problem.NOT_FOUND,
    )


@contextmanager
def reading(
    access: EngineAccess, container: str, path: str
) -> Iterator[tuple[tarfile.TarFile, PathStat]]:
    """The tar of a path as it streams in; members are named after the path's last part."""
    with access.api(LONG_LIMIT) as api:
        pieces, found = api.get_archive(container, raw(path), chunk_size=PIECE)
    try:
        with tarfile.open(
            fileobj=io.BufferedReader(_Pieces(access, pieces), PIECE),
            mode="r|",
            bufsize=PIECE,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive:
            yield archive, _stat(path, found)
    except (tarfile.TarError, EOFError) as error:
        raise AmltuiError(
            "The copy broke off",
            f"What came of {clean_line(path)} is no whole archive: {error}.",
            "Nothing was kept of it; try again.",
            problem=Problem.NETWORK,
        ) from error
    finally:
        pieces.close()


def raw(path: str) -> bytes:
    """A path for the engine, which takes any bytes as a name."""
    return path.encode("utf-8", "surrogateescape")


def local_error(error: OSError, path: Path) -> AmltuiError:
    """What went wrong on this machine's side."""
    return AmltuiError(
        f"{clean_line(str(error.filename or path))} cannot be used",
        f"{error.strerror or error}.",
        "Check the folder, its permissions and the free space.",
        problem=Problem.REFUSED,
    )


def extract(
    archive: tarfile.TarFile,
    destination: Path,
    *,
    depth: int = 0,
    only: Container[str] | None = None,
) -> Extracted:
    """Write an archive's content to a new path: a file, or a folder with all that is in it.

    `depth` is how many parts above the destination a link may lead to, its own name counted;
    `only` names the members to be written, by their path below the first part.
    Modes and times are kept (not setuid and setgid), owners are not. Runs of zeros become holes.
    """
    result = Extracted()
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    links: list[tuple[Path, tarfile.TarInfo, int]] = []
    for member in archive:
        parts = _parts(member.name)
        if parts is None:
            result.skipped.append(f"{clean_line(member.name)}: leads outside")
            continue
        if only is not None and "/".join(parts) not in only:
            continue
        target = destination.joinpath(*parts)
        if member.issym():
            links.append((target, member, len(parts) + depth))
            continue
        if not (member.isreg() or member.isdir() or member.islnk()):
            result.skipped.append(f"{clean_line(member.name)}: a device, pipe or socket")
            continue
        if parts:
            target.parent.mkdir(parents=True, exist_ok=True)
        if member.isdir():
            target.mkdir(mode=0o700, exist_ok=True)
            folders.append((target, member))
        elif member.islnk():
            _hard_link(destination, target, member, result)
        else:
            _write_file(archive, member, target)
            result.files += 1
            result.size += member.size
    for target, member, level in links:
        if not _stays_inside(member.linkname, level):
            result.skipped.append(
                f"{clean_line(member.name)}: a link to {clean_line(member.linkname)}, outside"
            )
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            target.symlink_to(member.linkname)
            result.files += 1
    for target, member in reversed(folders):
        target.chmod(member.mode & 0o777)
        os.utime(target, (member.mtime, member.mtime))
    return result


def pack(source: Path, name: str, *, uid: int = 0, gid: int = 0) -> Iterator[bytes]:
    """A file or folder of this machine as the bytes of a tar, under another name.

    Raises:
        AmltuiError: a file cannot be read, or becomes shorter meanwhile.
    """
    yield from pack_members(source, name, uid=uid, gid=gid)
    yield END


def pack_members(source: Path, name: str, *, uid: int, gid: int) -> Iterator[bytes]:
    """`pack` without the tar's end, so that more can follow."""
    try:
        yield from _members(source, name, uid, gid)
    except OSError as error:
        raise local_error(error, source) from error


def _members(source: Path, name: str, uid: int, gid: int) -> Iterator[bytes]:
    seen: dict[tuple[int, int], str] = {}
    for path, inner in _walk(source, name):
        status = path.lstat()
        info = tarfile.TarInfo(inner)
        info.uid, info.gid = uid, gid
        info.mode = modes.S_IMODE(status.st_mode)
        info.mtime = int(status.st_mtime)
        if modes.S_ISLNK(status.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
        elif modes.S_ISDIR(status.st_mode):
            info.type = tarfile.DIRTYPE
        elif modes.S_ISREG(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and identity in seen:
                info.type, info.linkname = tarfile.LNKTYPE, seen[identity]
            else:
                seen[identity] = inner
                info.size = status.st_size
        else:
            continue  # sockets, pipes and devices have no content
        yield _header(info)
        if info.size:
            yield from _content(path, info.size)


def pack_bytes(data: bytes, name: str, *, uid: int, gid: int, mode: int) -> bytes:
    """A tar of one file from memory."""
    info = tarfile.TarInfo(name)
    info.uid, info.gid, info.mode, info.size = uid, gid, mode, len(data)
    info.mtime = int(time.time())
    return _header(info) + data + bytes(-len(data) % 512) + END


def folder_header(name: str, uid: int, gid: int) -> bytes:
    """The entry of a folder in a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, 0o755, uid, gid
    info.mtime = int(time.time())
    return _header(info)


class _Pieces(io.RawIOBase):
    """A generator's bytes as a file; what goes wrong there is the engine's, not this machine's."""

    def __init__(self, access: EngineAccess, pieces: Iterator[bytes]) -> None:
        self._access = access
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            with self._access.explained():
                piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _stat(path: str, found: dict[str, Any]) -> PathStat:
    mode = int(found["mode"])
    kind = "file"
    if mode & _GO_DIR:
        kind = "folder"
    elif mode & _GO_LINK:
        kind = "link"
    elif mode & _GO_OTHER:
        kind = "other"
    return PathStat(
        path=path,
        kind=kind,
        size=int(found["size"]),
        mode=mode & 0o777,
        modified=clean_line(str(found.get("mtime", ""))),
        target=str(found.get("linkTarget", "")),
    )


def _parts(name: str) -> list[str] | None:
    """The member's path below the archive's root; None if it leads anywhere else."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        return None
    return parts[1:]


def _stays_inside(target: str, depth: int) -> bool:
    """Whether a link at that depth leads to somewhere below the root.

    `..` behind another part is refused: that part may be a link itself.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    return not target.startswith("/") and ".." not in parts[up:] and up < depth


def _hard_link(destination: Path, target: Path, member: tarfile.TarInfo, result: Extracted) -> None:
    parts = _parts(member.linkname)
    source = destination.joinpath(*parts) if parts else None
    if source is None or not source.is_file():
        result.skipped.append(f"{clean_line(member.name)}: a link to what is not there")
        return
    os.link(source, target)
    result.files += 1


def _write_file(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(target, flags, 0o600), "wb", buffering=0) as file:
        left = member.size
        while left:
            piece = source.read(min(PIECE, left))
            if not piece:
                raise tarfile.ReadError("a file ends early")
            left -= len(piece)
            if piece == _ZEROS[: len(piece)]:
                file.seek(len(piece), os.SEEK_CUR)
            else:
                view = memoryview(piece)
                while view:
                    view = view[file.write(view) :]
        file.truncate(member.size)
        os.fchmod(file.fileno(), member.mode & 0o777)
        os.utime(file.fileno(), (member.mtime, member.mtime))


def _walk(source: Path, name: str) -> Iterator[tuple[Path, str]]:
    yield source, name
    if source.is_symlink() or not source.is_dir():
        return
    with os.scandir(source) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        yield from _walk(Path(entry.path), f"{name}/{entry.name}")


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with open(path, "rb", buffering=0) as file:
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise AmltuiError(
                    f"{path.name} became shorter while it was copied",
                    "Another program writes to it.",
                    "Try again when it is done.",
                    problem=Problem.REFUSED,
                )
            left -= len(piece)
            yield piece
    yield bytes(-size % tarfile.BLOCKSIZE)
