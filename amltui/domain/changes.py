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
from .plan_fields import Field, fields_of
from .plan_targets import AciTarget, AksTarget, Target


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
_FIELDS: Mapping[Kind, Mapping[str, Field]] = {
    Kind.ACI: {one.name: one for one in fields_of(AciTarget)},
    Kind.AKS: {one.name: one for one in fields_of(AksTarget)},
}
# Why services of a kind cannot be changed at all.
FIXED = {
    Kind.LOCAL: "A local service is reloaded, or deployed again; it is not updated.",
    Kind.AKS_ENDPOINT: "An endpoint is changed version by version, with the SDK.",
    Kind.OTHER: "amltui does not know this kind of service.",
}

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


def settings_of(kind: Kind) -> tuple[Field, ...]:
    """What can be changed of services of that kind, in the order of a form."""
    fields = _FIELDS.get(kind, {})
    return tuple(fields[name] for name in CHANGEABLE.get(kind, ()))


def is_fixed(kind: Kind, name: str) -> bool:
    """Whether something is a setting of such a service, but can only be said when it is made."""
    return name in _FIELDS.get(kind, {}) and name not in CHANGEABLE[kind]


def now(service: Service, name: str) -> Any:
    """The present value of a setting, None where it is not known."""
    return _NOW[name](service) if name in _NOW else dict(service.settings).get(name)


def fitting(service: Service, changes: Changes) -> Changes:
    """The changes with what they take along: a maximum that a new minimum exceeds, a limit that
    a new request exceeds, and the kind of authentication that another kind replaces.

    What was said expressly stays, so that `refusals` can tell what is wrong with it.
    """
    settings = dict(changes.settings)
    for low, high in (
        ("autoscale_min_replicas", "autoscale_max_replicas"),
        ("cpu_cores", "cpu_cores_limit"),
        ("memory_gb", "memory_gb_limit"),
    ):
        most = now(service, high)
        if high not in settings and most is not None and settings.get(low, 0) > most:
            settings[high] = settings[low]
    for new, old in (
        ("auth_enabled", "token_auth_enabled"),
        ("token_auth_enabled", "auth_enabled"),
    ):
        if settings.get(new) and old not in settings and now(service, old):
            settings[old] = False
    return replace(changes, settings=settings)


def diff(service: Service, changes: Changes) -> tuple[Difference, ...]:
    """What would really be different, in the order of a plan; what stays the same is left out."""
    found = []
    for name, value in changes.settings.items():
        before = now(service, name)
        if before != value:
            found.append(Difference(name, in_words(before), in_words(value), Effect.ROLLOUT))
    if changes.description is not None and changes.description != service.description:
        told = Difference("description", service.description, changes.description, Effect.NOTE)
        found.append(told)
    if changes.tags is not None and dict(changes.tags) != dict(service.tags):
        tags = _pairs(dict(service.tags)), _pairs(changes.tags)
        found.append(Difference("tags", *tags, Effect.NOTE))
    if changes.models is not None:
        ids = tuple(f"{model.name}:{model.version}" for model in service.models)
        if ids != changes.models:
            names = ", ".join(ids), ", ".join(changes.models)
            found.append(Difference("models", *names, Effect.REBUILD))
    if changes.plan is not None:
        after = f"{changes.plan.inference.entry_script}, {changes.plan.environment_name}"
        found.append(Difference("inference", service.environment, after, Effect.REBUILD))
    return tuple(found)


def refusals(service: Service, changes: Changes) -> tuple[str, ...]:
    """Why changes cannot be made, one sentence for each."""
    if service.kind in FIXED:
        return (FIXED[service.kind],)
    settings = changes.settings
    found = [
        f"{name} of an {service.kind.value} service is fixed: deploy it anew."
        for name in settings
        if name not in CHANGEABLE[service.kind]
    ]
    said = {**{name: now(service, name) for name in _NOW}, **settings}
    if settings.get("auth_enabled") and settings.get("token_auth_enabled"):
        found.append("A service takes keys or tokens, not both.")
    if any(name in settings for name in _AKS):
        found += _scale_refusals(settings, said)
    for name in ("cpu_cores", "memory_gb"):
        wanted, most = said[name], said[f"{name}_limit"]
        touched = name in settings or f"{name}_limit" in settings
        if touched and most is not None and wanted is not None and wanted > most:
            found.append(f"{name} {in_words(wanted)} is above its limit {in_words(most)}.")
    if settings.get("gpu_cores") == 0 and now(service, "gpu_cores"):
        found.append("The SDK cannot take the GPUs away: deploy it anew without.")
    if changes.description == "" and service.description:
        found.append("The SDK cannot empty a description: write another.")
    if changes.models is not None and changes.plan is None:
        found.append("New models need the plan as well: its source is sent along with them.")
    return tuple(found)


def _scale_refusals(settings: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    low, high = said["autoscale_min_replicas"], said["autoscale_max_replicas"]
    found = []
    if said["autoscale_enabled"] and low is not None and high is not None and low > high:
        found.append(f"autoscale_min_replicas {low} is above autoscale_max_replicas {high}.")
    if "num_replicas" in settings and said["autoscale_enabled"]:
        found.append("num_replicas is the autoscaler's to decide: switch that off as well.")
    if settings.get("autoscale_enabled") is False and "num_replicas" not in settings:
        found.append("Without the autoscaler num_replicas must be said.")
    ranged = [name for name in settings if name.startswith("autoscale_") and "enabled" not in name]
    if ranged and not said["autoscale_enabled"]:
        found.append(f"{ranged[0]} means nothing while autoscale_enabled is false.")
    return found


def consequences(service: Service, differences: tuple[Difference, ...]) -> tuple[str, ...]:
    """What callers and owners notice of the changes, one sentence for each."""
    names = {one.name for one in differences}
    found = [f"{effect.value.capitalize()}." for effect in Effect
             if any(one.effect is effect for one in differences)]  # fmt: skip
    if any(one.effect is not Effect.NOTE for one in differences):
        if service.kind is Kind.ACI:
            found.append("There is one container: it may not answer while it is replaced.")
        elif (service.scale.available or service.scale.desired or 1) > 1:
            found.append("They are replaced in turn, so that it goes on answering.")
        else:
            found.append("With one replica it may not answer for a moment.")
    if names & {"cpu_cores", "memory_gb", "gpu_cores"} and service.kind is Kind.AKS:
        found.append("The cluster needs room for one more replica meanwhile.")
    if names & {"auth_enabled", "token_auth_enabled"}:
        found.append("Callers that prove themselves in the old way are refused from then on.")
    if "autoscale_target_utilization" in names:
        found.append("Lower utilisation starts replicas earlier, not faster.")
    found.append("The scoring URI and the keys stay.")
    return tuple(found)


def promote(plan: Plan, target: Target, name: str = "") -> Plan:
    """The plan of a local service for a cloud target; the rest stays as it is."""
    return replace(plan, target=target, name=name or plan.name)


def in_words(value: Any) -> str:
    """A value of a setting as one would write it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())
