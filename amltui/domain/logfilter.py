"""Which lines of a log somebody wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from .logbuffer import LogBuffer
from .loglines import Level
from .logsearch import Search


@dataclass(frozen=True)
class Wanted:
    """Which lines a filter lets through."""

    typed: str = ""  # "!" in front: the lines that do not match
    regex: bool = False
    level: Level | None = None

    @property
    def words(self) -> str:
        """The filter for the status line."""
        kind = "regex " if self.regex and self.typed else ""
        level = "" if self.level is None else f"{self.level.name.lower()} and worse"
        return " ".join(
            part for part in (f"{kind}&{self.typed}" if self.typed else "", level) if part
        )

    def search(self, buffer: LogBuffer, near: int | None) -> Search | None:
        """The search for these lines; None where all are wanted."""
        pattern = self.typed.removeprefix("!")
        if not pattern and self.level is None:
            return None
        inverted = bool(pattern) and self.typed.startswith("!")
        return Search(
            buffer, pattern, regex=self.regex, invert=inverted, level=self.level, near=near
        )
