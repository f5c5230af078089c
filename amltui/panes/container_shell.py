"""A shell in a container, in a copy of one, or in an image."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Container
from amltui.domain.workbench import Standin
from amltui.widgets.dialogs import ConfirmDialog

from .container_base import GROUP, RUNNING, ContainerBase
from .report import changes_text
from .terminal_handover import LET_GO_HELP, Leaving, Session, hand_over, size


class ContainerShell(ContainerBase):
    """Opens shells, and commits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "shell", "Shell", id="containers.shell", tooltip="In it, or in a copy of it"),
        Binding("c", "commit", "Commit", id="containers.commit", tooltip="As the next free tag"),
    ]

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="shell")
    async def action_shell(self) -> None:
        """A shell in the container; in a copy of it, if it does not run."""
        container, image = self.selected, self.selected_image
        async with self.telling():
            if image is not None:
                await self._shell_in(await self.bench.stand_in(image=image.id), image.name)
            elif container is not None:
                await self._shell_at(container)

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="shell")
    async def shell_of(self, container: str) -> None:
        """The same for a container that another pane was about, which gets the cursor."""
        async with self.telling():
            known = await self.console.containers.refresh()
            found = next((one for one in known.rows if one.id == container), None)
            if known.error is not None:
                raise known.error
            if found is None:
                raise AmltuiError(
                    "The container is gone",
                    "The engine has none of that identity any more.",
                    "Its image may still be there: m shows the images, s opens a shell in one.",
                    problem=Problem.NOT_FOUND,
                )
            self.point_at(found)
            await self._shell_at(found)

    @abstractmethod
    def point_at(self, container: Container) -> None:
        """Put the cursor on a container; the pane knows how."""

    async def _shell_at(self, container: Container) -> None:
        if container.state in RUNNING:
            await self.shell_in(container.id, container.name)
            await self.remind(container)
        elif await self._may_copy(container):
            copied = await self.bench.stand_in(container=container.id)
            await self._shell_in(copied, f"a copy of {container.name}")

    async def _may_copy(self, container: Container) -> bool:
        body = "A copy of it can be started with a shell in place of its command: same files, "
        body += "mounts and environment. The copy is removed when you leave the shell."
        title = f"{container.name} does not run"
        return await self.app.push_screen_wait(ConfirmDialog(title, body, "Open"))

    async def _shell_in(self, copied: Standin, name: str) -> None:
        """A shell in a stand-in, which goes afterwards; what was changed in it may be kept."""
        try:
            await self.shell_in(copied.container_id, name)
            if await self.bench.dirty(copied.container_id):
                await self.commit_of(copied.container_id)
        finally:
            await self.bench.remove_standin(copied)

    async def shell_in(self, container: str, name: str) -> None:
        """Hand the terminal to a shell in a container until it ends."""
        session = await self.bench.open_shell(container, *size())
        words: list[str] = []
        await self.lend_terminal(lambda: words.append(_join(session, name)))
        if any(words):
            self.notify(words[0])

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="commit")
    async def action_commit(self) -> None:
        """Commit under the next free tag; then offer to run the new image in its place."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            image = await self.commit_of(container.id)
            if not image:
                return
            self.forget(container.id)
            body = "It keeps its name, ports, mounts and environment. If the new one does not "
            body += "start, this one runs again."
            title = f"Stop {container.name} and run {image}?"
            if await self.app.push_screen_wait(ConfirmDialog(title, body, "Run it")):
                made = await self.bench.replace(container.id, image, self.notify)
                ports = ", ".join(f"{outer}->{inner}" for inner, outer in made.ports)
                self.notify(f"{made.name} runs {image}. {ports}".strip())
                known = await self.console.containers.refresh()
                for one in known.rows:
                    if one.id == made.container_id:
                        self.point_at(one)

    async def commit_of(self, container: str) -> str:
        """Show what a commit would hold, and make it; returns its name, empty for "no"."""
        plan = await self.bench.plan_commit(container)
        body = "\n".join([*changes_text(plan.changes), "", *plan.remarks]).strip()
        title = f"Commit {plan.container} as {plan.image}?"
        if not await self.app.push_screen_wait(ConfirmDialog(title, body, "Commit")):
            return ""
        await self.bench.commit(container, plan.image)
        self.notify(f"Committed as {plan.image}.")
        return plan.image


def _join(session: Session, name: str) -> str:
    """Run a shell on the terminal; returns what to say of its end, empty for nothing."""
    leaving = hand_over(session, f"{session.program} in {name}; {LET_GO_HELP}")
    if leaving is Leaving.LET_GO:
        return "Let go; the shell was ended."
    end = session.end()
    return "" if end.code == 0 and end.container_running else end.words
