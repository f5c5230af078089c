"""Error payloads as the service reports them: JSON in JSON, as deep as the real ones."""

from __future__ import annotations

import json

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.state import Payload


def aci_crash_loop(name: str, now: float, *, exit_code: int, restarts: int) -> Payload:
    """Return what ACI says when a container goes on crashing, its diagnostics embedded as JSON."""
    image = f"{identity.REGISTRY}/azureml/azureml_0de3c0ffee:latest"

    def event(kind: str, message: str, count: int, ago: float) -> Payload:
        return {
            "count": count,
            "firstTimestamp": iso(now - ago - 240),
            "lastTimestamp": iso(now - ago),
            "name": kind,
            "message": message,
            "type": "Normal" if kind in ("Pulling", "Pulled", "Started") else "Warning",
        }

    diagnostics = {
        "RestartCount": restarts,
        "CurrentState": {
            "state": "Waiting",
            "startTime": None,
            "exitCode": None,
            "finishTime": None,
            "detailStatus": "CrashLoopBackOff: Back-off restarting failed",
        },
        "PreviousState": {
            "state": "Terminated",
            "startTime": iso(now - 95),
            "exitCode": exit_code,
            "finishTime": iso(now - 81),
            "detailStatus": "Error" if exit_code != 137 else "OOMKilled",
        },
        "Events": [
            event("Pulling", f'pulling image "{image}"', 1, 420),
            event("Pulled", f'Successfully pulled image "{image}"', 1, 330),
            event("Started", "Started container", restarts + 1, 95),
            event("BackOff", "Back-off restarting failed container", restarts, 81),
            event("Killing", f"Killing container with id {name}", restarts, 80),
        ],
    }
    advice = (
        "Your container application crashed. This may be caused by errors in your scoring file's "
        "init() function.\n"
        "1. Please check the logs for your container instance. From the SDK, you can run "
        "print(service.get_logs()) if you have service object.\n"
        "2. You can interactively debug your scoring file locally.\n"
        f"3. You can also try to run image {image} locally."
    )
    return {
        "code": "AciDeploymentFailed",
        "statusCode": 400,
        "message": f"Aci Deployment failed with exception: {advice}",
        "details": [
            {"code": "CrashLoopBackOff", "message": advice},
            {
                "code": "AciDeploymentFailed",
                "message": "Your container application crashed. Please follow the steps to debug:\n"
                f"{json.dumps(diagnostics)}",
            },
        ],
    }


def unschedulable(shortage: str, cpu: float, memory: float, gpu: int, nodes: int) -> Payload:
    """Return what AKS says when no node has room, naming the resource it lacks."""
    return {
        "code": "KubernetesError",
        "statusCode": 400,
        "message": "Kubernetes Deployment Error",
        "details": [
            {
                "code": "Unschedulable",
                "message": f"0/{nodes} nodes are available: {nodes} Insufficient {shortage}.",
            },
            {
                "code": "DeploymentFailed",
                "message": "Couldn't Schedule because the kubernetes cluster didn't have available "
                "resources after trying for 00:05:00.\nYou can address this error by either adding "
                "more nodes, changing the SKU of your nodes or changing the resource requirements "
                f"of your service (it asked for {cpu} CPU, {memory} GB and {gpu} GPU).",
            },
        ],
    }


def aks_crash(exception: str) -> Payload:
    """Return what AKS says when the entry script raises at start."""
    advice = (
        f"Error in entry script, {exception}, please run print(service.get_logs()) to get details."
    )
    return {
        "code": "KubernetesDeploymentFailed",
        "statusCode": 400,
        "message": "Kubernetes Deployment failed",
        "details": [{"code": "CrashLoopBackOff", "message": advice}],
    }


def timed_out(name: str) -> Payload:
    """Return what AKS says when replicas never became ready."""
    return {
        "code": "DeploymentTimedOut",
        "statusCode": 504,
        "message": "The deployment operation polling has TimedOut. The service creation is "
        "taking longer than our normal time. We are still trying to achieve the desired state "
        f"for {name}. "
        "Please check the webservice state for the current webservice health. "
        "You can run print(service.state) from the python SDK to retrieve the current state.",
        "details": [],
    }


def image_build(build_log: str, blamed: str) -> Payload:
    """Return what the service says when the image could not be built, with its log's address."""
    return {
        "code": "EnvironmentBuildFailed",
        "statusCode": 400,
        "message": "Failed Building the Environment. "
        f"More information can be found here: {build_log}",
        "details": [
            {
                "code": "ImageBuildFailure",
                "message": "Docker image build failed: conda could not solve the environment "
                f"({blamed}). See the build log for the conflict.",
            }
        ],
    }


def inaccessible_image(name: str) -> Payload:
    """Return what ACI says when it may not pull from the registry."""
    image = f"{identity.REGISTRY}/azureml/azureml_0de3ba5eba11:latest"
    inner = {
        "error": {
            "code": "InaccessibleImage",
            "message": f"The image '{image}' in container group '{name}' is not accessible. "
            "Please check the image and registry credential.",
        }
    }
    return {
        "code": "AciDeploymentFailed",
        "statusCode": 400,
        "message": f"Aci Deployment failed with exception: {json.dumps(inner)}",
        "details": [inner["error"]],
    }


def aci_capacity(cpu: float, memory: float) -> Payload:
    """Return what ACI says when the region has no machine of that size."""
    return {
        "code": "AciDeploymentFailed",
        "statusCode": 409,
        "message": "The requested resource is not available in the location "
        f"'{identity.LOCATION}' at this moment. Please retry with a different resource request or "
        f"in another location. Resource requested: '{cpu}' CPU '{memory}' GB 'Linux' OS",
        "details": [{"code": "ServiceUnavailable", "message": "ResourceRequestsNotAvailable"}],
    }
