"""Shells that lose what they run in: `python -m tests.bench.shells [ROUNDS]`; needs root.

At a random moment of a shell its container is killed or removed, its line is cut, or its engine,
one of the bench's own, is stopped or killed and started again. Afterwards the terminal's settings
must be what they were, byte by byte, and nothing of the shell may run.
"""

from __future__ import annotations

import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.engine import Proxy
from tests.pty.terminal import Terminal
from tests.second_engine import SecondEngine
from tests.workers.box import Box, build, wait_until

ROOT = Path(__file__).parents[2]
TYPED = (
    "",
    "vi score.py\r",
    "top\r",
    "cat /dev/zero | tr '\\0' x\r",
    "\x1b[200~half a pas",
    "printf '\\033[?1049h\\033[?1000h\\033='\r",
    "stty raw -echo\r",
)


class Deaths:
    """A terminal, an engine of its own, and a line to it that can be cut."""

    def __init__(self, engine: SecondEngine, terminal: Terminal, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self._engine = engine
        self._terminal = terminal
        self._folder = folder
        self._line = Proxy(folder / "line.sock", engine=engine.url.removeprefix("unix://"))
        self._number = 0
        self._kinds: dict[str, Callable[[Box, str], None]] = {
            "container killed": lambda box, name: box.api.kill(name),
            "container removed": lambda box, name: box.api.remove_container(name, force=True),
            "line cut": lambda box, name: self._cut(),
            "engine restarted": lambda box, name: self._restart(signal.SIGTERM),
            "engine killed": lambda box, name: self._restart(signal.SIGKILL),
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """What may happen."""
        return tuple(self._kinds)

    def round(self, kind: str) -> float:
        """One shell and its loss; the seconds until the terminal was a person's again.

        Raises AssertionError where something is not as it was, or goes on.
        """
        self._number += 1
        mark = f"{self._number}{self.chance.randrange(10_000, 99_999)}"
        box = Box(build(self._engine.url), self._engine.url)
        name = box.run(HostConfig={"NetworkMode": "none"})
        before = self._settings()
        greeted = self._terminal.raw.count(b"ctrl+]")
        command = f"{sys.executable} -m amltui --engine {self._line.url} shell {name}"
        self._terminal.send(f"cd {ROOT}; {command}; echo ended-{self._number}=$?", "enter")
        self._terminal.wait_until(
            lambda: self._terminal.raw.count(b"ctrl+]") > greeted, f"shell {self._number}", 60
        )
        self._terminal.send_bytes(f"sleep {mark} & sleep {mark} & echo st''arted\r".encode())
        wait_until(lambda: _running(mark) >= 2, "what runs in the shell", 30)
        self._terminal.send_bytes(self.chance.choice(TYPED).encode())
        time.sleep(self.chance.random() * 0.2)
        begin = time.monotonic()
        self._kinds[kind](box, name)
        ended = re.compile(rb"ended-%d=(\d+)" % self._number)
        self._terminal.wait_until(
            lambda: ended.search(self._terminal.raw) is not None, "the end", 60
        )
        taken = time.monotonic() - begin
        assert self._settings() == before, f"{kind}: the terminal is not what it was"
        wait_until(lambda: not _running(mark), f"{kind}: the end of what ran in the shell", 30)
        with suppress(Exception):
            box.api.remove_container(name, force=True)
        return taken

    def _cut(self) -> None:
        self._line.cut()

    def _restart(self, number: int) -> None:
        self._engine.stop(number)
        self._line.cut()
        self._engine.start()

    def _settings(self) -> str:
        """What `stty -g` says; its file is new each time, so that it is not an old answer."""
        path = self._folder / f"stty-{time.monotonic_ns()}"
        self._terminal.send(f"stty -g > {path}.new; mv {path}.new {path}", "enter")
        wait_until(path.exists, "stty's answer", 30)
        return path.read_text()


def run(rounds: int, seed: int, *, chosen: tuple[str, ...] = ()) -> dict[str, list[float]]:
    """Rounds of random losses, or the ones given; seconds of each by kind."""
    taken: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        SecondEngine() as engine,
        Terminal(["/bin/sh"], environment={"PS1": "$ ", "ENV": "", "HOME": folder}) as terminal,
    ):
        deaths = Deaths(engine, terminal, Path(folder), seed)
        for number in range(rounds):
            kind = chosen[number] if chosen else deaths.chance.choice(deaths.kinds)
            taken.setdefault(kind, []).append(deaths.round(kind))
    return taken


def _running(mark: str) -> int:
    """How many processes of this machine, containers included, sleep by that number."""
    count = 0
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            count += process.read_bytes() == b"sleep\0%b\0" % mark.encode()
    return count


def main(rounds: int = 50) -> None:
    """Print what happened how often, and how soon the terminal was back."""
    found = run(rounds, seed=int(time.time()))
    for kind, seconds in sorted(found.items()):
        print(f"{kind:<20}{len(seconds):>4}  back after at most {max(seconds):.2f} s")
    print(f"{sum(map(len, found.values()))} losses: all terminals the same, nothing left running")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
