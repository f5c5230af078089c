"""This machine: Python, tools, disk, terminal."""

from __future__ import annotations

import importlib.metadata
import json
import locale
import os
import platform
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from amltui.domain import doctor
from amltui.domain.doctor import Verdict

AZ_LIMIT = 8.0  # seconds; a cold az takes several
_EDITORS = ("code", "code-insiders", "codium", "code-server")


def python() -> Verdict:
    """The interpreter."""
    return doctor.python(sys.version_info[:2], f"Python {platform.python_version()}")


def sdk() -> Verdict:
    """The SDK, without importing it."""
    return doctor.sdk(_installed("azureml-core"))


def debugger() -> Verdict:
    """debugpy."""
    return doctor.debugger(_installed("debugpy"))


def editor() -> Verdict:
    """Visual Studio Code."""
    return doctor.editor(next(filter(None, map(shutil.which, _EDITORS)), ""))


class AzureCli:
    """`az version`, asked once for the CLI and its extension."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._found: tuple[Verdict, Verdict] | None = None

    def cli(self) -> Verdict:
        """The CLI itself."""
        return self._ask()[0]

    def extension(self) -> Verdict:
        """The extension for machine learning."""
        return self._ask()[1]

    def _ask(self) -> tuple[Verdict, Verdict]:
        with self._asking:
            if self._found is None:
                try:
                    self._found = doctor.azure_cli(_az_versions())
                except (OSError, subprocess.SubprocessError, ValueError):
                    told = "`az version` does not answer as it should."
                    broken = doctor.warning(told, "Try it in a shell; az upgrade may mend it.")
                    self._found = broken, doctor.NO_EXTENSION
        return self._found


def _az_versions() -> dict[str, Any] | None:
    if shutil.which("az") is None:
        return None
    ran = subprocess.run(
        ["az", "version", "--output", "json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=AZ_LIMIT,
        check=True,
    )
    found = json.loads(ran.stdout)
    return found if isinstance(found, dict) else {}


def disk() -> Verdict:
    """Room where logs and runs are kept, and where Docker keeps its images if that is here."""
    places = [Path.home(), Path("/var/lib/docker")]
    free = []
    for place in places:
        try:
            free.append((shutil.disk_usage(place).free, str(place)))
        except OSError:  # not there, or not ours to see
            continue
    return doctor.disk(*min(free)) if free else doctor.not_tried("The disk does not say.", "df -h")


def proxies() -> Verdict:
    """The proxy variables."""
    return doctor.proxies(os.environ)


def terminal() -> Verdict:
    """The terminal that this runs in."""
    try:
        found = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
        size = (found.columns, found.lines)
    except OSError:
        size = None
    encoding = locale.getpreferredencoding(do_setlocale=False)
    return doctor.terminal(os.environ, size, encoding, _tmux_clipboard())


def _tmux_clipboard() -> str:
    if not os.environ.get("TMUX") or shutil.which("tmux") is None:
        return ""
    ran = subprocess.run(
        ["tmux", "show-options", "-gv", "set-clipboard"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=2,
        check=False,
    )
    return ran.stdout.decode("utf-8", "replace").strip()[:20]


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
