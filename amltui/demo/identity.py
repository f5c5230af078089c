"""Who the demo workspace is: every name and identifier, all obviously made up."""

from __future__ import annotations

SUBSCRIPTION_ID = "0de30000-5ab5-4c21-9dd0-00000000de30"
SUBSCRIPTION_NAME = "Contoso Demo Subscription"
TENANT_ID = "0de30000-7e4a-4717-8a17-00000000de30"
RESOURCE_GROUP = "rg-contoso-demo-ml"
WORKSPACE_NAME = "contoso-demo-ml"
WORKSPACE_ID = "0de30000-3a8e-4d15-b0c6-00000000de30"
LOCATION = "westeurope"
REGISTRY = "contosodemoml.azurecr.io"

RESOURCE_GROUP_PATH = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{RESOURCE_GROUP}"
WORKSPACE_PATH = (
    f"{RESOURCE_GROUP_PATH}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE_NAME}"
)

# One base path per service of the real product; discovery names the host, the SDK adds the rest.
MMS = f"/modelmanagement/v1.0{WORKSPACE_PATH}"
ARTIFACTS = f"/artifact/v2.0{WORKSPACE_PATH}/artifacts"
ENVIRONMENTS_V1 = f"/environment/v1.0{WORKSPACE_PATH}"
ENVIRONMENTS_V2 = f"/environment/v2.0{WORKSPACE_PATH}"
HISTORY = f"/history/v1.0{WORKSPACE_PATH}"
COMPUTES = f"/rp/workspaces{WORKSPACE_PATH}/computes"
