"""The replica calculator and its service: read, measured, tried with a load, and changed."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from amltui.domain.availability import why_not
from amltui.domain.changes import Changes
from amltui.domain.errors import AmltuiError
from amltui.domain.latency import span
from amltui.domain.loadplan import LoadPlan, Tally
from amltui.domain.models import Can, Kind, Service
from amltui.domain.replica_input import InvalidInput
from amltui.domain.replicas import changes
from amltui.domain.request import SAMPLE, Request
from amltui.widgets.dialogs import ConfirmDialog, TypeNameDialog
from amltui.workers.load import LoadCheck, needs_confirmation
from amltui.workers.requests import Requests, Series

from .pane import Pane
from .replica_sections import Picture

MEASURED = 20  # requests of a measurement
MEASURED_SECONDS = 60.0
CHECK_SECONDS = 20.0


class ReplicaAsking(Pane):
    """The actions that need a service; the pane shows what they find."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "measure", "Measure", id="replicas.measure",
                tooltip="Measure the time of a request with a few real ones"),
        Binding("t", "try_load", "Try load", id="replicas.try",
                tooltip="Send this load for some seconds and see what is answered"),
        Binding("u", "apply", "Apply", id="replicas.apply",
                tooltip="Change the service to the result, after a review"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.picture = Picture()
        self._requests: Requests | None = None
        self._load: LoadCheck | None = None

    @abstractmethod
    def calculate(self) -> None:
        """Work everything out anew."""

    @abstractmethod
    def draw(self) -> None:
        """Show what is known."""

    @work(exclusive=True, group="reading", exit_on_error=False, name="service's settings")
    async def read_service(self, service: Service) -> None:
        """Read the service's settings and its cluster as they are now."""
        if service.kind is not Kind.AKS:
            return
        try:
            fresh = await self.console.services.service(service.ref)
            cluster = await self.console.services.cluster_of(fresh)
        except AmltuiError as error:  # what was known before stands
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="warning")
            return
        if self._is_about(fresh):
            self.picture.service, self.picture.cluster = fresh, cluster
            self.picture.read_at = self.console.now
            self.calculate()

    # Measuring

    @work(exclusive=True, group="asking", exit_on_error=False, name="measurement")
    async def action_measure(self) -> None:
        """Measure the time of a request and put it into its field."""
        service, requests = self.picture.service, self._requests
        if service is None or requests is None:
            return
        text = (
            f"{MEASURED} real requests go to {service.name}, one after the other, for at most "
            f"{MEASURED_SECONDS:g} s, with the body that was sent to it last or the usual sample."
        )
        if not await self.app.push_screen_wait(ConfirmDialog("Measure?", text, "Measure")):
            return
        series = Series(MEASURED)
        try:
            request = _request(service, requests)
            steps = requests.measure(request, service, MEASURED, MEASURED_SECONDS)
            async with aclosing(steps) as going:
                async for series in going:
                    self.remark("Measurement: esc stops it", series.summary())
        except AmltuiError as error:
            self.remark("Measurement", [f"{error.title}. {error.message} {error.hint}"])
            return
        finally:
            if series.time.count and self._is_about(service):
                self.query_one("#request_time_s", Input).value = span(series.time.mean_s)
        self.remark("Measurement", series.summary())

    # Trying

    @work(exclusive=True, group="asking", exit_on_error=False, name="load check")
    async def action_try_load(self) -> None:
        """Send the load of the fields for some seconds."""
        service, requests, load = self.picture.service, self._requests, self._load
        result = self.picture.result
        if service is None or requests is None or load is None or result is None:
            return
        try:
            plan = LoadPlan(float(result.demand.rps), CHECK_SECONDS)
        except InvalidInput as error:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error")
            return
        if not await self._agreed(service, plan):
            return
        tally = Tally(plan)
        try:
            steps = load.run(plan, _request(service, requests), service, confirmed=True)
            async with aclosing(steps) as going:
                async for tally in going:
                    self.remark("Load check: esc stops it", tally.summary())
        except AmltuiError as error:
            self.remark("Load check", [str(error), *tally.summary(), *tally.plot()])
            return
        except asyncio.CancelledError:
            if self._is_about(service):
                self.remark("Load check, stopped", [*tally.summary(), *tally.plot()])
            raise
        lines = tally.summary()
        if self.picture.bursts:
            expected = self.picture.bursts[0].share_503_before * 100
            lines.append(
                f"{tally.share(503) * 100:.0f} % were 503; the simulation expects {expected:.0f} %"
            )
        self.remark("Load check", [*lines, *tally.plot()])

    def _is_about(self, service: Service) -> bool:
        """Whether this is still the service here, read again or not."""
        return self.picture.service is not None and self.picture.service.ref == service.ref

    async def _agreed(self, service: Service, plan: LoadPlan) -> bool:
        text = (
            f"About {plan.requests:,} real requests go to {service.name} in "
            f"{plan.seconds:g} s, whether or not it keeps up. Its other callers feel that."
        )
        if needs_confirmation(service):
            return await self.app.push_screen_wait(TypeNameDialog(service.name, text, "Load"))
        dialog = ConfirmDialog("Try this load?", text, "Send", bad=True)
        return await self.app.push_screen_wait(dialog)

    # Changing

    @work(exclusive=True, group="applying", exit_on_error=False, name="update")
    async def action_apply(self) -> None:
        """Change the service to what was worked out, after a review."""
        from .service_update import review_update

        service = self.picture.service
        if service is None:
            return
        if why := why_not(service, Can.UPDATE):
            self.notify(why, title=f"Not available for {service.name}")
            return
        if service.kind is not Kind.AKS:
            self.notify("Only AKS services have replicas to set.", title=service.name)
            return
        proposed = changes(self.picture.advice)
        if not proposed:
            self.notify("Nothing has to be changed.", title=service.name)
            return
        running = await review_update(self.console, service, Changes(proposed))
        if running is not None:
            await running.wait()
            self.read_service(service)

    def remark(self, title: str, lines: list[str]) -> None:
        """Show what a measurement or load check says, on top."""
        self.picture.remark = (title, lines)
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Asking needs a service that can be called; letters are text in the form."""
        service = self.picture.service
        typing = isinstance(self.focused, Input)
        if action in ("measure", "try_load"):
            return not typing and service is not None and bool(service.scoring_uri)
        if action == "apply":
            return not typing and service is not None and not self.console.settings.read_only
        return True


def _request(service: Service, requests: Requests) -> Request:
    """What was sent to the service last, or the usual sample; never to another address."""
    sent = requests.attempts(service)
    last = sent[-1].request if sent else Request(service.scoring_uri, SAMPLE)
    return replace(last, url=service.scoring_uri)
