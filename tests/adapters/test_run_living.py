"""Services that are there, changed: the real SDK against the demo workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from amltui.adapters.azureml import living
from amltui.adapters.azureml.management import Management
from amltui.demo import launcher
from amltui.domain.changes import Changes
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Ref, Service

from .conftest import wait_for
from .run_world import ACI, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=1e6) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def workspace(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    patch = pytest.MonkeyPatch()
    patch.setenv("REQUESTS_CA_BUNDLE", world.server.ca_bundle)
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    from amltui.adapters.azureml.auth import connect

    yield connect(world.connection)
    patch.undo()


@pytest.fixture(scope="module")
def management(workspace: Any) -> Management:
    return Management(workspace)


def read(management: Management, name: str) -> Service:
    return management.service(Ref("azureml", name))


def test_resources_and_autoscaler_of_aks(workspace: Any, management: Management) -> None:
    service = next(s for s in management.services() if s.name == "fraud-scoring")
    changes = Changes({"autoscale_max_replicas": 9, "scoring_timeout_ms": 90_000})
    operation = living.update(workspace, service, changes)
    assert operation
    wait_for(lambda: management.operation(operation, 0)["state"] == "Succeeded")
    scale = read(management, service.name).scale
    assert (scale.max_replicas, scale.scoring_timeout_ms) == (9, 90_000)


def test_what_is_only_written_about_it_is_done_at_once(
    workspace: Any, management: Management
) -> None:
    changes = Changes(description="now told", tags={"team": "b"})
    assert living.update(workspace, read(management, "churn-predictor"), changes) == ""
    service = read(management, "churn-predictor")
    assert (service.description, dict(service.tags)["team"]) == ("now told", "b")


def test_a_tag_that_is_shown_masked_keeps_its_text(workspace: Any, management: Management) -> None:
    secret = "https://x.blob.core.windows.net/a?sv=1&sig=abcdefghijklmnop"
    name = "churn-predictor"
    living.update(workspace, read(management, name), Changes(tags={"link": secret}))
    shown = dict(read(management, name).tags)
    assert "abcdefgh" not in shown["link"]
    living.update(workspace, read(management, name), Changes(tags={**shown, "team": "b"}))
    assert management.payload(name)["kvTags"] == {"link": secret, "team": "b"}


def test_models_and_source_are_sent_anew(
    world: World, workspace: Any, management: Management
) -> None:
    plan = world.plan(ACI)
    changes = Changes(models=("churn-xgb:8",), plan=plan)
    service = read(management, "churn-predictor")
    operation = living.update(workspace, service, changes, world.project)
    wait_for(lambda: management.operation(operation, 0)["state"] == "Succeeded")
    assert read(management, "churn-predictor").environment.startswith(plan.environment_name)


def test_what_cannot_be_changed_is_not_sent(
    world: World, workspace: Any, management: Management
) -> None:
    service = read(management, "diabetes-progression")
    before = len(world.requests())
    with pytest.raises(AmltuiError) as caught:
        living.update(workspace, service, Changes({"memory_gb": 8.0}))
    assert caught.value.problem is Problem.REFUSED
    assert len(world.requests()) == before


def test_a_key_is_replaced_and_the_other_stays(management: Management) -> None:
    ref = Ref("azureml", "fraud-scoring")
    primary, secondary = management.keys(ref)
    fresh = living.regenerate_key(management, ref, "Primary")
    assert fresh.primary != primary
    assert fresh.secondary == secondary


def test_a_service_without_keys_says_so(management: Management) -> None:
    ref = Ref("azureml", "churn-predictor")
    if read(management, "churn-predictor").auth.value == "key":
        living.regenerate_key(management, ref, "Secondary")
        return
    with pytest.raises(AmltuiError):
        living.regenerate_key(management, ref, "Primary")
