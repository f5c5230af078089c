"""Reading one log: search, filter, level, time, copy, save, pager; where it comes from is the
pane's affair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.worker import Worker

from amltui.domain.errors import AmltuiError
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logfilter import Wanted
from amltui.domain.loglines import Level
from amltui.domain.logsearch import Search
from amltui.domain.logtime import Clock, parse, read
from amltui.domain.text import clean_log, mask
from amltui.widgets.clipboard import copy
from amltui.widgets.log_prompt import Ask, LogPrompt
from amltui.widgets.log_status import LogStatus
from amltui.widgets.log_view import LogView
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers import logfile
from amltui.workers.search import highlight, run

Page = Callable[[Iterable[str]], None]

LEVELS = (None, Level.INFO, Level.WARNING, Level.ERROR)
COPIED = 20_000  # lines that are put together for the clipboard at most


class LogReader(Vertical):
    """A log view with its status line and its prompt."""

    DEFAULT_CSS = "LogReader { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "ask('SEARCH')",
            "Search",
            id="logs.search",
            priority=True,
            tooltip="Mark what matches; n and N go from one to the next",
        ),
        Binding(
            "ampersand",
            "ask('FILTER')",
            "Filter",
            id="logs.filter",
            priority=True,
            tooltip="Show only lines that match; ! in front: those that do not",
        ),
        Binding(
            "L",
            "level",
            "Level",
            show=False,
            id="logs.level",
            tooltip="Show all lines, or info, warnings or errors and what is worse",
        ),
        Binding(
            "T",
            "ask('TIME')",
            "Go to time",
            show=False,
            id="logs.time",
            priority=True,
            tooltip="To the first line of a time: 14:03, 2026-11-21 14:03, -5m",
        ),
        Binding(
            "y",
            "copy",
            "Copy",
            show=False,
            id="logs.copy",
            tooltip="Copy the line, or from the mark to it, to the terminal's clipboard",
        ),
        Binding(
            "ctrl+s",
            "save",
            "Save",
            id="logs.save",
            tooltip="Save what is shown, or all, to a file that only you can read",
        ),
        Binding("o", "page", "Pager", show=False, id="logs.page", tooltip="Read it in $PAGER"),
        Binding(
            "escape",
            "clear",
            "Clear",
            show=False,
            id="logs.clear",
            tooltip="Stop a search; take away its marks, then the filter",
        ),
    ]

    def __init__(self, now: Callable[[], datetime], page: Page | None = None) -> None:
        super().__init__()
        self.now = now
        self.page = page
        self.title = "log"
        self._open = False
        self._wanted = Wanted()
        self._before: tuple[Search | None, Wanted] = (None, Wanted())
        self._searched = ("", False)
        self._range: tuple[int, int] | None = None  # of the lines that the prompt saves
        self._more: dict[str, asyncio.Event] = {}  # by group: there are new lines to search
        self._working: dict[str, Worker[None]] = {}

    def compose(self) -> ComposeResult:
        status = LogStatus()
        yield LogView(status, highlight=highlight)
        yield status
        yield LogPrompt()

    @property
    def view(self) -> LogView:
        """The text."""
        return self.query_one(LogView)

    @property
    def prompt(self) -> LogPrompt:
        """The line to type into."""
        return self.query_one(LogPrompt)

    def show(self, buffer: LogBuffer, title: str, sources: dict[int, str]) -> None:
        """Show another log; `title` names the file that it is saved to, `sources` its parts."""
        self.title = title
        self._open = True
        self._wanted = Wanted()
        self.workers.cancel_group(self, "search")
        self.workers.cancel_group(self, "filter")
        self.view.sources = sources
        self.view.show(buffer)

    def update(self) -> None:
        """Lines have come: draw them when it is time, and search them."""
        self.view.update()
        for more in self._more.values():
            more.set()

    # -- prompts --------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that open a prompt come before all others: what is typed after them is its text.

        While a prompt is open they are text themselves.
        """
        return not (action == "ask" and self.prompt.ask is not None)

    def action_ask(self, name: str) -> None:
        if self._open:
            ask = Ask[name]
            self._before = (self.view.search, self._wanted)
            self.prompt.open(ask, self._wanted.typed or None if ask is Ask.FILTER else None)

    @on(LogPrompt.Typed)
    def _typed(self, event: LogPrompt.Typed) -> None:
        """What is typed works at once; each key ends the search for what stood there before."""
        event.stop()
        if event.ask is Ask.SEARCH:
            self._search(event.text, event.turned)
        elif event.ask is Ask.FILTER:
            self._filter(Wanted(event.text, event.turned, self._wanted.level))

    @on(LogPrompt.Submitted)
    def _submitted(self, event: LogPrompt.Submitted) -> None:
        event.stop()
        if event.ask is Ask.SEARCH:
            self._search(event.text, event.turned, jump=True)
        elif event.ask is Ask.FILTER:
            self._filter(Wanted(event.text, event.turned, self._wanted.level))
        elif event.ask is Ask.TIME and not self._go_to_time(event.text):
            return
        elif event.ask is Ask.SAVE:
            self._save(event.text, every=event.turned)
        self._back()

    @on(LogPrompt.Left)
    def _left(self, event: LogPrompt.Left) -> None:
        """Back to what was searched and filtered before; the prompt keeps what was typed."""
        event.stop()
        search, wanted = self._before
        if event.ask is Ask.SEARCH and search is not self.view.search:
            self.workers.cancel_group(self, "search")
            self.view.find(search)
            if search is not None:
                self._drive(search, "search")
        elif event.ask is Ask.FILTER and wanted != self._wanted:
            self._filter(wanted)
        self._back()

    def _back(self) -> None:
        self.prompt.close()
        self.screen.set_focus(self.view)

    def action_clear(self) -> None:
        """Esc takes away one thing at a time."""
        if self.view.search is not None:
            self._search("", False)
        elif self._wanted != Wanted():
            self._filter(Wanted())
        elif self.view.marked is not None:
            self.view.unmark()

    # -- search and filter ----------------------------------------------------------------------

    def _search(self, pattern: str, regex: bool, *, jump: bool = False) -> None:
        self.workers.cancel_group(self, "search")
        if not pattern:
            self.view.find(None)
            self._searched = ("", False)
            return
        search = self.view.search
        if search is None or search.error or self._searched != (pattern, regex):
            search = Search(self.view.buffer, pattern, regex=regex, near=self.view.cursor)
            self._searched = (pattern, regex)
            self.view.find(search)
        self._drive(search, "search", jump=jump)

    def _filter(self, wanted: Wanted) -> None:
        self.workers.cancel_group(self, "filter")
        self._wanted = wanted
        search = wanted.search(self.view.buffer, self.view.cursor)
        self.view.filter(search, wanted.words)
        if search is not None:
            self._drive(search, "filter")

    def action_level(self) -> None:
        level = LEVELS[(LEVELS.index(self._wanted.level) + 1) % len(LEVELS)]
        self._filter(replace(self._wanted, level=level))

    def _drive(self, search: Search, group: str, *, jump: bool = False) -> None:
        """Work on a search beside the screen, now and as lines come."""
        more = self._more[group] = asyncio.Event()
        self._working[group] = self.run_worker(
            partial(self._work, search, more, jump),  # not a coroutine: it may be cancelled unbegun
            name=group,
            group=group,
            exclusive=True,
            exit_on_error=False,
        )

    async def _work(self, search: Search, more: asyncio.Event, jump: bool) -> None:
        wanted = jump

        def looked() -> None:
            nonlocal wanted
            if wanted and search.count:
                wanted = not self.view.go_to_nearest_match()
            self._searched_on(search)

        while True:
            await run(search, looked)
            wanted = False
            await more.wait()
            more.clear()
            search.update()

    def _searched_on(self, search: Search) -> None:
        self.view.update()
        if self.prompt.ask in (Ask.SEARCH, Ask.FILTER):
            running = "" if search.done else f" {search.progress:.0%}"
            self.prompt.note(
                search.error or f"{search.count:,} found{running}", wrong=bool(search.error)
            )

    def _go_to_time(self, typed: str) -> bool:
        buffer = self.view.buffer
        newest = buffer.line(buffer.stop - 1).stamp if len(buffer) else None
        moment = parse(newest) if newest is not None else None
        if moment is None:
            self.prompt.note("these lines carry no times", wrong=True)
            return False
        try:
            stamp = read(typed, moment, self.view.zone, utc=self.view.clock is Clock.UTC)
        except ValueError as error:
            self.prompt.note(str(error), wrong=True)
            return False
        self.view.go_to(min(buffer.find_time(stamp), buffer.stop - 1))
        return True

    # -- copy, save, page -----------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the range; too much for a clipboard is offered as a file instead."""
        chosen = self.view.range()
        if chosen is None:
            return
        lines = list(islice(self._texts(*chosen, masked=False), COPIED))
        told = copy(self.app, "\n".join(lines), otherwise="Saved to a file it is whole.")
        self.notify(told, title="Copy")
        if told.startswith("Too long"):
            self._ask_save(chosen)

    def action_save(self) -> None:
        if self._open:
            self._ask_save(None)

    def _ask_save(self, chosen: tuple[int, int] | None) -> None:
        self._range = chosen
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.title)
        self.prompt.open(Ask.SAVE, f"{name or 'log'}-{self.now():%Y%m%d-%H%M%S}.log")

    def _save(self, name: str, *, every: bool) -> None:
        buffer = self.view.buffer
        first, last = self._range or (buffer.start, buffer.stop - 1)
        lines = self._texts(first, last, every=every and self._range is None)
        path = Path(name.strip()).expanduser().absolute()
        if name.strip():
            self._working["save"] = self.run_worker(
                partial(self._write, path, lines),
                name="saving the log",
                group="save",
                exit_on_error=False,
            )

    async def _write(self, path: Path, lines: Iterator[str]) -> None:
        try:
            count = await logfile.save(path, lines)
        except AmltuiError as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
            return
        self.notify(
            f"{count:,} lines in {path}. Only you can read it. Secrets that could be "
            "recognised are dotted out; look through it before you pass it on.",
            title="Saved",
            timeout=10,
        )

    @work(group="page", exclusive=True, exit_on_error=False)
    async def action_page(self) -> None:
        """Hand the terminal to the pager; an error that left the block would leave it there."""
        if not self._open or self.page is None:
            return
        if isinstance(self.app, LinkedApp):
            await self.app.terminal_settled()
        buffer = self.view.buffer
        lines = self._texts(buffer.start, buffer.stop - 1)
        failed: Exception | None = None
        try:
            with self.app.suspend():
                try:
                    self.page(lines)
                except Exception as error:  # noqa: BLE001 - told below
                    failed = error
        except SuspendNotSupported:
            self.notify("There is no terminal to hand over here.", severity="warning")
        if failed is not None:
            title = failed.title if isinstance(failed, AmltuiError) else "The pager failed"
            self.notify(str(failed), title=title, severity="error")

    def _texts(
        self, first: int, last: int, *, masked: bool = True, every: bool = False
    ) -> Iterator[str]:
        """Lines as text, with their time stamps where those are shown."""
        view = self.view
        stamped = view.clock is not Clock.OFF
        for line in view.lines(first, last, every=every):
            text = clean_log(line.raw)
            stamp = f"{line.stamp.decode('ascii', 'replace')} " if stamped and line.stamp else ""
            if len(view.sources) > 1 and not line.is_marker:
                stamp += f"{view.sources.get(line.source, '?')} | "
            yield stamp + (mask(text) if masked else text)
