"""Compute targets as the workspace describes them: pure, no SDK, nothing raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amltui.domain.computes import Compute
from amltui.domain.failures import innermost, unfold

from . import fields


def parse_compute(payload: Mapping[str, Any]) -> Compute:
    """One compute target; what cannot be read is left out."""
    about = _object(payload.get("properties"))
    inner = _object(about.get("properties"))
    nodes = fields.number(inner.get("agentCount"))
    failure = unfold(about.get("provisioningErrors"))
    return Compute(
        name=fields.line(payload, "name"),
        kind=fields.line(about, "computeType"),
        state=fields.line(about, "provisioningState"),
        vm_size=fields.line(inner, "agentVmSize") or fields.line(inner, "vmSize"),
        nodes=None if nodes is None else int(nodes),
        purpose=fields.line(inner, "clusterPurpose"),
        location=fields.line(about, "computeLocation") or fields.line(payload, "location"),
        problem=innermost(failure).message if failure else "",
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
