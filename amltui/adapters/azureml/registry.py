"""The workspace's container registry: a login that is asked for when it is needed, and not kept."""

from __future__ import annotations

from typing import Any

from amltui.domain.errors import AmltuiError, Problem

from . import problems

_KEYS = (
    "/subscriptions/{0.subscription_id}/resourceGroups/{0.resource_group}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{0.name}/listKeys"
)
_VERSION = "2019-06-01"  # of the request, as in azureml-core 1.61
_LIMITS = (10.0, 30.0)  # seconds to a connection, and between two pieces of an answer


def credentials(workspace: Any) -> dict[str, str]:
    """User name and password of the workspace's registry.

    The SDK asks management.azure.com whatever the cloud is; here the workspace's own is asked.

    Raises:
        AmltuiError: the workspace does not give them.
    """
    import requests

    doing = "asking for the login of the registry"
    auth = workspace._auth_object
    url = auth._get_arm_end_point().rstrip("/") + _KEYS.format(workspace)
    try:
        headers = {"Content-Type": "application/json", **auth.get_authentication_header()}
        params = {"api-version": _VERSION}
        response = requests.post(url, params=params, headers=headers, timeout=_LIMITS)
        answer = response.json() if response.status_code < 400 else {}
    except Exception as error:
        raise problems.of_exception(error, doing) from error
    if response.status_code >= 400:
        raise problems.of_response(
            response.status_code, response.headers, response.text[:50_000], doing
        )
    try:
        given = answer["containerRegistryCredentials"]
        return {"username": given["username"], "password": given["passwords"][0]["value"]}
    except (KeyError, IndexError, TypeError) as error:
        raise AmltuiError(
            "The workspace gives no login for its registry",
            "The registry's admin user is switched off, most likely.",
            "Switch it on: az acr update -n NAME --admin-enabled true",
            problem=Problem.PERMISSION,
        ) from error
