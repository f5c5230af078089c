"""How a container's run ended, in words."""

from __future__ import annotations

from dataclasses import dataclass

from .exitcodes import describe


@dataclass(frozen=True)
class ContainerRun:
    """A container's last run; times are the engine's stamps, empty where there is none."""

    running: bool
    exit_code: int = 0
    out_of_memory: bool = False
    error: str = ""
    started_at: str = ""
    finished_at: str = ""

    @property
    def was_started(self) -> bool:
        """Whether it has ever run: the engine's zero time is in the year 1."""
        return not self.started_at.startswith("0001-")

    @property
    def ending(self) -> str:
        """How it ended: "exit code 3 (...)", with the engine's own message."""
        ending = str(describe(self.exit_code, out_of_memory=self.out_of_memory))
        return f"{ending}: {self.error}" if self.error else ending
