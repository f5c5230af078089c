"""A command in a container whose output is wanted, not its terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amltui.domain.errors import AmltuiError, Problem

from .access import EngineAccess

OUTPUT_LIMIT = 4 << 20  # bytes of each stream that are kept
_POLL = 0.01  # seconds between two looks for the exit code, which comes after the output's end
NOT_FOUND = (126, 127)


@dataclass(frozen=True)
class Output:
    """What a command wrote and how it ended."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def missing(self) -> bool:
        """Whether the container has no such command."""
        return self.code in NOT_FOUND


def execute(
    access: EngineAccess,
    container: str,
    command: Sequence[str],
    *,
    limit: float = 20.0,
    environment: Mapping[str, str] | None = None,
    user: str = "",
) -> Output:
    """Run a command and wait for its end.

    `limit` is in seconds of silence. A command that a container does not have is no error: its
    code is 126 or 127.

    Raises:
        AmltuiError: the container does not run, or the engine refuses.
    """
    kept: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
    with access.api(limit) as api:
        identity = api.exec_create(
            container, list(command), environment=dict(environment or {}), user=user
        )["Id"]
        try:
            for pair in api.exec_start(identity, stream=True, demux=True):
                for number, piece in enumerate(pair, 1):
                    if piece and len(kept[number]) < OUTPUT_LIMIT:
                        kept[number] += piece
        except Exception as error:  # how an engine says "not found" differs with its version
            if "executable file not found" in str(error) or "no such file" in str(error):
                return Output(127, b"", str(error).encode())
            raise
        code = exit_code(api, identity)
    stdout, stderr = bytes(kept[1]), bytes(kept[2])
    if code in NOT_FOUND and b"OCI runtime exec failed" in stdout:
        stdout, stderr = b"", stdout
    return Output(code, stdout, stderr)


def exit_code(api: Any, identity: str, limit: float = 5.0) -> int:
    """The code of an exec whose output has ended; the engine notes it a moment later.

    Raises:
        AmltuiError: it goes on without output.
    """
    deadline = time.monotonic() + limit
    while (found := api.exec_inspect(identity))["Running"] or found["ExitCode"] is None:
        if time.monotonic() > deadline:
            raise AmltuiError(
                "The command goes on in the container",
                "Its output has ended, but it has not.",
                "Stop it from a shell in the container.",
                problem=Problem.TIMEOUT,
            )
        time.sleep(_POLL)
    return int(found["ExitCode"])
