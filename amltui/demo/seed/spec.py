"""The shape of the seed data."""

from __future__ import annotations

from dataclasses import dataclass, field

from amltui.demo.logs import Beat, Script
from amltui.demo.state import Behaviour, Payload

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class LogSeed:
    """A container log: how long ago the container started (None: there is none) and its text."""

    age: float | None = None
    script: Script = ()
    beat: Beat | None = None
    restarts_every: float | None = None


@dataclass(frozen=True)
class ServiceSeed:
    """One service; ages are seconds before the start of the server."""

    name: str
    kind: str  # "ACI" or "AKS"
    story: str  # what it is there to show; not part of any payload
    age: float
    owner: str
    description: str = ""
    updated: float | None = None
    state: str = "Healthy"
    cpu: float = 0.1
    memory: float = 0.5
    auth: str = "none"  # "none", "keys" or "token"
    tls: bool = False
    environment: str | None = None
    models: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    error: Payload | None = None
    compute: str = "aks-cpu-prod"
    replicas: int = 1
    available: int | None = None
    autoscale: tuple[int, int, int] | None = None  # minimum, maximum, target utilisation
    changes: Payload = field(default_factory=dict)  # merged into the raw payload
    log: LogSeed = LogSeed()
    init_log: LogSeed = LogSeed()
    behaviour: Behaviour = field(default_factory=Behaviour)
    curable: bool = False  # see Service.curable
    operation: str | None = None  # of what goes on when the server starts
    later: tuple[tuple[float, Payload | None], ...] = ()  # (seconds after start, merge patch)
