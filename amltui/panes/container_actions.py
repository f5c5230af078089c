"""What the Containers pane does with the container under the cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

import humanize
from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from amltui.domain.containerdiff import Change
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Container
from amltui.domain.workbench import Probe
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Paragraph, Section
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog, Dialog, ErrorDialog
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers.container_tools import Shell
from amltui.workers.workbench import Workbench

from .terminal_handover import LET_GO_HELP, Leaving, hand_over, size, suspended

SHOWN_CHANGES = 200
RUNNING = ("running", "paused")
PROBES = (
    Choice("app_files", "files", "the files of the app"),
    Choice("packages", "packages", "pip freeze"),
    Choice("model_path", "model path", "where get_model_path looks, expected and found"),
    Choice("run_init", "init()", "run init() alone, at most 60 s"),
    Choice("environment", "environment", "its variables, secrets masked"),
    Choice("ports", "debug ports", "whether 5001 and 5678 are free on this machine"),
)
GROUP = "container-action"


class ContainerActions(Screen[None]):
    """The actions; the pane says which container and has the workbench."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "shell", "Shell", id="containers.shell", tooltip="In it, or in a copy of it"),
        Binding(
            "v",
            "edit",
            "Edit",
            show=False,
            id="containers.edit",
            tooltip="A file of it in your $EDITOR, written back if you changed it",
        ),
        Binding("c", "commit", "Commit", id="containers.commit", tooltip="As the next free tag"),
        Binding(
            "p", "probe", "Probe", id="containers.probe", tooltip="Files, packages, init() ..."
        ),
        Binding(
            "d", "changes", "Diff", show=False, id="containers.changes", tooltip="Against its image"
        ),
        Binding("x", "start_stop", "Start/stop", show=False, id="containers.start_stop"),
        Binding("R", "restart", "Restart", show=False, id="containers.restart"),
        Binding("delete", "remove", "Remove", show=False, id="containers.remove"),
    ]

    @property
    def bench(self) -> Workbench:
        """What does the work."""
        raise NotImplementedError

    @property
    def selected(self) -> Container | None:
        """The container under the cursor."""
        raise NotImplementedError

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """What goes wrong with something a person asked for is told at once."""
        try:
            yield
        except AmltuiError as error:
            self.app.push_screen(ErrorDialog(error))

    # -- shell and editor

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="shell")
    async def action_shell(self) -> None:
        """A shell in the container; in a copy of it, if it does not run."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            if container.state in RUNNING:
                await self.shell_in(container.id, container.name)
                await self._remind(container)
                return
            body = "A copy of it can be started with a shell in place of its command: same files, "
            body += "mounts and environment. The copy is removed when you leave the shell."
            title = f"{container.name} does not run"
            if not await self.app.push_screen_wait(ConfirmDialog(title, body, "Open")):
                return
            copied = await self.bench.stand_in(container=container.id)
            try:
                await self.shell_in(copied.container_id, f"a copy of {container.name}")
                if await self.bench.dirty(copied.container_id):
                    await self._commit(copied.container_id)
            finally:
                await self.bench.remove_standin(copied)

    async def shell_in(self, container: str, name: str) -> None:
        """Hand the terminal to a shell in a container until it ends."""
        session = await self.bench.open_shell(container, *size())
        words = ""

        def work() -> None:
            nonlocal words
            words = _join(session, name)

        await self.lend_terminal(work)
        if words:
            self.notify(words)

    async def lend_terminal(self, work: Callable[[], None]) -> None:
        """Do what needs the terminal for itself.

        Raises:
            AmltuiError: what went wrong meanwhile; the screen is back.
        """
        if isinstance(self.app, LinkedApp):
            await self.app.terminal_settled()
        failure = suspended(self.app, work)
        if failure is not None:
            raise failure

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="edit")
    async def action_edit(self) -> None:
        """A file of the app in the person's own editor, written back if it was changed."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            found = await self.bench.app_files(container.id)
            root = found.remarks[0].removeprefix("Relative to ").removesuffix(".")
            options = [Choice(path, path, f"{size} bytes") for path, size, _ in found.rows if size]
            path = await self.app.push_screen_wait(
                ChoiceDialog(f"Edit a file of {container.name}", options, "FILE")
            )
            if path is None:
                return
            checkout = await self.bench.check_out(container.id, f"{root}/{path}")
            await self.lend_terminal(lambda: self.bench.run_editor(checkout))
            try:
                written = await self.bench.check_in(checkout)
            except AmltuiError as error:
                error.hint = f"{error.hint} Your text is in {checkout.path}."
                raise
            self.notify(f"{path} is written." if written else f"{path} was not changed.")
            if written:
                await self._remind(container)

    async def _remind(self, container: Container) -> None:
        found = await self.bench.dirty(container.id) if container.state in RUNNING else ()
        if found:
            self.notify(f"{_count(found)} not committed; c commits.", severity="warning")

    # -- commit

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="commit")
    async def action_commit(self) -> None:
        """Commit under the next free tag; then offer to run the new image in its place."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            image = await self._commit(container.id)
            if not image:
                return
            body = "It keeps its name, ports, mounts and environment. If the new one does not "
            body += "start, this one runs again."
            title = f"Stop {container.name} and run {image}?"
            if await self.app.push_screen_wait(ConfirmDialog(title, body, "Run it")):
                made = await self.bench.replace(container.id, image, self.notify)
                ports = ", ".join(f"{outer}->{inner}" for inner, outer in made.ports)
                self.notify(f"{made.name} runs {image}. {ports}".strip())

    async def _commit(self, container: str) -> str:
        """Show what a commit would hold, and make it; returns its name, empty for "no"."""
        plan = await self.bench.plan_commit(container)
        body = "\n".join([*changes_text(plan.changes), "", *plan.remarks]).strip()
        title = f"Commit {plan.container} as {plan.image}?"
        if not await self.app.push_screen_wait(ConfirmDialog(title, body, "Commit")):
            return ""
        await self.bench.commit(container, plan.image)
        self.notify(f"Committed as {plan.image}.")
        return plan.image

    # -- looking

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="probe")
    async def action_probe(self) -> None:
        """Choose a quick look into the container, and show what it finds."""
        container = self.selected
        if container is None:
            return
        title = f"Look into {container.name}"
        key = await self.app.push_screen_wait(ChoiceDialog(title, PROBES, "PROBE"))
        if key is None:
            return
        async with self.telling():
            if key == "ports":
                found = await self.bench.ports(5001, 5678)
            else:
                found = await getattr(self.bench, key)(container.id)
            self.app.push_screen(ReportDialog(Report.of(found, container.name)))

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="changes")
    async def action_changes(self) -> None:
        """What differs from the container's image."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            found = await self.bench.changes(container.id)
            text = "\n".join(changes_text(found)) or "Nothing differs from its image."
            self.app.push_screen(ReportDialog(Report(f"{container.name} against its image", text)))

    # -- life

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="start or stop")
    async def action_start_stop(self) -> None:
        """Stop it if it runs, after a warning when edits would be lost; else start it."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            if container.state not in RUNNING:
                await self.bench.start(container.id)
            elif await self._may_go(container, "Stop"):
                await self.bench.stop(container.id)

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="restart")
    async def action_restart(self) -> None:
        """Restart it; files stay, unless it was started with --rm."""
        container = self.selected
        if container is not None:
            async with self.telling():
                if await self._may_go(container, "Restart"):
                    await self.bench.restart(container.id)

    @work(exclusive=True, group=GROUP, exit_on_error=False, name="remove")
    async def action_remove(self) -> None:
        """Remove it, after a question."""
        container = self.selected
        if container is None:
            return
        async with self.telling():
            found = await self.bench.dirty(container.id)
            body = "Its files go with it; volumes stay."
            if found:
                body = f"{_count(found)} not committed, and would be lost:\n"
                body += "\n".join(changes_text(found))
            dialog = ConfirmDialog(f"Remove {container.name}?", body, "Remove", bad=True)
            if await self.app.push_screen_wait(dialog):
                await self.bench.remove(container.id, force=True)

    async def _may_go(self, container: Container, verb: str) -> bool:
        """Ask before a stop of a container that is removed by it."""
        detail = await self.bench.detail(container.id)
        if not detail.auto_remove:
            return True  # its files stay
        found = await self.bench.dirty(container.id)
        body = "It was started with --rm: when it stops, it is gone."
        if found:
            body += f"\n{_count(found)} not committed, and would be lost:\n"
            body += "\n".join(changes_text(found))
        dialog = ConfirmDialog(f"{verb} {container.name}?", body, verb, bad=True)
        return await self.app.push_screen_wait(dialog)


@dataclass(frozen=True)
class Report:
    """Text for a dialog, under its title."""

    title: str
    text: str
    bad: bool = False

    @classmethod
    def of(cls, probe: Probe, name: str) -> Report:
        """A probe's remarks, table and text."""
        parts = ["\n".join(probe.remarks), table_text(probe.columns, probe.rows), probe.text]
        title = f"{probe.title}: {name}"
        return cls(title, "\n\n".join(part for part in parts if part), probe.failed)


