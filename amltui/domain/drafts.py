"""A plan that is being written: what is kept of it on disk, and how its paths follow a move."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .text import clean_line

_SECRET = ("PASSWORD", "SECRET", "TOKEN", "CONNECTION_STRING", "ACCOUNT_KEY", "API_KEY")
_PATHS = {
    "inference": ("source_directory",),
    "inference.environment": ("conda_file", "pip_requirements", "base_dockerfile"),
    "target": ("ssl_cert_pem_file", "ssl_key_pem_file"),
}
_CONTEXT = 2  # unchanged lines round a change


@dataclass(frozen=True)
class Draft:
    """A plan's data, right or wrong; `folder` is where its paths begin."""

    id: str
    folder: str
    data: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""  # the plan file that it came from or was saved to
    changed_at: float = 0.0  # epoch seconds

    @property
    def name(self) -> str:
        """The service's name, as far as there is one."""
        name = self.data.get("name")
        return clean_line(name) if isinstance(name, str) and name.strip() else "no name yet"


@dataclass(frozen=True)
class Mend:
    """A change of a file that was not made yet: its path, and the text before and after."""

    path: str
    label: str
    before: str
    after: str

    @property
    def diff(self) -> list[str]:
        """The lines that differ, with - and + in front, and some round them."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), lineterm="", n=_CONTEXT
        )
        return list(lines)[2:]  # not the names


def looks_secret(variable: str) -> bool:
    """Whether the name of an environment variable says that its value is a secret."""
    return any(word in variable.upper() for word in _SECRET)


def without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data without the values of environment variables that look like secrets."""
    kept = dict(data)
    inference = data.get("inference")
    made = inference.get("environment") if isinstance(inference, Mapping) else None
    variables = made.get("variables") if isinstance(made, Mapping) else None
    if isinstance(inference, Mapping) and isinstance(made, Mapping):
        if isinstance(variables, Mapping):
            left = {name: "" if looks_secret(name) else v for name, v in variables.items()}
            kept["inference"] = {**inference, "environment": {**made, "variables": left}}
        elif isinstance(variables, str):  # typed, and no variables yet
            made = {name: value for name, value in made.items() if name != "variables"}
            kept["inference"] = {**inference, "environment": made}
    return kept


def rebased(data: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The data whose paths begin at another folder (both absolute) and mean the same files."""

    def move(path: Any) -> Any:
        if not isinstance(path, str) or not path or path.startswith(("/", "~")):
            return path
        return posixpath.relpath(posixpath.join(old, path), new)

    def moved(section: Any, names: tuple[str, ...]) -> Any:
        if not isinstance(section, Mapping):
            return section
        return {name: move(value) if name in names else value for name, value in section.items()}

    if posixpath.normpath(old) == posixpath.normpath(new):
        return dict(data)
    found = {**data, "target": moved(data.get("target"), _PATHS["target"])}
    inference = data.get("inference")
    if isinstance(inference, Mapping):
        names = _PATHS["inference"]
        if not inference.get("source_directory"):
            names = ("entry_script",)
        found["inference"] = moved(inference, names)
        if "environment" in inference:
            made = moved(inference["environment"], _PATHS["inference.environment"])
            found["inference"]["environment"] = made
    if isinstance(data.get("models"), (list, tuple)):
        found["models"] = [moved(model, ("file", "folder")) for model in data["models"]]
    return found
