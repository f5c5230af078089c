"""Resource manager, discovery and computes."""

from __future__ import annotations

from typing import Any

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.router import Problem, Request, Response, Route, answer
from amltui.demo.state import State

_WORKSPACES = "providers/Microsoft.MachineLearningServices/workspaces"
_PERMISSIONS = "providers/Microsoft.Authorization/permissions"
_REGISTRIES = "providers/Microsoft.ContainerRegistry/registries"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
# The SDK refuses a discovery document without these six keys.
_ENDPOINTS = ("api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio")


class Workspace:
    """What a client needs to find the workspace and its parts."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        subscription = f"{_GROUP}/{_WORKSPACES}"
        return [
            Route("GET", "/subscriptions", self._subscriptions),
            Route("GET", "/subscriptions/{subscription}/resources", self._resources),
            Route("GET", subscription, self._list),
            Route("GET", subscription + "/{name}", self._get),
            Route("POST", subscription + "/{name}/listKeys", self._registry_keys),
            Route("GET", f"{subscription}/{{name}}/{_PERMISSIONS}", self._permissions),
            Route("GET", f"{_GROUP}/{_REGISTRIES}/{{name}}", self._registry),
            Route("GET", "/discovery", self._discovery, anonymous=True),
            Route("GET", identity.COMPUTES, self._computes),
            Route("GET", identity.COMPUTES + "/{name}", self._compute),
        ]

    def _subscriptions(self, request: Request) -> Response:
        subscription = {
            "id": f"/subscriptions/{identity.SUBSCRIPTION_ID}",
            "subscriptionId": identity.SUBSCRIPTION_ID,
            "displayName": identity.SUBSCRIPTION_NAME,
            "tenantId": identity.TENANT_ID,
            "state": "Enabled",
        }
        return answer({"value": [subscription]})

    def _resources(self, request: Request) -> Response:
        _known(request.params["subscription"], identity.SUBSCRIPTION_ID, "SubscriptionNotFound")
        keys = ("id", "name", "type", "location")
        return answer({"value": [{key: self._payload()[key] for key in keys}]})

    def _list(self, request: Request) -> Response:
        self._check_group(request)
        return answer({"value": [self._payload()]})

    def _get(self, request: Request) -> Response:
        self._check_group(request)
        _known(request.params["name"], identity.WORKSPACE_NAME, "ResourceNotFound")
        return answer(self._payload())

    def _registry_keys(self, request: Request) -> Response:
        self._check_group(request)
        password = {"name": "password", "value": self._state.registry_password}
        credentials = {"username": "contosodemoml", "passwords": [password]}
        return answer({"containerRegistryCredentials": credentials})

    def _permissions(self, request: Request) -> Response:
        self._check_group(request)
        data_scientist = {"actions": ["Microsoft.MachineLearningServices/workspaces/*"]}
        return answer({"value": [{**data_scientist, "notActions": []}]})

    def _registry(self, request: Request) -> Response:
        self._check_group(request)
        name = request.params["name"]
        return answer({"name": name, "properties": {"adminUserEnabled": True}})

    def _discovery(self, request: Request) -> Response:
        return answer(dict.fromkeys(_ENDPOINTS, self._state.base))

    def _computes(self, request: Request) -> Response:
        return answer({"value": self._state.computes})

    def _compute(self, request: Request) -> Response:
        for compute in self._state.computes:
            if compute["name"] == request.params["name"]:
                return answer(compute)
        raise Problem(404, "ComputeNotFound", f"Compute {request.params['name']} was not found.")

    def _check_group(self, request: Request) -> None:
        _known(request.params["subscription"], identity.SUBSCRIPTION_ID, "SubscriptionNotFound")
        _known(request.params["group"], identity.RESOURCE_GROUP, "ResourceGroupNotFound")

    def _payload(self) -> dict[str, Any]:
        providers = f"{identity.RESOURCE_GROUP_PATH}/providers"
        name = "contosodemoml"
        return {
            "id": identity.WORKSPACE_PATH,
            "name": identity.WORKSPACE_NAME,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "location": identity.LOCATION,
            "tags": {"costcenter": "4711", "stage": "demo"},
            "sku": {"name": "Basic", "tier": "Basic"},
            "properties": {
                "friendlyName": "Contoso ML (demo)",
                "description": "The demo workspace of amltui: nothing here exists in Azure.",
                "creationTime": iso(self._state.clock.start - 86_400 * 760),
                "provisioningState": "Succeeded",
                "workspaceId": identity.WORKSPACE_ID,
                "tenantId": identity.TENANT_ID,
                "containerRegistry": f"{providers}/Microsoft.ContainerRegistry/registries/{name}",
                "keyVault": f"{providers}/Microsoft.KeyVault/vaults/{name}",
                "storageAccount": f"{providers}/Microsoft.Storage/storageAccounts/{name}",
                "applicationInsights": f"{providers}/Microsoft.Insights/components/{name}",
                "discoveryUrl": f"{self._state.base}/discovery",
                "hbiWorkspace": False,
            },
        }


def _known(given: str, expected: str, code: str) -> None:
    if given.lower() != expected.lower():
        raise Problem(404, code, f"'{given}' could not be found.")
