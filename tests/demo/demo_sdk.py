"""The real, unpatched SDK connected to the demo, and the demo's control paths."""

from __future__ import annotations

import base64
import copy
import json
import urllib.request
from typing import Any

from amltui.demo.launcher import DemoServer


def connect(demo: DemoServer) -> Any:
    """Connect the real SDK: only the resource manager's address is ours."""
    from azureml.core import Workspace
    from azureml.core.authentication import AbstractAuthentication, _SubscriptionInfo

    class DemoAuthentication(AbstractAuthentication):  # type: ignore[misc]
        _cloud_type: Any

        def __init__(self) -> None:
            super().__init__(cloud="AzureCloud")
            # Both are shared by the whole module: change copies.
            self._cloud_type = copy.copy(self._cloud_type)
            self._cloud_type.endpoints = copy.copy(self._cloud_type.endpoints)
            self._cloud_type.endpoints.resource_manager = demo.url

        def _get_arm_token(self) -> str:
            parts = ({"alg": "none"}, {"exp": 4_000_000_000, "name": "Tester"})
            encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
            return ".".join(part.decode().rstrip("=") for part in encoded) + ".c2ln"

        _get_graph_token = _get_azureml_client_token = _get_arm_token

        def _get_all_subscription_ids(self) -> tuple[list[Any], str]:
            return [_SubscriptionInfo("Demo", demo.subscription_id)], "tenant"

        def _get_workspace(self, *_: Any) -> None:
            return None

    return Workspace(
        demo.subscription_id, demo.resource_group, demo.workspace_name, auth=DemoAuthentication()
    )


class ControlClient:
    """The demo's control paths."""

    def __init__(self, demo: DemoServer) -> None:
        self.demo = demo

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one control request; return the parsed answer."""
        request = urllib.request.Request(
            f"{self.demo.url}/_demo/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Demo-Control": self.demo.control, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def fault(self, path: str, kind: str, **more: Any) -> None:
        """Add one fault."""
        self.call("POST", "faults", [{"path": path, "kind": kind, **more}])

    def requests(self) -> list[str]:
        """Return the requests served since they were last forgotten."""
        served: list[str] = self.call("GET", "requests")
        return served
