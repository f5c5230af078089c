"""The replica calculator: how many replicas keep HTTP 503 away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from fractions import Fraction
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from amltui.domain.errors import AmltuiError
from amltui.domain.latency import span
from amltui.domain.loadplan import LoadPlan, Tally
from amltui.domain.models import Kind, Service
from amltui.domain.replicas import (
    DEFAULT_SCALE,
    Advice,
    Demand,
    InvalidInput,
    Level,
    Result,
    amount,
    calculate,
    carried_rps,
    compare,
    parse_max_concurrent,
    parse_replicas,
    parse_request_time,
    parse_rps,
    parse_utilization,
)
from amltui.domain.request import SAMPLE, Request
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel, Item, Paragraph, Section
from amltui.widgets.dialogs import ConfirmDialog, TypeNameDialog
from amltui.widgets.table_model import CellStyle
from amltui.workers.load import (
    BURST_SECONDS,
    Burst,
    LoadCheck,
    burst,
    chart_lines,
    needs_confirmation,
    update_call,
)
from amltui.workers.requests import Requests, Series

from .pane import Pane, WorkspaceSwitched

# Field, label, what the troubleshooting articles start from, and how it is read.
FIELDS: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("rps", "Requests per second", "20", parse_rps),
    ("request_time_s", "Time of one request", "10 s", parse_request_time),
    ("utilization", "Target utilisation", "70%", parse_utilization),
    ("max_concurrent", "Requests a replica does at a time", "1", parse_max_concurrent),
)
# What is asked beside the formula: the other way round, and a burst.
EXTRA: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("replicas", "How much carry so many replicas", "10", parse_replicas),
    ("burst", "A burst, times the requests", "3", parse_rps),
)
MEASURED = 20  # requests of a measurement
MEASURED_SECONDS = 60.0
CHECK_SECONDS = 20.0
TYPING_REST = 0.3  # s without a key before a burst is simulated
STYLES: dict[Level, CellStyle] = {Level.WARNING: "failed", Level.CHANGE: "degraded"}


class ReplicasPane(Pane):
    """How many replicas a load needs, worked out while you type.

    tab goes from field to field, esc leaves the form, and then j and k scroll. For a service, m
    measures the time of a request and t tries the load; both ask first, esc stops them.
    """

    PANE = "replicas"
    CSS_PATH = "replicas.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit", id="replicas.edit", tooltip="Go to the fields"),
        Binding("tab,down", "app.focus_next", "Next field", id="replicas.next"),
        Binding("shift+tab,up", "app.focus_previous", "Field before", show=False,
                id="replicas.previous"),
        Binding("m", "measure", "Measure", id="replicas.measure",
                tooltip="Measure the time of a request with a few real ones"),
        Binding("t", "try_load", "Try load", id="replicas.try",
                tooltip="Send this load for some seconds and see what is answered"),
        Binding("y", "copy", "Copy update", id="replicas.copy",
                tooltip="Copy the update call that applies the result"),
        Binding("escape", "leave", "Leave/stop", id="replicas.leave",
                tooltip="Leave the fields, or stop what is running"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._service: Service | None = None
        self._requests: Requests | None = None
        self._load: LoadCheck | None = None
        self._result: Result | None = None
        self._advice: tuple[Advice, ...] = ()
        self._bursts: tuple[Burst, ...] = ()
        self._burst_problem = ""
        self._remark: tuple[str, list[str]] = ("", [])  # of a measurement or load check
        self._panel = DetailPanel(id="result")

    def compose_body(self) -> ComposeResult:
        yield Static(id="about")
        with Vertical(id="form"):
            for name, label, value, _ in (*FIELDS, *EXTRA):
                extra = " extra" if name in ("replicas", "burst") else ""
                with Horizontal(classes=f"field{extra}"):
                    yield Label(label, markup=False)
                    yield Input(value, id=name, compact=True)
                    yield Static(id=f"why-{name}", classes="why")
        yield self._panel

    def on_mount(self) -> None:
        super().on_mount()
        self._calculate()

    def on_screen_resume(self) -> None:
        if self.focused is None:
            self.action_edit()

    # The service it is about

    def load_service(self, service: Service, requests: Requests, load: LoadCheck) -> None:
        """Calculate with the settings of a service, and against them."""
        self._service, self._requests, self._load = service, requests, load
        self._remark = ("", [])
        scale = service.scale
        for name, value in (
            ("max_concurrent", scale.max_concurrent),
            ("utilization", scale.target_utilization and f"{scale.target_utilization}%"),
            ("replicas", scale.available or scale.desired or scale.min_replicas),
        ):
            if value:
                self.query_one(f"#{name}", Input).value = str(value)
        self._calculate()
        self.refresh_bindings()

    @on(WorkspaceSwitched)
    def _forget(self) -> None:
        self.workers.cancel_group(self, "asking")
        self._service = self._requests = self._load = None
        self._remark = ("", [])
        self._calculate()

    def _about(self) -> str:
        service = self._service
        if service is None:
            return (
                "Against the SDK's defaults. R on a service's request compares with that service."
            )
        if service.kind is not Kind.AKS:
            return f"{service.name} ({service.kind.value}): only AKS has replicas to set."
        scale = service.scale
        pool = f"{scale.desired or 1} fixed replicas"
        if scale.autoscale:
            pool = f"{scale.min_replicas or 1} to {scale.max_replicas or 10} replicas"
        return f"Against {service.name}: {pool}, {scale.max_concurrent or 1} at a time each"

    # Calculating

    @on(Input.Changed)
    def _calculate(self) -> None:
        values: dict[str, Fraction | int] = {}
        for name, _, _, parse in (*FIELDS, *EXTRA):
            why = ""
            try:
                values[name] = parse(self.query_one(f"#{name}", Input).value)
            except InvalidInput as error:
                why = f"{error.message} {error.hint}"
            self.query_one(f"#why-{name}", Static).update(Content(why))
        self.query_one("#about", Static).update(Content(self._about()))
        demand = {name: values[name] for name, *_ in FIELDS if name in values}
        self._result = None
        if len(demand) == len(FIELDS):
            self._result = calculate(Demand(**demand))  # type: ignore[arg-type]
        self._bursts, self._burst_problem = (), ""
        if self._result is not None and "burst" in values:
            self._simulate(self._result, float(values["burst"]))
        self._carried = values.get("replicas")
        self._draw()

    @property
    def _scale(self) -> Any:
        aks = self._service is not None and self._service.kind is Kind.AKS
        return self._service.scale if self._service is not None and aks else DEFAULT_SCALE

    @work(exclusive=True, group="burst", exit_on_error=False, name="burst")
    async def _simulate(self, result: Result, factor: float) -> None:
        await asyncio.sleep(TYPING_REST)
        try:
            self._bursts = await burst(result, self._scale, factor)
        except AmltuiError as error:
            self._burst_problem = f"{error.title} {error.message}"
        self._draw()

    def _draw(self) -> None:
        self._panel.set_sections(list(self._sections()), "result")

    def _sections(self) -> list[Section]:
        title, lines = self._remark
        found = [Section(title, tuple(Paragraph(line) for line in lines))] if lines else []
        result = self._result
        if result is None:
            text = "The result comes back when all four fields can be read."
            return [*found, Section("", (Paragraph(text),))]
        self._advice = compare(result, self._scale)
        found.append(
            Section(
                f"{result.replicas:,} replicas",
                tuple(Paragraph(line) for line in result.working),
            )
        )
        against = self._service.name if self._service else "the autoscaler's defaults"
        items: list[Item] = [
            Paragraph(f"• {one.text}", STYLES.get(one.level, "")) for one in self._advice
        ]
        if call := update_call(self._advice):
            items.append(Paragraph(f"y copies: {call}", "muted"))
        found.append(Section(f"Against {against}", tuple(items)))
        found.append(Section("The other way round", (Paragraph(self._carried_words(result)),)))
        found.append(Section("A burst", tuple(self._burst_items(result))))
        rows = tuple(Paragraph(line) for line in chart_lines(result.demand, self.size.width - 30))
        return [*found, Section("Replicas over requests/s, by target utilisation", rows)]

    def _carried_words(self, result: Result) -> str:
        if not self._carried:
            return "The number of replicas cannot be read."
        demand, number = result.demand, int(self._carried)
        rest = (demand.request_time_s, demand.utilization, demand.max_concurrent)
        at_target = carried_rps(number, *rest)
        full = carried_rps(number, rest[0], Fraction(1), rest[2])
        percent = amount(demand.utilization * 100)
        return (
            f"{number:,} replicas carry {amount(at_target)} requests/s at {percent} % busy; "
            f"above {amount(full)} some get 503 for certain."
        )

    def _burst_items(self, result: Result) -> list[Item]:
        if self._burst_problem:
            return [Paragraph(self._burst_problem, "degraded")]
        if not self._bursts:
            return [Paragraph("is being simulated …", "muted")]
        items: list[Item] = [
            Paragraph(
                f"{BURST_SECONDS} s at random moments, times spread exponentially, simulated with "
                "a new replica taking 10 s to start:"
            )
        ]
        for one in self._bursts:
            items.append(Paragraph(f"• {one.outcome}", "failed" if one.bad else "ok"))
        return items

    # Asking the service

    @work(exclusive=True, group="asking", exit_on_error=False, name="measurement")
    async def action_measure(self) -> None:
        """Measure the time of a request and put it into its field."""
        service, requests = self._service, self._requests
        if service is None or requests is None:
            return
        request = self._request(service, requests)
        text = (
            f"{MEASURED} real requests go to {service.name}, one after the other, for at most "
            f"{MEASURED_SECONDS:g} s, with the body that was sent to it last or the usual sample."
        )
        if not await self.app.push_screen_wait(ConfirmDialog("Measure?", text, "Measure")):
            return
        series = Series(MEASURED)
        title = "Measurement: esc stops it"
        try:
            steps = requests.measure(request, service, MEASURED, MEASURED_SECONDS)
            async with aclosing(steps) as going:
                async for series in going:
                    self._show_remark(title, series.summary())
        except AmltuiError as error:
            self._show_remark("Measurement", [f"{error.title}. {error.message} {error.hint}"])
            return
        finally:
            if series.time.count:
                self.query_one("#request_time_s", Input).value = span(series.time.mean_s)
        self._show_remark("Measurement", series.summary())

    @work(exclusive=True, group="asking", exit_on_error=False, name="load check")
    async def action_try_load(self) -> None:
        """Send the load of the fields for some seconds."""
        service, requests, load = self._service, self._requests, self._load
        if service is None or requests is None or load is None or self._result is None:
            return
        try:
            plan = LoadPlan(float(self._result.demand.rps), CHECK_SECONDS)
        except InvalidInput as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
            return
        text = (
            f"About {plan.requests:,} real requests go to {service.name} in "
            f"{plan.seconds:g} s, whether or not it keeps up. Its other callers feel that."
        )
        dialog = ConfirmDialog("Try this load?", text, "Send", bad=True)
        if needs_confirmation(service):
            dialog = TypeNameDialog(service.name, text, "Load")  # type: ignore[assignment]
        if not await self.app.push_screen_wait(dialog):
            return
        tally = Tally(plan)
        try:
            steps = load.run(plan, self._request(service, requests), service, confirmed=True)
            async with aclosing(steps) as going:
                async for tally in going:
                    self._show_remark("Load check: esc stops it", tally.summary())
        except AmltuiError as error:
            self._show_remark("Load check", [str(error), *tally.summary()])
            return
        lines = tally.summary()
        if self._bursts:
            expected = self._bursts[0].share_503_before * 100
            lines.append(
                f"{tally.share(503) * 100:.0f} % were 503; the simulation expects {expected:.0f} %"
            )
        self._show_remark("Load check", [*lines, *tally.plot()])

    def _request(self, service: Service, requests: Requests) -> Request:
        sent = requests.attempts(service)
        if sent:
            return sent[-1].request
        return Request(service.scoring_uri, SAMPLE)

    def _show_remark(self, title: str, lines: list[str]) -> None:
        self._remark = (title, lines)
        self._draw()

    # Keys

    def action_edit(self) -> None:
        self.set_focus(self.query_one("#rps", Input))
        self.refresh_bindings()

    def action_leave(self) -> None:
        if any(one.group == "asking" and not one.is_finished for one in self.workers):
            self.workers.cancel_group(self, "asking")
            self._show_remark("Stopped", self._remark[1])
        self.set_focus(self._panel)
        self.refresh_bindings()

    def action_copy(self) -> None:
        call = update_call(self._advice)
        self.notify(copy(self.app, call) if call else "Nothing has to be changed.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are text in the form, and asking needs a service that can be called."""
        typing = isinstance(self.focused, Input)
        if action in ("measure", "try_load"):
            return not typing and self._service is not None and bool(self._service.scoring_uri)
        if action in ("edit", "copy"):
            return not typing
        return True
