"""The clusters: one for CPU, one for GPU, and one whose attach failed."""

from __future__ import annotations

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.seed.spec import DAY
from amltui.demo.state import Payload

# (name, VM size, nodes, purpose, age, state)
_CLUSTERS = (
    ("aks-cpu-prod", "Standard_D4s_v3", 3, "FastProd", 610 * DAY, "Succeeded"),
    ("aks-gpu-dev", "Standard_NC6s_v3", 1, "DevTest", 190 * DAY, "Succeeded"),
    ("aks-staging", "Standard_B2s", 2, "FastProd", 3 * DAY, "Failed"),
)


def computes(now: float) -> list[Payload]:
    """Return the compute payloads of the workspace."""
    return [_cluster(now, *cluster) for cluster in _CLUSTERS]


def _cluster(
    now: float, name: str, size: str, nodes: int, purpose: str, age: float, state: str
) -> Payload:
    failed = state == "Failed"
    group = identity.RESOURCE_GROUP_PATH
    message = (
        f"Cluster {name} should have at least 12 vCPUs for purpose {purpose}; it has {2 * nodes}. "
        "Use DEV_TEST as purpose or a cluster with more cores."
    )
    details: Payload = {
        "agentVmSize": size,
        "agentCount": nodes,
        "clusterPurpose": purpose,
        "clusterFqdn": f"{name}-0de30000.hcp.{identity.LOCATION}.azmk8s.invalid",
        "systemServices": [
            {
                "systemServiceType": "ScoringFrontEnd",
                "version": "1.4",
                "publicIpAddress": "127.0.0.1",
            },
            {"systemServiceType": "None", "version": None, "publicIpAddress": None},
        ],
        "sslConfiguration": None,
        "loadBalancerType": "PublicIp",
        "loadBalancerSubnet": None,
        "aksNetworkingConfiguration": None,
    }
    return {
        "id": f"{identity.WORKSPACE_PATH}/computes/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/computes",
        "location": identity.LOCATION,
        "tags": {},
        "properties": {
            "computeType": "AKS",
            "description": None,
            "computeLocation": identity.LOCATION,
            "resourceId": f"{group}/providers/Microsoft.ContainerService/managedClusters/{name}",
            "provisioningState": state,
            "provisioningErrors": [{"error": {"code": "InsufficientCores", "message": message}}]
            if failed
            else None,
            "isAttachedCompute": True,
            "createdOn": iso(now - age),
            "modifiedOn": iso(now - age + 900),
            "properties": None if failed else details,
        },
    }
