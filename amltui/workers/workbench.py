"""What can be done with one container, awaited: shell, files, commit, life and probes."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from amltui.domain.containerdiff import (
    Change,
    Commit,
    Difference,
    Direction,
    Replacement,
    SyncPlan,
    plan_sync,
)
from amltui.domain.errors import AmltuiError, Problem, refused_read_only
from amltui.domain.workbench import (
    ContainerDetail,
    Entry,
    Extracted,
    Original,
    Probe,
    Standin,
)
from amltui.ports import Shell, Tools

from .bridge import call
from .container_watch import ContainerWatch

# Seconds; the engine's own limits are a little shorter and say more.
LOOK_LIMIT = 35.0
CHANGE_LIMIT = 60.0
COPY_LIMIT = 3_600.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Checkout:
    """A container's file in a private folder here, to be edited and written back."""

    original: Original
    path: Path


async def _kept(
    make: Callable[[], Result], undo: Callable[[Result], None], *, limit: float, what: str
) -> Result:
    """Make something that must not be left behind: undone if nobody waits for it any more."""
    lock = threading.Lock()
    abandoned = False
    made: list[Result] = []

    def run() -> Result:
        result = make()
        with lock:
            made.append(result)
            late = abandoned
        if late:
            undo(result)
        return result

    try:
        return await call(run, limit=limit, what=what)
    except BaseException:
        with lock:
            abandoned = True
            left = list(made)
        for result in left:  # it was made just now, while the wait was given up
            undo(result)
        raise


