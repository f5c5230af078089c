"""The vocabulary of diagnosis: sources of text, known failures, findings."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Source(enum.Enum):
    """Where a text comes from: it decides which rules may speak and how strict they are."""

    CONTAINER_LOG = "container-log"
    IMAGE_BUILD_LOG = "image-build-log"
    DEPLOYMENT_PAYLOAD = "deployment-payload"
    SDK_EXCEPTION = "sdk-exception"
    SDK_OUTPUT = "sdk-output"
    DOCKER_ENGINE = "docker-engine"
    KUBECTL = "kubectl"
    PORTAL = "portal"
    METRICS = "metrics"
    HTTP = "http"
    AUTO = "auto"


class Target(enum.Enum):
    """What the service runs on."""

    ACI = "aci"
    AKS = "aks"
    LOCAL = "local"
    V2 = "v2"
    UNKNOWN = "unknown"


class Confidence(enum.Enum):
    """How sure a finding is: an exact code is certain, a text likely, an umbrella possible."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @property
    def order(self) -> int:
        """Return 0 for the surest."""
        return _CONFIDENCE_ORDER[self]


_CONFIDENCE_ORDER = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1, Confidence.POSSIBLE: 2}


class Form(enum.Enum):
    """What a signature is compared with."""

    TEXT = "text"  # anywhere in a line, if the line has the shape of a real message
    EXCEPTION = "exception"  # the line that names a Python exception
    FRAME = "frame"  # a line inside a traceback
    CODE = "code"  # an error code of the platform


@dataclass(frozen=True)
class Signature:
    """One pattern of a failure, as the catalogue spells it."""

    form: Form
    confidence: Confidence
    pattern: str


@dataclass(frozen=True)
class Entry:
    """One failure of the catalogue."""

    id: str
    title: str
    where: frozenset[Source]
    severity: str
    applies_to: tuple[str, ...]
    layer: str
    cause: str
    fix: str
    config_field: str
    signatures: tuple[Signature, ...] = ()
    statuses: frozenset[int] = frozenset()
    yields_to: tuple[str, ...] = ()
    rule: str = ""
    any_level: bool = False
    sticky: bool = False
    seed: bool = False

    @property
    def umbrella(self) -> bool:
        """Tell whether this only names the consequence of another failure."""
        return self.layer == "umbrella"


@dataclass(frozen=True)
class Finding:
    """A failure recognised in a text, with the line that shows it (1-based) and its remedy."""

    id: str
    title: str
    confidence: Confidence
    line: int
    evidence: str
    cause: str
    fix: str
    config_field: str
    severity: str
    applies_to: tuple[str, ...]
    details: Mapping[str, str] = field(default_factory=dict)
    umbrella: bool = False
    lines: tuple[int, ...] = ()  # all that show it, but of very many only the first and the last


EVIDENCE_LIMIT = 500  # characters of the matching line that a finding keeps


def make_finding(
    entry: Entry,
    confidence: Confidence,
    line: int,
    evidence: str,
    details: Mapping[str, str] | None = None,
    lines: tuple[int, ...] = (),
) -> Finding:
    """Return the finding that says *entry* was seen on *line*."""
    return Finding(
        id=entry.id,
        title=entry.title,
        confidence=confidence,
        line=line,
        evidence=evidence.strip()[:EVIDENCE_LIMIT],
        cause=entry.cause,
        fix=entry.fix,
        config_field=entry.config_field,
        severity=entry.severity,
        applies_to=entry.applies_to,
        details=dict(details or {}),
        umbrella=entry.umbrella,
        lines=lines or (line,),
    )
