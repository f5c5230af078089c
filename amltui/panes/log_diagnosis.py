"""The failures that a log shows: marks in its margin, a panel beside it, and what mends them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from bisect import bisect_right
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.worker import Worker

from amltui.domain.finding_rows import finding_rows, finding_title
from amltui.domain.models import Service
from amltui.domain.text import clean_line
from amltui.widgets.detail import DetailPanel, Field, Paragraph, Section
from amltui.workers.explain import Explanation
from amltui.workers.logwatch import diagnose_on
from amltui.workers.openlog import OpenLog

from .finding_items import finding_items
from .log_reader import LogReader
from .pane import Pane

if TYPE_CHECKING:
    from amltui.domain.diagnosis import Finding
    from amltui.domain.diagnosis.watch import LogWatch

LAG = 5_000  # lines not yet diagnosed that are worth telling: most of a tenth of a second
SHOWN_LINES = 6  # numbers of lines, in the panel
NOTHING = "No known failure is recognised in these lines."


class LogDiagnosis(Pane):
    """The pane says which log is shown and when lines have come."""

    DEFAULT_CSS = """
    LogDiagnosis {
        #reading { height: 1fr; layout: horizontal; }
        #reading LogReader { width: 1fr; }
        #diagnosis { display: none; width: 45%; max-width: 80; height: 1fr; }
        &.-diagnosis #diagnosis { display: block; }
        &.-narrow #reading { layout: vertical; }
        &.-narrow #diagnosis { width: 1fr; max-width: 100%; height: 45%; }
        &.-narrow.-short #diagnosis { height: 60%; border: none; border-top: solid $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "diagnosis", "Diagnosis", id="logs.diagnosis",
                tooltip="What failed here, why, and what to do"),
        Binding("D", "next_failure", "Next failure", show=False, id="logs.next_failure",
                tooltip="To the root cause, then to the next line that shows a known failure"),
        Binding("F", "mend", "Fix", show=False, id="logs.mend",
                tooltip="What can be done about it; each is shown before it is done"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._watches: dict[OpenLog, LogWatch] = {}
        self._diagnosed: OpenLog | None = None
        self._more = asyncio.Event()

    @property
    @abstractmethod
    def reader(self) -> LogReader:
        """The log that is read."""

    @property
    def diagnosis(self) -> LogWatch | None:
        """What is known of the log that is shown."""
        return self._watches.get(self._diagnosed) if self._diagnosed is not None else None

    @property
    def panel(self) -> DetailPanel:
        """Where it is told."""
        return self.query_one("#diagnosis", DetailPanel)

    # -- following ------------------------------------------------------------------------------

    def diagnose(self, log: OpenLog, held: list[OpenLog]) -> None:
        """Diagnose the log that is shown; what is known of the others that are held stays."""
        self._watches = {one: self._watches[one] for one in held if one in self._watches}
        self._diagnosed = log
        self._more = asyncio.Event()
        self._diagnosing: Worker[None] = self.run_worker(
            partial(diagnose_on, log, self.diagnosis, self._more, partial(self._judged, log)),
            name="diagnosis",
            group="diagnosis",
            exclusive=True,
            exit_on_error=False,
        )

    def more_to_diagnose(self) -> None:
        """Lines have come, or the log has ended."""
        self._more.set()

    def _judged(self, log: OpenLog, watch: LogWatch) -> None:
        """Show what is known now: marks, the word in the status line, the panel."""
        self._watches[log] = watch
        view = self.reader.view
        before = view.marks, view.trouble
        view.marks, view.trouble = watch.marks, self._words(watch)
        if before != (view.marks, view.trouble):
            view.update()
            self._show_diagnosis()

    @staticmethod
    def _words(watch: LogWatch) -> str:
        going = f"{watch.progress:.0%} diagnosed" if watch.left > LAG else ""
        if not watch.findings:
            return going
        count = len(watch.findings)
        told = clean_line(watch.findings[0].title)
        found = f"✗ d: {told}" + (f" and {count - 1} more" if count > 1 else "")
        return f"{found}, {going}" if going else found

    # -- the panel ------------------------------------------------------------------------------

    def action_diagnosis(self) -> None:
        """Show what failed, or hide it."""
        shown = not self.has_class("-diagnosis")
        self.set_class(shown, "-diagnosis")
        if not shown:
            self.set_focus(self.reader.view)
        self._show_diagnosis()

    def action_next_failure(self) -> None:
        """To the root cause; then to the next line that shows a failure, and round again."""
        watch, view = self.diagnosis, self.reader.view
        marks = watch.marks if watch is not None else {}
        numbers = sorted(number for number in marks if view.rows.passes(number))
        if not numbers:
            self.notify(NOTHING)
            return
        causes = [number for number in numbers if marks[number]]
        if view.following or view.cursor is None:
            view.go_to((causes or numbers)[-1])
        else:
            view.go_to(numbers[bisect_right(numbers, view.cursor) % len(numbers)])
        self._show_diagnosis()

    def _show_diagnosis(self) -> None:
        if self.has_class("-diagnosis"):
            watch = self.diagnosis
            found = self._selected(watch) if watch is not None else None
            about = found.id if found is not None else ""
            self.panel.set_sections(list(self._sections(watch, found)), about)

    def _selected(self, watch: LogWatch) -> Finding | None:
        """The failure that the cursor's line shows, else the root cause."""
        cursor = None if self.reader.view.following else self.reader.view.cursor
        for one in watch.findings:
            if cursor is not None and cursor in map(watch.number, one.lines):
                return one
        return watch.findings[0] if watch.findings else None

    def _sections(self, watch: LogWatch | None, chosen: Finding | None) -> list[Section]:
        if watch is None or chosen is None:
            going = watch is not None and watch.left > LAG
            text = f"{watch.progress:.0%} of it is diagnosed." if watch and going else ""
            return [Section("Diagnosis", (Paragraph(NOTHING), Paragraph(text)))]
        at = watch.findings.index(chosen)
        items = finding_items(finding_rows(chosen, self._place(watch, chosen)))
        items.append(Field("Keys", "F fixes · D next line · d closes"))
        sections = [Section(finding_title(at, len(watch.findings)), tuple(items))]
        others = [one for one in watch.findings if one is not chosen]
        if others:
            told = tuple(Field(f"line {watch.number(one.line) + 1}", one.title) for one in others)
            sections.append(Section("Also recognised", told))
        return sections

    @staticmethod
    def _place(watch: LogWatch, found: Finding) -> str:
        """The line that shows it, and the numbers of others."""
        line = f"line {watch.number(found.line) + 1}"
        others = [watch.number(line) + 1 for line in found.lines if line != found.line]
        if not others:
            return line
        more = " …" if len(others) > SHOWN_LINES else ""
        return f"{line} (also {', '.join(map(str, others[:SHOWN_LINES]))}{more})"

    # -- mending --------------------------------------------------------------------------------

    @work(exclusive=True, group="mend", exit_on_error=False, name="fix")
    async def action_mend(self) -> None:
        """Offer what can be done about what the log shows."""
        from .remedy_actions import Patient, mend

        watch, log = self.diagnosis, self._diagnosed
        if watch is None or log is None or not watch.findings:
            self.notify(NOTHING)
            return
        chosen = self._selected(watch)
        found = sorted(watch.findings, key=lambda one: one is not chosen)
        service = self._service(log)
        container = log.source.container_id or (service.container_id if service else "")
        known = Explanation(tuple(found))
        await mend(self.console, Patient(log.source.title, known, service, container))

    def _service(self, log: OpenLog) -> Service | None:
        """The service that the log is of, as it is known now."""
        source = log.source
        for service in self.console.services.rows:
            same = source.container_id and service.container_id == source.container_id
            if same or (source.ref is not None and service.ref == source.ref):
                return service
        return None
