"""Matches that are of another failure, by what else the replica's log showed."""

from __future__ import annotations

from amltui.domain.diagnosis.replica import Block, Replica

# What a request can be blamed for: in init() there is none yet.
_OF_REQUESTS = frozenset({"run-input-invalid", "run-output-not-json", "run-signature-mismatch"})


def out_of_place(name: str, matched: str, replica: Replica, block: Block | None) -> bool:
    """Tell whether the failure *name* cannot be what *matched* says, here."""
    frames = block.frames if block else set()
    if name in _OF_REQUESTS:
        return "in init" in frames and "in run" not in frames
    if name == "worker-killed-memory":
        return replica.killed_by_server(matched)
    if name == "model-dir-unset" and "nonetype" in matched.lower():
        return not frames & {"azureml_model_dir", "os.path.join"}
    return False
