"""A log into a file of one's own, beside a screen that goes on working."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

from amltui.domain.errors import AmltuiError, Problem

from . import bridge

_SLICE = 0.004  # seconds of work between two pauses
_CHUNK = 1 << 18  # characters written at once
_LIMIT = 60.0  # seconds for one write: the folder may be on a network


async def save(path: Path, lines: Iterable[str]) -> int:
    """Write lines to a new file that only its owner may read; returns how many.

    A file that cannot be finished is removed: half a log misleads.

    Raises:
        AmltuiError: there is such a file already, or it cannot be written.
    """
    descriptor = await bridge.call(lambda: _create(path), limit=_LIMIT, what=f"creating {path}")
    count = 0
    pending: list[str] = []
    size = 0
    slice_end = perf_counter() + _SLICE

    async def write() -> None:
        data = "".join(pending).encode("utf-8", "replace")
        await bridge.call(lambda: _write(descriptor, data), limit=_LIMIT, what=f"writing {path}")

    finished = False
    try:
        for line in lines:
            pending.append(line + "\n")
            size += len(line) + 1
            count += 1
            if size >= _CHUNK:
                await write()
                pending.clear()
                size = 0
            if perf_counter() >= slice_end:
                await asyncio.sleep(0.001)
                slice_end = perf_counter() + _SLICE
        await write()
        finished = True
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        os.close(descriptor)
        if not finished:
            with contextlib.suppress(OSError):
                os.unlink(path)
    return count


def _create(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise AmltuiError(
            "There is such a file",
            f"{path} exists already.",
            "Choose another name: nothing is overwritten.",
            problem=Problem.USAGE,
        ) from None
    except OSError as error:
        raise _refused(path, error) from None


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _refused(path: Path, error: OSError) -> AmltuiError:
    return AmltuiError(
        "The log was not saved",
        f"{path}: {error.strerror or error}.",
        "Choose a folder that you may write to, or make room.",
        problem=Problem.USAGE,
    )
