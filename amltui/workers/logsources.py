"""The logs that could be opened now: containers, services, deployments and what is kept of them."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LogSource
from amltui.domain.models import Can, Container, Kind, Service

from .containers import Containers
from .deployments import Deployments, RunSummary
from .services import Services

RUNS = 5  # deployments that are offered, the newest


@dataclass(frozen=True)
class Openable:
    """A log that could be opened, and a few words that tell it from others."""

    source: LogSource
    note: str


class LogSources:
    """What there is to open: `now` is what is known, `ask` finds out more."""

    def __init__(
        self,
        containers: Containers,
        services: Services,
        deployments: Deployments | None,
        *,
        connected: bool,
    ) -> None:
        self._containers = containers
        self._services = services
        self._deployments = deployments
        self._connected = connected
        self._runs: tuple[RunSummary, ...] = ()
        self._errors: list[AmltuiError] = []

    @property
    def missing(self) -> str:
        """What could not be asked, in words."""
        titles = dict.fromkeys(error.title.rstrip(".") for error in self._errors)
        return "; ".join(titles) + ("." if titles else "")

    def ask(self) -> list[Coroutine[Any, Any, None]]:
        """The questions to the engine, the journals and the workspace; none of them raises."""
        asked = [self._of_engine(), self._of_journals()]
        return [*asked, self._of_workspace()] if self._connected else asked

    async def _of_engine(self) -> None:
        await self._services.refresh_local()
        self._note((await self._containers.refresh()).error)

    async def _of_workspace(self) -> None:
        self._note((await self._services.refresh_cloud()).error)

    async def _of_journals(self) -> None:
        try:
            if self._deployments is not None:
                self._runs = await self._deployments.runs()
        except AmltuiError as error:
            self._note(error)

    def _note(self, error: AmltuiError | None) -> None:
        if error is not None:
            self._errors.append(error)

    def now(self) -> tuple[Openable, ...]:
        """What is running first, then what tells how it came about."""
        services = sorted(self._services.rows, key=lambda row: row.name)
        ours = {service.container_id for service in services if service.container_id}
        others = [one for one in self._containers.snapshot.rows if one.id not in ours]
        running = [one for one in others if one.state == "running"]
        stopped = [one for one in others if one.state != "running"]
        found = (
            *(_of_service(service) for service in services if Can.LOGS in service.can),
            *map(_of_container, running),
            *(each for run in self._runs[:RUNS] for each in self._of_run(run)),
            *(each for service in services for each in _behind(service)),
            *map(_of_container, stopped),
        )
        return tuple({each.source.key: each for each in found}.values())

    def _of_run(self, run: RunSummary) -> Iterator[Openable]:
        source = LogSource.of_run(run.id, run.name, run.workspace)
        yield Openable(source, f"deployment, {run.state.value}")
        assert self._deployments is not None
        for log in run.view.logs:
            path = str(self._deployments.directory(run.id) / log.file)
            yield Openable(LogSource.of_file(path, f"{run.name} {log.title}"), "kept by the run")


def _of_service(service: Service) -> Openable:
    where = " ".join(filter(None, (service.kind.value, service.target)))
    return Openable(LogSource.of_service(service), f"service, {where}, {service.raw_state}")


def _of_container(container: Container) -> Openable:
    return Openable(LogSource.of_container(container), f"container, {container.status}")


def _behind(service: Service) -> Iterator[Openable]:
    """The logs that a cloud service has besides its own."""
    if Can.INIT_LOGS in service.can:
        yield Openable(LogSource.of_service(service, init=True), "init container")
    if has_build_log(service):
        yield Openable(LogSource.of_build(service), "image build")


def has_build_log(service: Service) -> bool:
    """Whether the workspace may know how the service's image was built."""
    return service.kind is not Kind.LOCAL and Can.LOGS in service.can
