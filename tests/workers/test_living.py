"""Living services through the workers, the host and the real SDK, against the demo workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from amltui.adapters.azureml.client import HostWorkspace
from amltui.demo import launcher
from amltui.demo.launcher import DemoServer
from amltui.domain.changes import Changes
from amltui.domain.computes import Compute, cluster_of, node_of
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Failure, Kind, OperationState, Progress, Ref, Service
from amltui.domain.replicas import Cluster
from amltui.ports import Workspace
from amltui.workers import updates
from amltui.workers.local_services import LocalServices
from amltui.workers.services import Services
from tests.adapters.conftest import Demo
from tests.panes.test_service_changes import LOCAL, MemoryTools, NoRuns
from tests.panes.world import MemoryWorkspace, believable, cloud

FRAUD = Ref("azureml", "fraud-scoring")
COMMAND = [sys.executable, "-m", "amltui", "--demo", "update"]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with launcher.start(images=False, speed=1e6) as server:
        yield server


@pytest.fixture(scope="module")
def services(server: DemoServer) -> Iterator[Services]:
    workspace = HostWorkspace(Demo(server).connection)
    yield Services(workspace, None)
    workspace.close()


async def run_update(services: Services, service: Service, changes: Changes) -> list[str]:
    """What an update said, its result last."""
    said: list[str] = []

    def tell(progress: Progress) -> None:
        said.append(progress.text)

    said.append(await services.update(service, changes).execute(tell))
    return said


async def test_an_update_is_watched_to_its_end_and_there_afterwards(services: Services) -> None:
    service = await services.service(FRAUD)
    tags = {**dict(service.tags), "x": "y"}
    wanted = Changes({"memory_gb": 3.0, "period_seconds": 20}, tags=tags)
    said = await run_update(services, service, wanted)
    assert said[0] == "sending the changes"
    assert "Submitting deployment to compute." in said
    assert said[-1].startswith("fraud-scoring is changed: memory_gb 3, period_seconds 20, tags ")
    after = await services.service(FRAUD)
    assert after.resources.memory_gb == 3.0
    assert dict(after.settings)["period_seconds"] == 20
    assert dict(after.tags) == tags


async def test_a_limit_is_raised_together_with_what_it_bounds(services: Services) -> None:
    service = await services.service(FRAUD)
    await run_update(services, service, Changes({"memory_gb_limit": 4.0}))
    service = await services.service(FRAUD)
    await run_update(services, service, Changes({"memory_gb": 6.0, "memory_gb_limit": 7.0}))
    after = await services.service(FRAUD)
    assert (after.resources.memory_gb, after.resources.memory_limit_gb) == (6.0, 7.0)


async def test_a_key_is_replaced(services: Services) -> None:
    before = await services.keys(FRAUD)
    after = await services.regenerate_key(FRAUD, "Secondary")
    assert after.primary == before.primary
    assert after.secondary != before.secondary


async def test_the_clusters_and_their_room(services: Services) -> None:
    found = {one.name: one for one in await services.computes()}
    assert found["aks-cpu-prod"].usable
    assert not found["aks-staging"].usable
    assert "12 vCPUs" in found["aks-staging"].problem
    service = await services.service(FRAUD)
    assert await services.cluster_of(service) == Cluster(3, 4, 16)
    assert await services.cluster_of(replace(service, kind=Kind.ACI)) is None


@pytest.mark.parametrize(
    ("size", "node"),
    [
        ("Standard_D4s_v3", (4, 16, 0)), ("STANDARD_D3_V2", (4, 14, 0)),
        ("Standard_F8s_v2", (8, 16, 0)),
        ("Standard_NC6s_v3", (6, 112, 1)), ("Standard_NC12", (12, 112, 2)),
        ("Standard_NC8as_T4_v3", (8, 56, 1)), ("Standard_B2s", (2, 4, 0)),
        ("Standard_E8ds_v5", (8, 64, 0)), ("Standard_HB120rs_v3", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_node_holds(size: str, node: tuple[int, float, int] | None) -> None:
    assert node_of(size) == node
    made = cluster_of(Compute("a", "AKS", "Succeeded", size, 2))
    assert (made is None) == (node is None)


# What may go wrong


def memory(progress: list[OperationState | AmltuiError]) -> tuple[Services, MemoryWorkspace]:
    """A workspace that tells this of every operation, errors included."""
    workspace = MemoryWorkspace(believable())

    def operation(operation_id: str, offset: int = 0) -> OperationState:
        found = progress.pop(0)
        if isinstance(found, AmltuiError):
            raise found
        return found

    workspace.operation = operation  # type: ignore[method-assign]
    return Services(cast(Workspace, workspace), None), workspace


AKS = cloud("fraud", kind=Kind.AKS)
MORE = Changes({"scoring_timeout_ms": 90_000})


async def test_an_outage_does_not_end_the_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "PAUSE", 0.001)
    lost = AmltuiError("Azure cannot be reached", problem=Problem.NETWORK)
    services, _ = memory([lost, lost, OperationState("Running"), OperationState("Succeeded")])
    said = await run_update(services, AKS, MORE)
    assert said.count("Azure cannot be reached; the update goes on, asking again") == 2
    assert said[-1] == "fraud is changed: scoring_timeout_ms 90000."


async def test_a_refused_watching_says_that_the_update_goes_on() -> None:
    services, _ = memory([AmltuiError("Signed out", problem=Problem.SIGN_IN)])
    with pytest.raises(AmltuiError) as caught:
        await run_update(services, AKS, MORE)
    assert "goes on in the workspace" in caught.value.message
    assert caught.value.problem is Problem.SIGN_IN


async def test_a_failure_is_its_innermost_cause() -> None:
    failure = Failure("KubernetesError", "", "", (Failure("Unschedulable", "0/3 nodes."),))
    services, _ = memory([OperationState("Failed", failure=failure)])
    with pytest.raises(AmltuiError) as caught:
        await run_update(services, AKS, MORE)
    assert caught.value.message == "Unschedulable: 0/3 nodes."


@pytest.mark.parametrize("service", [AKS, LOCAL], ids=["cloud", "local"])
async def test_read_only_mode_and_local_services_are_refused(service: Service) -> None:
    workspace = MemoryWorkspace()
    services = Services(cast(Workspace, workspace), None, read_only=service is AKS)
    with pytest.raises(AmltuiError) as caught:
        services.update(service, MORE)
    assert caught.value.problem is Problem.REFUSED
    if service is AKS:
        with pytest.raises(AmltuiError):
            await services.regenerate_key(service.ref, "Primary")
    assert workspace.asked == []


# Local services


async def test_files_that_are_saved_together_are_one_reload() -> None:
    tools = MemoryTools()
    local = LocalServices(tools, lambda: NoRuns())  # type: ignore[arg-type,return-value]
    saves = iter([0, 1, 1, 0, 0, 1, 0, 0])  # one a look; a look without one reloads

    async def sleep(_: float) -> None:
        tools.saved += next(saves)

    reloads = local.reload_on_save(LOCAL, Path("src"), sleep)
    assert await anext(reloads) is None
    assert await anext(reloads) is None
    assert tools.reloaded == [(LOCAL.container_id, Path("src"))] * 2
    assert await local.source_of(LOCAL) == Path("src")
    await reloads.aclose()


async def test_the_watching_ends_with_the_container_but_not_with_a_slip() -> None:
    tools = MemoryTools(error=AmltuiError("Not its source", problem=Problem.USAGE))
    local = LocalServices(tools, lambda: NoRuns())  # type: ignore[arg-type,return-value]

    saves = iter([1, 0, 1, 0])

    async def sleep(_: float) -> None:
        tools.saved += next(saves)

    found = []
    async for error in local.reload_on_save(LOCAL, Path("src"), sleep):
        found.append(error)
        tools.error = AmltuiError("It is gone", problem=Problem.ENGINE)
    assert [error.title for error in found if error] == ["Not its source", "It is gone"]


async def test_a_read_only_console_leaves_local_services_alone() -> None:
    tools = MemoryTools()
    local = LocalServices(tools, lambda: NoRuns(), read_only=True)  # type: ignore[arg-type,return-value]
    with pytest.raises(AmltuiError):
        await local.reload(LOCAL, Path("src"))
    with pytest.raises(AmltuiError):
        await local.remove(await local.leftovers(LOCAL))
    assert (tools.reloaded, tools.removed) == ([], [])


# The plain command


def update(server: DemoServer, *words: str) -> subprocess.CompletedProcess[str]:
    """`amltui --demo update`, without a terminal."""
    environment = {**os.environ, "AMLTUI_DEMO_SERVER": server.address}
    return subprocess.run(
        [*COMMAND, *words], env=environment, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_the_command_shows_the_change_and_makes_it_once_it_is_agreed_to(server: DemoServer) -> None:
    words = ("fraud-scoring", "--set", "autoscale_min_replicas=12", "--tag", "a=b")
    asked = update(server, *words)
    assert asked.returncode == 2
    assert "autoscale_max_replicas: 10 → 12" in asked.stdout
    assert "Say --yes" in asked.stderr
    done = update(server, *words, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    names = [one["name"] for one in report["changes"]]
    assert names == ["autoscale_min_replicas", "autoscale_max_replicas", "tags"]
    assert report["changes"][0] == {
        "name": "autoscale_min_replicas", "before": "2", "after": "12", "effect": "rollout",
    }  # fmt: skip
    again = update(server, *words, "--yes")
    assert (again.returncode, again.stdout) == (0, "It is like that already: nothing was sent.\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fraud-scoring", "--set", "memory_gb=many"), "is not a number"),
        (("fraud-scoring", "--set", "memory=2"), "Did you mean memory_gb?"),
        (("fraud-scoring", "--set", "memory_gb"), "Write --set NAME=VALUE"),
        (("diabetes-progression", "--set", "cpu_cores=2"), "fixed for an ACI service"),
        (("fraud-scoring", "--model", "churn"), "names no version"),
        (("fraud-scoring", "--untag", "nothere"), "neither set nor removed"),
    ],
)
def test_what_the_command_cannot_use_is_a_sentence(
    server: DemoServer, words: tuple[str, ...], told: str
) -> None:
    done = update(server, *words, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Nothing was sent." in done.stderr
