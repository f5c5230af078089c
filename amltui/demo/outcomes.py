"""Whether a service will run, decided for the reasons for which it would fail in earnest."""

from __future__ import annotations

from dataclasses import dataclass

from amltui.demo.build_logs import requirements, unsolvable
from amltui.demo.logs import Beat, Script
from amltui.demo.seed import errors
from amltui.demo.seed.logtext import MEMORY_LOOP, MEMORY_START, NEW_HEALTHY, new_traffic
from amltui.demo.seed.models import NEEDS_GB
from amltui.demo.state import Payload, State

_NODE_CPU, _NODE_GB = 3.6, 12.5  # what the platform leaves of a 4 core, 16 GB node
_ACI_CPU, _ACI_GB = 4, 16
_SERVERS = ("azureml-defaults", "azureml-inference-server-http")
_NOT_FOUND: Script = ((0.5, "/bin/bash: line 1: exec: gunicorn: not found"),)


@dataclass(frozen=True)
class Outcome:
    """How a deployment ends: the state, the error if any, the log, and how long it waited."""

    state: str = "Healthy"
    error: Payload | None = None
    script: Script = NEW_HEALTHY
    beat: Beat | None = None
    container: bool = True
    patience: float = 6.0
    build_fails: bool = False


def foresee(
    state: State, name: str, payload: Payload, environment: Payload, models: list[Payload]
) -> Outcome:
    """Decide how this will end, for the reasons for which it would end so in earnest."""
    if environment and unsolvable(environment):
        return Outcome("Failed", {}, container=False, build_fails=True)
    wanted = payload.get("containerResourceRequirements") or {}
    cpu = float(wanted.get("cpu") or 0.1)
    memory = float(wanted.get("memoryInGB") or 0.5)
    gpu = int(wanted.get("gpu") or 0)
    kind = payload["computeType"]
    if kind == "ACI" and (cpu > _ACI_CPU or memory > _ACI_GB):
        return Outcome("Failed", errors.aci_capacity(cpu, memory), container=False)
    if kind != "ACI" and (shortage := _shortage(state, payload, cpu, memory, gpu)):
        error = errors.unschedulable(*shortage[:1], cpu, memory, gpu, shortage[1])
        return Outcome("Unschedulable", error, container=False, patience=20)
    now = state.clock.ticking()
    if _has_no_server(environment):
        error = (
            errors.aci_crash_loop(name, now, exit_code=127, restarts=3)
            if kind == "ACI"
            else errors.aks_crash("exec: gunicorn: not found")
        )
        return Outcome("Failed", error, script=_NOT_FOUND, patience=12)
    limit = float(wanted.get("memoryInGBLimit") or memory)
    if sum(NEEDS_GB.get(model["id"], 0.1) for model in models) > max(limit, memory):
        error = (
            errors.aci_crash_loop(name, now, exit_code=137, restarts=3)
            if kind == "ACI"
            else errors.timed_out(name)
        )
        return Outcome("Failed", error, MEMORY_START, MEMORY_LOOP, patience=20)
    return Outcome(beat=new_traffic(12, probes=kind != "ACI"))


def _shortage(
    state: State, payload: Payload, cpu: float, memory: float, gpu: int
) -> tuple[str, int] | None:
    """Return which resource the cluster lacks and how many nodes it has, if any."""
    for cluster in state.computes:
        if cluster["name"] != payload.get("computeName"):
            continue
        details = cluster["properties"]["properties"]
        nodes = int(details["agentCount"])
        if gpu and "_NC" not in details["agentVmSize"]:
            return "nvidia.com/gpu", nodes
        if cpu > _NODE_CPU:
            return "cpu", nodes
        if memory > _NODE_GB:
            return "memory", nodes
    return None


def _has_no_server(environment: Payload) -> bool:
    """Tell whether the image will lack the serving stack: a classic of hand-written conda files."""
    python = environment.get("python") or {}
    if not environment or python.get("userManagedDependencies"):
        return False
    if str(environment.get("name", "")).startswith("AzureML-"):
        return False
    return not any(item.startswith(_SERVERS) for item in requirements(environment))
