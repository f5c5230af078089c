"""Visual Studio Code's side: its launch.json, and whether it and its Python are on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from amltui.adapters.files.plans import read_text, write_atomically
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line

PROGRAMS = ("code", "code-insiders", "codium", "cursor")
_EXTENSIONS = ("ms-python.debugpy-", "ms-python.python-")
_HOMES = (".vscode", ".vscode-server", ".vscode-insiders", ".vscode-oss", ".cursor")


def project_of(source: Path, folder: Path) -> Path:
    """The folder that a person opens in the editor: above the source, with .vscode or .git in it.

    Where there is none it is the plan's folder, or the source if that is not in there.
    """
    for each in (source, *source.parents):
        if each == Path.home():
            break
        if (each / ".vscode").is_dir() or (each / ".git").exists():
            return each
    return folder if source.is_relative_to(folder) else source


def launch_file(project: Path) -> Path:
    """Where VS Code looks for configurations."""
    return project / ".vscode" / "launch.json"


def read_launch(project: Path) -> str:
    """The text of launch.json, empty if there is none."""
    path = launch_file(project)
    return read_text(path) if path.exists() else ""


def write_launch(project: Path, before: str, after: str) -> None:
    """Replace launch.json in one step, if it is still what it was.

    Raises:
        AmltuiError: somebody has changed it meanwhile, or it cannot be written.
    """
    path = launch_file(project)
    if read_launch(project) != before:
        raise AmltuiError(
            "launch.json was changed meanwhile",
            f"{clean_line(str(path))} is not what the difference was shown of.",
            "Nothing was written; look at the difference again.",
            problem=Problem.REFUSED,
        )
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise AmltuiError(
            f"{clean_line(str(path.parent))} cannot be made",
            f"{clean_line(error.strerror or str(error))}.",
            "Add the entry to launch.json by hand.",
            problem=Problem.PERMISSION,
        ) from error
    write_atomically(path, after)


def editor() -> tuple[str, bool]:
    """The editor's program, empty if none is found, and whether it has its Python extension."""
    program = next((name for name in PROGRAMS if shutil.which(name)), "")
    found = False
    for home in _HOMES:
        try:
            names = os.listdir(Path.home() / home / "extensions")
        except OSError:
            continue
        found = found or any(name.startswith(_EXTENSIONS) for name in names)
    return program, found