class ReportDialog(Dialog[None]):
    """Text to read, scroll and copy."""

    DEFAULT_CSS = "ReportDialog > #box { width: 100; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="report.close"),
        Binding("y", "copy", "Copy", id="report.copy"),
    ]

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def compose(self) -> ComposeResult:
        """The text."""
        with self.box(self._report.title, bad=self._report.bad):
            yield DetailPanel([Section("", (Paragraph(self._report.text),))])

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(DetailPanel).focus()

    def action_copy(self) -> None:
        """Copy all of it."""
        self.notify(copy(self.app, self._report.text), markup=False)


def table_text(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """Rows as text in columns."""
    lines = [columns, *rows] if any(columns) else list(rows)
    if not rows:
        return ""
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def changes_text(changes: tuple[Change, ...]) -> list[str]:
    """Changes as lines: what, how big, where."""
    lines = []
    for change in changes[:SHOWN_CHANGES]:
        size = "" if change.size is None else humanize.naturalsize(change.size, binary=True)
        lines.append(f"{change.kind.value:<8}{size:>10}  {change.path}")
    if len(changes) > SHOWN_CHANGES:
        lines.append(f"... and {len(changes) - SHOWN_CHANGES:,} more")
    return lines


def _count(found: tuple[Change, ...]) -> str:
    return "1 changed file is" if len(found) == 1 else f"{len(found):,} changed files are"


def _join(session: Shell, name: str) -> str:
    """Run a shell on the terminal; returns what to say of its end, empty for nothing."""
    leaving = hand_over(session, f"{session.program} in {name}; {LET_GO_HELP}")
    if leaving is Leaving.LET_GO:
        return "Let go; the shell was ended."
    end = session.end()
    return "" if end.code == 0 and end.container_running else end.words
