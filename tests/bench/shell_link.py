"""`vi` and `top` in a container over a slow line: `python -m tests.bench.shell_link [KEYS]`.

The line has a round trip of 100 ms and carries 50 kB/s. Beside `amltui shell` stands the docker
command's own `exec -it`, in turns with it, if it is installed.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import time
from collections.abc import Sequence

from tests.bench.link import LinkTerminal
from tests.workers.box import PREFIX, Box, build

ROUND_TRIP = 0.1  # seconds
RATE = 50_000  # bytes/s
DOCKER = "import os, sys; os.execvp('docker', ['docker', *sys.argv[1:]])"
FILE = "/tmp/long.txt"
LIMIT = 20.0


class Slow:
    """A shell at the far end of the line."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.line = LinkTerminal(arguments, 80, 24, RATE, ROUND_TRIP)
        self.press(b"echo rea''dy\r", b"ready\r\n")

    def press(self, keys: bytes, wanted: bytes) -> float:
        """Type, and wait for what must come; milliseconds."""
        begin = time.monotonic()
        self.line.press(keys)
        if not self.line.pump(LIMIT, wanted):
            raise RuntimeError(f"{wanted!r} did not come; last: {self.line.tail[-200:]!r}")
        # The link delays what is typed by half a round trip; the other half is the way back.
        return (time.monotonic() - begin + ROUND_TRIP / 2) * 1000

    def in_vi(self, keys: int) -> list[float]:
        """Letters typed at random moments into a long file; milliseconds until each is seen."""
        self.press(b"vi %b\r" % FILE.encode(), b"line 20")
        self.press(b"Go", b"2001")
        chance = random.Random(1)
        taken = []
        for at in range(keys):
            self.line.pump(chance.random() * 0.05)
            letter = b"abcdefgh"[at % 8 : at % 8 + 1]
            taken.append(self.press(letter, letter))
        self.line.press(b"\x1b")
        self.line.pump(1)  # what follows an escape at once makes another key of it
        self.press(b":q!\r", b"# ")
        return taken

    def in_top(self, keys: int) -> tuple[list[float], float]:
        """Milliseconds until `top` has gone, each time; bytes/s it writes meanwhile."""
        taken, received, begin = [], self.line.received, time.monotonic()
        for _ in range(keys):
            self.press(b"top -d 1\r", b"COMMAND")
            self.line.pump(1.5)
            taken.append(self.press(b"q", b"# "))
        return taken, (self.line.received - received) / (time.monotonic() - begin)

    def close(self) -> None:
        """Hang up."""
        self.line.close()


def main(keys: int = 60) -> None:
    """Measure both in turns and print them."""
    box = Box(build())
    name = box.run()
    box.sh(name, f"for i in $(seq 2000); do echo line $i; done > {FILE}")
    ways = {"amltui shell": ["-m", "amltui", "shell", name]}
    if shutil.which("docker"):
        ways["docker exec"] = ["-c", DOCKER, "exec", "-it", name, "/bin/sh"]
    try:
        for way, arguments in ways.items():
            slow = Slow(arguments)
            letters, (quits, rate) = slow.in_vi(keys), slow.in_top(5)
            slow.close()
            p95 = statistics.quantiles(letters, n=20)[-1]
            print(
                f"{way:<14} vi: p50 {statistics.median(letters):.0f} p95 {p95:.0f} ms a key   "
                f"top: left after p50 {statistics.median(quits):.0f} ms, {rate / 1000:.1f} kB/s"
            )
    finally:
        box.api.remove_container(name, force=True)
        if box.image.startswith(PREFIX):
            box.api.remove_image(box.image, force=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
