"""What stands in the folders that a plan names, looked at without changing anything."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from amltui.adapters.files.plans import yaml_problem
from amltui.domain.checks import paths_of
from amltui.domain.facts import Facts, FileFact, SourceFile, SourceListing
from amltui.domain.plan import Plan
from amltui.domain.plan_targets import LocalTarget
from amltui.domain.text import clean_line

MOST_FILES = 20_000  # of one folder; more is told as "or more"
LONGEST_TEXT = 1_000_000  # bytes of a script or conda file that is read
IGNORE_FILES = (".amlignore", ".gitignore")  # the SDK takes the first that is there
_READ = ("inference.entry_script", "inference.environment.conda_file",
         "inference.environment.pip_requirements")  # fmt: skip


def gather(plan: Plan, folder: Path) -> Facts:
    """What this machine knows of a plan whose file is in `folder`: files, port, variables."""
    files = {}
    for where, (path, _) in paths_of(plan).items():
        files[path] = fact = look_at(folder / path, text=where in _READ)
        if where.endswith(".conda_file") and fact.text is not None:
            files[path] = replace(fact, problem=yaml_problem(fact.text))
    directory = plan.inference.source_directory
    source = None
    if directory and files[directory].kind == "folder":
        source = listing(folder / directory)
    port = plan.target.port if isinstance(plan.target, LocalTarget) else None
    return Facts(
        files=files,
        source=source,
        variables=frozenset(os.environ),
        port_free=None if port is None else port_is_free(port),
    )


def look_at(path: Path, *, text: bool = False) -> FileFact:
    """What stands at a path, its size (of a folder: of all in it), and its text if asked for."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        return FileFact("", problem="" if missing else _why(error))
    if stat.S_ISDIR(status.st_mode):
        return FileFact("folder", listing(path).size)
    if not stat.S_ISREG(status.st_mode):
        return FileFact("", problem="It is neither a file nor a folder.")
    if not text:
        readable = os.access(path, os.R_OK)
        return FileFact("file", status.st_size, None, "" if readable else "Permission denied.")
    if status.st_size > LONGEST_TEXT:
        return FileFact("file", status.st_size, None, "It is too large to be what it should be.")
    try:
        return FileFact("file", status.st_size, path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return FileFact("file", status.st_size, None, "It is not UTF-8.")
    except OSError as error:
        return FileFact("file", status.st_size, None, _why(error))


def listing(root: Path) -> SourceListing:
    """All files below `root`, as a deployment packs them, and which of them are ignored in git.

    Links are not followed, for the SDK packs them as links. Nothing is left out because of an
    ignore file: azureml-core heeds them for experiments only.
    """
    ignores, ignore_file = _ignore_rules(root)
    found: list[SourceFile] = []
    problems: list[str] = []
    size = count = 0
    for entry, relative in _walk(root, "", problems):
        count += 1
        if count > MOST_FILES:
            break
        try:
            status = entry.stat(follow_symlinks=False)
            link = os.readlink(entry.path) if entry.is_symlink() else ""
            if not (link or os.access(entry.path, os.R_OK)):
                problems.append(clean_line(f"{relative}: permission denied."))
        except OSError as error:
            problems.append(clean_line(f"{relative}: {_why(error)}"))
            continue
        size += status.st_size
        ignored = ignores is not None and bool(ignores.match_file(relative))
        found.append(SourceFile(clean_line(relative), status.st_size, ignored, clean_line(link)))
    return SourceListing(
        files=tuple(found),
        size=size,
        count=min(count, MOST_FILES),
        truncated=count > MOST_FILES,
        ignore_file=ignore_file,
        problems=tuple(problems),
    )


def port_is_free(port: int) -> bool:
    """Whether a container can be given this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            # Without the right to bind it, whether it is in use is not known.
            return isinstance(error, PermissionError)
        return True


def _walk(folder: Path, below: str, problems: list[str]) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(clean_line(f"{below or '.'}: {_why(error)}"))
        return
    for entry in entries:
        relative = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{relative}/", problems)
        else:
            yield entry, relative


def _ignore_rules(root: Path) -> tuple[Any, str]:
    for name in IGNORE_FILES:
        path = root / name
        if path.is_file() and path.stat().st_size < LONGEST_TEXT:
            import pathspec  # the library that the SDK reads these files with

            try:
                lines = path.read_text("utf-8", "replace").splitlines()
                return pathspec.PathSpec.from_lines("gitwildmatch", lines), name
            except (OSError, ValueError):  # a pattern that git would not take either
                return None, ""
    return None, ""


def _why(error: Exception) -> str:
    return f"{clean_line(getattr(error, 'strerror', None) or str(error))}."
