"""The one error a person sees: what happened, why, and what to do next."""

from __future__ import annotations

from enum import Enum


class Problem(str, Enum):
    """What kind of trouble it is; repeated trouble of one kind is told once."""

    USAGE = "usage"
    CONFIGURATION = "configuration"
    SIGN_IN = "sign-in"
    PERMISSION = "permission"
    NOT_FOUND = "not-found"
    NETWORK = "network"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    SERVER = "server"
    ENGINE = "engine"
    REFUSED = "refused"
    INTERNAL = "internal"


class AmltuiError(Exception):
    """An error in people's words.

    ``title`` says what happened, ``message`` why, ``hint`` what to do next. ``detail`` keeps
    the raw text of the SDK or engine, masked, for the dialog's foldout.
    """

    def __init__(
        self,
        title: str,
        message: str = "",
        hint: str = "",
        *,
        problem: Problem = Problem.INTERNAL,
        detail: str = "",
    ) -> None:
        super().__init__(title, message, hint)
        self.title = title
        self.message = message
        self.hint = hint
        self.problem = problem
        self.detail = detail

    def __str__(self) -> str:
        return " ".join(part for part in (self.title, self.message, self.hint) if part)

    def to_wire(self) -> dict[str, str]:
        """The error as plain strings, to cross a process boundary."""
        return {
            "title": self.title,
            "message": self.message,
            "hint": self.hint,
            "problem": self.problem.value,
            "detail": self.detail,
        }

    @classmethod
    def from_wire(cls, wire: dict[str, str]) -> AmltuiError:
        """The error that `to_wire` described."""
        return cls(
            wire["title"],
            wire["message"],
            wire["hint"],
            problem=Problem(wire["problem"]),
            detail=wire["detail"],
        )


def refused_read_only(what: str) -> AmltuiError:
    """Why read-only mode did not do it; `what` is the sentence of what was left as it is."""
    return AmltuiError(
        "Read-only mode",
        what,
        "Start amltui without --read-only to change things.",
        problem=Problem.REFUSED,
    )
