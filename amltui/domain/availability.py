"""Why something cannot be done with a service, in a sentence that says what can."""

from __future__ import annotations

from .changes import FIXED
from .models import AuthMode, Can, Kind, Service, State


def why_not(service: Service, wanted: Can) -> str:
    """Why a service cannot be used like that; empty where it can."""
    if service.state is State.DELETING and wanted not in service.can:
        return "It is being deleted."
    if wanted is Can.UPDATE and service.kind in FIXED:
        return FIXED[service.kind]
    if wanted in service.can:
        return ""
    local = service.kind is Kind.LOCAL
    stopped = local and service.raw_state != "running"
    if wanted is Can.RELOAD and not local:
        return "Reload is for local services only; u updates this one."
    if wanted is Can.RELOAD and stopped:
        return "Its container does not run: start it in Containers (4)."
    if wanted in (Can.KEYS, Can.TOKEN):
        return _without_keys(service)
    if wanted is Can.INVOKE:
        if stopped:
            return "Its container does not run."
        if service.ref.deployment:
            return f"It is a version of {service.ref.endpoint}: ask that, it shares the calls out."
        return "It has no scoring URI" + (f": it is {service.raw_state}." if not local else ".")
    if wanted is Can.INIT_LOGS:
        return "Only ACI and AKS services have an init container."
    if wanted is Can.DELETE and service.ref.deployment:
        return f"It is a version of {service.ref.endpoint}: delete that, or it with the SDK."
    return "The workspace does not say enough of it."


def _without_keys(service: Service) -> str:
    if service.kind is Kind.LOCAL:
        return "A local service is called without a key."
    if service.auth is AuthMode.TOKEN:
        return "It takes tokens, which are renewed by themselves; there are no keys."
    if service.auth is AuthMode.NONE:
        return "It is called without a key."
    return "The workspace does not say how it is called."