class Workbench:
    """The tools, awaited; changes are refused in read-only mode."""

    def __init__(
        self,
        tools: Tools,
        *,
        read_only: bool = False,
        editor: Callable[[Path], None] | None = None,
    ) -> None:
        self.watch = ContainerWatch(tools)
        self._tools = tools
        self._read_only = read_only
        self._editor = editor

    # -- looking

    async def detail(self, container: str) -> ContainerDetail:
        """All that is worth knowing of a container."""
        return await self._look(lambda: self._tools.detail(container), "inspecting it")

    async def inspect(self, identity: str, *, image: bool = False) -> str:
        """The engine's whole answer about a container or an image, secrets masked."""
        return await self._look(lambda: self._tools.inspect(identity, image), "inspecting it")

    async def environment(self, container: str) -> Probe:
        """The environment variables, secrets masked."""
        return await self._look(lambda: self._tools.environment(container), "inspecting it")

    async def app_files(self, container: str) -> Probe:
        """The files of the app."""
        return await self._look(lambda: self._tools.app_files(container), "listing the app")

    async def packages(self, container: str, conda_file: str = "") -> Probe:
        """The Python packages, beside a conda file's pins."""
        path = self.local_path(conda_file) if conda_file else None
        return await self._look(
            lambda: self._tools.packages(container, path), "listing the packages"
        )

    async def model_path(self, container: str, name: str = "", version: str = "") -> Probe:
        """Where `Model.get_model_path` looks."""
        return await self._look(
            lambda: self._tools.model_path(container, name, version), "looking for models"
        )

    async def run_init(self, container: str, limit: float = 60.0) -> Probe:
        """Run `init()` of the entry script alone, for at most `limit` seconds."""
        self.allow("run code in a container")
        return await call(
            lambda: self._tools.run_init(container, limit), limit=limit + 15, what="running init()"
        )

    async def ports(self, *wanted: int) -> Probe:
        """Whether ports of this machine are free, and who holds them if not."""
        return await self._look(lambda: self._tools.ports(wanted), "looking at the ports")

    async def list_folder(self, container: str, path: str) -> tuple[Entry, ...]:
        """What is in a folder of a container."""
        return await self._look(lambda: self._tools.list_folder(container, path), "listing")

    async def changes(self, container: str) -> tuple[Change, ...]:
        """What differs from the container's image."""
        return await call(
            lambda: self._tools.changes(container), limit=CHANGE_LIMIT, what="comparing"
        )

    async def dirty(self, container: str) -> tuple[Change, ...]:
        """The edits in it that no commit has; to be asked before it is stopped or removed."""
        return await call(
            lambda: self._tools.dirty(container), limit=CHANGE_LIMIT, what="comparing"
        )

    async def compare(
        self, container: str, local: Path, *, root: str = "", entry_script: str = ""
    ) -> tuple[str, tuple[Difference, ...]]:
        """The app's source in the container against a local folder; returns its root, too."""

        def compare() -> tuple[str, tuple[Difference, ...]]:
            where = root or self._tools.source_root(container, entry_script)
            return where, self._tools.compare(container, where, local)

        return await call(compare, limit=COPY_LIMIT, what="comparing")

    # -- shell

    async def open_shell(self, container: str, columns: int, rows: int) -> Shell:
        """The best shell of a running container, ready to have the terminal."""
        self.allow("open a shell")
        term = os.environ.get("TERM", "")
        return await _kept(
            lambda: self._tools.open_shell(container, columns, rows, term),
            lambda session: session.hang_up(),
            limit=LOOK_LIMIT,
            what="opening a shell",
        )

    async def stand_in(self, *, container: str = "", image: str = "") -> Standin:
        """A container to have a shell in: of an image, or of a container that does not run."""
        self.allow("open a shell")
        return await _kept(
            lambda: self._tools.stand_in(container, image),
            self._tools.remove_standin,
            limit=COPY_LIMIT,
            what="making a copy to have a shell in",
        )

    async def remove_standin(self, stand_in: Standin) -> None:
        """Remove a stand-in and its temporary image."""
        await call(
            lambda: self._tools.remove_standin(stand_in), limit=CHANGE_LIMIT, what="tidying up"
        )

    # -- files

    async def copy_out(self, container: str, path: str, destination: Path) -> Extracted:
        """Copy a file or folder out to a new path."""
        return await call(
            lambda: self._tools.copy_out(container, path, destination),
            limit=COPY_LIMIT,
            what="copying",
        )

    async def copy_in(
        self, container: str, source: Path, path: str, *, overwrite: bool = False
    ) -> int:
        """Copy a file or folder in; returns the bytes sent."""
        self.allow("copy into a container")
        return await call(
            lambda: self._tools.copy_in(container, source, path, overwrite),
            limit=COPY_LIMIT,
            what="copying",
        )

    async def read_file(self, container: str, path: str) -> bytes:
        """A small file's content."""
        return (await self._look(lambda: self._tools.read_file(container, path), "reading"))[0]

    async def check_out(self, container: str, path: str) -> Checkout:
        """Fetch a file to be edited here, into a private folder."""
        self.allow("edit a container's file")
        data, original = await self._look(
            lambda: self._tools.read_file(container, path), "fetching the file"
        )
        folder = Path(tempfile.mkdtemp(prefix="amltui-edit-"))
        local = folder / (PurePosixPath(original.path).name or "file")
        local.touch(mode=0o600)
        local.write_bytes(data)
        return Checkout(original, local)

    def run_editor(self, checkout: Checkout) -> None:
        """Open the fetched file in the person's editor; blocks, with the terminal handed over."""
        if self._editor is None:
            raise AmltuiError("No editor", "None was given.", problem=Problem.INTERNAL)
        self._editor(checkout.path)

    async def check_in(self, checkout: Checkout) -> bool:
        """Write the edited file back; False: it was not changed.

        The fetched copy is removed once it is safe in the container, not before.
        """
        try:
            data = checkout.path.read_bytes()
        except OSError as error:
            raise AmltuiError(
                f"{checkout.path.name} cannot be read any more",
                f"{error.strerror}: {checkout.path}.",
                "Nothing was written to the container.",
                problem=Problem.REFUSED,
            ) from None
        written = await call(
            lambda: self._tools.write_back(checkout.original, data),
            limit=CHANGE_LIMIT,
            what="writing the file back",
        )
        self.discard(checkout)
        return written

    @staticmethod
    def local_path(typed: str) -> Path:
        """A path of this machine as it was typed; an unknown user's ~ stays as it is."""
        return Path(os.path.expanduser(typed)).absolute()

    @staticmethod
    def conda_file() -> str:
        """The conda file in the current folder, empty unless there is just one that looks so."""
        found = [
            path.name
            for path in Path().glob("*.y*ml")
            if re.search(r"conda|env|dep", path.name, re.IGNORECASE)
        ]
        return found[0] if len(found) == 1 else ""

    def discard(self, checkout: Checkout) -> None:
        """Remove the fetched copy, with what the editor left beside it."""
        shutil.rmtree(checkout.path.parent, ignore_errors=True)

    @staticmethod
    def plan_sync(
        differences: Iterable[Difference], direction: Direction, *, delete: bool = False
    ) -> SyncPlan:
        """What a sync would do, to be shown before `apply_sync`."""
        return plan_sync(differences, direction, delete=delete)

    async def apply_sync(
        self, container: str, root: str, local: Path, plan: SyncPlan
    ) -> tuple[str, ...]:
        """Do a sync; returns what was left out because it had changed since the plan."""
        self.allow("overwrite files")
        return await call(
            lambda: self._tools.apply(container, root, local, plan),
            limit=COPY_LIMIT,
            what="copying",
        )

    # -- commit

    async def plan_commit(self, container: str, image: str = "") -> Commit:
        """What a commit would hold and be called; nothing is changed."""
        return await call(
            lambda: self._tools.plan_commit(container, image),
            limit=CHANGE_LIMIT,
            what="planning the commit",
        )

    async def commit(
        self, container: str, image: str, *, message: str = "", author: str = ""
    ) -> str:
        """Commit a container; returns the image's id."""
        self.allow("commit a container")
        return await call(
            lambda: self._tools.commit(container, image, message, author),
            limit=COPY_LIMIT,
            what="committing",
        )

    async def replace(
        self, container: str, image: str, on_step: Callable[[str], None] = lambda _: None
    ) -> Replacement:
        """Stop a container and run an image in its place; rolled back if that does not start.

        `on_step` is called on the event loop.
        """
        self.allow("replace a container")
        loop = asyncio.get_running_loop()

        def tell(step: str) -> None:
            loop.call_soon_threadsafe(on_step, step)

        return await call(
            lambda: self._tools.replace(container, image, tell),
            limit=COPY_LIMIT,
            what="replacing the container",
        )

    # -- life

    async def start(self, container: str) -> None:
        """Start a stopped container, or resume a paused one."""
        await self._change(lambda: self._tools.start(container), "starting it")

    async def stop(self, container: str) -> None:
        """Ask a container to end, and end it after 10 s. Ask `dirty` first."""
        await self._change(lambda: self._tools.stop(container), "stopping it")

    async def restart(self, container: str) -> None:
        """Stop and start a container."""
        await self._change(lambda: self._tools.restart(container), "restarting it")

    async def remove(self, container: str, *, force: bool = False) -> None:
        """Remove a container; a running one only with `force`. Ask `dirty` first."""
        await self._change(lambda: self._tools.remove(container, force), "removing it")

    async def remove_image(self, image: str, *, force: bool = False) -> None:
        """Remove a name of an image, and the image with its last one."""
        self.allow("remove an image")
        await call(
            lambda: self._tools.remove_image(image, force),
            limit=COPY_LIMIT,
            what="removing the image",
        )

    def allow(self, what: str) -> None:
        """Raise in read-only mode."""
        if self._read_only:
            raise refused_read_only(f"It may not {what}.")

    async def _look(self, question: Callable[[], Result], what: str) -> Result:
        return await call(question, limit=LOOK_LIMIT, what=what)

    async def _change(self, change: Callable[[], None], what: str) -> None:
        self.allow("change a container")
        await call(change, limit=CHANGE_LIMIT, what=what)
