"""Settings: flag, then environment, then workspace file, then TOML file, then default.

Each value remembers where it came from, so that `amltui config` can tell. Secrets are never
settings: service principals are read from the environment by the process that signs in.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from .domain.errors import AmltuiError, Problem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AUTH_METHODS = ("auto", "cli", "interactive", "service-principal", "msi")
WORKSPACE_FIELDS = ("subscription_id", "resource_group", "workspace_name")
# Where the SDK's Workspace.from_config looks, in each folder from the current one upwards.
WORKSPACE_FILES = (".azureml/config.json", "aml_config/config.json", "config.json")


@dataclass(frozen=True)
class Choice:
    """A workspace that the console may be opened on, and where it was read."""

    subscription_id: str
    resource_group: str
    workspace_name: str
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.workspace_name} ({self.resource_group})"


@dataclass(frozen=True)
class Settings:
    """All settings; `origins` says where each came from."""

    subscription_id: str = ""
    resource_group: str = ""
    workspace_name: str = ""
    tenant_id: str = ""
    auth: str = "auto"
    engine: str = ""
    read_only: bool = False
    refresh_seconds: float = 10.0
    log_tail: int = 5000
    log_memory_mb: int = 256
    theme: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()

    @property
    def workspace(self) -> Choice | None:
        """The workspace to open, once all three parts are known."""
        if self.subscription_id and self.resource_group and self.workspace_name:
            return Choice(
                self.subscription_id,
                self.resource_group,
                self.workspace_name,
                self.origins.get("workspace_name", ""),
            )
        return None

    def on(self, choice: Choice) -> Settings:
        """These settings on another workspace."""
        return replace(self, **{name: getattr(choice, name) for name in WORKSPACE_FIELDS})


NAMES = tuple(f.name for f in fields(Settings) if f.name not in ("origins", "choices"))


def config_path() -> Path:
    """The settings file, whether or not it exists."""
    return Path(platformdirs.user_config_dir("amltui")) / "config.toml"


def state_path() -> Path:
    """Where amltui keeps what it must remember between two starts."""
    return Path(platformdirs.user_state_dir("amltui"))


def load(
    flags: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    directory: Path | None = None,
) -> Settings:
    """Resolve every setting.

    Raises:
        AmltuiError: `Problem.CONFIGURATION`, naming the file or variable and the field.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(name: str, value: Any, origin: str) -> None:
        if name not in values:
            values[name] = _checked(name, value, origin)
            origins[name] = origin

    for name, value in flags.items():
        if value is not None and name in NAMES:
            take(name, value, f"flag --{name.replace('_', '-')}")
    for name in NAMES:
        variable = f"AMLTUI_{name.upper()}"
        if environment.get(variable):
            take(name, environment[variable], f"environment {variable}")

    path = file or config_path()
    table = _read_toml(path, required=file is not None)
    choices = _choices(table, path, directory or Path.cwd())
    chosen = _choose(choices, values.get("workspace_name"), table.get("workspace"), path)
    if chosen is not None:
        for name in WORKSPACE_FIELDS:
            take(name, getattr(chosen, name), chosen.origin)
    for name, value in table.items():
        if name not in ("workspaces", "workspace"):
            take(name, value, str(path))
    return Settings(**values, origins=origins, choices=choices)


def _choose(
    choices: tuple[Choice, ...], wanted: str | None, preferred: Any, path: Path
) -> Choice | None:
    """The known workspace to take the missing parts from; None when it is for the user to say."""
    if wanted:
        named = [choice for choice in choices if choice.workspace_name == wanted]
        if named:
            return named[0]
        return choices[0] if len(choices) == 1 else None
    if preferred is not None:
        for choice in choices:
            if choice.workspace_name == preferred:
                return choice
        raise _bad(str(path), "workspace", f"{preferred!r} is not among the [[workspaces]]")
    return choices[0] if len(choices) == 1 else None


def _choices(table: Mapping[str, Any], path: Path, directory: Path) -> tuple[Choice, ...]:
    found: list[Choice] = []
    nearest = find_workspace_file(directory)
    if nearest is not None:
        found.append(read_workspace_file(nearest))
    entries = table.get("workspaces", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _bad(str(path), "workspaces", "write each workspace as a [[workspaces]] table")
    for entry in entries:
        found.append(_choice(entry, str(path), "workspaces"))
    if table.get("workspace_name") and not entries:
        found.append(_choice(table, str(path), "workspace_name"))
    unique = {(c.subscription_id, c.resource_group, c.workspace_name): c for c in reversed(found)}
    return tuple(reversed(unique.values()))


def _choice(entry: Mapping[str, Any], origin: str, where: str) -> Choice:
    missing = [name for name in WORKSPACE_FIELDS if not isinstance(entry.get(name), str)]
    if missing:
        raise _bad(origin, where, f"missing text: {', '.join(missing)}")
    subscription, group, name = (entry[name] for name in WORKSPACE_FIELDS)
    return Choice(subscription, group, name, origin)


def find_workspace_file(directory: Path) -> Path | None:
    """The nearest config.json that the SDK's `Workspace.from_config` would find from here."""
    for folder in (directory, *directory.parents):
        for name in WORKSPACE_FILES:
            if (folder / name).is_file():
                return folder / name
    return None


def read_workspace_file(path: Path) -> Choice:
    """The workspace named in a config.json as the portal and the SDK write it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _bad(str(path), "JSON", str(error)) from None
    if not isinstance(content, dict):
        raise _bad(str(path), "JSON", "expected an object")
    return _choice(content, str(path), "workspace")


def _read_toml(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise AmltuiError(
                "No such settings file",
                str(path),
                "Check --config, or leave it out to use the default file.",
                problem=Problem.CONFIGURATION,
            ) from None
        return {}
    except (OSError, ValueError) as error:
        raise _bad(str(path), "TOML", str(error)) from None
    unknown = sorted(set(table) - set(NAMES) - {"workspaces", "workspace"})
    if unknown:
        raise _bad(str(path), unknown[0], "no such setting")
    return table


def _checked(name: str, value: Any, origin: str) -> Any:
    """The value in its setting's type, or an error that names where it stands."""
    default = getattr(Settings, name)
    if isinstance(default, bool):
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        value = words.get(str(value).lower(), value)
        if not isinstance(value, bool):
            raise _bad(origin, name, f"{value!r} is neither true nor false")
        return value
    if isinstance(default, (int, float)):
        try:
            number = type(default)(value)
        except (TypeError, ValueError):
            raise _bad(origin, name, f"{value!r} is not a number") from None
        least = {"log_tail": 0, "log_memory_mb": 1}.get(name, 1)
        if not number >= least:  # also refuses NaN
            raise _bad(origin, name, f"{value!r} is below {least}")
        return number
    if not isinstance(value, str):
        raise _bad(origin, name, f"{value!r} is not text")
    if name == "auth" and value not in AUTH_METHODS:
        raise _bad(origin, name, f"{value!r} is not one of {', '.join(AUTH_METHODS)}")
    return value


def _bad(origin: str, where: str, why: str) -> AmltuiError:
    return AmltuiError(
        "A setting is wrong",
        f"{origin}: {where}: {why}.",
        "`amltui config` shows every setting and where it comes from.",
        problem=Problem.CONFIGURATION,
    )
