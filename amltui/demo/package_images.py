"""The image of a model package: the scoring server, the packages asked for, and the app."""

from __future__ import annotations

import importlib.metadata
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

from amltui.demo.distributions import closure, package_layer
from amltui.demo.images import APP_ROOT, KEEP_LABEL, LABEL, SEARCH_PATH, SERVE, Registry, is_kept
from amltui.demo.layers import Layer

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_PROVIDED = "azureml-"  # the scoring server stands for all of Azure ML's own packages


def add_package(
    registry: Registry,
    name: str,
    tag: str,
    context: list[dict[str, Any]],
    wanted: dict[str, Any],
    read: Callable[[str], dict[str, bytes]],
) -> None:
    """Assemble an image of a build context and put it into the registry.

    A pip package of the environment is taken from this machine, if it is installed here; `read`
    gives the files below an artifact.
    """
    definition = wanted.get("environment") or {}
    layers = [layer for layer in (_packages(definition), _app(context, read)) if layer.entries]
    models = [str(model).replace(":", "/") for model in wanted.get("modelIds") or []]
    folder = f"/{models[0]}" if len(models) == 1 else ""
    variables = {
        **(definition.get("environmentVariables") or {}),
        "AML_APP_ROOT": APP_ROOT,
        "AZUREML_MODEL_DIR": f"{APP_ROOT}/azureml-models{folder}",
        "PYTHONUNBUFFERED": "1",
    }
    registry.package(
        name,
        tag,
        layers,
        {
            "Env": [SEARCH_PATH, *(f"{key}={value}" for key, value in variables.items())],
            "Cmd": SERVE,
            "WorkingDir": APP_ROOT,
            "ExposedPorts": {"5001/tcp": {}},
            "Labels": {
                LABEL: registry.registry_host,
                **({KEEP_LABEL: "true"} if is_kept() else {}),
            },
        },
    )


def _packages(definition: dict[str, Any]) -> Layer:
    distributions = {}
    for name in _pip_names(definition):
        try:
            distributions.update(closure(name))
        except importlib.metadata.PackageNotFoundError:
            continue
    return package_layer(distributions.values(), have=())


def _pip_names(definition: dict[str, Any]) -> Iterator[str]:
    conda = (definition.get("python") or {}).get("condaDependencies") or {}
    for entry in conda.get("dependencies") or []:
        for requirement in (entry.get("pip") or []) if isinstance(entry, dict) else []:
            match = _NAME.match(str(requirement))
            if match and not match[0].lower().startswith(_PROVIDED):
                yield match[0]


def _app(context: list[dict[str, Any]], read: Callable[[str], dict[str, bytes]]) -> Layer:
    layer = Layer()
    for entry in context:
        if entry["entryType"] != "remote":
            continue
        artifact = str(entry["uri"]).removeprefix("aml://artifact/")
        root = f"{APP_ROOT}{str(entry['path']).removeprefix('azureml-app')}"
        for name, content in read(artifact).items():
            if entry["unpack"]:
                _unpack(layer, content, root)
            else:
                below = name.removeprefix(artifact).strip("/") or name.rpartition("/")[2]
                layer.write(f"{root}/{below}", content)
    return layer


def _unpack(layer: Layer, content: bytes, root: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                name = member.name.removeprefix("./")
                layer.write(f"{root}/{name}", file.read(), executable=bool(member.mode & 0o100))
