"""The places where signatures matched, bounded in number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from amltui.domain.diagnosis.model import Confidence, Entry

_KEPT = 6  # per failure and replica: the first and the last ones


@dataclass(eq=False)
class Hit:
    """One place where a signature matched, with what decides later whether it counts."""

    entry: Entry
    confidence: Confidence
    line: int
    evidence: str
    details: dict[str, str] = field(default_factory=dict)
    in_traceback: bool = False
    shaped: bool = True
    weak: int = 0  # the level of what was logged as handled; 0: of nothing
    level: int = 0
    booting: bool = False
    container_only: bool = False
    control_plane: bool = False
    transient: bool = False
    access: bool = False
    block: int = 0
    order: int = 0  # grows with what was noticed: one line may hold many


class Hits:
    """Hits by failure and replica, with how often each failure was seen."""

    def __init__(self) -> None:
        """Begin with none."""
        self.kept: dict[tuple[str, str], list[Hit]] = {}
        self.counts: dict[str, int] = {}
        self.present: dict[str, int] = {}  # replicas that have hits, by failure
        self.changes = 0  # grows with every hit that comes or goes

    def add(self, hit: Hit, replica: str) -> None:
        """Keep *hit*, and of many the first and the last."""
        key = (hit.entry.id, replica)
        if key not in self.kept:
            self.kept[key] = []
            self.present[key[0]] = self.present.get(key[0], 0) + 1
        kept = self.kept[key]
        if len(kept) >= _KEPT:
            del kept[_KEPT // 2]
        kept.append(hit)
        self.counts[hit.entry.id] = self.counts.get(hit.entry.id, 0) + 1
        self.changes += 1

    def drop(self, doomed: Callable[[Hit], bool], replica: str | None = None) -> None:
        """Forget the hits that are *doomed*, of one *replica* or of all."""
        for key in list(self.kept):
            if replica is not None and key[1] != replica:
                continue
            kept = [hit for hit in self.kept[key] if not doomed(hit)]
            if len(kept) != len(self.kept[key]):
                self.changes += 1
            if kept:
                self.kept[key] = kept
            else:
                del self.kept[key]
                self.present[key[0]] -= 1

    def of(self, name: str, replica: str) -> Iterable[Hit]:
        """Return the hits of one failure in one replica."""
        return self.kept.get((name, replica), ())
