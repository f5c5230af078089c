"""Changes of a service that is there: what would be different, what it takes, what cannot be.

The rules are those of azureml-core 1.61: which parameters `AciWebservice.update` and
`AksWebservice.update` have, and what the service does with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .models import AuthMode, Kind, Service
from .plan import Plan
from .plan_targets import Target


class Effect(str, Enum):
    """What a change takes, least first."""

    NOTE = "only what is written about the service"
    ROLLOUT = "new containers replace the running ones"
    REBUILD = "the source is sent again, and the image is built where the packages differ"


@dataclass(frozen=True)
class Changes:
    """What is to be different; settings have the names that they have in a plan's target."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    tags: Mapping[str, str] | None = None  # replace all that there are
    models: tuple[str, ...] | None = None  # ids, as churn:3
    plan: Plan | None = None  # whose inference configuration, environment included, is sent


@dataclass(frozen=True)
class Difference:
    """One thing that would be different, in words."""

    name: str
    before: str
    after: str
    effect: Effect


_ACI = ("auth_enabled", "enable_app_insights")
_AKS = (
    *_ACI, "token_auth_enabled", "cpu_cores", "cpu_cores_limit", "memory_gb", "memory_gb_limit",
    "gpu_cores", "num_replicas", "autoscale_enabled", "autoscale_min_replicas",
    "autoscale_max_replicas", "autoscale_refresh_seconds", "autoscale_target_utilization",
    "scoring_timeout_ms", "replica_max_concurrent_requests", "max_request_wait_time",
    "collect_model_data", "namespace", "period_seconds", "initial_delay_seconds",
    "timeout_seconds", "success_threshold", "failure_threshold",
)  # fmt: skip
CHANGEABLE: Mapping[Kind, tuple[str, ...]] = {Kind.ACI: _ACI, Kind.AKS: _AKS}

_NOW: Mapping[str, Callable[[Service], Any]] = {
    "auth_enabled": lambda service: service.auth is AuthMode.KEY,
    "token_auth_enabled": lambda service: service.auth is AuthMode.TOKEN,
    "cpu_cores": lambda service: service.resources.cpu,
    "cpu_cores_limit": lambda service: service.resources.cpu_limit,
    "memory_gb": lambda service: service.resources.memory_gb,
    "memory_gb_limit": lambda service: service.resources.memory_limit_gb,
    "gpu_cores": lambda service: service.resources.gpu,
    "num_replicas": lambda service: service.scale.desired,
    "autoscale_enabled": lambda service: service.scale.autoscale,
    "autoscale_min_replicas": lambda service: service.scale.min_replicas,
    "autoscale_max_replicas": lambda service: service.scale.max_replicas,
    "autoscale_refresh_seconds": lambda service: service.scale.refresh_seconds,
    "autoscale_target_utilization": lambda service: service.scale.target_utilization,
    "scoring_timeout_ms": lambda service: service.scale.scoring_timeout_ms,
    "replica_max_concurrent_requests": lambda service: service.scale.max_concurrent,
    "max_request_wait_time": lambda service: service.scale.max_queue_wait_ms,
}


def diff(service: Service, changes: Changes) -> tuple[Difference, ...]:
    """What would really be different, in the order of a plan; what stays the same is left out."""
    found = []
    for name, value in changes.settings.items():
        now = _NOW[name](service) if name in _NOW else None
        if now != value:
            found.append(Difference(name, _words(now), _words(value), Effect.ROLLOUT))
    if changes.description is not None and changes.description != service.description:
        before = service.description
        found.append(Difference("description", before, changes.description, Effect.NOTE))
    if changes.tags is not None and dict(changes.tags) != dict(service.tags):
        before, after = _pairs(dict(service.tags)), _pairs(changes.tags)
        found.append(Difference("tags", before, after, Effect.NOTE))
    if changes.models is not None:
        ids = tuple(f"{model.name}:{model.version}" for model in service.models)
        if ids != changes.models:
            before, after = ", ".join(ids), ", ".join(changes.models)
            found.append(Difference("models", before, after, Effect.REBUILD))
    if changes.plan is not None:
        after = f"{changes.plan.inference.entry_script}, {changes.plan.environment_name}"
        found.append(Difference("inference", service.environment, after, Effect.REBUILD))
    return tuple(found)


def refusals(service: Service, changes: Changes) -> tuple[str, ...]:
    """Why changes cannot be made, one sentence for each."""
    if service.kind is Kind.LOCAL:
        return ("A local service is reloaded, or deployed again; it is not updated.",)
    if service.kind not in CHANGEABLE:
        return ("An endpoint is changed version by version, with the SDK.",)
    found = []
    for name in changes.settings:
        if name not in CHANGEABLE[service.kind]:
            found.append(f"{name} of an {service.kind.value} service is fixed: deploy it anew.")
    said = {**{name: get(service) for name, get in _NOW.items()}, **changes.settings}
    if changes.settings.get("auth_enabled") and changes.settings.get("token_auth_enabled"):
        found.append("A service takes keys or tokens, not both.")
    low, high = said["autoscale_min_replicas"], said["autoscale_max_replicas"]
    if said["autoscale_enabled"] and low is not None and high is not None and low > high:
        found.append(f"autoscale_min_replicas {low} is above autoscale_max_replicas {high}.")
    if "num_replicas" in changes.settings and said["autoscale_enabled"]:
        found.append("num_replicas is the autoscaler's to decide: switch that off as well.")
    for name in ("cpu_cores", "memory_gb"):
        wanted, most = said[name], said[f"{name}_limit"]
        if name in changes.settings and most is not None and wanted > most:
            found.append(f"{name} {_words(wanted)} is above its limit {_words(most)}.")
    if changes.models is not None and changes.plan is None:
        found.append("New models need the plan as well: its source is sent along with them.")
    return tuple(found)


def promote(plan: Plan, target: Target, name: str = "") -> Plan:
    """The plan of a local service for a cloud target; the rest stays as it is."""
    return replace(plan, target=target, name=name or plan.name)


def _words(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())
