"""Work that goes on beside the panes and is worth a word in the status bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from amltui.domain.models import Progress

from .bridge import call

LIMIT = 900.0  # seconds; an image build on a slow machine is the longest of them


@dataclass(frozen=True)
class Operation:
    """A blocking job: `run` gets a function for its progress and returns what to say at the end."""

    name: str
    run: Callable[[Callable[[Progress], None]], str] = field(repr=False)
    limit: float = LIMIT  # seconds

    async def execute(self, on_progress: Callable[[Progress], None]) -> str:
        """Run it on a thread of its own; progress arrives on that thread."""
        return await call(lambda: self.run(on_progress), limit=self.limit, what=self.name)
