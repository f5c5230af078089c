"""A program on a terminal at the far end of a link with a rate and a round trip."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUESTIONS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}
MOST = 65_536  # bytes read at once


class LinkTerminal:
    """Reads what the program writes no faster than `rate` bytes/s, answers after `round_trip` s."""

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int,
        lines: int,
        rate: float = 0,
        round_trip: float = 0,
        program: str = sys.executable,
    ) -> None:
        self.received = 0
        self.overtaking = 0  # questions that came before the answer to the one ahead was sent
        self.tail = b""  # what came last, long enough to look for a word in it
        self._rate = rate
        self._round_trip = round_trip
        self._free_at = 0.0  # when the link has carried all that was read
        self._to_send: deque[tuple[float, bytes]] = deque()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            environment.pop("NO_COLOR", None)
            os.chdir(ROOT)
            os.execvpe(program, [program, *arguments], environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, key: bytes) -> None:
        """Type; the program gets it half a round trip later."""
        self.tail = b""
        self._to_send.append((time.monotonic() + self._round_trip / 2, key))

    def pump(self, seconds: float, wanted: bytes = b"") -> bool:
        """Be a terminal for so long, or until `wanted` has come; whether it has."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            if wanted and wanted in self.tail:
                return True
            while self._to_send and self._to_send[0][0] <= now:
                os.write(self._fd, self._to_send.popleft()[1])
            due = min(end, self._to_send[0][0] if self._to_send else end) - now
            if self._free_at > now:
                time.sleep(max(0.0, min(due, self._free_at - now)))
                continue
            if select.select([self._fd], [], [], max(0.0, min(due, 0.01)))[0]:
                self._read()
        return bool(wanted) and wanted in self.tail

    def _read(self) -> None:
        most = max(64, int(self._rate * 0.005)) if self._rate else MOST
        data = os.read(self._fd, most)
        now = time.monotonic()
        if self._rate:
            self._free_at = max(now, self._free_at) + len(data) / self._rate
        before = self.tail[-16:]
        for question, answer in QUESTIONS.items():
            again = (before + data).count(question) - before.count(question)
            for _ in range(again):
                self.overtaking += any(sent == answer for _, sent in self._to_send)
                self._to_send.append((now + self._round_trip, answer))
        self.received += len(data)
        self.tail = (self.tail + data)[-MOST:]

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of memory that it has now."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)
