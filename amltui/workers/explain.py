"""What a failed service most probably suffers from."""

from __future__ import annotations

from amltui.domain.models import Failure, Kind, Service

from .bridge import call

LIMIT = 10.0  # seconds; the catalogue's patterns are compiled at the first use


async def explain(service: Service) -> tuple[tuple[str, str], ...]:
    """Labelled sentences of the likeliest cause and its fix; empty where nothing is recognised."""
    if service.failure is None and not service.deployment_error:
        return ()
    return await call(lambda: _explain(service), limit=LIMIT, what="diagnosing")


def _explain(service: Service) -> tuple[tuple[str, str], ...]:
    from amltui.domain.diagnosis import Source, Target, diagnose

    target = {Kind.ACI: Target.ACI, Kind.LOCAL: Target.LOCAL}.get(service.kind, Target.AKS)
    text = "\n".join((*_texts(service.failure), service.deployment_error))
    for finding in diagnose(text, Source.DEPLOYMENT_PAYLOAD, target):
        if finding.severity != "info":
            return (
                ("Diagnosis", f"{finding.title} ({finding.confidence.value})"),
                ("Why", finding.cause),
                ("What to do", finding.fix),
            )
    return ()


def _texts(failure: Failure | None) -> list[str]:
    """The payload as it was before it was unfolded, near enough for the patterns."""
    if failure is None:
        return []
    own = f'"code": "{failure.code}", "message": "{failure.message}"'
    return [own, *(text for detail in failure.details for text in _texts(detail))]
