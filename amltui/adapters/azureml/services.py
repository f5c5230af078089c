"""The payloads of the model management service as rows: pure, no SDK, nothing raised.

The SDK's own parser refuses a whole list for one odd service and asks the server again for every
model in it; here an odd service is one row that says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from amltui.domain.failures import unfold
from amltui.domain.models import (
    AuthMode,
    Can,
    Kind,
    ModelUse,
    Ref,
    Resources,
    Scale,
    Service,
    State,
)
from amltui.domain.text import MASK, clean, clean_line, mask

from . import fields

BACKEND = "azureml"
_MAX_RAW = 20_000  # characters of an unreadable payload that are kept
_MAX_TEXT = 500  # characters of a field on one line

# The service's documentation calls Healthy and Failed final. Unschedulable is not: the pods wait
# for room in the cluster and the service becomes Healthy by itself when there is some, and an
# update that finds no room leaves the old replicas serving. So it is DEGRADED, like Unhealthy.
_STATES = {
    "healthy": State.OK,
    "transitioning": State.PENDING,
    "unhealthy": State.DEGRADED,
    "unschedulable": State.DEGRADED,
    "failed": State.FAILED,
    "stopped": State.STOPPED,
    "deleting": State.DELETING,
    "deleted": State.DELETING,
}
_PROBE = {
    "period_seconds": "periodSeconds",
    "initial_delay_seconds": "initialDelaySeconds",
    "timeout_seconds": "timeoutSeconds",
    "success_threshold": "successThreshold",
    "failure_threshold": "failureThreshold",
}
_READABLE = Can.LOGS | Can.FOLLOW | Can.DELETE  # what needs no more than a name
_SECRET_FIELDS = re.compile(r"(?i)^(keys|.*(key|password|secret|token|certificate))$")


def parse_list(payloads: Iterable[Any]) -> tuple[Service, ...]:
    """The rows of a list: every service, and after an AKS endpoint each of its versions.

    A service that a page boundary repeats is one row.
    """
    rows: dict[Ref, Service] = {}
    for number, payload in enumerate(payloads, 1):
        service = parse(payload, number)
        rows.setdefault(service.ref, service)
        for version in _versions(service, payload):
            rows.setdefault(version.ref, version)
    return tuple(rows.values())


def parse(payload: Any, number: int = 1) -> Service:
    """One service; a payload that cannot be read becomes an UNKNOWN row with its raw text.

    `number` is its place in the list and names a row without a readable name.
    """
    try:
        return _read(payload)
    except Exception as error:  # noqa: BLE001 - whatever is odd about it, it is one row
        return _unreadable(payload, number, error)


def _read(payload: Any) -> Service:
    if not isinstance(payload, Mapping):
        raise ValueError(f"the service is {fields.kind_of(payload)} instead of an object")
    name = _name(payload)
    kind = _enum_kind(payload.get("computeType"))
    raw_state = clean_line(fields.string(payload, "state"))
    state = _STATES.get(raw_state.lower(), State.UNKNOWN)
    scoring_uri = fields.line(payload, "scoringUri")
    notes: list[str] = []
    if raw_state and state is State.UNKNOWN:
        notes.append(f"The state “{raw_state[:60]}” is new to amltui.")
    if not raw_state:
        notes.append("The workspace gives no state for this service.")
    auth = _auth(payload)
    image = payload.get("environmentImageRequest") or {}
    environment = _environment(image.get("environment") if isinstance(image, Mapping) else None)
    return Service(
        ref=Ref(BACKEND, name),
        name=name,
        kind=kind,
        state=state,
        raw_state=raw_state,
        can=_READABLE if state is State.UNKNOWN else _can(kind, state, auth, bool(scoring_uri)),
        target=fields.line(payload, "location" if kind is Kind.ACI else "computeName"),
        description=clean(fields.string(payload, "description"))[:4_000],
        resources=_resources(payload.get("containerResourceRequirements")),
        scale=_scale(payload),
        auth=auth,
        scoring_uri=scoring_uri,
        swagger_uri=_swagger(scoring_uri),
        models=_models(payload.get("models")),
        environment=environment,
        image=fields.line(payload, "imageId") or fields.line(payload, "imageDigest"),
        tags=pairs(payload.get("kvTags")),
        properties=pairs(payload.get("properties")),
        created_at=fields.time(payload, "createdTime", notes),
        updated_at=fields.time(payload, "updatedTime", notes),
        created_by=_person(payload.get("createdBy")),
        operation_id=fields.line(payload, "operationId"),
        failure=unfold(payload.get("error")),
        deployment_error=_deployment_error(payload.get("deploymentStatus")),
        notes=tuple(notes),
        raw=_raw(payload) if state is State.UNKNOWN else "",
        settings=_settings(payload),
    )


def _versions(endpoint: Service, payload: Any) -> list[Service]:
    """The versions behind an AKS endpoint; they are read and scaled, but called through it."""
    versions = payload.get("versions") if isinstance(payload, Mapping) else None
    if endpoint.kind is not Kind.AKS_ENDPOINT or not isinstance(versions, Mapping):
        return []
    rows = []
    for key, value in versions.items():
        version = clean_line(str(key))[:_MAX_TEXT]
        inner: Any = value
        if isinstance(value, Mapping):
            inner = {"computeName": endpoint.target, **value, "name": version}
        row = parse(inner)
        traffic = value.get("trafficPercentile") if isinstance(value, Mapping) else None
        notes = row.notes
        if fields.number(traffic) is not None:
            notes = (f"Gets {fields.number(traffic):g} % of the endpoint's calls.", *notes)
        if isinstance(value, Mapping) and value.get("isDefault") is True:
            notes = ("The endpoint's default version.", *notes)
        rows.append(
            _changed(
                row,
                ref=Ref(BACKEND, endpoint.ref.endpoint, version),
                name=f"{endpoint.name}/{version}",
                kind=Kind.AKS_ENDPOINT,
                can=Can.NOTHING if row.state is State.UNKNOWN else Can.SCALE | Can.UPDATE,
                auth=endpoint.auth,
                scoring_uri=endpoint.scoring_uri,
                swagger_uri=endpoint.swagger_uri,
                notes=notes,
            )
        )
    return rows


def _changed(row: Service, **changes: Any) -> Service:
    return Service(**{**row.__dict__, **changes})


def _unreadable(payload: Any, number: int, error: Exception) -> Service:
    try:
        name = _name(payload)
        can = _READABLE
    except Exception:  # noqa: BLE001 - a row without a name has its place as name
        name, can = f"(unreadable service {number})", Can.NOTHING
    kind = _enum_kind(payload.get("computeType")) if isinstance(payload, Mapping) else Kind.OTHER
    state = payload.get("state") if isinstance(payload, Mapping) else None
    reason = clean_line(str(error))[:300] or type(error).__name__
    return Service(
        ref=Ref(BACKEND, name),
        name=name,
        kind=kind,
        state=State.UNKNOWN,
        raw_state=clean_line(state)[:_MAX_TEXT] if isinstance(state, str) else "",
        can=can,
        notes=(f"This service cannot be read: {reason}.",),
        raw=_raw(payload),
    )


def _raw(payload: Any) -> str:
    try:
        text = json.dumps(_hidden(payload), indent=2, ensure_ascii=False, default=str)
    except (ValueError, RecursionError, TypeError):
        text = repr(payload)
    return mask(clean(text[:_MAX_RAW]))


def _hidden(value: Any, depth: int = 0) -> Any:
    """The payload without what is secret by its name."""
    if depth > 20:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(key): MASK if _SECRET_FIELDS.match(str(key)) and item else _hidden(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_hidden(item, depth + 1) for item in value]
    return value


def _name(payload: Any) -> str:
    name = payload.get("name") if isinstance(payload, Mapping) else None
    if not isinstance(name, str) or not name:
        raise ValueError(f"its name is {fields.kind_of(name)} instead of a text")
    return clean_line(name)[:_MAX_TEXT]


def _enum_kind(value: Any) -> Kind:
    known = (Kind.ACI, Kind.AKS, Kind.AKS_ENDPOINT)
    text = value.upper() if isinstance(value, str) else ""
    return next((kind for kind in known if kind.value == text), Kind.OTHER)


def _can(kind: Kind, state: State, auth: AuthMode, callable_: bool) -> Can:
    can = Can.LOGS | Can.FOLLOW
    if kind in (Kind.ACI, Kind.AKS):
        can |= Can.INIT_LOGS | Can.UPDATE
    if kind is Kind.AKS:
        can |= Can.SCALE
    if kind is Kind.AKS_ENDPOINT:
        can |= Can.UPDATE
    if auth is AuthMode.KEY:
        can |= Can.KEYS
    if auth is AuthMode.TOKEN and kind is not Kind.ACI:
        can |= Can.TOKEN
    if callable_:
        can |= Can.INVOKE
    if state is State.DELETING:
        return can & (Can.LOGS | Can.FOLLOW)
    return can | Can.DELETE


def _auth(payload: Mapping[str, Any]) -> AuthMode:
    if payload.get("aadAuthEnabled") is True:
        return AuthMode.TOKEN
    return AuthMode.KEY if payload.get("authEnabled") is True else AuthMode.NONE


def _resources(value: Any) -> Resources:
    if not isinstance(value, Mapping):
        return Resources()
    gpu = fields.number(value.get("gpu"))
    return Resources(
        cpu=fields.number(value.get("cpu")),
        memory_gb=fields.number(value.get("memoryInGB")),
        cpu_limit=fields.number(value.get("cpuLimit")),
        memory_limit_gb=fields.number(value.get("memoryInGBLimit")),
        gpu=None if gpu is None else int(gpu),
    )


def _scale(payload: Mapping[str, Any]) -> Scale:
    status, scaler = payload.get("deploymentStatus"), payload.get("autoScaler")
    status = status if isinstance(status, Mapping) else {}
    scaler = scaler if isinstance(scaler, Mapping) else {}
    desired = fields.whole(status.get("desiredReplicas"))
    return Scale(
        desired=fields.whole(payload.get("numReplicas")) if desired is None else desired,
        available=fields.whole(status.get("availableReplicas")),
        updated=fields.whole(status.get("updatedReplicas")),
        autoscale=scaler.get("autoscaleEnabled") is True,
        min_replicas=fields.whole(scaler.get("minReplicas")),
        max_replicas=fields.whole(scaler.get("maxReplicas")),
        target_utilization=fields.whole(scaler.get("targetUtilization")),
        refresh_seconds=fields.whole(scaler.get("refreshPeriodInSeconds")),
        max_concurrent=fields.whole(payload.get("maxConcurrentRequestsPerContainer")),
        max_queue_wait_ms=fields.whole(payload.get("maxQueueWaitMs")),
        scoring_timeout_ms=fields.whole(payload.get("scoringTimeoutMs")),
    )


def _settings(payload: Mapping[str, Any]) -> tuple[tuple[str, bool | int | str], ...]:
    """What an update can change and no other field holds, by the names that a plan has."""
    found: list[tuple[str, bool | int | str]] = []
    collection = payload.get("dataCollection")
    stored = collection.get("storageEnabled") if isinstance(collection, Mapping) else None
    for name, value in (
        ("enable_app_insights", payload.get("appInsightsEnabled")),
        ("collect_model_data", stored),
    ):
        if isinstance(value, bool):
            found.append((name, value))
    if namespace := fields.line(payload, "namespace"):
        found.append(("namespace", namespace))
    probe = payload.get("livenessProbeRequirements")
    probe = probe if isinstance(probe, Mapping) else {}
    for name, key in _PROBE.items():
        if (number := fields.whole(probe.get(key))) is not None:
            found.append((name, number))
    return tuple(found)


def _models(value: Any) -> tuple[ModelUse, ...]:
    models = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, Mapping):
            name = fields.line(item, "name") or fields.line(item, "id")
            models.append(
                ModelUse(name, fields.line(item, "version"), fields.line(item, "framework"))
            )
    return tuple(models)


def _environment(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    name, version = fields.line(value, "name"), fields.line(value, "version")
    return f"{name}:{version}" if name and version else name


def pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Tags or properties as they are shown: clean, masked, bounded."""
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise ValueError(f"its tags or properties are {fields.kind_of(value)} instead of an object")
    return tuple(
        (clean_line(str(key))[:_MAX_TEXT], mask(clean_line(fields.text(item)))[: fields.MAX_LINE])
        for key, item in value.items()
    )


def _person(value: Any) -> str:
    if isinstance(value, Mapping):
        return fields.line(value, "userName") or fields.line(value, "userObjectId")
    return clean_line(value)[:_MAX_TEXT] if isinstance(value, str) else ""


def _deployment_error(status: Any) -> str:
    error = status.get("error") if isinstance(status, Mapping) else None
    return mask(clean(fields.text(error)))[:4_000] if error else ""


def _swagger(scoring_uri: str) -> str:
    """Where the service's own description of itself is: beside the scoring URI."""
    if not urlsplit(scoring_uri).scheme.startswith("http"):
        return ""
    return scoring_uri.rpartition("/")[0] + "/swagger.json"
