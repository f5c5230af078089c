"""Signing in, in the host: an azureml `Workspace` that never asks anything on the terminal.

The SDK's own default (`InteractiveLoginAuthentication`) opens browsers, prints, and starts a new
login inside whatever call finds its token expired. Here every way ends in an object that only
hands out tokens, and a token that cannot be had is an `AmltuiError`.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask

from . import az, device_code, problems
from .claims import claims
from .device_code import OnProgress

RENEW_BEFORE = 300.0  # seconds before its end that a token is replaced, as the SDK does
CONNECT_LIMIT = 10.0  # seconds to a connection with resource manager
READ_LIMIT = 30.0  # seconds for its answer
_NAMES = ("subscription_id", "resource_group", "workspace_name")
_RESOURCE = (
    "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"
)
_NOTEBOOK_VM = "/mnt/azmnt/.nbvm"
_SERVICE_PRINCIPAL = (
    (
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID",
        "AZUREML_SERVICE_PRINCIPAL_ID",
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD",
    ),
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
)


def connect(connection: dict[str, Any], on_progress: OnProgress | None = None) -> Any:
    """The `azureml.core.Workspace` of a connection, signed in.

    Without `on_progress` nobody can be asked to sign in: then only what needs no person is tried.

    Raises:
        AmltuiError: with what to do, for everything that can go wrong.
    """
    from azureml.core import Workspace

    doing = "connecting to the workspace"
    try:
        auth = authentication(connection, on_progress)
        found = _find(auth, connection, doing)
        workspace = Workspace(
            connection["subscription_id"],
            connection["resource_group"],
            connection["workspace_name"],
            auth=auth,
            _location=found["location"],
            _disable_service_check=True,
            _workspace_id=found["properties"]["workspaceId"],
            _cloud=_cloud(),
        )
        workspace._discovery_url_internal = found["properties"]["discoveryUrl"]
    except Exception as error:
        raise problems.of_exception(error, doing) from error
    return workspace


def _find(auth: Any, connection: dict[str, Any], doing: str) -> dict[str, Any]:
    """The workspace as resource manager describes it.

    Asked here because the SDK takes half a minute and several requests to find that there is no
    network, and hides what the answer says.
    """
    import requests

    url = auth._get_arm_end_point().rstrip("/") + _RESOURCE.format(
        *(quote(connection[key], safe="") for key in _NAMES)
    )
    response = requests.get(
        url,
        params={"api-version": "2022-05-01"},
        headers=auth.get_authentication_header(),
        timeout=(CONNECT_LIMIT, READ_LIMIT),
    )
    if response.status_code == 404:
        raise problems.no_workspace(response.text)
    if response.status_code >= 400:
        raise problems.of_response(response.status_code, response.headers, response.text, doing)
    found: dict[str, Any] = response.json()
    return found


def authentication(connection: dict[str, Any], on_progress: OnProgress | None) -> Any:
    """The SDK's authentication object for the connection's way of signing in."""
    way = connection.get("auth", "auto")
    tenant = connection.get("tenant_id") or None
    if way == "auto":
        way = _automatic(connection)
    if way == "demo":
        return _demo(connection)
    if way == "service-principal":
        return _service_principal()
    if way == "msi":
        return _of_tokens(_managed_identity())
    if way == "cli":
        subscription = connection.get("subscription_id", "")
        return _of_tokens(lambda resource: az.token(resource, tenant, subscription))
    if way == "interactive":
        return _of_tokens(device_code.tokens(tenant, _cloud(), on_progress))
    raise AmltuiError(
        f"Unknown way to sign in: {clean_line(str(way))}",
        "",
        "Choose auto, cli, interactive, service-principal or msi with --auth.",
        problem=Problem.CONFIGURATION,
    )


def identity(auth: Any) -> str:
    """Who is signed in, for the status bar: "sam@contoso.example (az)", from the token's claims."""
    name = getattr(auth, "amltui_identity", "")
    if name == "demo":
        return name
    try:
        said = claims(auth._get_arm_token())
    except Exception:  # noqa: BLE001 - the name is decoration, the calls report the trouble
        return name
    person = said.get("upn") or said.get("unique_name") or said.get("preferred_username")
    if person:
        return f"{clean_line(str(person))[:80]} ({name})" if name else clean_line(str(person))[:80]
    application = str(said.get("appid") or said.get("oid") or "")
    kind = "managed identity" if name == "managed identity" else "service principal"
    return f"{kind} {clean_line(application)[:4]}…" if application else kind


