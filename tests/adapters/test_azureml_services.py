"""Reading service payloads: every field, and every way in which they can be odd."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.adapters.azureml.services import parse, parse_list
from amltui.adapters.azureml.wire import decode, encode
from amltui.domain.models import AuthMode, Can, Kind, ModelUse, Ref, Resources, State

AKS: dict[str, Any] = {
    "name": "churn",
    "computeType": "AKS",
    "state": "Healthy",
    "createdTime": "2026-11-01T08:00:00.1234567Z",
    "updatedTime": "2026-11-02T10:00:00+02:00",
    "description": "Two\nlines",
    "kvTags": {"team": "crm", "count": 3},
    "properties": {"hasInferenceSchema": "True"},
    "computeName": "aks-prod",
    "authEnabled": True,
    "aadAuthEnabled": False,
    "scoringUri": "http://10.0.0.4:80/api/v1/service/churn/score",
    "containerResourceRequirements": {
        "cpu": 0.1, "cpuLimit": "0.5", "memoryInGB": 0.5, "memoryInGBLimit": None, "gpu": 1.0,
    },
    "numReplicas": 3,
    "deploymentStatus": {
        "desiredReplicas": 3, "availableReplicas": 2, "updatedReplicas": 3, "error": "1 pod waits",
    },
    "autoScaler": {
        "autoscaleEnabled": True, "minReplicas": 1, "maxReplicas": 10,
        "refreshPeriodInSeconds": 1, "targetUtilization": 70,
    },
    "maxConcurrentRequestsPerContainer": 1,
    "maxQueueWaitMs": 500,
    "scoringTimeoutMs": 60000,
    "models": [{"name": "churn", "version": 4, "framework": "ScikitLearn"}, "odd"],
    "environmentImageRequest": {"environment": {"name": "sklearn", "version": "7"}},
    "createdBy": {"userName": "Sam", "userObjectId": "0-0"},
    "operationId": "op-1",
    "error": {"code": "X", "message": "m"},
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def test_every_field_of_an_aks_service() -> None:
    service = parse(AKS)
    assert service.ref == Ref("azureml", "churn")
    assert (service.kind, service.state, service.raw_state) == (Kind.AKS, State.OK, "Healthy")
    assert service.target == "aks-prod"
    assert service.description == "Two\nlines"
    assert service.resources == Resources(0.1, 0.5, 0.5, None, 1)
    assert (service.scale.desired, service.scale.available, service.scale.updated) == (3, 2, 3)
    assert service.scale.autoscale
    assert service.scale.max_replicas == 10
    assert service.scale.refresh_seconds == 1
    assert service.scale.scoring_timeout_ms == 60_000
    assert service.auth is AuthMode.KEY
    assert service.swagger_uri == "http://10.0.0.4:80/api/v1/service/churn/swagger.json"
    assert service.models == (ModelUse("churn", "4", "ScikitLearn"),)
    assert service.environment == "sklearn:7"
    assert service.tags == (("team", "crm"), ("count", "3"))
    assert service.created_at == datetime(2026, 11, 1, 8, 0, 0, 123456, tzinfo=timezone.utc)
    assert service.updated_at == datetime(2026, 11, 2, 8, tzinfo=timezone.utc)
    assert service.created_by == "Sam"
    assert service.operation_id == "op-1"
    assert service.failure is not None
    assert service.deployment_error == "1 pod waits"
    assert service.notes == ()
    assert service.raw == ""


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        ("Healthy", State.OK),
        ("Transitioning", State.PENDING),
        ("Unhealthy", State.DEGRADED),
        ("Unschedulable", State.DEGRADED),
        ("Failed", State.FAILED),
        ("Deleting", State.DELETING),
        ("Sleeping", State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_states(raw: str | None, state: State) -> None:
    assert parse({**AKS, "state": raw}).state is state


@pytest.mark.parametrize(
    ("change", "can", "cannot"),
    [
        ({}, Can.KEYS | Can.SCALE | Can.INVOKE | Can.DELETE | Can.INIT_LOGS, Can.TOKEN | Can.EXEC),
        ({"aadAuthEnabled": True}, Can.TOKEN, Can.KEYS),
        ({"computeType": "ACI", "aadAuthEnabled": True}, Can.LOGS, Can.TOKEN | Can.SCALE),
        ({"authEnabled": False}, Can.INVOKE, Can.KEYS),
        ({"scoringUri": None}, Can.LOGS, Can.INVOKE),
        ({"state": "Deleting"}, Can.LOGS, Can.DELETE | Can.UPDATE),
        ({"state": None}, Can.LOGS | Can.DELETE, Can.SCALE | Can.KEYS | Can.INVOKE),
    ],
)
def test_what_may_be_done(change: dict[str, Any], can: Can, cannot: Can) -> None:
    service = parse({**AKS, **change})
    assert service.can & can == can
    assert not service.can & cannot


def test_the_versions_of_an_endpoint_follow_it() -> None:
    blue = {**AKS, "name": "ignored", "isDefault": True, "trafficPercentile": 80}
    endpoint = {
        **AKS, "name": "credit", "computeType": "AKSENDPOINT",
        "versions": {"blue": blue, "odd": None},
    }  # fmt: skip
    rows = parse_list([endpoint])
    assert [str(row.ref) for row in rows] == [
        "azureml:credit",
        "azureml:credit/blue",
        "azureml:credit/odd",
    ]
    assert rows[1].name == "credit/blue"
    assert rows[1].kind is Kind.AKS_ENDPOINT
    assert rows[1].can == Can.SCALE | Can.UPDATE
    assert any("80 %" in note for note in rows[1].notes)
    assert rows[2].state is State.UNKNOWN
    assert rows[2].can is Can.NOTHING


def test_a_service_that_a_page_repeats_is_one_row() -> None:
    assert len(parse_list([AKS, AKS, {**AKS, "name": "other"}])) == 2


def test_unreadable_services_keep_their_name_and_masked_payload() -> None:
    row = parse({"name": "odd", "computeType": "ACI", "kvTags": [], "sslKey": "PRIVATE", "x": 1})
    assert row.name == "odd"
    assert row.kind is Kind.ACI
    row = parse({**AKS, "kvTags": ["list"], "keys": {"primaryKey": "PRIVATE"}})
    assert (row.name, row.state) == ("churn", State.UNKNOWN)
    assert "tags or properties are a list" in row.notes[0]
    assert json.loads(row.raw)["computeName"] == "aks-prod"
    assert "PRIVATE" not in row.raw
    nameless = parse_list([None, 7, [], {"name": 3}])
    assert [row.name for row in nameless] == [f"(unreadable service {n})" for n in (1, 2, 3, 4)]


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(AKS)), JSON, max_size=6))
def test_odd_values_never_raise_and_survive_the_pipe(change: dict[str, Any]) -> None:
    for payload in ({**AKS, **change}, {**AKS, "computeType": "AKSENDPOINT", "versions": change}):
        for row in parse_list([payload]):
            wire = json.loads(json.dumps(encode(row)))
            assert decode(wire) == row


@given(JSON)
def test_anything_at_all_is_one_row(payload: Any) -> None:
    assert len(parse_list([payload])) == 1


def test_fields_at_their_defaults_are_not_sent() -> None:
    row = replace(parse(AKS), tags=(), description="")
    assert not {"tags", "description", "container_id", "raw"} & encode(row).keys()
