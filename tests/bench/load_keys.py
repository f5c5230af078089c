"""Keys of the real console while it runs a load check of 500 requests/s: `python -m ...load_keys`.

The console runs in a terminal of its own, the check is started by keys, and each key scrolls the
panel: it is answered when the panel's place in the text has changed.
"""

from __future__ import annotations

import random
import re
import time

from amltui.demo import launcher
from tests.pty.terminal import Terminal

from .console import console, cpu_seconds
from .load import Setting, fixed

SERVICE = "churn-predictor"
RPS = 500
PLACE = re.compile(r" (\d+)/(\d+) ─")


def place(terminal: Terminal) -> int:
    """The last line that the panel shows."""
    found = PLACE.findall(terminal.text)
    return int(found[-1][0]) if found else 0


def pressed(terminal: Terminal, key: str, expected: int) -> float:
    """Milliseconds until a key has moved the panel to a line."""
    sign = f" {expected}/".encode()
    begin, before = time.perf_counter(), len(terminal.raw)
    terminal.send(key)
    while sign not in terminal.raw[before:]:
        if time.perf_counter() - begin > 2:
            raise RuntimeError(f"{key} was not answered; line {expected}\n{terminal.text}")
        time.sleep(0.0005)
    return 1000 * (time.perf_counter() - begin)


def open_calculator(terminal: Terminal) -> None:
    """From the services to the calculator of one, with the rate typed in."""
    terminal.wait_for("churn-predict")
    terminal.send("/", SERVICE, "enter")
    terminal.wait_for("1/1 of")
    terminal.send("t")
    terminal.wait_for("POST")
    terminal.send("esc")
    terminal.quiet()
    terminal.send("R")
    terminal.wait_for(f"Against {SERVICE}")
    for _ in range(2):
        terminal.send("\x7f")
        terminal.quiet()
    terminal.send(str(RPS))
    terminal.wait_until(lambda: "in progress: 500 requests/s" in terminal.text, "the rate", 30)
    terminal.send("esc")
    terminal.quiet()


def scrolled(terminal: Terminal, seconds: float) -> list[float]:
    """Milliseconds of keys that scroll the panel down and up."""
    chance, at, times = random.Random(1), place(terminal), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, by in (("j", 1), ("k", -1)):
            time.sleep(chance.uniform(0.03, 0.09))
            at += by
            times.append(pressed(terminal, key, at))
    return times


def told(what: str, times: list[float]) -> str:
    """The figures on a line."""
    times.sort()
    at = [times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99)]
    return f"{len(times)} keys {what}: median {at[0]:.0f}, p95 {at[1]:.0f}, p99 {at[2]:.0f} ms"


def checked(terminal: Terminal) -> list[float]:
    """Milliseconds of the keys of one load check."""
    terminal.send("t")
    terminal.wait_for("real requests go to")
    terminal.send(SERVICE)
    terminal.quiet()
    terminal.send("enter")
    terminal.wait_for("Load check: esc stops it")
    terminal.send("g")
    terminal.wait_for("requests done")
    time.sleep(1)
    times = scrolled(terminal, 15)
    terminal.send("g")
    terminal.wait_until(lambda: "Load check" in terminal.text and
                        "esc stops it" not in terminal.text, "the end", 60)  # fmt: skip
    return times


def main() -> None:
    """Measure, and print what was found."""
    with launcher.start(images=False) as server:
        fixed(server, SERVICE, Setting(RPS, 100, 1, 500))
        with console(server, 100, 30) as terminal:
            open_calculator(terminal)
            idle = scrolled(terminal, 10)
            used, began = cpu_seconds(terminal.pid), time.monotonic()
            times = [one for _ in range(2) for one in checked(terminal)]
            busy = (cpu_seconds(terminal.pid) - used) / (time.monotonic() - began)
            done = next(line for line in terminal.lines if "requests done" in line)
    print(done.strip("│ "))
    print(told("before", idle))
    print(told(f"while {RPS} requests/s ran", times), "(limit 50 ms)")
    print(f"processor: console {busy:.0%} of a core")


if __name__ == "__main__":
    main()
