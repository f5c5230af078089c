"""What is to be debugged and how, the image that was packaged for it, and launch.json's change."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from . import launchjson
from .debugheader import PORT, WAIT
from .plan import Plan

HTTP_PORT = 5001


@dataclass(frozen=True)
class Wish:
    """A plan to be debugged; `folder` is absolute and where the plan's paths begin."""

    plan: Plan
    folder: str
    wait: int = WAIT  # seconds for a debugger to come
    http_port: int = HTTP_PORT  # of this machine; a free one from here on is taken
    debug_port: int = PORT
    vim: bool = False

    @property
    def source(self) -> str:
        """The source directory, or the entry script's folder: where breakpoints are set."""
        inference = self.plan.inference
        inside = inference.source_directory or posixpath.dirname(inference.entry_script)
        return posixpath.normpath(posixpath.join(self.folder, inside))


@dataclass(frozen=True)
class Package:
    """An image in a registry and a login for that, which lasts a while; never shown or written."""

    location: str
    login: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class LaunchChange:
    """What is to become of a project's launch.json; equal texts are no change."""

    project: str
    before: str
    after: str

    @property
    def path(self) -> str:
        """Where VS Code looks for it."""
        return posixpath.join(self.project, ".vscode", "launch.json")

    @property
    def diff(self) -> str:
        """The change as a unified diff, empty where the entry is there already."""
        return launchjson.diff(self.before, self.after, self.path)
