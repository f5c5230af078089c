"""The data of a plan as the texts that a person would have typed into its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import plan_pairs
from .plan_fields import Kind, fields_of
from .plan_lines import IMAGE, IMAGE_SOURCES, KIND, PACKAGE_SOURCES, PACKAGES
from .plan_parts import MODELS, Environment, Options


def models_of(data: Any) -> list[Any]:
    """The models of a plan's data, right or wrong."""
    models = data.get("models") if isinstance(data, Mapping) else None
    return list(models) if isinstance(models, (list, tuple)) else []


def texts_of(data: Any) -> Iterator[tuple[str, str]]:
    """Every value of a plan's data as it would have been typed, and what is picked for it."""
    if not isinstance(data, Mapping):
        return
    for at, model in enumerate(models_of(data)):
        if isinstance(model, Mapping):
            said = [kind.kind for kind in MODELS if kind.kind in model]
            yield f"models[{at}].{KIND}", said[0] if said else MODELS[0].kind
            yield from _texts_of(f"models[{at}]", model)
    for name in ("name", "inference", "target", "options"):
        yield from _texts_of("", {name: data.get(name)})
    inference = data.get("inference")
    made = inference.get("environment") if isinstance(inference, Mapping) else None
    made = made if isinstance(made, Mapping) else {}
    packages = [name for name, _ in PACKAGE_SOURCES if made.get(name)]
    image = [name for name, _ in IMAGE_SOURCES if made.get(name)]
    if packages or image:
        yield PACKAGES, packages[0] if packages else "none"
    if image:
        yield IMAGE, image[0]


def _texts_of(path: str, section: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        where = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping) and str(name) in _MAPS:
            yield where, plan_pairs.to_text({str(key): str(text) for key, text in value.items()})
        elif isinstance(value, Mapping):
            yield from _texts_of(where, value)
        elif isinstance(value, bool):
            yield where, "true" if value else "false"
        elif value is not None:
            yield where, str(value)


_MAPS = {
    one.name
    for section in (*MODELS, Environment, Options)
    for one in fields_of(section)
    if one.kind is Kind.MAP
}
