"""The models of an old script: registered files, folders and run outputs, or registered ones."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from .plan_fields import quote
from .plan_parts import FRAMEWORKS
from .script_objects import Made, Reference

if TYPE_CHECKING:
    from .old_scripts import Reading

_NOT_IN_A_PLAN = (
    "datasets", "child_paths", "sample_input_dataset", "sample_output_dataset",
    "resource_configuration", "id",
)  # fmt: skip


def read_models(reading: Reading, deploy: Made, models: Any, paths: Any) -> list[dict[str, Any]]:
    """The models of a deployment, as a plan lists them; `paths` are those of the oldest call."""
    if isinstance(paths, list):
        return [model for path in paths if (model := _of_path(reading, deploy, path))]
    if models is None or models == []:
        return []
    if not isinstance(models, list):
        models = [models]
    return [model for one in models if (model := _model(reading, deploy, one))]


def _of_path(reading: Reading, deploy: Made, path: Any) -> dict[str, Any] | None:
    text = reading.text(deploy, "model_paths", path)
    if text is None:
        return None
    name = re.sub(r"[^\w.-]", "-", posixpath.basename(text.rstrip("/")), flags=re.ASCII)
    reading.say(deploy.line, f"The model of {quote(text)} is named {quote(name)}: check it.")
    return {**_file_or_folder(reading, deploy, text), "name": name}


def _model(reading: Reading, deploy: Made, value: Any) -> dict[str, Any] | None:
    if isinstance(value, Made):
        if value.function == "Model.register":
            return _registered_now(reading, value)
        if value.function == ".register_model" or value.function.endswith(".register_model"):
            return _of_run(reading, value)
        if value.function == "Model":
            return _of_workspace(reading, value)
    if isinstance(value, str):  # Model.deploy takes "name" and "name:version", too
        name, _, version = value.partition(":")
        whole = version.isascii() and version.isdigit() and len(version) < 10
        return {"registered": name, **({"version": int(version)} if whole else {})}
    reading.unreadable(deploy, "A model", value)
    return None


def _registered_now(reading: Reading, made: Made) -> dict[str, Any]:
    given = reading.arguments(made)
    found: dict[str, Any] = {}
    path = reading.text(made, "model_path", given.get("model_path", Reference("model_path")))
    if path is not None:
        found = _file_or_folder(reading, made, path)
    return {**found, **_registration(reading, made, given)}


def _of_run(reading: Reading, made: Made) -> dict[str, Any]:
    given = made.bound(
        ("model_name", "model_path", "tags", "properties", "model_framework",
         "model_framework_version", "description"),
    )  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    found: dict[str, Any] = {}
    run = made.receiver
    identity = reading.arguments(run).get("run_id") if isinstance(run, Made) else None
    if isinstance(identity, str):
        found["run"] = identity
    else:
        reading.say(made.line, "Which run the model comes from is not known: add its id as run.")
    if "model_path" in given:
        path = reading.text(made, "model_path", given["model_path"])
        if path is not None:
            found["path"] = path
    else:
        reading.say(made.line, "Which output of the run is meant is not said: add its path.")
    return {**found, **_registration(reading, made, given)}


def _registration(reading: Reading, made: Made, given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {"model_name": "name", "description": "description", "tags": "tags"}
    names |= {"properties": "properties", "model_framework_version": "framework_version"}
    for theirs, ours in names.items():
        if theirs in given and (said := reading.plain(made, theirs, given[theirs])) is not None:
            found[ours] = said
    if "model_framework" in given:
        framework = given["model_framework"]
        last = framework.path.rpartition(".")[2] if isinstance(framework, Reference) else framework
        known = {name.upper(): name for name in FRAMEWORKS}
        if isinstance(last, str) and last.upper() in known:
            found["framework"] = known[last.upper()]
        else:
            reading.unreadable(made, "model_framework", framework)
    for name in _NOT_IN_A_PLAN:
        if name in given:
            reading.say(made.line, f"{name} of {made.function} has no place in a plan.")
    return found


def _of_workspace(reading: Reading, made: Made) -> dict[str, Any] | None:
    given = reading.arguments(made)
    identity = given.get("id")
    if "name" not in given and isinstance(identity, str):
        return _model(reading, made, identity)
    name = reading.text(made, "The name of a model", given.get("name"))
    if name is None:
        return None
    version = given.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        reading.unreadable(made, "version", version)
        version = None
    for other in ("tags", "properties", "run_id", "model_framework"):
        if other in given:
            reading.say(made.line, f"The model is looked up by {other}: a plan names a version.")
    return {"registered": name, **({"version": version} if version else {})}


def _file_or_folder(reading: Reading, made: Made, path: str) -> dict[str, Any]:
    if path.endswith("/"):
        return {"folder": path.rstrip("/") or "/"}
    last = posixpath.basename(path)
    if last in (".", "..") or not posixpath.splitext(last)[1]:
        shown = quote(path)
        if last in (".", ".."):
            return {"folder": path}
        reading.say(made.line, f"{shown} is taken for a file: write folder: if it is one.")
    return {"file": path}
