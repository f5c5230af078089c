"""Changes of a service: what would be different, what it takes, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from amltui.domain.changes import CHANGEABLE, Changes, Effect, diff, promote, refusals
from amltui.domain.models import AuthMode, Kind, ModelUse, Ref, Resources, Scale, Service, State
from amltui.domain.plan import Plan
from amltui.domain.plan_fields import fields_of
from amltui.domain.plan_targets import AciTarget, AksTarget

PLAN = Plan.from_dict(
    {
        "name": "churn",
        "inference": {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}},
        "target": {"kind": "local"},
    }
)


def service(kind: Kind = Kind.AKS, **more: Any) -> Service:
    values: dict[str, Any] = {
        "resources": Resources(cpu=1.0, memory_gb=2.0, memory_limit_gb=3.0),
        "scale": Scale(autoscale=True, min_replicas=1, max_replicas=3, target_utilization=70),
        "auth": AuthMode.KEY,
        "models": (ModelUse("churn", "3"),),
        "tags": (("team", "a"),),
        "description": "old",
        "environment": "churn-env:4",
    }
    ref = Ref("azureml", "churn")
    return Service(ref, "churn", kind, State.OK, "Healthy", **{**values, **more})


def test_only_what_is_different_is_told_with_what_it_takes() -> None:
    changes = Changes(
        settings={"memory_gb": 2.5, "cpu_cores": 1.0, "autoscale_max_replicas": 5},
        description="new",
        tags={"team": "a"},
        models=("churn:4",),
        plan=PLAN,
    )
    told = [(d.name, d.before, d.after, d.effect) for d in diff(service(), changes)]
    assert told == [
        ("memory_gb", "2", "2.5", Effect.ROLLOUT),
        ("autoscale_max_replicas", "3", "5", Effect.ROLLOUT),
        ("description", "old", "new", Effect.NOTE),
        ("models", "churn:3", "churn:4", Effect.REBUILD),
        ("inference", "churn-env:4", "score.py, churn-env", Effect.REBUILD),
    ]
    assert refusals(service(), changes) == ()


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (Kind.ACI, Changes({"memory_gb": 3.0}), "memory_gb of an ACI service is fixed"),
        (Kind.LOCAL, Changes({"auth_enabled": True}), "reloaded"),
        (Kind.AKS_ENDPOINT, Changes({"auth_enabled": True}), "version by version"),
        (Kind.AKS, Changes({"autoscale_min_replicas": 4}), "4 is above autoscale_max_replicas 3"),
        (Kind.AKS, Changes({"num_replicas": 4}), "switch that off"),
        (Kind.AKS, Changes({"memory_gb": 4.0}), "memory_gb 4 is above its limit 3"),
        (Kind.AKS, Changes({"auth_enabled": True, "token_auth_enabled": True}), "not both"),
        (Kind.AKS, Changes(models=("churn:4",)), "New models need the plan"),
    ],
)
def test_what_cannot_be_is_refused_in_words(kind: Kind, changes: Changes, words: str) -> None:
    (said,) = refusals(service(kind), changes)
    assert words in said


def test_the_autoscaler_can_be_replaced_by_a_number() -> None:
    assert refusals(service(), Changes({"num_replicas": 4, "autoscale_enabled": False})) == ()


def test_settings_have_the_names_of_a_plan() -> None:
    for kind, target in ((Kind.ACI, AciTarget), (Kind.AKS, AksTarget)):
        assert set(CHANGEABLE[kind]) <= {one.name for one in fields_of(target)}


def test_a_local_plan_is_promoted() -> None:
    promoted = promote(PLAN, AciTarget(memory_gb=1), "churn-aci")
    assert (promoted.name, promoted.target) == ("churn-aci", AciTarget(memory_gb=1))
    assert promoted.inference == PLAN.inference
    assert promote(PLAN, AciTarget()).name == "churn"
