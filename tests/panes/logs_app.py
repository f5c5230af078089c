"""The Logs pane alone, with logs that come from a queue."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

from textual.app import App
from textual.pilot import Pilot
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker

from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import Batch
from amltui.domain.logsource import LogSource, SourceKind
from amltui.domain.models import Ref
from amltui.panes.log_reader import LogReader, Page
from amltui.panes.logs import LogsPane
from amltui.settings import Settings
from amltui.widgets.log_prompt import LogPrompt
from amltui.widgets.log_status import LogStatus
from amltui.widgets.status_bar import Status
from amltui.widgets.terminal_link import LinkedApp
from amltui.workers.feed import Follow, LogEvent
from amltui.workers.openlog import Update, Updates
from tests.widgets.log_app import stamp

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
DIABETES = LogSource(SourceKind.CONTAINER, "diabetes", "this machine", container_id="c1")
FRAUD = LogSource(SourceKind.SERVICE, "fraud-score", "AKS cluster", Ref("azureml", "fraud-score"))


class Sources:
    """What each source sends; None ends it."""

    def __init__(self) -> None:
        self.queues: dict[LogSource, asyncio.Queue[Update | AmltuiError | None]] = {}
        self.closed: list[str] = []
        self.opened: list[str] = []

    def send(self, source: LogSource, *updates: Update | AmltuiError | None) -> None:
        for update in updates:
            self.queue(source).put_nowait(update)

    def queue(self, source: LogSource) -> asyncio.Queue[Update | AmltuiError | None]:
        return self.queues.setdefault(source, asyncio.Queue())

    async def follow(self, source: LogSource) -> Updates:
        self.opened.append(source.title)
        try:
            while (update := await self.queue(source).get()) is not None:
                if isinstance(update, AmltuiError):
                    raise update
                yield update
        finally:
            self.closed.append(source.title)


class PaneApp(LinkedApp[None]):
    """Stands in for the console: what the pane asks of it."""

    status: reactive[Status] = reactive(Status(workspace="demo"))
    settings = Settings()
    page: Page | None = None

    def __init__(self, page: Page | None = None) -> None:
        super().__init__()
        self.sources = Sources()
        self.pane = LogsPane(self.sources.follow, page)
        self.now = NOW
        self.errors: list[BaseException] = []  # of workers

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker.error is not None:
            self.errors.append(event.worker.error)

    def get_default_screen(self) -> Screen[None]:
        return self.pane

    @property
    def reader(self) -> LogReader:
        return self.pane.query_one(LogReader)

    @property
    def rows(self) -> list[str]:
        view = self.reader.view
        return [view.render_line(y).text[:-1].rstrip() for y in range(view.size.height)]

    @property
    def header(self) -> str:
        return str(self.pane.query_one("#source", Static).content)

    @property
    def state(self) -> str:
        return self.pane.query_one(LogStatus).render_line(0).text.rstrip()

    @property
    def note(self) -> str:
        return str(self.pane.query_one(LogPrompt).query_one("#note", Static).content)

    @property
    def toasts(self) -> str:
        return " ".join(f"{n.title} {n.message}" for n in self._notifications)


async def until(pilot: Pilot[None], holds: object, what: str) -> None:
    """Wait until a condition holds, a few seconds at most."""
    assert callable(holds)
    for _ in range(200):
        if holds():
            return
        await pilot.pause(0.02)
    app: App[None] = pilot.app
    assert isinstance(app, PaneApp)
    screen = "\n".join([app.header, *app.rows, app.state])
    raise AssertionError(f"{what} {app.errors}\n{screen}")


def lines(count: int, text: bytes = b"line %d", first: int = 0) -> Batch:
    numbers = range(first, first + count)
    return Batch(0, [text % n for n in numbers], [stamp(n) for n in numbers])


async def opened(app: PaneApp, pilot: Pilot[None], count: int = 100) -> None:
    """The pane with a log of numbered lines."""
    app.pane.open(DIABETES)
    app.sources.send(DIABETES, LogEvent(Follow.LIVE), lines(count))
    await until(pilot, lambda: app.rows[-1] == f" line {count - 1}", "the log was not shown")
