"""What is packaged for debugging: a copy of a plan's script and environment, never its own files.

Debugging does not work in a local deployment of the SDK, which publishes one port and waits for an
answer within 30 s; so the copy is packaged as an image, which is run with both ports.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass

from . import debugheader
from .conda_layout import read_layout
from .conda_package import read_package
from .errors import AmltuiError, Problem
from .findings import Edit, Hunk, apply
from .plan import Plan
from .plan_parts import Environment

WRAPPER = "amltui_debug"
PACKAGE = "debugpy"
OLD_PACKAGE = "ptvsd"
VIM = "RUN apt-get update && apt-get install -y --no-install-recommends vim"
INSTALL = f"RUN python -m pip install --no-cache-dir {PACKAGE}"
_RETIRED = re.compile(r"(?i)ubuntu-?1[468]\.04|intelmpi2018|openmpi3\.")


@dataclass(frozen=True)
class DebugCopy:
    """The files that are added or changed in the copy, and what there is to say of it."""

    script: str  # the name of the plan's entry script
    script_text: str
    wrapper: str  # path of the entry script of the copy, below the source directory
    wrapper_text: str
    remarks: tuple[str, ...]


def debug_copy(
    plan: Plan,
    script: str,
    siblings: Collection[str],
    *,
    port: int = debugheader.PORT,
    wait: int = debugheader.WAIT,
    vim: bool = False,
) -> DebugCopy:
    """The copy for a plan whose entry script reads `script`; `siblings` are the files beside it.

    Raises:
        AmltuiError: the script is no Python.
    """
    path = plan.inference.entry_script
    if not plan.inference.source_directory:
        path = posixpath.basename(path)
    name, quiet = posixpath.basename(path), debugheader.quiet(script)
    wrapper = posixpath.join(posixpath.dirname(path), f"{_free_name(siblings)}.py")
    debugheader.insert(script, port=port, wait=wait)  # says where it is no Python
    remarks = [
        f"A copy of the source is sent. {wrapper} in it waits {wait} s for a debugger on port "
        f"{port}, then runs {name}; its lines stay where they are.",
        *_of_script(script, quiet, name),
        *_of_environment(plan.inference.environment),
        _of_base(plan.inference.environment, vim=vim),
    ]
    return DebugCopy(
        name, quiet, wrapper, debugheader.entry(name, port=port, wait=wait), tuple(remarks)
    )


def left_over(script: str) -> tuple[str, ...]:
    """What of a debugger stands in a script that goes to the cloud, a line each."""
    ours = ("amltui's lines that wait for a debugger",) if debugheader.has_header(script) else ()
    return ours + tuple(f"line {line.first}: {line.text}" for line in debugheader.find(script))


def cleaned(script: str) -> str:
    """The script without anything that has to do with a debugger.

    Raises:
        AmltuiError: some of it is part of other statements, which a person must change.
    """
    bare = debugheader.remove(script)
    for line in sorted(debugheader.find(bare), key=lambda each: -each.first):
        bare = _without(bare, line)
    left = [f"line {line.first}: {line.text}" for line in debugheader.find(bare)]
    left += [f"line {node.lineno}: {node.id}" for node in _uses(bare)]
    if left:
        raise AmltuiError(
            "A debugger is woven into the script",
            "; ".join(left),
            "Take these out by hand; nothing was changed.",
            problem=Problem.REFUSED,
        )
    return bare


def without_package(conda: str) -> str:
    """A conda file without debugpy and ptvsd; one that cannot be read, or would be void, stays."""
    layout = read_layout(conda)
    hunks = [
        Hunk(item.line, 1)
        for item in (*layout.conda, *layout.pip)
        if (package := read_package(item)) and package.name in (PACKAGE, OLD_PACKAGE)
    ]
    left = {item.line for item in layout.pip} - {hunk.line for hunk in hunks}
    if layout.unread or (layout.pip and not left):
        return conda
    return apply(conda, Edit("Take the debugger out", tuple(hunks)))


def _uses(source: str) -> list[ast.Name]:
    try:
        tree = ast.parse(source.removeprefix("\ufeff"))
    except (SyntaxError, ValueError):
        return []
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in (PACKAGE, OLD_PACKAGE)
    ]


def _without(source: str, line: debugheader.DebuggerLine) -> str:
    """The source without a statement, if it can do without: a block must not become empty."""
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", source)
    if not line.removable:
        return source
    made = "".join(lines[: line.first - 1] + lines[line.last :])
    try:
        before, after = ast.parse(source), ast.parse(made)
    except SyntaxError:
        return source
    statements = (sum(isinstance(node, ast.stmt) for node in ast.walk(t)) for t in (before, after))
    return made if next(statements) - next(statements) == 1 else source


def _free_name(siblings: Collection[str]) -> str:
    taken = {posixpath.splitext(each)[0] for each in siblings}
    number, name = 1, WRAPPER
    while name in taken:
        number += 1
        name = f"{WRAPPER}_{number}"
    return name


def _of_script(script: str, quiet: str, name: str) -> list[str]:
    found = [line for line in debugheader.find(script) if line.module == OLD_PACKAGE]
    if found:
        return [
            f"{name}, line {found[0].first}, uses ptvsd, which ended in 2020: debugpy, its "
            "successor, takes its place in the copy."
        ]
    if quiet != script:
        return [f"{name} waits for a debugger by itself; in the copy it does not."]
    return []


def _of_environment(environment: Environment) -> list[str]:
    if environment.user_managed_dependencies:
        return ["The image brings its own packages: debugpy is installed into a copy of it."]
    named = environment.conda_file or environment.pip_requirements or environment.registered
    return [f"debugpy is added to a copy of the environment; {named or 'it'} stays as it is."]


def _of_base(environment: Environment, *, vim: bool) -> str:
    image = environment.base_image or ""
    if _RETIRED.search(image):
        return (
            f"The base image {image} is retired and gets no fixes; without base_image the SDK "
            "takes a current one."
        )
    if vim:
        return "vim is put into a copy of the base image."
    return "The image needs no editor: v in the Containers pane edits its files with your own."
