"""The terminal handed over to a shell, and taken back whatever happens.

While it is away the terminal is raw: every key is the shell's. The event loop stands still, which
is wanted. Whether the shell ends, the container dies, the line drops or we fail: the settings are
put back as they were, byte by byte, and the modes that a killed `vi` left on are switched off.
"""

from __future__ import annotations

import os
import re
import select
import signal
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.workbench import ShellEnd

if TYPE_CHECKING:
    from textual.app import App

LET_GO = b"\x1d"  # ctrl+], three times within a second
LET_GO_HELP = "ctrl+] three times leaves a shell that hangs"
_READ = 64 << 10
_PENDING_LIMIT = 64 << 10  # bytes typed that the shell has not taken; then we stop reading
_RETRY = 0.02  # seconds
_ENDINGS = (signal.SIGHUP, signal.SIGTERM)


class Session(Protocol):
    """What stands behind the terminal meanwhile: a `ports.Shell`."""

    program: str

    def fileno(self) -> int:
        """Readable when `receive` has something."""

    def receive(self) -> bytes | None:
        """Output; None when there is none yet, empty at the end."""

    def send(self, data: bytes) -> int:
        """Keys; returns how many bytes were taken."""

    def resize(self, columns: int, rows: int) -> None:
        """The window's size."""

    def hang_up(self) -> None:
        """End it and everything it started."""

    def end(self) -> ShellEnd:
        """How it ended."""


class Leaving(Enum):
    """How a handed-over terminal came back."""

    ENDED = "ended"
    LET_GO = "let go"
    HUNG_UP = "hung up"


def size(descriptor: int = 1) -> tuple[int, int]:
    """Columns and rows of the terminal; 80x24 where nobody knows."""
    try:
        found = os.get_terminal_size(descriptor)
    except OSError:
        return 80, 24
    return (found.columns, found.lines) if found.columns and found.lines else (80, 24)


def suspended(app: App[Any], work: Callable[[], None]) -> AmltuiError | None:
    """Run `work` with the app's terminal; returns what went wrong, never raises.

    `App.suspend` has no clean-up of its own: an exception inside would leave a dead screen.
    """
    from textual.app import SuspendNotSupported

    failure: AmltuiError | None = None
    try:
        with app.suspend():
            try:
                work()
            except AmltuiError as error:
                failure = error
            except BaseException as error:  # noqa: BLE001 - the screen must come back
                failure = AmltuiError(
                    "The terminal came back early",
                    f"{type(error).__name__}: {error}",
                    "Please report it.",
                )
    except SuspendNotSupported:
        return AmltuiError(
            "No terminal to hand over",
            "The console does not run in a terminal that can be lent.",
            "Use `amltui shell NAME` in a terminal.",
            problem=Problem.USAGE,
        )
    return failure


def hand_over(session: Session, greeting: str = "", *, stdin: int = 0, stdout: int = 1) -> Leaving:
    """Join the terminal to the session until it ends, hangs up or is let go.

    `greeting` is one line, shown dim, once every key goes to the session.

    Raises:
        AmltuiError: standard input is no terminal.
    """
    modes = Modes()
    leaving = None
    with _caught_signals() as caught, _raw(stdin):
        try:
            if greeting:
                _write(stdout, f"\x1b[2m{greeting}\x1b[m\r\n".encode())
            leaving = _join(session, modes, caught, stdin, stdout)
        finally:
            if leaving is not Leaving.ENDED:
                session.hang_up()
            if leaving is not Leaving.HUNG_UP:
                with suppress(OSError):
                    _write(stdout, modes.reset())
    return leaving


