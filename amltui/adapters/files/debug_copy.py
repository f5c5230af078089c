"""A copy of a plan's source that waits for a debugger, in a folder of its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from amltui.domain.checks import script_path
from amltui.domain.debugcopy import DebugCopy, debug_copy
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.domain.text import clean_line


def describe(plan: Plan, folder: Path, *, port: int, wait: int, vim: bool) -> DebugCopy:
    """What a copy would hold; nothing is written.

    Raises:
        AmltuiError: the entry script cannot be read, or is no Python.
    """
    script = folder / script_path(plan)
    text = read_exactly(script)
    siblings = os.listdir(script.parent) if plan.inference.source_directory else ()
    return debug_copy(plan, text, siblings, port=port, wait=wait, vim=vim)


def read_exactly(path: Path) -> str:
    """A file's text with its line ends and byte order mark.

    Raises:
        AmltuiError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise AmltuiError(
            f"{clean_line(str(path))} cannot be read",
            f"{clean_line(why)}.",
            "Paths are relative to the folder of the plan.",
            problem=Problem.USAGE,
        ) from error


def copy_source(
    data: dict[str, Any], folder: Path, into: Path, *, port: int, wait: int, vim: bool
) -> dict[str, Any]:
    """Make the copy below `into`; returns the plan that names it instead of the person's files.

    Its folder has the name of the source directory, which is a part of the path in the image.
    """
    plan = Plan.from_dict(data)
    copy = describe(plan, folder, port=port, wait=wait, vim=vim)
    inference = plan.inference
    script = (folder / script_path(plan)).absolute()
    root = (folder / inference.source_directory).resolve() if inference.source_directory else None
    target = into / "source" / (root.name if root else script.parent.name or "source")
    try:
        if root is not None:
            shutil.copytree(root, target, symlinks=True)
        else:
            target.mkdir(parents=True)
        # A link in the copy would lead to the person's own file: it is replaced, not written to.
        quieted = (target / copy.wrapper).with_name(copy.script)
        if quieted.parent.resolve() != target.resolve() / Path(copy.wrapper).parent:
            raise AmltuiError(
                "The entry script is below a link",
                f"{clean_line(inference.entry_script)} leads out of the source directory.",
                "A link is sent as a link and points nowhere in the image; use a folder.",
                problem=Problem.USAGE,
            )
        quieted.unlink(missing_ok=True)
        for path, text in ((quieted, copy.script_text), (target / copy.wrapper, copy.wrapper_text)):
            path.write_bytes(text.encode())
    except (OSError, shutil.Error) as error:
        raise AmltuiError(
            "The source could not be copied",
            clean_line(str(error))[:300],
            "Free some disk space, or set TMPDIR to a place that has it.",
            problem=Problem.USAGE,
        ) from error
    copied = replace(inference, source_directory=str(target), entry_script=copy.wrapper)
    return replace(plan, inference=copied).to_dict()
