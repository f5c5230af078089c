"""What can be made of an attempt: diagnosed, laid out, told in labelled parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from amltui.domain.diagnosis import Finding, Target, http_findings
from amltui.domain.finding_rows import finding_rows, finding_title
from amltui.domain.latency import timing_words
from amltui.domain.models import Kind, Service
from amltui.domain.request import Answer, Attempt

MOST_FINDINGS = 3
_TARGETS = {
    Kind.ACI: Target.ACI,
    Kind.AKS: Target.AKS,
    Kind.AKS_ENDPOINT: Target.AKS,
    Kind.LOCAL: Target.LOCAL,
}


class Part(NamedTuple):
    """Labelled texts under a title; one without a label goes over the whole width."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass
class Report:
    """An attempt with what can be made of it."""

    attempt: Attempt
    findings: list[Finding]
    body: str  # laid out
    log: list[str] = field(default_factory=list)

    def parts(self, service: Service | None, *, folded: bool = True) -> list[Part]:
        """Everything known of it, what went wrong first; the first part says how it ended."""
        attempt, answer = self.attempt, self.attempt.answer
        head = [("", f"#{attempt.number}, sent {attempt.sent_at:%H:%M:%S} UTC")]
        head += [("", attempt.note)] if attempt.note else []
        if attempt.error is not None:
            head += [("", text) for text in (attempt.error.message, attempt.error.hint) if text]
        if answer is not None:
            times = (f"{label} {took}" for label, took in timing_words(answer.timing))
            head.append(("", " · ".join(times)))
        found = [Part(attempt.words, tuple(head))]
        told = self.findings[:MOST_FINDINGS]
        for at, finding in enumerate(told):
            found.append(Part(finding_title(at, len(told)), finding_rows(finding)))
        if service is not None and answer is not None and (now_ := _settings(answer, service)):
            found.append(Part("The service's settings", tuple(now_)))
        if answer is not None:
            title = f"Answer, {answer.size:,} bytes"
            title += " (f shows all of it)" if folded and "… " in self.body else ""
            rows = [("", self.body or "(empty)")]
            rows += [("", f"It ends early: {answer.cut}.")] if answer.cut else []
            found.append(Part(title, tuple(rows)))
        if self.log:
            found.append(Part("The log of that second", (("", "\n".join(self.log)),)))
        if answer is not None:
            lines = tuple(("", f"{name}: {value}") for name, value in answer.notable)
            found.append(Part("Headers", lines))
        return found


def _settings(answer: Answer, service: Service) -> list[tuple[str, str]]:
    """The settings that decide on an answer of 503 or 504."""
    scale, rows = service.scale, []
    if answer.status == 503 and service.kind is Kind.AKS:
        least, most = scale.min_replicas or 1, scale.max_replicas or 10
        pool = f"{least} to {most}" if scale.autoscale else f"{scale.desired or 1}, fixed"
        rows.append(("Replicas", f"{pool}; R calculates how many are needed"))
        if scale.max_queue_wait_ms is not None:
            rows.append(("Queue wait", f"max_request_wait_time is {scale.max_queue_wait_ms} ms"))
    if answer.status == 504 and scale.scoring_timeout_ms is not None:
        rows.append(("Time limit", f"scoring_timeout_ms is {scale.scoring_timeout_ms}"))
    return rows


def findings(answer: Answer, service: Service | None) -> list[Finding]:
    """What an answer of 400 or above means, the root cause first."""
    target = _TARGETS.get(service.kind, Target.UNKNOWN) if service else Target.UNKNOWN
    return http_findings(answer.status, dict(answer.headers), answer.body, target)
