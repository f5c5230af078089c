"""What is wrong at the moment, and what of it is worth telling."""

from __future__ import annotations

from .errors import AmltuiError


class Troubles:
    """The errors that stand, by where they happened, newest last."""

    def __init__(self) -> None:
        self._standing: dict[str, AmltuiError] = {}

    def add(self, where: str, error: AmltuiError) -> bool:
        """Keep an error; whether it is news, and not the same kind again or told elsewhere."""
        known = self._standing.pop(where, None)
        elsewhere = any(other.title == error.title for other in self._standing.values())
        self._standing[where] = error
        return not elsewhere and (known is None or known.problem is not error.problem)

    def end(self, where: str) -> bool:
        """It works again there; whether something had been wrong."""
        return self._standing.pop(where, None) is not None

    def at(self, where: str) -> AmltuiError | None:
        """What is wrong there."""
        return self._standing.get(where)

    @property
    def last(self) -> tuple[str, AmltuiError] | None:
        """The newest, with where it happened."""
        return next(reversed(self._standing.items()), None)
