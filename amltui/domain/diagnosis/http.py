"""Diagnose the answer to a scoring call: status, headers and body together."""

from __future__ import annotations

import re
from collections.abc import Mapping

from amltui.domain.diagnosis.engine import diagnose
from amltui.domain.diagnosis.model import Confidence, Finding, Source, Target, make_finding
from amltui.domain.diagnosis.rules import rule_set

_FAILED = "x-ms-run-function-failed"
_INNER = "ms-azureml-model-error-statuscode"
_GATEWAY_SECONDS = {
    Target.ACI: "the ACI front end waits about 60 s, which cannot be set",
    Target.AKS: "scoring_timeout_ms is 60000 by default and 300000 at most",
    Target.V2: "Kubernetes endpoints wait 5 s (request_timeout_ms)",
    Target.LOCAL: "a local service has no front end: the time limit is the caller's or a proxy's",
}


def http_findings(
    status: int, headers: Mapping[str, str], body: str, target: Target = Target.UNKNOWN
) -> list[Finding]:
    """Return what a scoring answer means, the root cause first; nothing for a good one."""
    lower = {name.lower(): value for name, value in headers.items()}
    if status < 400:
        return []
    in_body = [f for f in diagnose(body[:200_000], Source.HTTP, target) if f.severity != "info"]
    entry = rule_set().by_status.get(status)
    if entry is None or any(f.id == entry.id for f in in_body):
        return in_body
    failed = lower.get(_FAILED, "").strip().lower() == "true"
    details = {"status": str(status)}
    confidence = Confidence.LIKELY
    if status in (500, 502) and failed:
        confidence = Confidence.CERTAIN
        details["meaning"] = "run() raised an exception: the server says so in a header"
    elif status == 500:
        confidence = Confidence.POSSIBLE
        details["meaning"] = "the server failed outside run(), or hides that run() raised"
    elif status == 502:
        details["meaning"] = (
            "no sign that run() raised: the replica may have crashed or been killed"
        )
    elif status == 503 and target is not Target.UNKNOWN:
        details["meaning"] = _unavailable(target)
    elif status == 504 and target in _GATEWAY_SECONDS:
        details["meaning"] = _GATEWAY_SECONDS[target]
    elif status == 424 and _INNER in lower:
        confidence = Confidence.CERTAIN
        details["meaning"] = f"the container answered {lower[_INNER]}"
    if "x-ms-server-version" in lower or re.match(r"azmlinfsrv", lower.get("server", "")):
        details["server"] = lower.get("x-ms-server-version") or lower["server"]
    line = f"HTTP {status}"
    own = make_finding(entry, confidence, 1, line, details)
    roots = [f for f in in_body if f.id in entry.yields_to or f.id not in _symptoms()]
    rest = [f for f in in_body if f not in roots]
    return [*roots, own, *rest]


def _unavailable(target: Target) -> str:
    if target in (Target.AKS, Target.V2):
        return "more requests than the replicas can take, or a service that still warms up"
    return "the container starts or restarts: nothing scales on this target"


def _symptoms() -> frozenset[str]:
    return frozenset(entry.id for entry in rule_set().by_status.values())
