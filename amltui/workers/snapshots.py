"""Rows that are fetched again and again: the last good ones, their age, and when to try next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Snapshot

from . import bridge

Row = TypeVar("Row")

FIRST_RETRY = 2.0  # seconds after the first failure; doubled with each
LAST_RETRY = 60.0


def retry_in(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 2, 4, 8 ... 60."""
    return min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 10))


class Source(Generic[Row]):
    """One list of rows and how to fetch it; what goes wrong is in the snapshot, not raised."""

    def __init__(
        self,
        fetch: Callable[[], tuple[Row, ...]],
        what: str,
        limit: float,
        clock: Callable[[], datetime],
    ) -> None:
        self.snapshot: Snapshot[Row] = Snapshot()
        self._fetch = fetch
        self._what = what
        self._limit = limit
        self._clock = clock
        self._failures = 0
        self._running: asyncio.Task[Snapshot[Row]] | None = None

    async def refresh(self) -> Snapshot[Row]:
        """Fetch the rows; callers at the same time share one request."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._refresh())
        return await asyncio.shield(self._running)

    async def _refresh(self) -> Snapshot[Row]:
        try:
            rows = await bridge.call(self._fetch, limit=self._limit, what=self._what)
        except AmltuiError as error:
            self._failures += 1
            old = self.snapshot
            self.snapshot = Snapshot(old.rows, old.taken_at, error, retry_in(self._failures))
        else:
            self._failures = 0
            self.snapshot = Snapshot(rows, self._clock())
        return self.snapshot
