"""A log view alone in a terminal that follows a container, at once or when "s" is typed.

python -m tests.bench.follow_view CONTAINER TAIL LIMIT_MB [now]
"""

from __future__ import annotations

import sys
from typing import ClassVar

from textual.binding import Binding, BindingType

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.logbuffer import LogBuffer
from amltui.workers.feed import LogEvent
from amltui.workers.logs import follow_container
from tests.widgets.log_app import LogApp


class Following(LogApp):
    """The view of a container's log."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "start", "Start")]

    def __init__(self, container: str, tail: int, limit: int, at_once: bool) -> None:
        super().__init__(LogBuffer(limit))
        self.container = container
        self.tail = tail
        self.at_once = at_once
        self.engine = DockerEngine()

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(self.settle_memory)
        self.engine.container_run(self.container)  # the engine's first answer is not what counts
        if self.at_once:
            self.action_start()

    def action_start(self) -> None:
        """Follow from now on."""
        self.run_worker(self.flow())

    async def flow(self) -> None:
        """Take in what comes, as the logs pane does."""
        view = self.view
        async for item in follow_container(self.engine, self.container, tail=self.tail or None):
            if not isinstance(item, LogEvent):
                self.buffer.append(item)
                view.update()


if __name__ == "__main__":
    Following(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) << 20, "now" in sys.argv).run()
