"""Change services that are there: update, new keys, reload. Blocking; for the host or a run."""

from __future__ import annotations

import io
import posixpath
import tarfile
import time
from pathlib import Path
from typing import Any

from amltui.domain.changes import Changes, refusals
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Keys, Ref, Service
from amltui.domain.text import clean_line, mask

from . import problems
from .management import Management
from .steps import Project, inside
from .steps_models import inference_config

_APP_ROOT = "/var/azureml-app"
_PAUSE = 2.0  # seconds between two questions about an operation
_KEY_LIMIT = 60.0  # seconds that a new key may take
_STOP_LIMIT = 3  # seconds that a container gets to end by itself


def update(workspace: Any, service: Service, changes: Changes, folder: Path | None = None) -> str:
    """Change a service; returns the operation to watch, or "" when it is done already.

    `folder` is where the paths of `changes.plan` begin.

    Raises:
        AmltuiError: the change cannot be made, or the workspace refuses it.
    """
    refused = refusals(service, changes)
    if refused:
        raise AmltuiError(
            f"{service.name} cannot be changed like that",
            " ".join(refused),
            "Nothing was sent.",
            problem=Problem.REFUSED,
        )
    from azureml.core import Model, Webservice

    arguments: dict[str, Any] = dict(changes.settings)
    if service.scale.autoscale and any(name.startswith("autoscale_") for name in arguments):
        arguments.setdefault("autoscale_enabled", True)  # the SDK wants it said again
    if changes.description is not None:
        arguments["description"] = changes.description
    if changes.tags is not None:
        arguments["tags"] = dict(changes.tags)
    try:
        found = Webservice(workspace, service.ref.endpoint)
        before = found._operation_endpoint
        if changes.models is not None:
            arguments["models"] = [Model(workspace, id=each) for each in changes.models]
        if changes.plan is None:
            found.update(**arguments)
        else:
            project = Project(changes.plan, folder or Path.cwd())
            project.workspace = workspace
            with inside(project.source):
                found.update(inference_config=inference_config(project), **arguments)
    except Exception as error:
        raise problems.of_exception(error, f"changing {service.name}") from error
    endpoint = found._operation_endpoint
    operation = "" if endpoint in (None, before) else str(endpoint).rpartition("/")[2]
    return "" if operation == "None" else operation  # how the SDK writes that there is none


def regenerate_key(management: Management, ref: Ref, which: str) -> Keys:
    """Replace the "Primary" or "Secondary" key; whoever uses the old one is refused from now on.

    Raises:
        AmltuiError: the workspace refuses it, or it takes longer than a minute.
    """
    operation = management.regenerate_key(ref, which)
    deadline = time.monotonic() + _KEY_LIMIT
    while operation:
        state = management.operation(operation, 0).get("state")
        if state == "Succeeded":
            break
        if state in ("Failed", "Cancelled", "TimedOut") or time.monotonic() > deadline:
            raise AmltuiError(
                f"The {which.lower()} key was not replaced",
                f"The operation is {state}.",
                "Look at the keys, then try again.",
                problem=Problem.SERVER,
            )
        time.sleep(_PAUSE)
    return Keys(*management.keys(ref))


def reload(engine: Any, container_id: str, source: Path) -> None:
    """Copy a source directory (or entry script) into a local service and start it anew.

    As LocalWebservice.reload does, but in the same container and without reading its labels,
    which are pickles. Packages are not installed: that takes a new deployment.

    Raises:
        AmltuiError: the engine refuses it.
    """
    import docker

    packed = io.BytesIO()
    try:
        container = engine.containers.get(container_id)
        variables = container.attrs.get("Config", {}).get("Env") or []
        settings = dict(entry.partition("=")[::2] for entry in variables)
        root = settings.get("AML_APP_ROOT") or _APP_ROOT
        with tarfile.open(fileobj=packed, mode="w") as archive:
            inside_path = posixpath.join(root, source.resolve().name).lstrip("/")
            archive.add(source, arcname=inside_path, filter=_without_caches)
        packed.seek(0)
        container.put_archive("/", packed)
        container.restart(timeout=_STOP_LIMIT)
    except docker.errors.DockerException as error:
        raise AmltuiError(
            "The service was not reloaded",
            mask(clean_line(str(getattr(error, "explanation", None) or error)))[:300],
            "Its container may be gone: refresh the list.",
            problem=Problem.ENGINE,
        ) from error


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name.split("/") else member
