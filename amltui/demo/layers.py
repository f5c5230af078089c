"""One layer of a container image: files of this machine as a reproducible tar."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Every file of an image carries this time (2024-01-01 UTC): the digest depends on content only.
MTIME = 1_704_067_200
_PYC_HEADER = 16


@dataclass(frozen=True)
class Entry:
    """One member of a layer: a file of this machine, generated content, or a symbolic link."""

    content: bytes | Path = b""
    link: str = ""
    executable: bool = False
    source_of: Path | None = None
    """For byte code: the Python file that it was compiled from."""


class Layer:
    """The file tree of one image layer, by absolute path inside the image."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def write(self, target: str, data: bytes | str, *, executable: bool = False) -> None:
        """Add a generated file."""
        content = data.encode() if isinstance(data, str) else data
        self.entries[target] = Entry(content, executable=executable)

    def copy(self, source: Path, target: str) -> None:
        """Add a file of this machine, following links; the first one of a path stays.

        A link that leads nowhere is left out.
        """
        if source.is_file():
            self.entries.setdefault(target, Entry(source, executable=os.access(source, os.X_OK)))

    def link(self, target: str, to: str) -> None:
        """Add a symbolic link at *target*; whatever has that path already stays."""
        self.entries.setdefault(target, Entry(link=to))

    def copy_python(self, source: Path, target: str) -> None:
        """Add a Python file and its byte code, if fresh: without it each start compiles anew."""
        self.copy(source, target)
        cached = Path(importlib.util.cache_from_source(str(source)))
        if _is_fresh(cached, source):
            path = PurePosixPath(target)
            where = str(path.parent / "__pycache__" / cached.name)
            self.entries.setdefault(where, Entry(cached, source_of=source))

    def fingerprint(self) -> str:
        """Name the layer's content without reading it: paths, sizes and times of the sources."""
        digest = hashlib.sha256()
        for target, entry in sorted(self.entries.items()):
            digest.update(f"{target}\0{entry.link}\0{entry.executable}\0".encode())
            if isinstance(entry.content, Path):
                status = entry.content.stat()
                digest.update(f"{entry.content}\0{status.st_size}\0{status.st_mtime_ns}".encode())
            else:
                digest.update(entry.content)
        return digest.hexdigest()

    def save(self, path: Path) -> str:
        """Write the layer as a tar and return its digest (``sha256:...``)."""
        with open(path, "wb") as raw:
            stream = _Digesting(raw)
            with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
                for directory in self._directories():
                    archive.addfile(_directory(directory))
                for target, entry in sorted(self.entries.items()):
                    _add(archive, target, entry)
            return f"sha256:{stream.digest.hexdigest()}"

    def _directories(self) -> list[str]:
        found = {str(parent) for target in self.entries for parent in PurePosixPath(target).parents}
        return sorted((found | {"/tmp", "/root"}) - {"/"})  # noqa: S108 - inside the image


class _Digesting(io.RawIOBase):
    """Pass writes on and digest them, so that a layer is read once."""

    def __init__(self, raw: io.BufferedWriter) -> None:
        self.raw = raw
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        return self.raw.write(data)


def _directory(path: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type, info.mtime = tarfile.DIRTYPE, MTIME
    info.mode = 0o1777 if path == "/tmp" else 0o755  # noqa: S108 - inside the image
    return info


def _add(archive: tarfile.TarFile, target: str, entry: Entry) -> None:
    info = tarfile.TarInfo(target.lstrip("/"))
    info.mtime = MTIME
    info.mode = 0o755 if entry.executable else 0o644
    if entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
        archive.addfile(info)
        return
    data = entry.content.read_bytes() if isinstance(entry.content, Path) else entry.content
    if entry.source_of is not None:
        data = _retimed(data, entry.source_of)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _is_fresh(cached: Path, source: Path) -> bool:
    """Whether byte code with a time stamp (not with a hash, PEP 552) belongs to its source."""
    try:
        with open(cached, "rb") as file:
            header = file.read(_PYC_HEADER)
        status = source.stat()
    except OSError:
        return False
    stamp = (int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    found = (int.from_bytes(header[8:12], "little"), int.from_bytes(header[12:16], "little"))
    return header[:4] == importlib.util.MAGIC_NUMBER and header[4:8] == bytes(4) and found == stamp


def _retimed(code: bytes, source: Path) -> bytes:
    """Byte code that is valid for *source* with the time it has in the image."""
    size = source.stat().st_size & 0xFFFFFFFF
    stamp = MTIME.to_bytes(4, "little") + size.to_bytes(4, "little")
    return code[:8] + stamp + code[_PYC_HEADER:]


@dataclass(frozen=True)
class Library:
    """A shared object as the loader resolves it; without a *soname* it is the loader itself."""

    soname: str
    path: Path


def shared_libraries(binaries: Iterable[Path]) -> Iterator[Library]:
    """Yield what *binaries* load (``ldd``, transitively); nothing for a static one."""
    names = [str(binary) for binary in binaries]
    if not names:
        return
    # Its exit code is 1 as soon as one of the files is static: that is no error here.
    listing = subprocess.run(
        ["ldd", *names], capture_output=True, text=True, timeout=60, check=False, errors="replace"
    )
    seen: set[Library] = set()
    for line in listing.stdout.splitlines():
        words = line.split()
        if len(words) >= 3 and words[1] == "=>" and words[2].startswith("/"):
            found = Library(words[0].rpartition("/")[2], Path(words[2]))
        elif len(words) == 2 and words[0].startswith("/") and words[1].startswith("(0x"):
            found = Library("", Path(words[0]))
        else:
            continue
        if found not in seen:
            seen.add(found)
            yield found


def add_libraries(layer: Layer, binaries: Iterable[Path], have: Iterable[str] = ()) -> None:
    """Add what *binaries* load to *layer*, except the paths that a lower layer *have* already.

    All go into the directory that the C library is found in, which the loader searches by itself:
    an interpreter's own library directory (pyenv, conda) is unknown inside the image.
    """
    present = set(have)
    libraries = list(shared_libraries(binaries))
    directory = library_directory()
    for library in libraries:
        target = f"{directory}/{library.soname}" if library.soname else str(library.path)
        if target not in present:
            with suppress(OSError):
                layer.copy(library.path.resolve(strict=True), target)


def library_directory() -> str:
    """Where this machine's loader finds the C library, e.g. ``/lib/x86_64-linux-gnu``."""
    for library in shared_libraries([Path(os.path.realpath("/proc/self/exe"))]):
        if library.soname.startswith("libc."):
            return str(library.path.parent)
    return "/lib"
