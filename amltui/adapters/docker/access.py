"""SDK clients, made here and nowhere else, and the engine's refusals in people's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from queue import Empty, LifoQueue
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line, mask

from . import sdk, ssh
from .address import DEFAULT, Address, find
from .problems import explain

LIMIT = 10.0  # seconds of silence after which a call is given up
LONG_LIMIT = 600.0  # ... and one that may move gigabytes before it answers


class EngineAccess:
    """Hands out SDK clients, never one to two threads at a time; safe to call from several."""

    def __init__(self, host: str | None = None) -> None:
        self.host = host  # as given; None: where the docker command would look
        self._address: Address | None = None
        self._version = ""
        self._idle: LifoQueue[Any] = LifoQueue()

    @property
    def address(self) -> Address:
        """Where the engine is."""
        if self._address is None:
            self._address = find(self.host)
        return self._address

    def use(self, host: str | None) -> None:
        """Talk to another engine from now on; what is open stays with the old one."""
        self.close()
        self.host, self._address, self._version = host, None, ""
        self._idle = LifoQueue()

    @contextmanager
    def api(self, limit: float = LIMIT) -> Iterator[Any]:
        """An ``APIClient`` for the block; what it raises there leaves as `AmltuiError`."""
        idle = self._idle
        with self.explained():
            try:
                client = idle.get_nowait()
                client.timeout = limit
            except Empty:
                client = self.client(limit)
            yield client
            idle.put(client)  # not after an error: its connection may be in a mess

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors of the SDK and the system as errors that a person can act on."""
        try:
            yield
        except AmltuiError:
            raise
        except Exception as error:
            response = getattr(error, "response", None)
            if response is not None:
                raise refusal(response.status_code, _said(error)) from error
            if not isinstance(error, OSError) and not type(error).__module__.startswith(
                ("docker", "requests", "urllib3", "http", "ssl", "paramiko")
            ):
                raise
            raise explain(error, self.address) from error

    def close(self) -> None:
        """Drop the connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def client(self, limit: float) -> Any:
        """An ``APIClient`` of the caller's own; `limit` is in seconds of silence."""
        if not self._version:
            sdk()
            from docker.constants import MINIMUM_DOCKER_API_VERSION as OLDEST

            with closing(self._connected(OLDEST, LIMIT)) as client:
                self._version = str(client.version(api_version=False)["ApiVersion"])
        return self._connected(self._version, limit)

    def _connected(self, version: str, limit: float) -> Any:
        address = self.address
        remote = address.url.startswith("ssh://")
        client = sdk().APIClient(
            base_url=DEFAULT if remote else address.url,
            version=version,
            timeout=limit,
            tls=address.tls or False,
        )
        if remote:
            ssh.mount(client, address.url)
        # Else REQUESTS_CA_BUNDLE, set for a company's proxy, outdoes the engine's own authority.
        client.trust_env = address.tls is None
        return client


def _said(error: BaseException) -> str:
    said = getattr(error, "explanation", None) or str(error)
    return clean_line(mask(str(said)))[:1_000]


def refusal(status: int, said: str) -> AmltuiError:
    """What the engine says no to, and what to do about it."""
    lower = said.lower()
    for part, title, hint, problem in _REFUSALS:
        if part in lower:
            return AmltuiError(title, said, hint, problem=problem)
    if status == 404:
        return AmltuiError(
            "The engine does not find it", said, "Refresh the list.", problem=Problem.NOT_FOUND
        )
    return AmltuiError("The engine refused", said, f"It answered {status}.", problem=Problem.ENGINE)


_REFUSALS = (
    (
        "is paused",
        "The container is paused",
        "Resume it first: x in the Containers pane.",
        Problem.REFUSED,
    ),
    (
        "is restarting",
        "The container is restarting",
        "It starts and ends again and again; its log says why. Open a shell in a copy of it.",
        Problem.REFUSED,
    ),
    (
        "is not running",
        "The container is not running",
        "Start it, or open a shell in a copy of it, where its command does not run.",
        Problem.REFUSED,
    ),
    (
        "no such container",
        "The container is gone",
        "It was removed; refresh the list.",
        Problem.NOT_FOUND,
    ),
    (
        "no such image",
        "There is no such image here",
        "It was removed, or was never pulled to this engine.",
        Problem.NOT_FOUND,
    ),
    (
        "could not find the file",
        "There is no such file in the container",
        "List its folder; names are case-sensitive.",
        Problem.NOT_FOUND,
    ),
    (
        "no such file or directory",
        "There is no such file in the container",
        "List its folder; names are case-sensitive.",
        Problem.NOT_FOUND,
    ),
    (
        "port is already allocated",
        "A port is already taken",
        "Another container publishes it; stop that one, or choose another port.",
        Problem.REFUSED,
    ),
    (
        "address already in use",
        "A port is already taken",
        "A program of this machine listens on it; end it, or choose another port.",
        Problem.REFUSED,
    ),
    (
        "is already in use by container",
        "The name is already taken",
        "Remove or rename the other container first.",
        Problem.REFUSED,
    ),
    (
        "no space left on device",
        "The engine's disk is full",
        "Free some: `docker system df` shows what takes it.",
        Problem.ENGINE,
    ),
    (
        "read-only",
        "That place in the container is read-only",
        "It is a read-only mount, or the container runs with --read-only.",
        Problem.REFUSED,
    ),
)
