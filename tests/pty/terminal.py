"""A terminal to run the program in: a pty, an emulator behind it, and every byte that came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence

import pyte

KEYS = {"enter": "\r", "esc": "\x1b", "tab": "\t", "down": "\x1b[B", "up": "\x1b[A"}
# What a program asks of a terminal at its start, and what one that knows little answers.
ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R"}


class Terminal:
    """A child in a pty of its own; leaving the `with` block ends it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self.started = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            for name in ("COLUMNS", "LINES"):  # set by readline, behind os.environ's back
                os.unsetenv(name)
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor"})
            os.environ.update(environment or {})
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # before anybody asks for it
            os.execvp(command[0], list(command))
        self.status: int | None = None
        self._wake = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.wait(5)
        self._stop_reading()
        for descriptor in (self._fd, *self._wake):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _read(self) -> None:
        while True:
            # A read under way would keep the terminal open for the child after `hang_up`.
            if self._wake[0] in select.select([self._fd, self._wake[0]], [], [])[0]:
                return
            try:
                chunk = os.read(self._fd, 65536)
            except OSError:  # the child has closed its side
                chunk = b""
            with self._changed:
                if chunk:
                    self.raw += chunk
                    # Emulators differ in what private sequences they know; pyte prints some.
                    self._stream.feed(re.sub(rb"\x1b\[[<=>?][0-9;]*[a-zA-Z]", b"", chunk))
                self._changed.notify_all()
            if not chunk:
                return
            for question, answer in ANSWERS.items():
                if question in chunk:
                    self.send_bytes(answer)

    @property
    def lines(self) -> list[str]:
        """The screen's lines as they stand now."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def send(self, *keys: str) -> None:
        """Type keys: names of KEYS, single characters or words, as fast as a paste.

        "esc" must come last: what follows it at once makes another key of it.
        """
        assert "esc" not in keys[:-1]
        for key in keys:
            self.send_bytes(KEYS.get(key, key).encode())

    def send_bytes(self, data: bytes) -> None:
        """Type raw bytes."""
        with contextlib.suppress(OSError):
            os.write(self._fd, data)

    def wait_until(self, holds: Callable[[], bool], what: str, limit: float = 15) -> float:
        """Wait until something holds of the screen; returns the seconds since the start."""
        deadline = time.monotonic() + limit
        while True:
            if holds():
                return time.monotonic() - self.started
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what} did not come within {limit} s:\n{self.text}")
            with self._changed:
                self._changed.wait(min(left, 0.1))

    def wait_for(self, text: str, limit: float = 15) -> float:
        """Wait until the text stands on the screen; returns the seconds since the start."""
        return self.wait_until(lambda: text in self.text, f"{text!r}", limit)

    def quiet(self, pause: float = 0.2, limit: float = 10) -> None:
        """Wait until nothing has come for `pause` seconds: a frame may come in several pieces."""
        deadline = time.monotonic() + limit
        with self._changed:
            while time.monotonic() < deadline and self._changed.wait(pause):
                pass

    def hang_up(self) -> None:
        """Drop the line, as a lost SSH connection does."""
        self._stop_reading()
        os.close(self._fd)
        self._fd = -1  # its number may be another file's by the time we leave

    def _stop_reading(self) -> None:
        if self._reader.is_alive():
            os.write(self._wake[1], b"x")
            self._reader.join(5)

    def wait(self, limit: float) -> int | None:
        """Wait for the child's end; its exit code (negative: the signal), None at the limit."""
        deadline = time.monotonic() + limit
        descriptor = _pidfd(self.pid)
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                break
            left = deadline - time.monotonic()
            if left <= 0:
                break
            select.select([descriptor] if descriptor >= 0 else [], [], [], min(left, 0.02))
        if descriptor >= 0:
            os.close(descriptor)
        return self.status


def _pidfd(pid: int) -> int:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return -1
