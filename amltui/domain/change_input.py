"""Changes of a service as a person types them, in a form or on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .changes import in_words, is_fixed, settings_of
from .models import Kind, Service
from .plan_fields import WrongValue, unknown_key


class WrongSetting(ValueError):
    """Which setting cannot be taken, and why."""

    def __init__(self, name: str, message: str, hint: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.hint = name, message, hint


def as_typed(value: Any) -> str:
    """A value as one would type it into a form; nothing where it is not known."""
    return "" if value is None else in_words(value)


def read_settings(kind: Kind, typed: Mapping[str, str]) -> dict[str, Any]:
    """The settings that were typed, by name; what is empty is left out.

    Raises:
        WrongSetting: a name is none of this kind's settings, or a value cannot be one.
    """
    fields = {field.name: field for field in settings_of(kind)}
    found = {}
    for name, text in typed.items():
        if is_fixed(kind, name):
            raise WrongSetting(name, f"It is fixed for an {kind.value} service.", "Deploy it anew.")
        if name not in fields:
            raise WrongSetting(name, *unknown_key(name, tuple(fields)))
        try:
            value = fields[name].parse(text)
        except WrongValue as error:
            raise WrongSetting(name, error.message, error.hint) from None
        if value is not None:
            found[name] = value
    return found


def read_tags(service: Service, typed: str) -> dict[str, str] | None:
    """All tags after `team=risk, -old` was typed; None where nothing was.

    Raises:
        WrongSetting: it cannot be read.
    """
    if not typed.strip():
        return None
    tags = dict(service.tags)
    for part in filter(None, map(str.strip, typed.split(","))):
        name, equals, text = part.partition("=")
        if equals and name.strip():
            tags[name.strip()] = text.strip()
        elif part.startswith("-") and part[1:].strip() in tags:
            del tags[part[1:].strip()]
        else:
            hint = "Write name=text to set one and -name to remove one."
            raise WrongSetting("tags", f"“{part[:40]}” is neither set nor removed.", hint)
    return tags


def read_models(typed: str) -> tuple[str, ...] | None:
    """Ids of models from `churn:3, other:1`; None where nothing was typed.

    Raises:
        WrongSetting: a model has no version.
    """
    ids = tuple(filter(None, map(str.strip, typed.split(","))))
    for one in ids:
        name, colon, version = one.rpartition(":")
        if not (name and colon and version.isdecimal()):
            hint = "Write name:version, for example churn:3."
            raise WrongSetting("models", f"“{one[:40]}” names no version.", hint)
    return ids or None
