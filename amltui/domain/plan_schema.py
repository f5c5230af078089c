"""The JSON Schema of a plan, for editors: made from the same data that reads it."""

from __future__ import annotations

from typing import Any

from .plan import Plan
from .plan_fields import Field, Kind, fields_of
from .plan_parts import MODELS, Environment, Inference, Options
from .plan_targets import TARGETS

_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string", "minLength": 1},
    Kind.PROSE: {"type": "string"},
    Kind.PATH: {"type": "string", "minLength": 1},
    Kind.VERSION: {"type": ["string", "integer"]},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.SWITCH: {"type": "boolean"},
    Kind.MAP: {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
}


def json_schema() -> dict[str, Any]:
    """The schema, of draft 2020-12."""
    name = fields_of(Plan)[0]
    environment = _section(Environment)
    environment["allOf"] = [
        {"not": {"required": list(pair)}}
        for pair in (
            ("conda_file", "pip_requirements"),
            ("conda_file", "registered"),
            ("pip_requirements", "registered"),
            ("base_image", "base_dockerfile"),
            ("base_image", "registered"),
            ("base_dockerfile", "registered"),
        )
    ]
    inference = _section(Inference)
    inference["properties"]["environment"] = environment
    targets = []
    for target in TARGETS:
        section = _section(target)
        kind = {"const": target.kind, "description": _first_line(target)}
        section["properties"] = {"kind": kind, **section["properties"]}
        section["required"] = ["kind", *section.get("required", [])]
        targets.append(section)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "amltui deployment plan",
        "description": "A deployment of models as a web service with Azure Machine Learning.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "inference", "target"],
        "properties": {
            "name": _setting(name),
            "models": {
                "type": "array",
                "maxItems": 1000,
                "description": "The models that the service serves.",
                "items": {"oneOf": [_section(model) for model in MODELS]},
            },
            "inference": inference,
            "target": {"description": "Where the service runs.", "oneOf": targets},
            "options": _section(Options),
        },
    }


def _section(section: type[Any]) -> dict[str, Any]:
    fields = fields_of(section)
    made: dict[str, Any] = {
        "type": "object",
        "description": _first_line(section),
        "additionalProperties": False,
        "properties": {one.name: _setting(one) for one in fields},
    }
    if required := [one.name for one in fields if one.required]:
        made["required"] = required
    return made


def _setting(one: Field) -> dict[str, Any]:
    made = {**_TYPES[one.kind], "description": describe(one)}
    for key, limit in (
        ("minimum", one.minimum),
        ("exclusiveMinimum", one.above),
        ("maximum", one.maximum),
    ):
        if limit is not None:
            made[key] = limit
    if one.pattern and one.kind is Kind.MAP:
        made["propertyNames"] = {"pattern": f"^{one.pattern}$"}
    elif one.pattern:
        made["pattern"] = f"^{one.pattern}$"
    if one.choices:
        made["enum"] = list(one.choices)
    return made


def describe(one: Field) -> str:
    """A setting in a sentence or three: meaning, default with unit, warning."""
    unit = f" {one.unit}" if one.unit and one.default[:1].isdigit() else ""
    default = f" Default: {one.default}{unit}." if one.default else ""
    return f"{one.meaning}{default}{f' {one.warning}' if one.warning else ''}"


def _first_line(section: type[Any]) -> str:
    return (section.__doc__ or "").partition("\n")[0]
