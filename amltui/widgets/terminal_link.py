"""Hearing from the terminal that it has read what was sent."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from textual import events
from textual.app import App, ReturnType

from .frame_pace import LOST_LIMIT

HAND_OVER = 0.000_3
"""Seconds after which a thread that computes lets another one go on.

Textual reads keys and writes frames on threads of their own: with Python's 5 ms, a key pays twice.
"""
COLLECTED = (700, 10, 100)
"""What Python's collector counts up to; its oldest generation has 10 of itself."""

QUESTION = "\x1b[6n"
"""Where is the cursor? Every terminal answers, in the order of what it reads."""


class LinkedApp(App[ReturnType]):
    """An app that asks the terminal for a sign and tells who waits for it.

    Textual parses the answer (`events.CursorPosition`) and, full screen, has no use for it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        sys.setswitchinterval(HAND_OVER)
        self._unanswered: deque[tuple[float, Callable[[], None]]] = deque()
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    @staticmethod
    def settle_memory() -> None:
        """Spare the garbage collector what is there now: it lives as long as the app.

        The rest is looked through less often: that takes 20 to 60 ms while a log pours in, whose
        rows are freed without it.
        """
        gc.collect(1)  # the oldest generation would take 50 ms and hold next to no garbage
        gc.freeze()
        gc.set_threshold(*COLLECTED)

    def ask_terminal(self, answered: Callable[[], None]) -> bool:
        """Call `answered` when the terminal has read all so far; False without a terminal."""
        if self.is_headless or self.is_inline or self._driver is None or self._exit:
            return False
        while self._unanswered and monotonic() - self._unanswered[0][0] > LOST_LIMIT:
            self._unanswered.popleft()  # its answer went to another program
        self._unanswered.append((monotonic(), answered))
        self._all_answered.clear()
        self._driver.write(QUESTION)
        return True

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """Answers come in the order of the questions."""
        if self._unanswered:
            answered = self._unanswered.popleft()[1]
            if not self._unanswered:
                self._all_answered.set()
            answered()

    async def terminal_settled(self, limit: float = 0.5) -> None:
        """Wait until no answer is under way, at most `limit` seconds.

        Before the terminal is handed to another program or back to the shell, which would take
        the answer for typed text.
        """
        try:
            await asyncio.wait_for(self._all_answered.wait(), limit)
        except asyncio.TimeoutError:
            self._unanswered.clear()
            self._all_answered.set()
