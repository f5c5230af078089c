"""A person's shell in a container: an exec with a terminal, over the SDK's hijacked connection.

The exec starts as a small script that waits until the terminal has its size, picks the best shell
there is, says its process id and becomes that shell. The id matters: closing the connection leaves
the shell running, so a lost line has to end it from inside the container.
"""

from __future__ import annotations

import re
import secrets
import select
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean_line
from amltui.domain.workbench import ShellEnd

from .access import EngineAccess
from .execute import NOT_FOUND, execute

BOOTSTRAPS = ("/bin/sh", "/busybox/sh", "/bin/bash", "sh")
START_LIMIT = 15.0  # seconds until the shell must have spoken
# The engine swallows its detach keys, ctrl+p ctrl+q by default, and holds back every ctrl+p, the
# shell's previous command, until the next key. A detached shell could not be reached again anyway.
NO_DETACH = ",".join(["ctrl-^"] * 16)
_READ = 64 << 10
SIGNALS = ("HUP", "KILL")  # to a shell that has lost its terminal, one after the other
_GRACE = 0.4  # seconds that a shell has to end by itself, twice
_LOST = (None, 126)  # what the engine says of a shell that goes on without its line
_TRIES, _PAUSE = 3, 0.2  # what cut the shell's line may have cut the next ones; seconds
_SETTLED = 0.7  # seconds until the engine has noted how something ended
_NOT_NOW = (
    BlockingIOError, socket.timeout, TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError
)  # fmt: skip

# No external program is needed: images without `id`, `grep` or `stty` are common.
# $1: how this shell was found, $2: the word that marks the line with the process id.
_BOOTSTRAP = r"""
IFS= read -r _
cd "${AML_APP_ROOT:-/var/azureml-app}" 2>/dev/null
known() {
  for d in /usr/share/terminfo /lib/terminfo /etc/terminfo /usr/lib/terminfo; do
    [ -e "$d/${TERM%"${TERM#?}"}/$TERM" ] && return 0
  done
  return 1
}
known || { TERM=xterm-256color; known || TERM=xterm; }
export TERM
uid=0 login=
while read -r key uid _; do [ "$key" = Uid: ] && break; done 2>/dev/null </proc/self/status
while IFS=: read -r _ _ found _ _ _ shell; do
  [ "$found" = "$uid" ] && { login=$shell; break; }
done 2>/dev/null </etc/passwd
case ${login##*/} in ''|sh|nologin|false|true|sync) login= ;; esac
for shell in "$login" "$(command -v bash)" "$(command -v ash)" "$(command -v sh)" "$1"; do
  [ -n "$shell" ] && [ -x "$shell" ] && break
done
printf '\n%s %s %s\n' "$2" "$$" "$shell"
exec "$shell"
"""

# Ends the processes of session $1 as a closed terminal would: those that ignore the hang-up (nohup)
# stay. $2: the signal. Its exit code says whether there was one to end.
_END_SESSION = r"""
hit=
for p in /proc/[0-9]*; do
  { read -r line <"$p/stat"; } 2>/dev/null || continue
  set -- "$1" "$2" ${line##*) }
  [ "$6" = "$1" ] || continue
  while read -r key mask; do [ "$key" = SigIgn: ] && break; done 2>/dev/null <"$p/status"
  case $mask in *[13579bdf]) [ "${p#/proc/}" = "$1" ] || continue ;; esac
  kill -s "$2" "${p#/proc/}" 2>/dev/null && hit=1
  kill -s CONT "${p#/proc/}" 2>/dev/null
done
[ "$hit" ]
"""