class Modes:
    """What the shell's programs switched on in the terminal, so that it can be switched off.

    The escape sequences are followed rather than all modes reset: leaving the alternate screen
    without being there moves the cursor.
    """

    _SEQUENCE = re.compile(rb"\x1b\[\?([\d;]{1,64})([hl])|\x1b([=>c])")
    _KEPT = frozenset({b"7", b"25"})  # wrapping and the cursor: on is how a terminal should be

    def __init__(self) -> None:
        self._on: dict[bytes, bool] = {}
        self._keypad = False
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Follow what goes to the terminal."""
        if not self._rest and b"\x1b" not in data:
            return
        data = self._rest + data
        end = 0
        for match in self._SEQUENCE.finditer(data):
            end = match.end()
            if match[3]:
                self._keypad = match[3] == b"="
                if match[3] == b"c":
                    self._on.clear()
                continue
            for mode in match[1].split(b";"):
                if len(self._on) < 256:
                    self._on[mode] = match[2] == b"h"
        tail = data.rfind(b"\x1b")
        self._rest = data[tail:] if tail >= end and len(data) - tail < 70 else b""

    def reset(self) -> bytes:
        """What puts the terminal right; nothing that a terminal in order would show."""
        undo = [b"\x1b\\"]  # the end of a string that was cut off
        undo += [
            b"\x1b[?%bl" % mode
            for mode, on in self._on.items()
            if on and mode not in self._KEPT and mode not in (b"47", b"1047", b"1049")
        ]
        if any(self._on.get(mode) for mode in (b"47", b"1047", b"1049")):
            undo += [b"\x1b[r", b"\x1b[?1049l"]
        undo += [b"\x1b[?%bh" % mode for mode in self._KEPT if self._on.get(mode) is False]
        if self._keypad:
            undo.append(b"\x1b>")
        return b"".join([*undo, b"\x0f\x1b(B\x1b[m"])


def _join(session: Session, modes: Modes, caught: _Caught, stdin: int, stdout: int) -> Leaving:
    pending = b""
    escapes: list[float] = []
    session.resize(*size(stdin))
    begun = False  # what came with the shell's first line is there already: no `select` tells
    while True:
        watched: list[Any] = [session, caught.wake]
        if len(pending) < _PENDING_LIMIT:
            watched.append(stdin)
        wait = (_RETRY if pending else None) if begun else 0
        ready = select.select(watched, [], [], wait)[0]
        if caught.wake in ready:
            caught.drain()
            if caught.ending:
                return Leaving.HUNG_UP
            if caught.resized:
                caught.resized = False
                session.resize(*size(stdin))
        if session in ready or not begun:
            begun = True
            output = session.receive()
            if output is not None:
                modes.feed(output)
                try:
                    _write(stdout, output)
                except OSError:
                    return Leaving.HUNG_UP
                if not output:
                    return Leaving.ENDED
        if stdin in ready:
            try:
                keys = os.read(stdin, _READ)
            except OSError:
                keys = b""
            if not keys:
                return Leaving.HUNG_UP
            if keys == LET_GO:
                now = time.monotonic()
                escapes = [*(each for each in escapes if now - each < 1), now]
                if len(escapes) == 3:
                    return Leaving.LET_GO
            else:
                escapes.clear()
            pending += keys
        if pending:
            pending = pending[session.send(pending) :]


def _write(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # the terminal was left not blocking by another program
            select.select([], [descriptor], [])


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        raise AmltuiError(
            "A shell needs a terminal",
            "Standard input is not one.",
            "Over SSH use `ssh -t`.",
            problem=Problem.USAGE,
        ) from None
    try:
        tty.setraw(descriptor, termios.TCSANOW)
        yield
    finally:
        # TCSANOW: waiting for output would wait for ever on a terminal stopped by ctrl+s. What
        # was typed to a dead shell is not for the program behind it.
        with suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIFLUSH)
        with suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


class _Caught:
    """Signals that came meanwhile, as bytes to select on."""

    def __init__(self, wake: int) -> None:
        self.wake = wake
        self.resized = False
        self.ending: list[int] = []

    def drain(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self.wake, 4_096):
                pass


@contextmanager
def _caught_signals() -> Iterator[_Caught]:
    """Window sizes and endings, seen by `select`; the endings are passed on afterwards."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    caught = _Caught(reader)

    def resized(_: int, __: FrameType | None) -> None:
        caught.resized = True

    def ending(number: int, _: FrameType | None) -> None:
        caught.ending.append(number)

    handlers = {signal.SIGWINCH: resized, **dict.fromkeys(_ENDINGS, ending)}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield caught
    finally:
        for caught_signal, handler in before.items():
            signal.signal(caught_signal, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(wakeup)
        os.close(reader)
        os.close(writer)
        for number in caught.ending:
            os.kill(os.getpid(), number)
