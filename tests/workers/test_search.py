"""A search beside the event loop, and a regex that would never end."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from time import perf_counter

import pytest

from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.logsearch import Search
from amltui.workers.search import RUNAWAY, Runaway, guarded, highlight, run


def buffer_of(count: int, line: bytes = b"line %d of a log with some words in it") -> LogBuffer:
    buffer = LogBuffer()
    buffer.append(Batch(0, [line % at if b"%d" in line else line for at in range(count)]))
    return buffer


async def test_it_runs_to_the_end_in_slices() -> None:
    search = Search(buffer_of(200_000), r"\d*7 of", regex=True)
    seen: list[float] = []
    await run(search, lambda: seen.append(search.progress))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) > 3
    assert len(search.hits) == 20_000


async def test_a_runaway_regex_is_stopped() -> None:
    search = Search(buffer_of(3, b"a" * 40 + b"!"), "(a+)+$", regex=True)
    before = signal.getsignal(signal.SIGALRM)
    start = perf_counter()
    await run(search)
    assert perf_counter() - start < 2
    assert search.error == RUNAWAY
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    again = Search(LogBuffer(), "(a+)+$", regex=True)
    assert highlight(again, "a" * 40 + "!") == []
    assert again.error == RUNAWAY
    assert highlight(Search(LogBuffer(), "a"), "banana") == [(1, 2), (3, 4), (5, 6)]


async def test_it_can_be_cancelled() -> None:
    search = Search(buffer_of(200_000), "(?=.*7.*7.*7)x", regex=True)
    task = asyncio.create_task(run(search))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 0 < search.progress < 1


def test_work_that_waits_is_no_runaway() -> None:
    assert guarded(lambda: threading.Event().wait(0.15), 0.05) is False
    with pytest.raises(Runaway):
        guarded(lambda: re.match("(a+)+$", "a" * 40 + "!"), 0.05)


def test_an_alarm_that_comes_as_the_work_ends_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    set_timer = signal.setitimer

    def late(which: int, seconds: float) -> None:
        set_timer(which, seconds)
        if not seconds:
            signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(signal, "setitimer", late)
    assert guarded(lambda: 7, 0.05) == 7
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_elsewhere_there_is_no_guard() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(guarded(lambda: 7, 0.1)))
    thread.start()
    thread.join()
    assert found == [7]
