"""The replica calculator: how many replicas keep HTTP 503 away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Service
from amltui.domain.replica_input import (
    InvalidInput,
    parse_max_concurrent,
    parse_replicas,
    parse_request_time,
    parse_rps,
    parse_utilization,
)
from amltui.domain.replicas import Demand, Result, calculate
from amltui.widgets.clipboard import copy
from amltui.widgets.detail import DetailPanel
from amltui.workers.load import LoadCheck, burst, update_call
from amltui.workers.requests import Requests

from .pane import WorkspaceSwitched
from .replica_asking import ReplicaAsking
from .replica_sections import Picture, sections

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
TYPING_REST = 0.3  # s without a key before a burst is simulated


class ReplicasPane(ReplicaAsking):
    """How many replicas a load needs, worked out while you type.

    tab goes from field to field, esc leaves the form, and then j and k scroll. For a service, m
    measures the time of a request and t tries the load; both ask first, esc stops them. u changes
    the service to the result.
    """

    PANE = "replicas"
    CSS_PATH = "replicas.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit", id="replicas.edit", tooltip="Go to the fields"),
        Binding("tab,down", "app.focus_next", "Next field", id="replicas.next"),
        Binding("shift+tab,up", "app.focus_previous", "Field before", show=False,
                id="replicas.previous"),
        Binding("y", "copy", "Copy update", show=False, id="replicas.copy",
                tooltip="Copy the update call that applies the result"),
        Binding("r", "reread", "Read again", show=False, id="replicas.reread",
                tooltip="Read the service's settings and its cluster again"),
        Binding("escape", "leave", "Leave/stop", id="replicas.leave",
                tooltip="Leave the fields, or stop what is running"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._panel = DetailPanel(id="result")

    def compose_body(self) -> ComposeResult:
        yield Static(id="about")
        with Vertical(id="form"):
            for name, label, value, _ in (*FIELDS, *EXTRA):
                extra = " extra" if name in ("replicas", "burst") else ""
                with Horizontal(classes=f"field{extra}"):
                    yield Label(label, markup=False)
                    yield Input(value, id=name, compact=True)
        yield self._panel

    def on_mount(self) -> None:
        super().on_mount()
        self.calculate()

    def on_screen_resume(self) -> None:
        if self.focused is None:
            self.action_edit()

    # The service it is about

    def load_service(self, service: Service, requests: Requests, load: LoadCheck) -> None:
        """Calculate with the settings of a service, and against them."""
        self._requests, self._load = requests, load
        self.picture = Picture(service)
        scale = service.scale
        for name, value in (
            ("max_concurrent", scale.max_concurrent),
            ("utilization", scale.target_utilization and f"{scale.target_utilization}%"),
            ("replicas", scale.available or scale.desired or scale.min_replicas),
        ):
            if value:
                self.query_one(f"#{name}", Input).value = str(value)
        self.calculate()
        self.read_service(service)
        self.refresh_bindings()

    @on(WorkspaceSwitched)
    def _forget(self) -> None:
        self.workers.cancel_group(self, "asking")
        self._requests = self._load = None
        self.picture = Picture()
        self.calculate()

    # Calculating

    @on(Input.Changed)
    def calculate(self) -> None:
        values: dict[str, Fraction | int] = {}
        odd: list[str] = []
        for name, _, _, parse in (*FIELDS, *EXTRA):
            field = self.query_one(f"#{name}", Input)
            try:
                values[name] = parse(field.value)
            except InvalidInput as error:
                odd.append(str(error))
            field.set_class(name not in values, "-odd")
        self.query_one("#about", Static).update(Content(self.picture.about))
        demand = {name: values[name] for name, *_ in FIELDS if name in values}
        result = None
        if len(demand) == len(FIELDS):
            result = calculate(Demand(**demand))  # type: ignore[arg-type]
        carried = int(values["replicas"]) if "replicas" in values else None
        self.picture = replace(
            self.picture,
            odd=tuple(odd),
            result=result,
            carried=carried,
            bursts=(),
            burst_problem="" if "burst" in values else "The burst cannot be read.",
        )
        if result is not None and "burst" in values:
            self._simulate(result, float(values["burst"]))
        self.draw()

    @work(exclusive=True, group="burst", exit_on_error=False, name="burst")
    async def _simulate(self, result: Result, factor: float) -> None:
        await asyncio.sleep(TYPING_REST)
        try:
            self.picture.bursts = await burst(result, self.picture.scale, factor)
        except AmltuiError as error:
            self.picture.burst_problem = f"{error.title} {error.message}"
        self.draw()

    def draw(self) -> None:
        self._panel.set_sections(sections(self.picture, self.size.width - 30), "result")

    # Keys

    def action_edit(self) -> None:
        self.set_focus(self.query_one("#rps", Input))
        self.refresh_bindings()

    def action_leave(self) -> None:
        if any(one.group == "asking" and not one.is_finished for one in self.workers):
            self.workers.cancel_group(self, "asking")
            self.remark("Stopped", self.picture.remark[1])
        self.set_focus(self._panel)
        self.refresh_bindings()

    def action_copy(self) -> None:
        call = update_call(self.picture.advice)
        self.notify(copy(self.app, call) if call else "Nothing has to be changed.")

    def action_reread(self) -> None:
        if self.picture.service is not None:
            self.read_service(self.picture.service)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are text in the form."""
        if action in ("edit", "copy", "reread"):
            return not isinstance(self.focused, Input)
        return super().check_action(action, parameters)
