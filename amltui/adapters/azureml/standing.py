"""Who is signed in, what that identity may do, the workspace's addresses and its registry."""

from __future__ import annotations

from typing import Any

from amltui.domain.errors import AmltuiError

from .auth import identity
from .management import Management

_PERMISSIONS = ("/providers/Microsoft.Authorization/permissions", "2022-04-01")
_WORKSPACE_VERSION, _REGISTRY_VERSION = "2023-04-01", "2023-07-01"
_PATH = (
    "/subscriptions/{0.subscription_id}/resourceGroups/{0.resource_group}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{0.name}"
)


def standing(management: Management, workspace: Any) -> dict[str, Any]:
    """All of it; what may not be read is said and costs the rest nothing."""
    arm = workspace._auth_object._get_arm_end_point().rstrip("/")
    path = _PATH.format(workspace)
    found: dict[str, Any] = {
        "identity": identity(workspace._auth_object) or "an unnamed identity",
        "workspace": workspace.name,
        "permissions": [], "role_problem": "",
        "address": "", "registry": "", "registry_address": "", "admin": None,
        "registry_problem": "",
    }  # fmt: skip
    try:
        url = f"{arm}{path}{_PERMISSIONS[0]}"
        answer = management.fetch(url, "reading the roles", {"api-version": _PERMISSIONS[1]})
        found["permissions"] = [
            (one.get("actions") or [], one.get("notActions") or [])
            for one in answer.get("value") or ()
        ]
    except AmltuiError as error:
        found["role_problem"] = error.title
    try:
        about = management.fetch(
            f"{arm}{path}", "reading the workspace", {"api-version": _WORKSPACE_VERSION}
        )
        properties = about.get("properties") or {}
        found["address"] = str(properties.get("discoveryUrl") or "")
        registry = str(properties.get("containerRegistry") or "")
        found["registry"] = registry.rpartition("/")[2]
        if registry:
            params = {"api-version": _REGISTRY_VERSION}
            answer = management.fetch(f"{arm}{registry}", "reading the registry", params)
            settings = answer.get("properties") or {}
            found["admin"] = settings.get("adminUserEnabled")
            if server := str(settings.get("loginServer") or ""):
                found["registry_address"] = f"https://{server}"
    except AmltuiError as error:
        found["registry_problem"] = error.title
    return found
