"""Debugging a plan's service, awaited: a copy is packaged, pulled, run, and waited for."""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from amltui.domain import launchjson
from amltui.domain.debugcopy import DebugCopy
from amltui.domain.debugpull import PullProgress
from amltui.domain.debugwait import Level, Look, Mark, Stage
from amltui.domain.debugwish import LaunchChange, Package, Wish
from amltui.domain.errors import AmltuiError, Problem, refused_read_only
from amltui.domain.models import Progress

from .bridge import call

LOOKS_EVERY, LATE_LOOKS_EVERY = 0.5, 2.0  # seconds
# Seconds; an image is built by the workspace, and may be gigabytes to pull.
PACKAGE_LIMIT, PULL_LIMIT, LIMIT = 7_200.0, 7_200.0, 150.0

Result = TypeVar("Result")


class DebugTools(Protocol):
    """What it needs of the files, the workspace and the engine. Blocking."""

    def describe(self, wish: Wish) -> DebugCopy: ...
    def package(self, wish: Wish, on_progress: Callable[[Progress], None]) -> Package: ...
    def login(self) -> dict[str, str]: ...
    def cancel(self) -> None: ...
    def engine(self) -> str: ...
    def is_local(self) -> bool: ...
    def free_port(self, wanted: int) -> tuple[int, str]: ...
    def pull(
        self, location: str, login: dict[str, str], on_progress: Callable[[PullProgress], None]
    ) -> None: ...
    def tag(self, location: str) -> str: ...
    def debugger_in(self, image: str) -> str: ...
    def run(self, image: str, service: str, http: int, debug: int) -> tuple[str, str]: ...
    def source_root(self, image: str, entry_script: str) -> str: ...
    def look(self, container: str, http: int) -> Look: ...
    def project_of(self, source: str, folder: str) -> str: ...
    def read_launch(self, project: str) -> str: ...
    def write_launch(self, change: LaunchChange) -> None: ...
    def editor(self) -> tuple[str, bool]: ...


