"""The calls of the host that have one short answer: `(management, workspace, args)` to JSON.

`args["ref"]` is the service that a call is about. Errors are `AmltuiError` or the SDK's own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amltui.domain.models import Ref

from . import assets, environments, legacy_images
from .management import Management
from .wire import decode_changes, encode, encode_operation

Call = Callable[[Management, Any, dict[str, Any]], Any]

_updating = threading.Lock()  # sending a source directory changes the folder of the process


def _update(management: Management, workspace: Any, args: dict[str, Any]) -> str:
    from .living import update

    service, changes = management.service(_ref(args)), decode_changes(args["changes"])
    with _updating:
        return update(workspace, service, changes, Path(args["folder"]))


def _regenerate_key(management: Management, workspace: Any, args: dict[str, Any]) -> list[str]:
    from .living import regenerate_key

    keys = regenerate_key(management, _ref(args), args["which"])
    return [keys.primary, keys.secondary]


def _standing(management: Management, workspace: Any, args: dict[str, Any]) -> Any:
    from .standing import standing

    return standing(management, workspace)


def _computes(management: Management, workspace: Any, args: dict[str, Any]) -> Any:
    return [vars(compute) for compute in management.computes(workspace)]


def _ref(args: dict[str, Any]) -> Ref:
    return Ref(*args["ref"])


CALLS: dict[str, Call] = {
    "service": lambda management, _, args: encode(management.service(_ref(args))),
    "keys": lambda management, _, args: management.keys(_ref(args)),
    "token": lambda management, _, args: management.token(_ref(args)),
    "delete": lambda management, _, args: management.delete(_ref(args)),
    "operation": lambda management, _, args: encode_operation(
        management.progress(args["id"], args["offset"])
    ),
    "update": _update,
    "regenerate_key": _regenerate_key,
    "computes": _computes,
    "standing": _standing,
    "images": lambda management, _, args: legacy_images.images(management),
    "models": lambda management, _, args: assets.models(management),
    "model_content": lambda management, workspace, args: assets.model_content(
        management, workspace, args["name"], args["version"]
    ),
    "environments": lambda management, workspace, args: environments.environments(
        management, workspace
    ),
    "environment_image": lambda management, workspace, args: environments.image(
        management, workspace, args["name"], args["version"]
    ),
    "build_environment": lambda management, workspace, args: environments.build(
        management, workspace, args["name"], args["version"]
    ),
}
