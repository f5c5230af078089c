"""Blocking code, awaited: the one piece of concurrency between the panes and the adapters.

A call runs on a daemon thread of its own, so a hung call costs a thread and nothing else: it is
abandoned at its time limit, cancelling is seen at once, and leaving the program waits for nobody.
(The event loop's own executor has cpu+4 threads for everything and is joined at exit.)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from amltui.domain.errors import AmltuiError, Problem

Result = TypeVar("Result")


async def call(function: Callable[[], Result], *, limit: float, what: str) -> Result:
    """Await `function` on a daemon thread for at most `limit` seconds.

    `what` names the work in the error of a missed limit ("listing the services").

    Raises:
        AmltuiError: whatever `function` raised, or `Problem.TIMEOUT` at the limit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.done():  # abandoned meanwhile
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: Result | None = None
        error: BaseException | None = None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - it is carried over to the awaiting side
            error = raised if not isinstance(raised, StopIteration) else RuntimeError(str(raised))
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop has closed: nobody waits any more
            return

    threading.Thread(target=run, name=f"call: {what}", daemon=True).start()
    try:
        # Not wait_for: before Python 3.12 it drops a cancel that comes together with the result.
        await asyncio.wait((future,), timeout=limit)
    except asyncio.CancelledError:
        _abandon(future)
        raise
    if future.done():
        return future.result()
    _abandon(future)
    raise AmltuiError(
        f"No answer within {limit:g} s",
        f"Gave up {what}.",
        "It takes longer than it should: check the network or the service behind it.",
        problem=Problem.TIMEOUT,
    )


def _abandon(future: asyncio.Future[Result]) -> None:
    """Nobody asks for its result any more, nor for its error."""
    if not future.cancel():  # it is there: an error that nobody has looked at is complained about
        future.exception()
