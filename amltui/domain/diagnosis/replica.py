"""What one replica's log has shown so far: its boots, its traceback, whether it serves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from amltui.domain.diagnosis.hits import Hit

_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)")
_PID = re.compile(r"\d+")
_MAX_BOOTS = 64
_MAX_TIMEOUTS = 256
_BURST_PIDS = 4  # and have neighbouring process numbers
_BURST_SECONDS = 3  # workers of one start begin within this time
_RARE_SECONDS = 600  # restarts further apart than this, after a clean exit, are no loop


@dataclass
class Block:
    """A traceback that is being read."""

    line: int
    level: int
    weak: int
    number: int
    lines: int = 0
    frames: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Boot:
    """One worker start."""

    pid: str
    line: int
    second: int | None
    evidence: str


@dataclass
class Replica:
    """The state of one replica; bounded, whatever the length of its log."""

    name: str = ""
    serving: bool = False
    workers: int = 1
    server_line: int = 0
    boots: list[Boot] = field(default_factory=list)
    boot_count: int = 0
    clean_exits: int = 0
    tracebacks: int = 0
    timeouts: dict[str, int] = field(default_factory=dict)
    last_fatal: int = 0
    block: Block | None = None
    closed: Block | None = None
    after: int = 0
    last_exception: str = ""
    pending: list[Hit] = field(default_factory=list)
    wait: tuple[int, str] | None = None
    spared: int = 0  # the line that says that the kernel did not kill it for memory

    def note(self, event: str, match: re.Match[str], line: int) -> None:
        """Take an event that only this replica is about."""
        if event == "workers":
            self.workers = max(1, int(match["count"]))
        elif event == "server":
            self.server_line = line
        elif event == "timeout" and len(self.timeouts) < _MAX_TIMEOUTS:
            self.timeouts[match["pid"]] = line
        elif event == "exit":
            self.clean_exits += 1
            self.last_fatal = line
        elif event == "planned":
            self.boots.clear()
            self.boot_count = 0
        elif event == "attached":
            self.wait = None
        elif event == "not-oom":
            self.spared = line

    @property
    def watching(self) -> bool:
        """Tell whether the next answered request would change what is known."""
        return bool(self.pending or (self.boots and not self.serving))

    def booted(self, pid: str, line: int, raw: str) -> None:
        """Note a worker start."""
        clocks = _CLOCK.findall(raw[:160])  # the last one is the server's own
        hour, minute, second_part = clocks[-1] if clocks else ("", "", "")
        second = int(hour) * 3600 + int(minute) * 60 + int(second_part) if clocks else None
        self.boot_count += 1
        self.serving = False
        if len(self.boots) >= _MAX_BOOTS:
            del self.boots[_MAX_BOOTS // 2]
        self.boots.append(Boot(pid, line, second, raw.strip()))

    def ready(self) -> None:
        """Note that a worker serves: what happened while it started is over."""
        self.serving = True
        self.boots.clear()
        self.boot_count = self.clean_exits = self.tracebacks = 0
        self.wait = None

    def killed_by_server(self, message: str) -> bool:
        """Tell whether the kill is the web server's own, after that worker's timeout."""
        pid = _PID.search(message)
        return bool(self.timeouts) and (pid is None or pid[0] in self.timeouts)

    def reboot_loop(self) -> dict[str, str] | None:
        """Return what shows that the worker is started again and again, or None."""
        if self.serving or self.tracebacks or self.boot_count < 3:
            return None
        expected = max(self.workers, self._first_burst())
        if self.boot_count < max(3, expected + 2) and not (expected == 1 and self.boot_count >= 3):
            return None
        if self.clean_exits >= self.boot_count - expected and self._rare():
            return None
        pids = list(dict.fromkeys(boot.pid for boot in self.boots))
        return {
            "boots": str(self.boot_count),
            "workers": str(expected),
            "pids": " ".join(pids[:12]),
        }

    def _first_burst(self) -> int:
        """Return how many workers began together: that many are configured."""
        first = self.boots[0]
        count = 1
        for before, boot in zip(self.boots, self.boots[1:], strict=False):
            if boot.second is not None and first.second is not None:
                together = abs(boot.second - first.second) <= _BURST_SECONDS
            else:
                together = bool(self.server_line) and boot.line - before.line <= 1
            if not together or abs(int(boot.pid) - int(before.pid)) > _BURST_PIDS:
                break
            count += 1
        return count

    def _rare(self) -> bool:
        gaps = [
            (after.second - before.second) % 86400
            for before, after in zip(self.boots, self.boots[1:], strict=False)
            if before.second is not None and after.second is not None
        ]
        return bool(gaps) and max(gaps) >= _RARE_SECONDS
