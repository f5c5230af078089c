"""The engine behind `ports.Engine`, through the Docker SDK; its logs through a faster reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from amltui.domain.containers import ContainerRun, rotation_of
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Container, EngineChoice, EngineInfo, Image, Ref, Service
from amltui.domain.text import clean_line

from . import logs, rows
from .access import EngineAccess
from .address import Wire, dial, known

_STOP_GRACE = 5  # seconds that a container has to end by itself

Result = TypeVar("Result")


class DockerEngine:
    """A Docker (or Docker-compatible) engine. Safe to call from several threads."""

    def __init__(self, host: str | None = None) -> None:
        self.access = EngineAccess(host)

    def info(self) -> EngineInfo:
        """Who answers; raises with the remedy when nobody does."""
        answer = self._ask(lambda api: api.version())
        components = answer.get("Components") or [{}]
        name = str(components[0].get("Name") or "Docker")
        return EngineInfo(
            name="Podman" if "podman" in name.lower() else "Docker",
            version=clean_line(str(answer.get("Version", ""))),
            api_version=clean_line(str(answer.get("ApiVersion", ""))),
            address=clean_line(self.access.address.url),
            operating_system=clean_line(f"{answer.get('Os', '')}/{answer.get('Arch', '')}"),
            origin=clean_line(self.access.address.origin),
        )

    def engines(self) -> tuple[EngineChoice, ...]:
        """The engines that could be asked: the configured one and the Docker contexts."""
        return known(self.access.host)

    def use(self, key: str) -> None:
        """Ask another engine from now on."""
        self.access.use(key)

    def containers(self) -> tuple[Container, ...]:
        """All containers, running or not."""
        return rows.containers(self._ask(lambda api: api.containers(all=True)))

    def images(self) -> tuple[Image, ...]:
        """All images but those that only hold layers of others; the newest first."""
        with self.access.api() as api:
            return rows.images(api.images(), api.containers(all=True))

    def services(self) -> tuple[Service, ...]:
        """The local web services, read from plain labels (pickled ones are never opened)."""
        return rows.services(
            self._ask(lambda api: api.containers(all=True, filters={"label": "amlIsService"}))
        )

    def delete(self, ref: Ref) -> None:
        """Stop and remove the container of a local service."""
        found = next((service for service in self.services() if service.ref == ref), None)
        if found is None:
            raise AmltuiError(
                f"There is no local service {ref.endpoint!r}",
                "Its container has been removed.",
                "Refresh the list.",
                problem=Problem.NOT_FOUND,
            )
        identity = found.container_id

        def remove(api: Any) -> None:
            if found.raw_state == "running":
                api.stop(identity, timeout=_STOP_GRACE)
            api.remove_container(identity, force=True, v=True)

        self._ask(remove)

    def open_log(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = True,
    ) -> logs.ContainerLog:
        """The log of a container: its last `tail` lines (None: all), then what comes."""
        config = self._inspect(container_id).get("Config") or {}
        with self.access.explained():
            return logs.open_log(
                self.access.address,
                container_id,
                tty=bool(config.get("Tty")),
                tail=tail,
                since=since,
                until=until,
                follow=follow,
            )

    def container_run(self, container_id: str) -> ContainerRun:
        """Whether a container runs and, if not, how it ended."""
        found = self._inspect(container_id)
        state = found.get("State") or {}
        log = (found.get("HostConfig") or {}).get("LogConfig") or {}
        return ContainerRun(
            running=bool(state.get("Running")),
            exit_code=int(state.get("ExitCode") or 0),
            out_of_memory=bool(state.get("OOMKilled")),
            error=clean_line(str(state.get("Error") or "")),
            started_at=clean_line(str(state.get("StartedAt") or "")),
            finished_at=clean_line(str(state.get("FinishedAt") or "")),
            rotated_at=rotation_of(str(log.get("Type") or ""), log.get("Config") or {}),
        )

    def watch_start(self, container_id: str) -> StartWatch:
        """A watch for the container's next start; already watching when this returns."""
        wanted = {"type": ["container"], "container": [container_id], "event": ["start", "destroy"]}
        path = "/events?" + urlencode({"filters": json.dumps(wanted)}, quote_via=quote)
        with self.access.explained():
            wire = dial(self.access.address)
            try:
                return StartWatch(wire, logs.request(wire, path))
            except BaseException:
                wire.close()
                raise

    def close(self) -> None:
        """Drop the connections."""
        self.access.close()

    def _inspect(self, container_id: str) -> dict[str, Any]:
        return self._ask(lambda api: dict(api.inspect_container(container_id)))

    def _ask(self, question: Callable[[Any], Result]) -> Result:
        with self.access.api() as api:
            return question(api)


class StartWatch:
    """An open watch for the start of a container (a `ports.StartWatch`)."""

    def __init__(self, wire: Wire, rest: bytes) -> None:
        self._wire = wire
        self._rest = rest

    def wait(self) -> bool:
        """Block until the container starts; False when it is removed, after `close` or a break."""
        data = self._rest
        try:
            while True:
                *events, data = data.split(b"\n")
                for event in events:
                    action = json.loads(event).get("Action")
                    if action in ("start", "destroy"):
                        return bool(action == "start")
                more = self._wire.receive(65_536)
                if not more:
                    return False
                data += more
        finally:
            self._wire.close()

    def close(self) -> None:
        """End the waiting from any thread."""
        self._wire.close()
