"""Driving a search beside the screen, and stopping a runaway regex."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import TypeVar

from amltui.domain.logsearch import Search

SLICE = 0.004  # seconds of searching between two looks at the keyboard
GAP = 0.001  # a gap of 0 starves the screen: keys would wait half a second
LIMIT = 0.1  # seconds of one slice after which a regex counts as runaway
RUNAWAY = "stopped: this regex takes too long on one line (nested repeats such as (a+)+ do that)"

Result = TypeVar("Result")


class Runaway(Exception):
    """A piece of work took more than its limit of CPU time."""


async def run(search: Search, on_slice: Callable[[], None] = lambda: None) -> None:
    """Search to the end of what is held, in slices; `on_slice` is called after each.

    A runaway regex ends it, with `search.error` saying so. Cancel it to stop it.
    """
    while not step(search):
        on_slice()
        await asyncio.sleep(GAP)
    on_slice()


def step(search: Search) -> bool:
    """One guarded slice; whether every line held has been looked at."""
    try:
        return guarded(lambda: search.step(SLICE, perf_counter), LIMIT)
    except Runaway:
        search.stop(RUNAWAY)
        return True


def highlight(search: Search, text: str) -> list[tuple[int, int]]:
    """Where the search matches in a line as shown; a runaway regex highlights nothing more."""
    try:
        return guarded(lambda: search.matches(text), LIMIT)
    except Runaway:
        search.stop(RUNAWAY)
        return []


def guarded(work: Callable[[], Result], limit: float) -> Result:
    """Do it, unless it takes more CPU time than the limit (seconds).

    A regex cannot be stopped from another thread, but a signal handler can raise inside it. Only
    the main thread has signals: elsewhere there is no guard.

    Raises:
        Runaway: it took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    start = thread_time()
    working = True

    def stop(*_: object) -> None:
        if not working:  # the alarm came while it was being turned off
            return
        if thread_time() - start < limit * 0.8:  # others had the CPU: go on
            signal.setitimer(signal.ITIMER_REAL, limit / 2)
        else:
            raise Runaway

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            return work()
        finally:
            working = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
