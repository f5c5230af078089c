"""The engine behind `ports.Engine`, through the Docker SDK; its logs through a faster reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from amltui.domain.containers import ContainerRun
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Container, EngineInfo, Ref, Service
from amltui.domain.text import clean_line

from . import logs, rows, sdk
from .address import Address, Wire, dial, find
from .problems import explain

LIMIT = 10.0  # seconds of silence after which a call is given up
_STOP_GRACE = 5  # seconds that a container has to end by itself

Result = TypeVar("Result")


class DockerEngine:
    """A Docker (or Docker-compatible) engine. Safe to call from several threads."""

    def __init__(self, host: str | None = None) -> None:
        self._host = host
        self._address: Address | None = None
        self._version = ""
        self._idle: LifoQueue[Any] = LifoQueue()  # SDK clients: none is used by two threads

    # -- ports.Engine ---------------------------------------------------------------------------

    def info(self) -> EngineInfo:
        """Who answers; raises with the remedy when nobody does."""
        answer = self._ask(lambda api: api.version())
        components = answer.get("Components") or [{}]
        name = str(components[0].get("Name") or "Docker")
        return EngineInfo(
            name="Podman" if "podman" in name.lower() else "Docker",
            version=clean_line(str(answer.get("Version", ""))),
            api_version=clean_line(str(answer.get("ApiVersion", ""))),
            address=clean_line(self._find().url),
            operating_system=clean_line(f"{answer.get('Os', '')}/{answer.get('Arch', '')}"),
        )

    def containers(self) -> tuple[Container, ...]:
        """All containers, running or not."""
        return rows.containers(self._ask(lambda api: api.containers(all=True)))

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
        with self._explained():
            return logs.open_log(
                self._find(),
                container_id,
                tty=bool(config.get("Tty")),
                tail=tail,
                since=since,
                until=until,
                follow=follow,
            )

    def container_run(self, container_id: str) -> ContainerRun:
        """Whether a container runs and, if not, how it ended."""
        state = self._inspect(container_id).get("State") or {}
        return ContainerRun(
            running=bool(state.get("Running")),
            exit_code=int(state.get("ExitCode") or 0),
            out_of_memory=bool(state.get("OOMKilled")),
            error=clean_line(str(state.get("Error") or "")),
            started_at=clean_line(str(state.get("StartedAt") or "")),
            finished_at=clean_line(str(state.get("FinishedAt") or "")),
        )

    def watch_start(self, container_id: str) -> StartWatch:
        """A watch for the container's next start; already watching when this returns."""
        wanted = {"type": ["container"], "container": [container_id], "event": ["start", "destroy"]}
        path = "/events?" + urlencode({"filters": json.dumps(wanted)}, quote_via=quote)
        with self._explained():
            wire = dial(self._find())
            try:
                return StartWatch(wire, logs.request(wire, path))
            except BaseException:
                wire.close()
                raise

    def close(self) -> None:
        """Drop the connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    # -- the SDK --------------------------------------------------------------------------------

    def _find(self) -> Address:
        if self._address is None:
            self._address = find(self._host)
        return self._address

    def _inspect(self, container_id: str) -> dict[str, Any]:
        return self._ask(lambda api: dict(api.inspect_container(container_id)))

    def _ask(self, question: Callable[[Any], Result]) -> Result:
        with self._explained():
            try:
                api = self._idle.get_nowait()
            except Empty:
                api = self._client()
            answer = question(api)
            self._idle.put(api)
            return answer

    def _client(self) -> Any:
        address = self._find()
        client = sdk(address.url).APIClient(
            base_url=address.url,
            version=self._version or "auto",
            timeout=LIMIT,
            tls=address.tls or False,
        )
        self._version = client.api_version
        return client

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the SDK and the system as errors that a person can act on."""
        try:
            yield
        except AmltuiError:
            raise
        except Exception as error:  # the SDK lets errors of five libraries through
            response = getattr(error, "response", None)
            if response is not None:
                raise logs.refusal(response.status_code, response.content) from error
            if self._address is None:
                raise
            raise explain(error, self._address) from error


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
