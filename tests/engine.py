"""Real containers for tests: their image is the running interpreter, so nothing is pulled."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from amltui.demo.interpreter import base_layer

REPOSITORY = "amltui-logtest"
ENVIRONMENT = ["PATH=/usr/local/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"]


class Containers:
    """Containers that run Python code; all of them and their image go with `close`."""

    def __init__(self, url: str | None = None) -> None:
        import docker

        self.client = (
            docker.from_env(timeout=60) if url is None else docker.DockerClient(url, timeout=60)
        )
        self._made: list[Any] = []
        self._image = f"{REPOSITORY}:{uuid4().hex[:8]}"
        self._built = False

    def make(self, code: str, **options: Any) -> Any:
        """A container, not started, whose log is what this Python code prints."""
        if not self._built:
            with TemporaryDirectory() as folder:
                archive = Path(folder, "layer.tar")
                base_layer().save(archive)
                repository, tag = self._image.split(":")
                self.client.api.import_image_from_file(str(archive), repository, tag)
            self._built = True
        container = self.client.containers.create(
            self._image,
            ["python3", "-u", "-c", code],
            name=f"{REPOSITORY}-{uuid4().hex[:8]}",
            environment=ENVIRONMENT,
            network_mode="none",
            **options,
        )
        self._made.append(container)
        return container

    def run(self, code: str, **options: Any) -> Any:
        """The same, started."""
        container = self.make(code, **options)
        container.start()
        return container

    def finished(self, code: str, **options: Any) -> Any:
        """The same, started and ended."""
        container = self.run(code, **options)
        container.wait(timeout=120)
        return container

    def remove(self, container: Any) -> None:
        """Remove one before the others."""
        container.remove(force=True, v=True)
        self._made.remove(container)

    def forget(self, container: Any) -> None:
        """Leave one alone that is gone already."""
        self._made.remove(container)

    def close(self) -> None:
        """Remove everything that was made here."""
        for container in self._made:
            container.remove(force=True, v=True)
        if self._built:
            self.client.images.remove(self._image, force=True)
        self.client.close()


def eventually(condition: Callable[[], bool], limit: float = 20) -> None:
    """Wait until something is so; fails at the limit (seconds)."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.01)


@contextmanager
def containers(url: str | None = None) -> Iterator[Containers]:
    """Containers for a while, in the engine at `url` (None: the usual one)."""
    made = Containers(url)
    try:
        yield made
    finally:
        made.close()


class Proxy:
    """A socket in front of the engine's, whose connections can be cut and that can go away."""

    def __init__(self, path: Path | None, engine: str = "/var/run/docker.sock") -> None:
        self.path = path
        self._port = 0
        self._engine = engine
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.carried = 0  # bytes from the engine
        self.come_back()

    @property
    def url(self) -> str:
        """Its address: of a unix socket, or without a path of a TCP port."""
        return f"unix://{self.path}" if self.path else f"tcp://127.0.0.1:{self._port}"

    def go_away(self) -> None:
        """Nobody listens any more, and what was open is cut."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def come_back(self) -> None:
        """Listen (again)."""
        if self.path:
            self.path.unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.path))
        else:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self._port = self._listener.getsockname()[1]
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> int:
        """Cut all connections in mid-air; how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _shut(end)
        return len(pairs)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            try:
                engine.connect(self._engine)
            except OSError:  # it is not there: neither are we
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, engine))
            threading.Thread(target=self._pump, args=(client, engine, 0), daemon=True).start()
            threading.Thread(target=self._pump, args=(engine, client, 1), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, counted: int) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
                self.carried += counted * len(data)
        except OSError:
            pass
        _shut(source)
        _shut(target)
        with self._lock:
            self._pairs = [pair for pair in self._pairs if source not in pair]


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
