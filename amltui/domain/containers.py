"""How a container's run ended, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    rotated_at: int = 0  # bytes at which the engine begins another file of its log; 0: never

    @property
    def was_started(self) -> bool:
        """Whether it has ever run: the engine's zero time is in the year 1."""
        return not self.started_at.startswith("0001-")

    @property
    def ending(self) -> str:
        """How it ended: "exit code 3 (...)", with the engine's own message."""
        ending = str(describe(self.exit_code, out_of_memory=self.out_of_memory))
        return f"{ending}: {self.error}" if self.error else ending


_SIZE = re.compile(r"(?i)(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?")
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "t": 1_000_000_000_000}
_LOCAL_SIZE = "20m"  # of the driver "local", which rotates if nobody says anything


def rotation_of(driver: str, options: Mapping[str, str]) -> int:
    """The size in bytes at which a logging driver begins another file; 0 where it never does."""
    said = options.get("max-size") or (_LOCAL_SIZE if driver == "local" else "")
    match = _SIZE.fullmatch(said.strip())
    return int(float(match[1]) * _UNITS[match[2].lower()]) if match is not None else 0