class Debugging:
    """One debugging: its steps in their order, each of which may be asked for again."""

    def __init__(
        self,
        tools: DebugTools,
        wish: Wish,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._clock = clock
        self.wish = wish
        self.read_only = read_only
        self.image = ""  # debug:1
        self.container = ""
        self.name = ""

    async def describe(self) -> DebugCopy:
        """What would be packaged; nothing is changed. Raises where the plan cannot be debugged."""
        self._refuse()
        await self._do(self._tools.engine, "asking the engine")
        return await self._do(lambda: self._tools.describe(self.wish), "reading the script")

    async def choose_ports(self) -> tuple[str, ...]:
        """Take the next free ports for those that are taken; says which and who holds them."""
        told: list[str] = []
        http = await self._free_port(self.wish.http_port, told)
        wanted = self.wish.debug_port
        debug = await self._free_port(wanted + 1 if wanted == http else wanted, told)
        self.wish = replace(self.wish, http_port=http, debug_port=debug)
        return tuple(told)

    async def _free_port(self, wanted: int, told: list[str]) -> int:
        free, holder = await self._do(lambda: self._tools.free_port(wanted), "looking at the ports")
        if not free:
            raise AmltuiError(
                f"No port from {wanted} on is free",
                f"{wanted} is {holder}.",
                "Choose others: amltui debug --port N --debug-port N",
                problem=Problem.REFUSED,
            )
        if holder:
            told.append(f"Port {wanted} is {holder}: {free} is used instead.")
        return free

    async def package(self, on_progress: Callable[[Progress], None]) -> Package:
        """Package the copy; minutes where its environment is new. Cancelled, it is given up."""
        self._refuse()
        tell = _on_loop(on_progress)
        try:
            return await call(
                lambda: self._tools.package(self.wish, tell), limit=PACKAGE_LIMIT, what="packaging"
            )
        finally:
            self._tools.cancel()

    async def fetch(self, package: Package, on_progress: Callable[[str], None]) -> str:
        """Pull and tag the image; a login that has run out meanwhile is asked for anew, once."""
        self._refuse()
        last = ""

        def tell(progress: PullProgress) -> None:
            nonlocal last
            if (said := str(progress)) != last:
                last = said
                loop_tell(said)

        loop_tell = _on_loop(on_progress)
        login = package.login
        for again in (True, False):
            try:
                await call(
                    lambda login=login: self._tools.pull(package.location, login, tell),  # type: ignore[misc]
                    limit=PULL_LIMIT,
                    what="pulling the image",
                )
                break
            except AmltuiError as error:
                if error.problem is not Problem.SIGN_IN or not again:
                    raise
            on_progress("The login was refused; asking for a new one.")
            login = await self._do(self._tools.login, "asking for a login")
        self.image = await self._do(lambda: self._tools.tag(package.location), "tagging the image")
        return self.image

    async def launch_change(self) -> LaunchChange:
        """What launch.json lacks for VS Code to attach; nothing is written."""

        copy = await self.describe()

        def compare() -> LaunchChange:
            source = self.wish.source
            project = self._tools.project_of(source, self.wish.folder)
            below = posixpath.relpath(source, project)
            local = "${workspaceFolder}" if below == "." else f"${{workspaceFolder}}/{below}"
            root = self._tools.source_root(self.image, copy.wrapper)
            entry = launchjson.entry(root, port=self.wish.debug_port, local_root=local)
            before = self._tools.read_launch(project)
            return LaunchChange(project, before, launchjson.merge(before, entry))

        return await self._do(compare, "reading launch.json")

    async def write_launch(self, change: LaunchChange) -> None:
        """Write it, unless somebody has changed the file since."""
        self._refuse()
        await self._do(lambda: self._tools.write_launch(change), "writing launch.json")

    async def preflight(self, change: LaunchChange) -> tuple[Mark, ...]:
        """What must be right before the container starts, as its wait begins at once."""
        marks = [Mark(Level.OK, await self._do(self._tools.engine, "asking the engine"))]
        told = await self.choose_ports()
        wish = self.wish
        marks += [Mark(Level.HINT, each) for each in told]
        ports = f"ports {wish.http_port} (service) and {wish.debug_port} (debugger) are free"
        marks.append(Mark(Level.OK, ports))
        if not await self._do(self._tools.is_local, "asking the engine"):
            forward = f"ssh -L {wish.debug_port}:localhost:{wish.debug_port} HOST"
            marks.append(Mark(Level.HINT, "The engine is on another machine:", forward))
        marks.append(await self._debugger_mark())
        there = f"{change.path}: {launchjson.NAME}"
        lacks = Mark(Level.HINT, f"{change.path} lacks the configuration", "It was not written.")
        marks.append(Mark(Level.OK, there) if not change.diff else lacks)
        marks.append(Mark(Level.OK, f"{wish.source} is what the container runs"))
        program, extension = await self._do(self._tools.editor, "looking for VS Code")
        if program:
            marks.append(Mark(Level.OK, f"VS Code: {program}"))
        else:
            hint = "Fine if it runs elsewhere and its files are these, by Remote-SSH for instance."
            marks.append(Mark(Level.UNKNOWN, "VS Code is not found on this machine", hint))
        if program and not extension:
            hint = "Install the extension Python (ms-python.python)."
            marks.append(Mark(Level.HINT, "Its Python extension is not found", hint))
        return tuple(marks)

    async def _debugger_mark(self) -> Mark:
        try:
            version = await self._do(
                lambda: self._tools.debugger_in(self.image), "looking into the image"
            )
        except AmltuiError as error:
            return Mark(Level.UNKNOWN, "Whether the image has debugpy is not known", error.title)
        if version:
            return Mark(Level.OK, f"{self.image} has debugpy {version}")
        hint = f"Its python may be another one; look with amltui shell --image {self.image}."
        return Mark(Level.BAD, f"{self.image} has no debugpy", hint)

    async def start(self) -> str:
        """Run the image with both ports; returns the container's name."""
        self._refuse()
        wish = self.wish
        self.container, self.name = await self._do(
            lambda: self._tools.run(self.image, wish.plan.name, wish.http_port, wish.debug_port),
            "starting the container",
        )
        return self.name

    async def watch(self, *, late: bool = False) -> AsyncGenerator[tuple[Look, float], None]:
        """Looks at the container until it answers or ends, and the seconds left to attach.

        `late` looks on until a debugger has come after its time, or after a restart.
        """
        begun, before = 0.0, Stage.STARTING
        while True:
            found = await self._do(
                lambda: self._tools.look(self.container, self.wish.http_port),
                "looking at the container",
            )
            seen = found.after(before)
            if seen.stage is not Stage.WAITING:
                begun = 0.0
            elif not begun:
                begun = self._clock()
            passed = self._clock() - begun if begun else 0.0
            yield seen, max(0.0, self.wish.wait - passed)
            missed = late and seen.stage is Stage.MISSED
            if seen.over and not missed:
                return
            before = seen.stage
            await asyncio.sleep(LATE_LOOKS_EVERY if missed else LOOKS_EVERY)

    def next_steps(self) -> tuple[str, ...]:
        """What a person does with the container that runs."""
        return (
            f"Send a request: amltui request http://localhost:{self.wish.http_port}/score",
            f"Edit in it: v in the Containers pane, or amltui shell {self.name}",
            f"Keep what was edited: amltui commit {self.name}",
            "Stop or remove it there with x or delete; a stop loses nothing.",
        )

    async def _do(self, question: Callable[[], Result], what: str) -> Result:
        return await call(question, limit=LIMIT, what=what)

    def _refuse(self) -> None:
        if self.read_only:
            raise refused_read_only("Debugging packages an image and starts a container.")


def _on_loop(tell: Callable[[Result], None]) -> Callable[[Result], None]:
    """Call it on the event loop from whatever thread."""
    loop = asyncio.get_running_loop()

    def told(what: Result) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, what)

    return told
