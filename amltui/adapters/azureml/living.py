"""Change services that are there: update, new keys. Blocking; for the host."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amltui.domain.changes import Changes, refusals
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Keys, Ref, Service

from . import problems
from .management import Management
from .services import pairs
from .steps import Project, inside
from .steps_models import inference_config

_PAUSE = 2.0  # seconds between two questions about an operation
_KEY_LIMIT = 60.0  # seconds that a new key may take


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
    try:
        found = Webservice(workspace, service.ref.endpoint)
        if changes.tags is not None:
            arguments["tags"] = _unmasked(changes.tags, found.tags or {})
        _raise_limits(found, arguments)
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


def _unmasked(tags: Mapping[str, str], real: Mapping[str, Any]) -> dict[str, str]:
    """The tags with their real texts where only what is shown of them was kept."""
    shown = {key: (raw, value) for raw, value in real.items() for key, _ in pairs({raw: value})}
    texts = dict(pairs(real))
    return dict(
        shown[key] if key in shown and texts[key] == text else (key, text)
        for key, text in tags.items()
    )


def _raise_limits(found: Any, arguments: Mapping[str, Any]) -> None:
    """The SDK compares with the limits from before, even where new ones are said with it."""
    required = getattr(found, "container_resource_requirements", None)
    for asked, limit, here, limit_here in (
        ("cpu_cores", "cpu_cores_limit", "cpu", "cpu_limit"),
        ("memory_gb", "memory_gb_limit", "memory_in_gb", "memory_in_gb_limit"),
    ):
        if required is not None and asked in arguments and limit in arguments:
            setattr(required, here, arguments[asked])
            setattr(required, limit_here, arguments[limit])


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
