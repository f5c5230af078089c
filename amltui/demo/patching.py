"""JSON patch (RFC 6902) as far as the SDK uses it: add, replace and remove."""

from __future__ import annotations

import copy
from typing import Any

from amltui.demo.router import Problem
from amltui.demo.state import Payload

# These change only what is written about a service; everything else rolls out new replicas.
_LABELS = ("kvTags", "tags", "properties", "description")
_SECRET = ("sslKey", "sslCertificate")


def apply_patch(payload: Payload, patch: Any) -> Payload:
    """Return a patched copy; raise Problem 400 when the patch cannot be applied."""
    if not isinstance(patch, list):
        raise Problem(400, "BadRequest", "A JSON patch is a list of changes.")
    changed = copy.deepcopy(payload)
    for change in patch:
        try:
            _apply(changed, change["op"], change["path"], change.get("value"))
        except (KeyError, TypeError, AttributeError) as error:
            raise Problem(400, "BadRequest", f"The change {change!r} cannot be applied.") from error
    return changed


def needs_rollout(patch: Any) -> bool:
    """Tell whether the patch touches more than tags, properties and description."""
    return any(str(change["path"]).split("/")[1] not in _LABELS for change in patch)


def _apply(target: Any, operation: str, path: str, value: Any) -> None:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in path.lstrip("/").split("/")]
    if keys[0] in _SECRET:
        return  # accepted, never kept
    for key in keys[:-1]:
        if target.get(key) is None:
            target[key] = {}
        target = target[key]
    if operation == "remove":
        target.pop(keys[-1], None)
    elif operation in ("add", "replace"):
        target[keys[-1]] = value
    else:
        raise KeyError(operation)