class ContainerShell:
    """An open shell; its bytes are the terminal's, unchanged. For one thread."""

    def __init__(
        self, access: EngineAccess, container: str, bootstrap: str, identity: str, wire: Any
    ) -> None:
        self.container = container
        self.program = ""
        self._access = access
        self._bootstrap = bootstrap
        self._identity = identity
        self._wire = wire
        self._pid = 0
        self._first = b""  # what the shell wrote right behind the bootstrap's line
        self._ended = False

    def fileno(self) -> int:
        """For `select`: readable when `receive` has something."""
        return int(self._wire.fileno())

    def receive(self) -> bytes | None:
        """Output; None when there is none yet, empty at the end."""
        if self._first:
            first, self._first = self._first, b""
            return first
        pieces: list[bytes] = []
        try:
            # What TLS has decrypted already would not be seen by `select`.
            while sum(map(len, pieces)) < _READ or self._decrypted():
                piece = self._wire.recv(_READ)
                if not piece:
                    self._ended = True
                    break
                pieces.append(piece)
        except _NOT_NOW:
            if not pieces:
                return None
        except OSError:  # the engine has gone
            self._ended = True
        return b"".join(pieces)

    def send(self, data: bytes) -> int:
        """Keys; returns how many bytes were taken, which may be none."""
        try:
            return int(self._wire.send(data))
        except _NOT_NOW:
            return 0
        except OSError:
            return len(data)  # `receive` tells

    def resize(self, columns: int, rows: int) -> None:
        """Tell the shell its window's size; a shell that has just ended does not mind."""
        with suppress(AmltuiError), self._access.api() as api:
            api.exec_resize(self._identity, height=rows, width=columns)

    def hang_up(self) -> None:
        """End the shell and what runs in it, as a closed terminal does; at most about 3 s."""
        with suppress(*_NOT_NOW, OSError):
            self._wire.send(b"\x03\x04")
        if not self._over():
            for number in SIGNALS:
                with suppress(AmltuiError):
                    self._signal(number)
                if self._over():
                    break
        self.close()

    def end(self) -> ShellEnd:
        """How it ended: to be asked once the output has. A shell whose line broke is ended."""
        self.close()
        for _ in range(_TRIES):
            try:
                return ShellEnd(*self._ended_for_good())
            except AmltuiError as error:
                if error.problem is Problem.TIMEOUT:
                    break
                time.sleep(_PAUSE)
        return ShellEnd(None, None)

    def _ended_for_good(self) -> tuple[int | None, bool | None]:
        code, running = self._settled()
        for number in SIGNALS if running and code in _LOST else ():
            if not self._signal(number):
                break
            code = None
            time.sleep(_PAUSE)
        return code, running

    def _signal(self, number: str) -> bool:
        """Send a signal to the shell and what runs in its session; False: nothing does."""
        if not self._pid:
            return False
        command = [self._bootstrap, "-c", _END_SESSION, "sh", str(self._pid), number]
        return execute(self._access, self.container, command, limit=3.0, user="0").code == 0

    def _settled(self) -> tuple[int | None, bool | None]:
        """The shell's exit code, if it has one, and whether the container runs."""
        code = running = None
        with self._access.api() as api:
            deadline = time.monotonic() + _SETTLED
            while time.monotonic() < deadline:
                found = api.exec_inspect(self._identity)
                code = None if found["Running"] else found["ExitCode"]
                running = bool(api.inspect_container(self.container)["State"]["Running"])
                # A container that is killed takes its shells along and is noted last.
                if not running or (code is not None and code <= 128):
                    break
                time.sleep(0.01)
        return code, running

    def close(self) -> None:
        """Close the connection; a shell that still runs goes on."""
        self._ended = True
        with suppress(OSError):
            self._wire.close()

    def _decrypted(self) -> int:
        return self._wire.pending() if isinstance(self._wire, ssl.SSLSocket) else 0

    def _over(self) -> bool:
        """Whether the output ends within the grace; what comes is thrown away."""
        deadline = time.monotonic() + _GRACE
        while not self._ended and (left := deadline - time.monotonic()) > 0:
            try:
                select.select([self._wire], [], [], left)
            except (OSError, ValueError):
                return True
            self.receive()
        return self._ended

    def _begin(self, word: str, columns: int, rows: int) -> bool:
        """Give the terminal its size and let the shell start; False: there is no such bootstrap.

        The script says nothing before it hears from us, so nothing gets lost in the buffers of
        the HTTP client.
        """
        deadline = time.monotonic() + START_LIMIT
        while not self._has_size(columns, rows):
            with self._access.api() as api:
                found = api.exec_inspect(self._identity)
            if not found["Running"] and found["ExitCode"] in NOT_FOUND:
                return False
            _check(deadline)
            time.sleep(0.005)
        self.send(b"\n")
        line = re.compile(rb"%s (\d+) ([^\r\n]*)\r?\n" % word.encode())
        said = b""
        while (match := line.search(said)) is None:
            if self._ended:
                raise AmltuiError(
                    "The shell did not start",
                    clean_line(said.decode("utf-8", "replace")).strip()[:300]
                    or "It ended before it said anything.",
                    "See the container's log; it may have ended just now.",
                    problem=Problem.ENGINE,
                )
            _check(deadline)
            select.select([self._wire], [], [], 0.1)
            said += self.receive() or b""
        self._pid = int(match[1])
        self.program = clean_line(match[2].decode("utf-8", "replace"))
        self._first = said[match.end() :]
        return True

    def _has_size(self, columns: int, rows: int) -> bool:
        """Whether the exec has begun: only then its terminal takes a size."""
        from docker.errors import APIError

        with self._access.api() as api:
            try:
                api.exec_resize(self._identity, height=rows, width=columns)
            except APIError:
                return False
            return True


def open_shell(
    access: EngineAccess, container: str, *, columns: int = 80, rows: int = 24, term: str = ""
) -> ContainerShell:
    """Start the best shell that a running container has.

    Raises:
        AmltuiError: it does not run, has no shell, or the engine refuses.
    """
    for bootstrap in BOOTSTRAPS:
        word = secrets.token_hex(8)
        with access.api() as api:
            identity = api.exec_create(
                container,
                [bootstrap, "-c", _BOOTSTRAP, "sh", bootstrap, word],
                stdin=True,
                tty=True,
                environment={"TERM": term or "xterm"},
                detach_keys=NO_DETACH,
            )["Id"]
            wire = own_socket(api.exec_start(identity, tty=True, socket=True))
        shell = ContainerShell(access, container, bootstrap, identity, wire)
        try:
            if shell._begin(word, columns, rows):
                return shell
        except BaseException:
            shell.hang_up()
            raise
        shell.close()
    raise no_shell()


def no_shell() -> AmltuiError:
    """What to say of an image without a shell."""
    return AmltuiError(
        "There is no shell in this image",
        "It has neither sh nor bash: a distroless image holds the program and nothing else.",
        "Copy files out and in instead, or build with a base image that has a shell "
        "(of distroless images, the tag :debug).",
        problem=Problem.REFUSED,
    )


def own_socket(stream: Any) -> Any:
    """The socket beneath the SDK's answer, not blocking."""
    wire = stream
    if not hasattr(stream, "recv"):  # the SDK wraps all sockets but those of TLS and ssh
        wire = socket.socket(fileno=socket.dup(stream.fileno()))
        stream.close()
    wire.setblocking(False)
    return wire


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise AmltuiError(
            "The shell did not start in time",
            f"Nothing came within {START_LIMIT:g} s.",
            "The engine or the container may be overloaded; try again.",
            problem=Problem.TIMEOUT,
        )
