"""What a failed service or run most probably suffers from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from amltui.domain.errors import Problem
from amltui.domain.finding_rows import finding_rows
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
    """What was recognised, the root cause first; `place` says where that one was seen."""

    findings: tuple[Finding, ...] = ()
    place: str = ""

    @property
    def sentences(self) -> tuple[tuple[str, str], ...]:
        """The root cause in labelled texts."""
        return finding_rows(self.findings[0], self.place) if self.findings else ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names in the catalogue, each once."""
        return tuple(dict.fromkeys(one.id for one in self.findings))

    @property
    def details(self) -> Mapping[str, str]:
        """What their lines name; what the root cause's do goes before what others do."""
        return {name: text for one in reversed(self.findings) for name, text in one.details.items()}


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
    return Explanation(tuple(one for one in found if one.severity != "info"))


async def explain_run(view: RunView, directory: Path) -> Explanation:
    """What a run failed of, by its error, its payload and the logs that it kept."""
    if view.error is None:
        return Explanation()
    return await call(lambda: _explain_run(view, directory), limit=LIMIT, what="diagnosing")


def _explain_run(view: RunView, directory: Path) -> Explanation:
    from amltui.domain.diagnosis import Target, diagnose

    target = Target(view.target)
    told = [
        (finding, text.place(finding))
        for text in _run_texts(view, directory)
        for finding in diagnose(text.text, text.source, target)
        if finding.severity != "info"
    ]
    # A log shows the cause of what the payload only names.
    told.sort(key=lambda pair: pair[0].umbrella)
    return Explanation(tuple(finding for finding, _ in told), told[0][1] if told else "")


class _Text(NamedTuple):
    """A text that a run left; `title` names a log, whose first line here has number `first`."""

    text: str
    source: Source
    title: str = ""
    first: int = 1

    def place(self, finding: Finding) -> str:
        """Where it shows a failure; a payload has no lines."""
        return f"{self.title}, line {finding.line + self.first - 1}" if self.title else ""


def _run_texts(view: RunView, directory: Path) -> Iterator[_Text]:
    from amltui.domain.diagnosis import Source

    kinds = {CONTAINER_LOG: Source.CONTAINER_LOG, BUILD_LOG: Source.IMAGE_BUILD_LOG}
    for log in reversed(view.logs):
        with contextlib.suppress(OSError):
            text = (directory / log.file).read_text(encoding="utf-8", errors="replace")
            first = text.count("\n", 0, max(0, len(text) - _LONGEST)) + 1
            yield _Text(text[-_LONGEST:], kinds.get(log.file, Source.AUTO), log.title, first)
    if view.failure is not None:
        yield _Text("\n".join(_texts(view.failure)), Source.DEPLOYMENT_PAYLOAD)
    # A line to Azure that is down says nothing of the deployment.
    if (error := view.error) is not None and error.problem is not Problem.NETWORK:
        told = "\n".join((error.title, error.message, error.detail))
        yield _Text(told, Source.SDK_EXCEPTION)


def _texts(failure: Failure | None) -> list[str]:
    """The payload as it was before it was unfolded, near enough for the patterns."""
    if failure is None:
        return []
    own = f'"code": "{failure.code}", "message": "{failure.message}"'
    return [own, *(text for detail in failure.details for text in _texts(detail))]
