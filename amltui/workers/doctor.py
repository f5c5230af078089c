"""Make all checks of this machine at once; none can hold up the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from time import monotonic

from amltui.domain.doctor import Check, Checked, Verdict, failed
from amltui.domain.errors import AmltuiError
from amltui.domain.text import clean_line, mask

from .bridge import call

AGAIN = "Try it again."


class Doctor:
    """Checks to be made once; `closing` lets go of what they have opened."""

    def __init__(self, checks: Sequence[Check], closing: Sequence[Callable[[], None]] = ()) -> None:
        self.checks = tuple(checks)
        self._closing = tuple(closing)

    async def examine(self) -> AsyncGenerator[Checked, None]:
        """Make them, each on a thread of its own, and give each back as it ends."""
        tasks = [asyncio.ensure_future(_examine(check)) for check in self.checks]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for pending in tasks:
                pending.cancel()
            for close in self._closing:
                close()


async def _examine(check: Check) -> Checked:
    start = monotonic()
    try:
        verdict = await call(check.look, limit=check.limit, what="the check")
    except AmltuiError as error:
        verdict = failed(f"{error.title}. {error.message}", error.hint or AGAIN)
    except Exception as error:  # noqa: BLE001 - one check must not end the others
        verdict = failed(f"{type(error).__name__}: {error}", "Please report this.")
    clean = Verdict(
        verdict.mark, mask(clean_line(verdict.text)), mask(clean_line(verdict.remedy))
    )  # fmt: skip
    return Checked(check, clean, monotonic() - start)
