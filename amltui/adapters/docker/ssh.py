"""Engines on other machines, over the person's own ssh: their configuration, agent and jump hosts.

The SDK's transports over ssh are a client of its own (paramiko), which knows little of that, and
pipes on which a shell would hang. Here ssh has one end of a socket pair and the SDK the other, so
to everything above an engine on another machine is a unix socket.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, Any
from urllib.parse import SplitResult, urlsplit

from amltui.domain.text import clean_line

CONNECT_LIMIT = 10  # seconds
_running: list[subprocess.Popen[bytes]] = []
_complaints: dict[str, IO[bytes]] = {}


def connect(url: str) -> socket.socket:
    """A connection to the engine at ssh://[user@]host[:port][/path/of/the.sock].

    What goes wrong behind ssh is an end of the connection; `complaint` has its words.

    Raises:
        FileNotFoundError: there is no ssh command.
    """
    near, far = socket.socketpair()
    words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `complaint` reads it later
    try:
        with far:
            process = subprocess.Popen(
                _command(urlsplit(url)),
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=words,
                start_new_session=True,  # ctrl+c is not meant for it
            )
    except BaseException:
        near.close()
        words.close()
        raise
    _running[:] = [each for each in _running if each.poll() is None] + [process]
    _complaints[url] = words
    return near


def complaint(url: str) -> str:
    """What ssh, or the docker command there, said last; empty if nothing."""
    words = _complaints.get(url)
    with suppress(OSError, ValueError):
        if words is not None:
            words.seek(0)
            lines = words.read(16_384).decode("utf-8", "replace").strip().splitlines()
            return clean_line(lines[-1])[:300] if lines else ""
    return ""


def trial(url: str) -> str:
    """What a person can type to see what ssh says."""
    command = [*_ssh(urlsplit(url)), "docker", "version"]
    return clean_line(shlex.join(command))


def mount(client: Any, url: str) -> None:
    """Let an SDK client made for a unix socket go through ssh."""
    from docker.transport import UnixHTTPAdapter
    from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

    class Connection(UnixHTTPConnection):  # type: ignore[misc]
        def connect(self) -> None:
            self.sock = connect(url)
            self.sock.settimeout(self.timeout)

    class Pool(UnixHTTPConnectionPool):  # type: ignore[misc]
        def _new_conn(self) -> Connection:
            return Connection(self.base_url, "", self.timeout)

    class Adapter(UnixHTTPAdapter):  # type: ignore[misc]
        def get_connection(self, asked: str, proxies: object = None) -> Pool:
            with self.pools.lock:
                pool = self.pools.get(asked)
                if pool is None:
                    pool = Pool(asked, "", self.timeout, self.max_pool_size)
                    self.pools[asked] = pool
                assert isinstance(pool, Pool)
                return pool

    client.mount("http+docker://", Adapter(url, client.timeout))


def _command(parts: SplitResult) -> list[str]:
    path = parts.path.rstrip("/")
    where = ["--host", shlex.quote(f"unix://{path}")] if path else []
    return [*_ssh(parts), "docker", *where, "system", "dial-stdio"]


def _ssh(parts: SplitResult) -> list[str]:
    """As far as the other machine; what it is to do comes behind."""
    target = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
    port = ["-p", str(parts.port)] if parts.port else []
    return [
        "ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_LIMIT}", *port,
        "--", target,
    ]  # fmt: skip
