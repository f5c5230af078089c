"""Rows between the host and the console: compact JSON, fields at their defaults left out."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum, Flag
from typing import Any

from amltui.domain.changes import Changes
from amltui.domain.models import (
    AuthMode,
    Can,
    Failure,
    Kind,
    ModelUse,
    OperationState,
    Ref,
    Resources,
    Scale,
    Service,
    State,
)
from amltui.domain.plan import Plan

_DEFAULTS = {field.name: field.default for field in fields(Service) if field.default is not MISSING}


def encode(service: Service) -> dict[str, Any]:
    """A service as JSON-ready values."""
    return {
        name: _plain(value)
        for name, value in vars(service).items()
        if name not in _DEFAULTS or value != _DEFAULTS[name]
    }


def decode(wire: dict[str, Any]) -> Service:
    """The service that `encode` wrote."""
    return Service(**{name: _READERS.get(name, _same)(value) for name, value in wire.items()})


def encode_changes(changes: Changes) -> dict[str, Any]:
    """Changes as JSON-ready values."""
    wire: dict[str, Any] = {"settings": dict(changes.settings)}
    if changes.description is not None:
        wire["description"] = changes.description
    if changes.tags is not None:
        wire["tags"] = dict(changes.tags)
    if changes.models is not None:
        wire["models"] = list(changes.models)
    if changes.plan is not None:
        wire["plan"] = changes.plan.to_dict()
    return wire


def decode_changes(wire: dict[str, Any]) -> Changes:
    """The changes that `encode_changes` wrote."""
    models, plan = wire.get("models"), wire.get("plan")
    return Changes(
        wire["settings"],
        wire.get("description"),
        wire.get("tags"),
        None if models is None else tuple(models),
        None if plan is None else Plan.from_dict(plan),
    )


def encode_operation(operation: OperationState) -> list[Any]:
    """The state of an operation as JSON-ready values."""
    failure = _plain(operation.failure)
    return [operation.state, list(operation.words), operation.offset, failure]


def decode_operation(wire: list[Any]) -> OperationState:
    """The state that `encode_operation` wrote."""
    state, words, offset, failure = wire
    return OperationState(state, tuple(words), offset, _failure(failure) if failure else None)


def moment(value: str | None) -> datetime | None:
    """The time that `encode` wrote."""
    return None if value is None else datetime.fromisoformat(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Flag):
        return value.value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Failure):
        details = [_plain(item) for item in value.details]
        return [value.code, value.message, value.status, details]
    if isinstance(value, (Ref, ModelUse)):
        return list(vars(value).values())
    if isinstance(value, (Resources, Scale)):
        return {name: item for name, item in vars(value).items() if item is not None}
    return value


def _failure(value: list[Any]) -> Failure:
    code, message, status, details = value
    return Failure(code, message, status, tuple(_failure(item) for item in details))


def _same(value: Any) -> Any:
    return value


def _pairs(value: list[list[Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple((key, item) for key, item in value)


_READERS: dict[str, Any] = {
    "ref": lambda value: Ref(*value),
    "kind": Kind,
    "state": State,
    "can": Can,
    "auth": AuthMode,
    "resources": lambda value: Resources(**value),
    "scale": lambda value: Scale(**value),
    "models": lambda value: tuple(ModelUse(*item) for item in value),
    "tags": _pairs,
    "properties": _pairs,
    "settings": _pairs,
    "created_at": moment,
    "updated_at": moment,
    "failure": _failure,
    "notes": tuple,
}
