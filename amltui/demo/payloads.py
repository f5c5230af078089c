"""Raw payloads of web services as the model management service writes them."""

from __future__ import annotations

from typing import Any

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.state import Payload, merge

PROBE = {
    "periodSeconds": 10,
    "initialDelaySeconds": 310,
    "timeoutSeconds": 2,
    "failureThreshold": 3,
    "successThreshold": 1,
}


def _common(name: str, kind: str, created: float, owner: str) -> Payload:
    moment = iso(created)
    return {
        "id": name,
        "name": name,
        "computeType": kind,
        "deploymentType": "Http" if kind == "ACI" else kind,
        "description": None,
        "kvTags": {},
        "properties": {
            "hasInferenceSchema": "False",
            "hasHttps": "False",
            "azureml.git.branch": "main",
        },
        "createdTime": moment,
        "updatedTime": moment,
        "createdBy": {
            "userObjectId": f"0de30000-0000-4000-8000-{hash_text(owner):012d}",
            "userTenantId": identity.TENANT_ID,
            "userName": owner,
        },
        "state": "Healthy",
        "error": None,
        "imageId": None,
        "imageDigest": None,
        "models": [],
        "operationId": None,
        "appInsightsEnabled": False,
        "authEnabled": False,
        "sslEnabled": False,
        "scoringUri": None,
    }


def aci(name: str, created: float, owner: str, changes: Payload) -> Payload:
    """Return an ACI payload: the SDK's own small defaults where `changes` says nothing else."""
    defaults: Payload = {
        **_common(name, "ACI", created, owner),
        "location": identity.LOCATION,
        "containerResourceRequirements": {
            "cpu": 0.1,
            "cpuLimit": 0.1,
            "memoryInGB": 0.5,
            "memoryInGBLimit": 0.5,
            "gpu": 0,
        },
        "cname": None,
        "publicIp": "127.0.0.1",
        "publicFqdn": None,
        "sslCertificate": None,
        "sslKey": None,
        "vnetConfiguration": None,
        "encryptionProperties": None,
        "environmentImageRequest": None,
        "modelConfigMap": {},
    }
    return _filled(defaults, changes)


def aks(name: str, created: float, owner: str, changes: Payload) -> Payload:
    """Return an AKS payload: the SDK's own small defaults where `changes` says nothing else."""
    defaults: Payload = {
        **_common(name, "AKS", created, owner),
        "computeName": None,
        "namespace": f"azureml-{identity.WORKSPACE_NAME}",
        "aadAuthEnabled": False,
        "authEnabled": True,
        "autoScaler": {
            "autoscaleEnabled": False,
            "minReplicas": 1,
            "maxReplicas": 10,
            "targetUtilization": 70,
            "refreshPeriodInSeconds": 1,
        },
        "numReplicas": 1,
        "containerResourceRequirements": {
            "cpu": 0.1,
            "cpuLimit": None,
            "memoryInGB": 0.5,
            "memoryInGBLimit": None,
            "gpu": None,
            "fpga": 0,
        },
        "dataCollection": {"eventHubEnabled": False, "storageEnabled": False},
        "maxConcurrentRequestsPerContainer": 1,
        "maxQueueWaitMs": 500,
        "scoringTimeoutMs": 60_000,
        "livenessProbeRequirements": dict(PROBE),
        "deploymentStatus": {
            "desiredReplicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            "error": None,
        },
        "isDefault": None,
        "trafficPercentile": None,
        "type": None,
    }
    return _filled(defaults, changes)


def endpoint(
    name: str, created: float, owner: str, versions: dict[str, Payload], changes: Payload
) -> Payload:
    """Return an AKSENDPOINT payload around its versions."""
    defaults = {
        **_common(name, "AKSENDPOINT", created, owner),
        "computeName": None,
        "namespace": f"azureml-{identity.WORKSPACE_NAME}",
        "aadAuthEnabled": False,
        "authEnabled": True,
        "versions": versions,
    }
    return _filled(defaults, changes)


def scoring_uri(base: str, name: str, kind: str, tls: bool) -> str:
    """Return where a service answers: everything is on the demo's one port."""
    host = base.replace("http://", "https://") if tls else base
    return f"{host}/aci/{name}/score" if kind == "ACI" else f"{host}/api/v1/service/{name}/score"


def used_model(model: Payload) -> Payload:
    """Return a model as a service lists it: with `tags` where the models API says `kvTags`."""
    return {**model, "tags": model.get("kvTags") or {}}


def _filled(defaults: Payload, changes: Payload) -> Payload:
    known = {key: value for key, value in changes.items() if value is not None}
    filled: Any = merge(defaults, known)
    # merge drops nulls inside objects; the SDK insists on the keys, null or not.
    for key in ("containerResourceRequirements", "autoScaler", "livenessProbeRequirements"):
        if key in defaults:
            filled[key] = {**defaults[key], **(filled.get(key) or {})}
    return dict(filled)


def hash_text(text: str) -> int:
    """Return a small stable number for a text."""
    return sum(ord(letter) * (index + 7) for index, letter in enumerate(text))
