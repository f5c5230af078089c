"""What the console shows: services, containers and the snapshots they come in.

Everything is frozen and keyed, so that a snapshot can cross threads without locks and a table can
be updated by key. Texts in these objects are already sanitised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, Flag, auto
from typing import Generic, TypeVar

from .errors import AmltuiError


class State(str, Enum):
    """The state that all kinds of services share; the raw state string stands beside it."""

    OK = "OK"
    PENDING = "PENDING"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    UNKNOWN = "UNKNOWN"


class Kind(str, Enum):
    """Where a service runs."""

    ACI = "ACI"
    AKS = "AKS"
    AKS_ENDPOINT = "AKSENDPOINT"
    LOCAL = "LOCAL"
    OTHER = "OTHER"


class Can(Flag):
    """What may be done with a service: panes ask this, never the kind."""

    NOTHING = 0
    LOGS = auto()
    FOLLOW = auto()
    INIT_LOGS = auto()
    INVOKE = auto()
    KEYS = auto()
    TOKEN = auto()
    SCALE = auto()
    UPDATE = auto()
    RELOAD = auto()
    DELETE = auto()
    EXEC = auto()
    DEBUG = auto()


class AuthMode(str, Enum):
    """How callers of the scoring URI prove who they are."""

    NONE = "none"
    KEY = "key"
    TOKEN = "token"


@dataclass(frozen=True)
class Ref:
    """The address of a service: who runs it, its endpoint and, inside that, its deployment."""

    backend: str  # "azureml" or "docker"
    endpoint: str
    deployment: str = ""

    def __str__(self) -> str:
        path = f"{self.endpoint}/{self.deployment}" if self.deployment else self.endpoint
        return f"{self.backend}:{path}"


@dataclass(frozen=True)
class Resources:
    """What one replica asks for (cores, GB) and at most gets; None where nothing is said."""

    cpu: float | None = None
    memory_gb: float | None = None
    cpu_limit: float | None = None
    memory_limit_gb: float | None = None
    gpu: int | None = None


@dataclass(frozen=True)
class Scale:
    """How many replicas there are and how the autoscaler moves them (times in ms or s as named)."""

    desired: int | None = None
    available: int | None = None
    updated: int | None = None
    autoscale: bool = False
    min_replicas: int | None = None
    max_replicas: int | None = None
    target_utilization: int | None = None  # percent
    refresh_seconds: int | None = None
    max_concurrent: int | None = None
    max_queue_wait_ms: int | None = None
    scoring_timeout_ms: int | None = None


@dataclass(frozen=True)
class ModelUse:
    """A registered model that a service has mounted."""

    name: str
    version: str
    framework: str = ""


@dataclass(frozen=True)
class Failure:
    """One level of an error payload; JSON inside messages is unfolded into `details`."""

    code: str
    message: str
    status: str = ""
    details: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Service:
    """One web service, cloud or local."""

    ref: Ref
    name: str
    kind: Kind
    state: State
    raw_state: str
    can: Can = Can.NOTHING
    target: str = ""  # region (ACI), cluster (AKS) or "this machine"
    description: str = ""
    resources: Resources = Resources()
    scale: Scale = Scale()
    auth: AuthMode = AuthMode.NONE
    scoring_uri: str = ""
    swagger_uri: str = ""
    models: tuple[ModelUse, ...] = ()
    environment: str = ""
    image: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: str = ""
    operation_id: str = ""
    failure: Failure | None = None
    deployment_error: str = ""  # what the cluster says of the replicas (AKS)
    container_id: str = ""  # of a local service
    settings: tuple[tuple[str, bool | int | str], ...] = ()  # others, as a plan calls them
    notes: tuple[str, ...] = ()  # remarks of the adapter, e.g. why a row could not be read
    raw: str = ""  # the payload as JSON, masked; only where the row could not be read


@dataclass(frozen=True)
class Container:
    """One container of the engine."""

    id: str
    name: str
    image: str
    state: str  # the engine's word: running, exited, created, paused, restarting, dead
    status: str  # the engine's sentence: "Up 3 minutes", "Exited (137) 2 hours ago"
    created_at: datetime | None = None
    ports: tuple[str, ...] = ()
    service: str = ""  # the LocalWebservice it belongs to


@dataclass(frozen=True)
class Image:
    """One image of the engine; size in bytes."""

    id: str
    names: tuple[str, ...]  # repository:tag; empty: nothing names it any more
    size: int
    created_at: datetime | None = None
    used_by: tuple[str, ...] = ()  # containers, running or not

    @property
    def name(self) -> str:
        """Its first name, else the beginning of its id."""
        return self.names[0] if self.names else self.id.removeprefix("sha256:")[:12]


@dataclass(frozen=True)
class Keys:
    """The two keys of a service; `repr` never shows them, so that no log can."""

    primary: str = field(repr=False)
    secondary: str = field(repr=False)


@dataclass(frozen=True)
class Token:
    """An access token of an AKS service and when it ends."""

    value: str = field(repr=False)
    expires_at: datetime | None = None
    refresh_after: datetime | None = None


@dataclass(frozen=True)
class WorkspaceInfo:
    """The workspace that the console is connected to and as whom."""

    name: str
    resource_group: str
    subscription_id: str
    location: str = ""
    identity: str = ""
    sdk: str = ""  # version of azureml-core


@dataclass(frozen=True)
class EngineInfo:
    """The container engine that the console talks to."""

    name: str
    version: str
    api_version: str
    address: str
    operating_system: str = ""
    origin: str = ""  # what says so: a setting, DOCKER_HOST, a context


@dataclass(frozen=True)
class EngineChoice:
    """An engine that can be asked instead; `key` is what `Engine.use` takes."""

    key: str
    name: str
    address: str


@dataclass(frozen=True)
class Progress:
    """A remark of a running operation, e.g. a device code to type or a step of a deployment."""

    operation: str
    text: str
    url: str = ""
    code: str = ""
    is_step: bool = True  # else it is output of the step before


@dataclass(frozen=True)
class OperationState:
    """A long-running operation as the workspace tells it: an update, a deployment."""

    state: str  # Succeeded, Failed, Cancelled and TimedOut are the end of it
    words: tuple[str, ...] = ()  # its progress since the offset that was asked with
    offset: int = 0  # to ask with the next time
    failure: Failure | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("Succeeded", "Failed", "Cancelled", "TimedOut")


@dataclass(frozen=True)
class Leftover:
    """Something that stays of a deployment: a service, a container or an image."""

    kind: str
    name: str
    text: str


Row = TypeVar("Row")


@dataclass(frozen=True)
class Snapshot(Generic[Row]):
    """Rows as of a moment. After an error the rows are the last good ones and `error` says why."""

    rows: tuple[Row, ...] = ()
    taken_at: datetime | None = None
    error: AmltuiError | None = None
    retry_in: float | None = None  # seconds until the next try, after an error
