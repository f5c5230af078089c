"""The real SDK against the demo: what people read, score and change."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from amltui.demo.identity import MMS
from amltui.demo.launcher import DemoServer, start
from tests.demo.demo_sdk import ControlClient, connect


def service(workspace: Any, name: str) -> Any:
    from azureml.core.webservice import Webservice

    return Webservice(workspace, name)


def test_connect(workspace: Any, demo: DemoServer) -> None:
    details = workspace.get_details()
    assert details["name"] == demo.workspace_name
    assert details["location"] == "westeurope"


def test_a_workspace_that_is_not_there(workspace: Any, demo: DemoServer) -> None:
    from azureml.core import Workspace
    from azureml.exceptions import ProjectSystemException

    with pytest.raises(ProjectSystemException, match="not found"):
        Workspace(demo.subscription_id, demo.resource_group, "other", auth=workspace._auth_object)


def test_list_workspaces_of_the_group(workspace: Any, demo: DemoServer) -> None:
    from azureml.core import Workspace

    found = Workspace.list(
        demo.subscription_id, auth=workspace._auth_object, resource_group=demo.resource_group
    )
    assert list(found) == [demo.workspace_name]


def test_list_services_of_every_kind_and_state(workspace: Any) -> None:
    from azureml.core.webservice import Webservice

    found = Webservice.list(workspace)
    assert len(found) >= 14
    assert {item.compute_type for item in found} == {"ACI", "AKS", "AKSENDPOINT"}
    states = {item.state for item in found}
    assert states >= {"Healthy", "Transitioning", "Unhealthy", "Unschedulable", "Failed"}


def test_filters(workspace: Any) -> None:
    from azureml.core.webservice import Webservice

    def names(**wanted: Any) -> set[str]:
        return {item.name for item in Webservice.list(workspace, **wanted)}

    assert names(model_name="fraud-gradient-boost") == {"fraud-scoring"}
    assert names(model_id="credit-risk:6") == {"credit-risk"}
    assert names(image_name="pricing-rules") == {"pricing-rules"}
    assert names(tags=[["team", "payments"]]) == {"fraud-scoring"}
    assert names(tags=["legacy"]) == {"pricing-rules", "legacy-scorer"}
    assert names(compute_type="AKSENDPOINT") == {"credit-risk"}


def test_pages(workspace: Any) -> None:
    from azureml.core.webservice import Webservice

    with start(services=250) as server:
        control = ControlClient(server)
        large = connect(server)
        control.call("DELETE", "requests")
        found = Webservice.list(large, compute_type="ACI")
        pages = [line for line in control.requests() if f"{MMS}/services?" in line]
        assert len(pages) == 2
        control.call("DELETE", "requests")
        found = Webservice.list(large)
        pages = [line for line in control.requests() if f"{MMS}/services?" in line]
        assert len(pages) == 3
        assert len({item.name for item in found}) == len(found) >= 264


def test_logs(workspace: Any) -> None:
    healthy = service(workspace, "fraud-scoring")
    assert len(healthy.get_logs(num_lines=7).splitlines()) == 7
    assert "init container is done" in healthy.get_logs(init=True)
    assert service(workspace, "invoice-ocr").get_logs() is None
    hostile = service(workspace, "supplier-feedback").get_logs()
    assert "\x1b]52;c;" in hostile
    assert "[/foo]" in hostile


def test_payloads_tell_why(workspace: Any) -> None:
    crash = service(workspace, "claims-triage").error
    assert [detail["code"] for detail in crash["details"]] == [
        "CrashLoopBackOff",
        "AciDeploymentFailed",
    ]
    embedded = crash["details"][1]["message"].split("\n", 1)[1]
    assert json.loads(embedded)["RestartCount"] == 3
    room = service(workspace, "image-captioning").error["details"][0]["message"]
    assert room == "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    build = service(workspace, "returns-forecast").error["message"].rsplit(" ", 1)[1]
    assert "UnsatisfiableError" in requests.get(build, timeout=5).text


def test_aks_endpoint_has_two_versions(workspace: Any) -> None:
    endpoint = service(workspace, "credit-risk")
    assert {key: item.traffic_percentile for key, item in endpoint.versions.items()} == {
        "blue": 80,
        "green": 20,
    }


def test_keys_token_and_run(workspace: Any) -> None:
    keyed = service(workspace, "diabetes-progression")
    before = keyed.get_keys()
    keyed.regen_key("Secondary", set_key="demo-chosen")
    assert keyed.get_keys() == (before[0], "demo-chosen")
    assert keyed.run(json.dumps({"data": [[0.0] * 10]})) == {"result": [152.13]}
    tokened = service(workspace, "churn-predictor")
    assert tokened.get_access_token().access_token.endswith("not.real")
    assert tokened.run(json.dumps({"data": [[0.0]]})) == {"result": [0.5]}
    secure = service(workspace, "fraud-scoring")
    assert secure.scoring_uri.startswith("https://")
    assert secure.run(json.dumps({"data": [[0.0]]})) == {"result": [0.5]}


@pytest.mark.parametrize(("name", "status"), [("fraud-scoring", 500), ("address-parser", 502)])
def test_run_that_fails(workspace: Any, name: str, status: int) -> None:
    from azureml.exceptions import WebserviceException

    with pytest.raises(WebserviceException, match=f"Response Code: {status}"):
        service(workspace, name).run("{}")


def test_update_of_labels_is_at_once(workspace: Any) -> None:
    changed = service(workspace, "newsgroup-topics")
    changed.update(tags={"team": "search", "stage": "production"}, description="No trial any more")
    assert changed.tags["stage"] == "production"
    assert changed.description == "No trial any more"
    changed.add_properties({"reviewed": "yes"})
    assert changed.properties["reviewed"] == "yes"


def test_update_of_resources_rolls_out(workspace: Any, control: ControlClient) -> None:
    control.call("POST", "speed", {"speed": 20})
    changed = service(workspace, "address-parser")
    changed.update(cpu_cores=0.75, memory_gb=2, num_replicas=3)
    assert changed.state == "Transitioning"
    changed.wait_for_deployment(timeout_sec=30)
    assert changed.state == "Healthy"
    resources = changed.container_resource_requirements
    assert (resources.cpu, resources.memory_in_gb, changed.num_replicas) == (0.75, 2, 3)
    assert changed.deployment_status["desiredReplicas"] == 3


def test_more_memory_mends_what_lacked_it(workspace: Any) -> None:
    starved = service(workspace, "demand-forecast")
    assert starved.get_logs().count("Booting worker with pid") > 10
    starved.update(memory_gb=4)
    starved.wait_for_deployment(timeout_sec=30)
    assert (starved.state, starved.error) == ("Healthy", None)
    assert "ready for serving" in starved.get_logs()


def test_delete(workspace: Any) -> None:
    from azureml.core.webservice import Webservice
    from azureml.exceptions import WebserviceException

    service(workspace, "legacy-scorer").delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(workspace, "legacy-scorer")


def test_computes(workspace: Any) -> None:
    found = workspace.compute_targets
    assert found["aks-cpu-prod"].agent_count == 3
    assert found["aks-gpu-dev"].agent_vm_size == "Standard_NC6s_v3"
    assert found["aks-staging"].provisioning_state == "Failed"


def test_faults_reach_the_sdk(workspace: Any, control: ControlClient) -> None:
    from azureml.core.webservice import Webservice
    from azureml.exceptions import WebserviceException

    control.fault("/services\\?", "status", status=403)
    with pytest.raises(WebserviceException, match="Response Code: 403"):
        Webservice.list(workspace)
    control.call("DELETE", "faults")
    control.fault("/services\\?", "truncate")
    with pytest.raises(requests.exceptions.RequestException):
        Webservice.list(workspace)
    control.call("DELETE", "faults")
    control.fault("/services\\?", "bad_rows")
    with pytest.raises((WebserviceException, TypeError)):
        Webservice.list(workspace)
