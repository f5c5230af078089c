"""The environment of an old script: conda file, registered one, base image, Dockerfile."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from .plan_fields import quote
from .script_objects import Made, Variable

if TYPE_CHECKING:
    from .old_scripts import Reading

_WITHOUT_EFFECT = ("docker.enabled", "docker.gpu_support", "docker.shared_volumes", "runtime")
_FIRST_GENERATION = {
    "dependencies": "put these files into a folder and name it as source_directory",
    "docker_file": "put its steps into a Dockerfile of the base image: base_dockerfile",
    "extra_docker_file_steps": "put its steps into a Dockerfile: base_dockerfile",
    "schema_file": "describe the schema in the entry script instead (inference-schema)",
    "enable_gpu": "name a base image with CUDA: base_image",
    "cuda_version": "name a base image with that CUDA: base_image",
    "tags": "images are made for the service now; tag the service",
    "properties": "images are made for the service now",
}
_FILES = {
    "conda_file": "conda_file",
    "file_path": "conda_file",
    "conda_specification": "conda_file",
    "pip_requirements": "pip_requirements",
}


def read_environment(
    reading: Reading, configuration: Made, given: dict[str, Any], service: str, directory: str
) -> dict[str, Any]:
    """The plan's environment, from what is left of the arguments of a configuration."""
    found: dict[str, Any] = {}
    environment = given.pop("environment", None)
    if "runtime" in given and given["runtime"] not in ("python", "Python"):
        runtime = given["runtime"]
        shown = quote(runtime) if isinstance(runtime, str) else "that is not known"
        reading.say(configuration.line, f"A runtime {shown} has no place in a plan.")
    for name, value in given.items():
        if name == "conda_file":
            if (path := reading.text(configuration, name, value)) is not None:
                found["conda_file"] = posixpath.join(directory, path)  # relative to it, once
        elif name == "base_image":
            if (image := reading.text(configuration, name, value)) is not None:
                found["base_image"] = image
        elif name == "base_image_registry":
            _registry(reading, configuration, value, found)
        elif name in _FIRST_GENERATION:
            if value not in (False, [], {}):
                reading.say(configuration.line, f"{name}: {_FIRST_GENERATION[name]}.")
        elif name not in _WITHOUT_EFFECT:
            reading.say(configuration.line, f"{quote(name)} is not known of a configuration.")
    if environment is None:
        return found
    if isinstance(environment, Made) and environment.function.startswith("Environment"):
        _made(reading, environment, found, service)
        _attributes(reading, environment, found)
    else:
        reading.unreadable(configuration, "environment", environment)
    return found


def _made(reading: Reading, made: Made, found: dict[str, Any], service: str) -> None:
    given = reading.arguments(made)
    how = made.function.partition(".")[2]
    name = given.pop("name", None)
    if how == "get":
        if (said := reading.text(made, "The name of the environment", name)) is not None:
            found["registered"] = said
        if "version" in given:
            version = reading.plain(made, "version", given["version"])
            if version is not None:
                found["version"] = str(version)
        if "label" in given:
            reading.say(made.line, "label was not taken over: name a version.")
        return
    if how not in ("", "from_conda_specification", "from_pip_requirements", "from_dockerfile",
                   "from_docker_image"):  # fmt: skip
        reading.say(made.line, f"Environment.{how} was not read: name a conda file.")
        return
    if isinstance(name, str) and name != f"{service}-env":
        found["name"] = name
    for theirs, value in given.items():
        ours = "pip_requirements" if how == "from_pip_requirements" else _FILES.get(theirs, "")
        if theirs == "dockerfile":
            _dockerfile(reading, made, value, found)
        elif theirs == "image":
            if (image := reading.text(made, "image", value)) is not None:
                found["base_image"] = image
        elif theirs == "container_registry":
            _registry(reading, made, value, found)
        elif theirs in _FILES:
            if (path := reading.text(made, theirs, value)) is not None:
                found[ours] = path
        elif theirs not in ("workspace",):
            reading.say(made.line, f"{quote(theirs)} of {made.function} was not taken over.")


def _attributes(reading: Reading, made: Made, found: dict[str, Any]) -> None:
    """What the script sets on the environment afterwards."""
    for path, value in made.attributes.items():
        if path in _WITHOUT_EFFECT or value is None:
            continue
        if path == "docker.base_image":
            if (image := reading.text(made, path, value)) is not None:
                found["base_image"] = image
        elif path == "docker.base_dockerfile":
            _dockerfile(reading, made, value, found)
        elif path == "docker.base_image_registry":
            _registry(reading, made, value, found)
        elif path.startswith("docker.base_image_registry."):
            _registry_part(reading, made, path.rpartition(".")[2], value, found)
        elif path == "python.conda_dependencies":
            _conda(reading, made, value, found)
        elif path in ("python.user_managed_dependencies", "inferencing_stack_version"):
            if (said := reading.plain(made, path, value)) is not None:
                found[path.removeprefix("python.")] = said
        elif path == "environment_variables":
            if variables := reading.plain(made, path, value):
                found["variables"] = variables
        else:
            reading.say(made.line, f"{quote(path)} of the environment was not taken over.")


def _dockerfile(reading: Reading, made: Made, value: Any, found: dict[str, Any]) -> None:
    text = reading.text(made, "base_dockerfile", value)
    if text is None:
        return
    if "\n" in text or text.lstrip().upper().startswith("FROM "):
        reading.say(made.line, "The Dockerfile stands in the script: write it to a file.")
    else:
        found["base_dockerfile"] = text


def _conda(reading: Reading, made: Made, value: Any, found: dict[str, Any]) -> None:
    if isinstance(value, Made) and value.function == "CondaDependencies":
        path = reading.arguments(value).get("conda_dependencies_file_path")
        if isinstance(path, str):
            found["conda_file"] = path
            return
    if isinstance(value, Made) and value.function.startswith("CondaDependencies"):
        packages = [
            one
            for key in ("conda_packages", "pip_packages")
            for one in value.kwargs.get(key) or ()
            if isinstance(one, str)
        ]
        listed = f" ({quote(', '.join(packages))})" if packages else ""
        reading.say(
            value.line, f"The packages{listed} stand in the script: write them to a conda file."
        )
        return
    reading.unreadable(made, "conda_dependencies", value)


def _registry(reading: Reading, made: Made, value: Any, found: dict[str, Any]) -> None:
    if not isinstance(value, Made):
        reading.unreadable(made, "base_image_registry", value)
        return
    for name, part in value.attributes.items():
        _registry_part(reading, value, name, part, found)


def _registry_part(
    reading: Reading, made: Made, name: str, value: Any, found: dict[str, Any]
) -> None:
    if name in ("address", "username"):
        if (said := reading.text(made, f"The registry's {name}", value)) is not None:
            found[f"registry_{name}"] = said
    elif name == "password" and isinstance(value, Variable):
        found["registry_password_variable"] = value.name
    elif name == "password":
        reading.say(
            made.line,
            "The registry's password was not taken over: a plan holds none. Put it into an "
            "environment variable and name that: registry_password_variable.",
        )
    else:
        reading.say(made.line, f"{quote(name)} of the registry was not taken over.")
