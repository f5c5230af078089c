"""The reading side of runs: one directory each, with the plan and the journal of its events."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.domain.run import (
    CANCELLED,
    DESCRIPTION,
    JOURNAL,
    TEMPORARY,
    Event,
    LogKept,
    Noted,
    from_line,
)

KEPT = 20  # runs that failed, and as many that did not; the oldest go when a new one starts
_READ = 1 << 20  # bytes of a journal in one piece
# What a connection may say on disk; whatever is secret stays in the environment.
_CONNECTION = (
    "auth",
    "tenant_id",
    "subscription_id",
    "resource_group",
    "workspace_name",
    "url",
    "ca_bundle",
)


@dataclass(frozen=True)
class Description:
    """What a run was started with; `folder` is where the plan's paths begin."""

    name: str
    plan: Plan
    folder: str
    workspace: str
    engine: str
    created_at: float
    url: str = ""  # of the demo's server
    ca_bundle: str = ""  # and its certificates


class Journal:
    """The journal of one run, read from where the last reading ended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.last_at = 0.0  # when the run last said something, of what has been read
        self._offset = 0
        self._rest = b""

    def grown(self) -> bool:
        """Whether there is more to read; looks at the file's size only."""
        try:
            return os.stat(self.directory / JOURNAL).st_size > self._offset
        except OSError:
            return False

    def read(self) -> tuple[Event, ...]:
        """The next events, a mebibyte at most; a line that is not complete yet is left."""
        try:
            with open(self.directory / JOURNAL, "rb") as file:
                file.seek(self._offset)
                data = file.read(_READ)
        except FileNotFoundError:
            return ()
        self._offset += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        events = tuple(event for line in lines if (event := from_line(line)) is not None)
        # What is fetched or removed from beside, later, is no word of the run.
        words = (event.at for event in events if not isinstance(event, (LogKept, Noted)))
        self.last_at = max(words, default=self.last_at)
        return events

    def all(self) -> Iterator[Event]:
        """All events that are left."""
        while self.grown():
            yield from self.read()


def create(
    runs: Path,
    plan: Plan,
    connection: Mapping[str, Any],
    folder: Path,
    engine: str,
    now: float,
) -> Path:
    """Make the directory of a new run; its name is its id."""
    runs.mkdir(parents=True, exist_ok=True)
    runs.chmod(0o700)
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%d-%H%M%S")
    number, directory = 1, runs / f"{stamp}-{plan.name}"
    while True:
        try:
            directory.mkdir(mode=0o700)
            break
        except FileExistsError:
            number += 1
            directory = runs / f"{stamp}-{plan.name}-{number}"
    said = {name: connection[name] for name in _CONNECTION if connection.get(name)}
    description = {
        "plan": plan.to_dict(),
        "folder": str(folder.absolute()),
        "connection": said,
        "engine": engine,
        "created_at": now,
    }
    _write(directory / DESCRIPTION, description)
    return directory


def describe(directory: Path) -> Description:
    """What a run was started with.

    Raises:
        AmltuiError: there is no such run, or nothing that can be read.
    """
    try:
        found = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        return Description(
            directory.name,
            Plan.from_dict(found["plan"]),
            found["folder"],
            str(found["connection"].get("workspace_name", "")),
            found["engine"],
            float(found["created_at"]),
            str(found["connection"].get("url", "")),
            str(found["connection"].get("ca_bundle", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AmltuiError):
        raise AmltuiError(
            f"There is no run {directory.name}.",
            "The last 20 that failed are kept, and the last 20 that did not.",
            "`amltui runs` lists them.",
            problem=Problem.NOT_FOUND,
        ) from None


def edit(directory: Path, plan: Plan) -> None:
    """Go on with another plan."""
    description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
    _write(directory / DESCRIPTION, {**description, "plan": plan.to_dict()})


def ask_cancel(directory: Path, why: str = "") -> None:
    """Note that somebody asks for the end of the run, and why, before it is ended."""
    descriptor = os.open(directory / CANCELLED, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(why)


def take_back_cancel(directory: Path) -> None:
    """Nobody asks for its end any more."""
    (directory / CANCELLED).unlink(missing_ok=True)


def cancelled_at(directory: Path) -> float | None:
    """When somebody asked for the end of the run; None if nobody did."""
    try:
        return os.stat(directory / CANCELLED).st_mtime
    except OSError:
        return None


def directories(runs: Path) -> list[Path]:
    """The directories of all runs, newest first."""
    try:
        return sorted((path for path in runs.iterdir() if path.is_dir()), reverse=True)
    except FileNotFoundError:
        return []


def forget(directory: Path) -> None:
    """Remove a run and all that was kept of it."""
    shutil.rmtree(directory, ignore_errors=True)


def drop_temporary(directory: Path) -> None:
    """Remove what a process that was killed left of the SDK's copies."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(directory / TEMPORARY)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)
