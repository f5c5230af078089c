"""What a failed service or run most probably suffers from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from amltui.domain.models import Failure, Kind, Service
from amltui.domain.run import BUILD_LOG, CONTAINER_LOG
from amltui.domain.run_view import RunView

from .bridge import call

if TYPE_CHECKING:
    from amltui.domain.diagnosis import Finding, Source

LIMIT = 10.0  # seconds; the catalogue's patterns are compiled at the first use
_LONGEST = 400_000  # characters from the end of a log that are looked at


@dataclass(frozen=True)
class Explanation:
    """The likeliest causes: the first in labelled sentences, all by their names, surest first."""

    sentences: tuple[tuple[str, str], ...] = ()
    ids: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


async def explain(service: Service) -> Explanation:
    """What a service suffers from by its error payload; empty where nothing is recognised."""
    if service.failure is None and not service.deployment_error:
        return Explanation()
    return await call(lambda: _explain(service), limit=LIMIT, what="diagnosing")


def _explain(service: Service) -> Explanation:
    from amltui.domain.diagnosis import Source, Target, diagnose

    target = {Kind.ACI: Target.ACI, Kind.LOCAL: Target.LOCAL}.get(service.kind, Target.AKS)
    text = "\n".join((*_texts(service.failure), service.deployment_error))
    found = diagnose(text, Source.DEPLOYMENT_PAYLOAD, target)
    return _explanation([one for one in found if one.severity != "info"])


async def explain_run(view: RunView, directory: Path) -> Explanation:
    """What a run failed of, by its error, its payload and the logs that it kept."""
    if view.error is None:
        return Explanation()
    return await call(lambda: _explain_run(view, directory), limit=LIMIT, what="diagnosing")


def _explain_run(view: RunView, directory: Path) -> Explanation:
    from amltui.domain.diagnosis import Target, diagnose

    target = Target(view.target)
    told = [
        finding
        for text, source in _run_texts(view, directory)
        for finding in diagnose(text, source, target)
        if finding.severity != "info"
    ]
    # A log shows the cause of what the payload only names.
    return _explanation(sorted(told, key=lambda finding: finding.umbrella))


def _explanation(found: list[Finding]) -> Explanation:
    """The root cause, the first, in words; what its lines name goes before what others do."""
    details = {name: text for finding in reversed(found) for name, text in finding.details.items()}
    return Explanation(
        _sentences(found[0]) if found else (),
        tuple(dict.fromkeys(finding.id for finding in found)),
        details,
    )


def _run_texts(view: RunView, directory: Path) -> Iterator[tuple[str, Source]]:
    from amltui.domain.diagnosis import Source

    kinds = {CONTAINER_LOG: Source.CONTAINER_LOG, BUILD_LOG: Source.IMAGE_BUILD_LOG}
    for log in reversed(view.logs):
        with contextlib.suppress(OSError):
            text = (directory / log.file).read_text(encoding="utf-8", errors="replace")
            yield text[-_LONGEST:], kinds.get(log.file, Source.AUTO)
    if view.failure is not None:
        yield "\n".join(_texts(view.failure)), Source.DEPLOYMENT_PAYLOAD
    if (error := view.error) is not None:
        yield "\n".join((error.title, error.message, error.detail)), Source.SDK_EXCEPTION


def _sentences(finding: Finding) -> tuple[tuple[str, str], ...]:
    return (
        ("Diagnosis", f"{finding.title} ({finding.confidence.value})"),
        ("Why", finding.cause),
        ("What to do", finding.fix),
    )


def _texts(failure: Failure | None) -> list[str]:
    """The payload as it was before it was unfolded, near enough for the patterns."""
    if failure is None:
        return []
    own = f'"code": "{failure.code}", "message": "{failure.message}"'
    return [own, *(text for detail in failure.details for text in _texts(detail))]