def _automatic(connection: dict[str, Any]) -> str:
    if _service_principal_values():
        return "service-principal"
    if os.environ.get("MSI_ENDPOINT") or Path(_NOTEBOOK_VM).is_file():
        return "msi"
    try:
        az.token(az.ARM, connection.get("tenant_id"), connection.get("subscription_id", ""))
    except AmltuiError as error:
        if error.problem is not Problem.SIGN_IN:
            raise
        return "interactive"
    return "cli"


def _cloud() -> str:
    # Without a name the SDK first asks management.azure.com for the clouds there are (30 s).
    return os.environ.get("AZUREML_CURRENT_CLOUD") or "AzureCloud"


class _Tokens:
    """Tokens by audience, kept until shortly before they end."""

    def __init__(self, fetch: Callable[[str], str]) -> None:
        self._fetch = fetch
        self._held: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, resource: str) -> str:
        with self._lock:
            token, ends = self._held.get(resource, ("", 0.0))
            if not token or ends - time.time() < RENEW_BEFORE:
                token = self._fetch(resource)
                ends = float(claims(token).get("exp", time.time() + RENEW_BEFORE + 60))
                self._held[resource] = (token, ends)
            return token

    def forget(self) -> None:
        """Fetch anew next time: the other side no longer accepts what is held."""
        with self._lock:
            self._held.clear()


def _of_tokens(source: Callable[[str], str]) -> Any:
    from azureml.core.authentication import TokenAuthentication

    tokens = _Tokens(source)
    auth = TokenAuthentication(tokens, cloud=_cloud())
    auth.amltui_forget = tokens.forget
    auth.amltui_identity = getattr(source, "identity", "az")
    auth._get_arm_token()  # now, so that what is wrong with it is told as such
    return auth


def _service_principal_values() -> tuple[str, str, str] | None:
    for names in _SERVICE_PRINCIPAL:
        values = tuple(os.environ.get(name, "") for name in names)
        if all(values):
            tenant, client, secret = values
            return tenant, client, secret
    return None


def _service_principal() -> Any:
    from azureml.core.authentication import ServicePrincipalAuthentication

    values = _service_principal_values()
    if values is None:
        raise AmltuiError(
            "The service principal is not configured",
            "Its tenant, id or secret is missing from the environment.",
            "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            " (or AZUREML_SERVICE_PRINCIPAL_TENANT_ID, _ID and _PASSWORD).",
            problem=Problem.CONFIGURATION,
        )
    auth = ServicePrincipalAuthentication(*values, cloud=_cloud())
    auth.amltui_identity = ""
    auth._get_arm_token()
    return auth


def _managed_identity() -> Callable[[str], str]:
    from azureml.core.authentication import MsiAuthentication

    # Kept by us: the SDK's class asks the endpoint twice for every call it makes.
    managed = MsiAuthentication(cloud=_cloud())

    def fetch(resource: str) -> str:
        try:
            return str(managed._get_resource_token(resource))
        except Exception as error:
            raise AmltuiError(
                "The managed identity gives no token",
                "This machine has none, or it may not be used here.",
                "Assign an identity to the machine, or choose another way with --auth.",
                problem=Problem.SIGN_IN,
                detail=mask(clean(str(error)))[:4_000],
            ) from error

    fetch.identity = "managed identity"  # type: ignore[attr-defined]
    return fetch


def _demo(connection: dict[str, Any]) -> Any:
    from azureml.core.authentication import AbstractAuthentication, _SubscriptionInfo

    class DemoAuthentication(AbstractAuthentication):  # type: ignore[misc]
        """Points the SDK at the demo's loopback server; its token opens nothing."""

        amltui_identity = "demo"

        def __init__(self) -> None:
            super().__init__(cloud="AzureCloud")
            # The cloud is an object shared by the whole module: change a copy.
            cloud = copy.copy(self._get_cloud_type())
            cloud.endpoints = copy.copy(cloud.endpoints)
            cloud.endpoints.resource_manager = connection["url"]
            self._cloud_type = cloud

        def _get_arm_token(self) -> str:
            content = {"exp": int(time.time()) + 3600, "tid": "demo", "upn": "demo"}
            return ".".join((_part({"alg": "none"}), _part(content), "demo"))

        _get_graph_token = _get_arm_token
        _get_azureml_client_token = _get_arm_token

        def _get_all_subscription_ids(self) -> tuple[list[Any], str]:
            return [_SubscriptionInfo("demo", connection["subscription_id"])], "demo"

        def _get_workspace(self, *_: Any) -> None:
            return None

    return DemoAuthentication()


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
