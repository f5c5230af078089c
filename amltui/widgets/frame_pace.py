"""When a view that changes by itself may draw: a frame rate, a budget of bytes, and the link.

Over SSH a frame that the terminal has not read yet delays the answer to every key behind it, and
neither the driver's queue nor the kernel knows what is still under way (TIOCOUTQ of a pty is
always 0, sshd reads at once). Only the terminal itself knows: each frame ends with a question
(where is the cursor?) that it answers when it gets there. No frame is drawn by itself before the
one ahead of it has been read, and a slow link is left idle for as long as it was busy.
"""

from __future__ import annotations

from collections import deque

INTERVAL = 0.1
"""Seconds between two frames, at least."""

_BYTES_PER_CELL = 8  # a second: 15 kB/s at 80x24, five screens full; more of them nobody reads
_MOST_BYTES = 60_000  # a second, however large the terminal
_SAVED = 0.2  # seconds of the budget that a silence saves up: a log opens in two frames
_ANSWER_LIMIT = 1.0  # seconds until a terminal that never answered is taken for mute
LOST_LIMIT = 3.0  # seconds until an answer is given up that others came before


class FramePace:
    """The pace of one view; times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.mute = False  # the terminal does not answer: only the budget counts
        self._budget = float(_MOST_BYTES)
        self._next = 0.0
        self._asked: deque[float] = deque()
        self._heard = False
        self._quickest = 10.0  # round trip of a small frame, seconds

    def resize(self, cells: int) -> None:
        """Fit the budget to a screen of so many cells."""
        self._budget = float(min(_MOST_BYTES, max(2_000, cells * _BYTES_PER_CELL)))

    @property
    def unread(self) -> int:
        """Frames that the terminal has not answered yet."""
        return len(self._asked)

    def wait(self, now: float) -> float:
        """Seconds until the next frame may be drawn by itself; an answer may come earlier."""
        self._give_up(now)
        wait = max(0.0, self._next - now)
        if self._asked:
            limit = LOST_LIMIT if self._heard else _ANSWER_LIMIT
            wait = max(wait, self._asked[0] + limit - now)
        return wait

    def may_answer_key(self, now: float) -> bool:
        """Whether a frame that a key asks for may be drawn now: behind one unread at most."""
        self._give_up(now)
        return len(self._asked) < 2

    def drawn(self, now: float, size: int) -> bool:
        """Note a frame of so many bytes; whether to put the question behind it."""
        self._next = max(self._next, now - _SAVED) + size / self._budget
        self._next = max(self._next, now + INTERVAL)
        if not self.mute:
            self._asked.append(now)
        return not self.mute

    def answered(self, now: float) -> None:
        """Note the terminal's answer to the oldest question."""
        self.mute = False
        self._heard = True
        if not self._asked:
            return
        took = now - self._asked.popleft()
        self._quickest = min(self._quickest * 1.05, took)
        self._next = max(self._next, now + min(took - self._quickest, 1.0))

    def unanswerable(self) -> None:
        """There is no terminal to ask."""
        self.mute = True
        self._asked.clear()

    def _give_up(self, now: float) -> None:
        if not self._asked:
            return
        if not self._heard and now - self._asked[0] >= _ANSWER_LIMIT:
            self.mute = True
            self._asked.clear()
        elif now - self._asked[0] >= LOST_LIMIT:
            self._asked.clear()
