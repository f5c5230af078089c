"""What is to be debugged and how, the image that was packaged for it, and launch.json's change."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace

from . import launchjson
from .debugheader import PORT, WAIT
from .errors import AmltuiError, Problem
from .plan import Plan

HTTP_PORT = 5001
WAIT_MOST, PORT_MOST = 3_600, 65_535


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

    def typed(self, wait: str, http_port: str, debug_port: str, vim: str) -> Wish:
        """The wish with what a person typed into a form.

        Raises:
            AmltuiError: what of it cannot be.
        """
        seconds = _number("The wait", wait, WAIT_MOST)
        http = _number("The port of the service", http_port, PORT_MOST)
        debug = _number("The port of the debugger", debug_port, PORT_MOST)
        if http == debug:
            raise _wrong(f"Both ports are {http}", "The service and the debugger need one each.")
        if vim.casefold() not in ("yes", "y", "no", "n", ""):
            raise _wrong("Is vim to be in the image?", "Type yes or no.")
        with_vim = vim.casefold().startswith("y")
        return replace(self, wait=seconds, http_port=http, debug_port=debug, vim=with_vim)


def _number(what: str, typed: str, most: int) -> int:
    if typed.isascii() and typed.isdigit() and len(typed) < 10 and 1 <= int(typed) <= most:
        return int(typed)
    raise _wrong(f"{what} is a number from 1 to {most:,}", f"It cannot be {typed or 'empty'}.")


def _wrong(title: str, message: str) -> AmltuiError:
    return AmltuiError(title, message, problem=Problem.USAGE)


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
