"""Blocking calls, awaited: what becomes of a cancel, a limit and an error."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.workers.bridge import call
from amltui.workers.merge import _Merger


class Gate:
    """A call that blocks until it is let go."""

    def __init__(self, outcome: Callable[[], int]) -> None:
        self._open = threading.Event()
        self._outcome = outcome
        self.task = asyncio.create_task(call(self._work, limit=10, what="waiting at the gate"))

    def _work(self) -> int:
        assert self._open.wait(10)
        return self._outcome()

    def ended(self) -> None:
        """Let it go; its result is on its way to the loop, which has not seen it yet."""
        self._open.set()
        for thread in threading.enumerate():
            if thread.name == "call: waiting at the gate":
                thread.join()


def _fails() -> int:
    raise ValueError("nobody asks")


@pytest.mark.parametrize("outcome", [lambda: 1, _fails])
async def test_a_cancel_that_comes_with_the_result_is_not_lost(outcome: Callable[[], int]) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    gate = Gate(outcome)
    await asyncio.sleep(0)
    gate.ended()
    asyncio.get_running_loop().call_soon(gate.task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await gate.task
    del gate
    gc.collect()
    assert not complaints


async def test_an_error_and_a_limit_are_raised() -> None:
    with pytest.raises(ValueError, match="nobody asks"):
        await call(_fails, limit=10, what="failing")
    never = threading.Event()
    with pytest.raises(AmltuiError, match="Gave up sleeping") as caught:
        await call(never.wait, limit=0.01, what="sleeping")
    assert caught.value.problem is Problem.TIMEOUT
    never.set()


async def test_a_merge_hears_a_cancel_that_comes_with_a_line() -> None:
    for beats in range(6):  # between the line and the cancel
        merger = _Merger([])
        waiting = asyncio.create_task(merger._wait(10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        merger._arrived.set()
        for _ in range(beats):
            await asyncio.sleep(0)
        cancelled = waiting.cancel()  # not, if it had ended before
        await asyncio.wait((waiting,))
        assert waiting.cancelled() == cancelled
