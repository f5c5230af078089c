"""The real SDK against the demo: deployments to ACI and AKS, and the ways in which they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.demo.demo_sdk import ControlClient


@pytest.fixture
def inference(workspace: Any, sandbox: Path) -> Any:
    from azureml.core import Environment
    from azureml.core.model import InferenceConfig

    source = sandbox / "source"
    source.mkdir()
    (source / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    return InferenceConfig(
        entry_script="score.py",
        source_directory=str(source),
        environment=Environment.get(workspace, "sklearn-scoring"),
    )


def deploy(workspace: Any, name: str, inference: Any, config: Any, **more: Any) -> Any:
    from azureml.core import Model

    models = more.pop("models", None) or [Model(workspace, "diabetes-progression")]
    return Model.deploy(workspace, name, models, inference, config, **more)


def test_aci(
    workspace: Any, inference: Any, control: ControlClient, capsys: pytest.CaptureFixture[str]
) -> None:
    from azureml.core.webservice import AciWebservice

    control.call("POST", "speed", {"speed": 10})
    config = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, auth_enabled=True, tags={"made": "by a test"}
    )
    service = deploy(workspace, "test-aci", inference, config)
    assert service.state == "Transitioning"
    service.wait_for_deployment(show_output=True, timeout_sec=60)
    assert "Succeeded" in capsys.readouterr().out
    assert service.state == "Healthy"
    assert service.tags == {"made": "by a test"}
    assert service.run('{"data": [[0, 0]]}') == {"result": [152.13]}
    assert "ready for serving" in service.get_logs()


def test_aks_and_its_progress_text(workspace: Any, inference: Any) -> None:
    import requests
    from azureml.core.webservice import AksWebservice

    config = AksWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, autoscale_enabled=True, autoscale_max_replicas=4
    )
    target = workspace.compute_targets["aks-cpu-prod"]
    service = deploy(workspace, "test-aks", inference, config, deployment_target=target)
    service.wait_for_deployment(timeout_sec=60)
    assert service.state == "Healthy"
    assert service.autoscaler.max_replicas == 4
    # The operation can be read by anybody who has the address, piece by piece.
    url = service._operation_endpoint
    headers = service._auth.get_authentication_header()
    whole = requests.get(url, headers=headers, timeout=5).json()
    part = requests.get(url, headers=headers, params={"offset": 20}, timeout=5).json()
    assert part["streamingOperationLog"] == whole["streamingOperationLog"][20:]
    entries = [item.split("|") for item in whole["streamingOperationLog"].split("#") if item]
    assert entries[0][1] == "Creating Container Registry if not exists."
    assert all(len(moment) == 14 for moment, _ in entries)
    log = requests.get(whole["operationLog"], headers={"Range": "bytes=10-"}, timeout=5)
    assert log.status_code == 206


@pytest.mark.parametrize(
    ("name", "wanted", "told"),
    [
        ("no-gpu", {"gpu_cores": 1}, "Insufficient nvidia.com/gpu"),
        ("no-cpu", {"cpu_cores": 8}, "Insufficient cpu"),
    ],
)
def test_aks_without_room(
    workspace: Any, inference: Any, name: str, wanted: dict[str, Any], told: str
) -> None:
    from azureml.core.webservice import AksWebservice
    from azureml.exceptions import WebserviceException

    config = AksWebservice.deploy_configuration(memory_gb=1, num_replicas=1, **wanted)
    target = workspace.compute_targets["aks-cpu-prod"]
    service = deploy(workspace, name, inference, config, deployment_target=target)
    with pytest.raises(WebserviceException, match=told):
        service.wait_for_deployment(timeout_sec=60)
    service.update_deployment_state()
    assert service.state == "Unschedulable"


def test_too_little_memory_is_a_crash_loop(workspace: Any, inference: Any) -> None:
    from azureml.core import Model
    from azureml.core.webservice import AciWebservice
    from azureml.exceptions import WebserviceException

    models = [Model(workspace, "demand-forecast")]
    config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
    service = deploy(workspace, "too-small", inference, config, models=models)
    with pytest.raises(WebserviceException, match="CrashLoopBackOff"):
        service.wait_for_deployment(timeout_sec=60)
    assert "OOMKilled" in service.error["details"][1]["message"]


@pytest.mark.parametrize(
    ("requirement", "told"),
    [("tensorflow==1.15", "BuildFailed"), ("numpy", "CrashLoopBackOff")],
)
def test_a_bad_environment_fails_where_it_would(
    workspace: Any, inference: Any, requirement: str, told: str
) -> None:
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies
    from azureml.core.webservice import AciWebservice
    from azureml.exceptions import WebserviceException

    environment = Environment(f"bad-{requirement[:5]}")
    environment.python.conda_dependencies = CondaDependencies()
    environment.python.conda_dependencies.remove_pip_package("azureml-defaults")
    environment.python.conda_dependencies.add_pip_package(requirement)
    inference.environment = environment
    config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
    service = deploy(workspace, f"bad-{requirement[:5]}", inference, config)
    with pytest.raises(WebserviceException, match=told):
        service.wait_for_deployment(timeout_sec=60)


def test_a_taken_name_is_refused_unless_overwritten(workspace: Any, inference: Any) -> None:
    from azureml.core.webservice import AciWebservice
    from azureml.exceptions import WebserviceException

    config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
    with pytest.raises(WebserviceException, match="already exists"):
        deploy(workspace, "pricing-rules", inference, config)
    service = deploy(workspace, "pricing-rules", inference, config, overwrite=True)
    service.wait_for_deployment(timeout_sec=60)
    assert service.state == "Healthy"


def test_a_cluster_that_is_not_attached_is_refused(workspace: Any, inference: Any) -> None:
    from azureml.core.webservice import AksWebservice
    from azureml.exceptions import WebserviceException

    config = AksWebservice.deploy_configuration(compute_target_name="aks-staging")
    with pytest.raises(WebserviceException, match="ComputeResourceNotCreated"):
        deploy(workspace, "nowhere", inference, config)


def test_an_aks_endpoint_and_a_second_version(workspace: Any, inference: Any) -> None:
    from azureml.core import Model
    from azureml.core.webservice import AksEndpoint

    config = AksEndpoint.deploy_configuration(
        cpu_cores=0.2, memory_gb=1, version_name="first", traffic_percentile=100
    )
    target = workspace.compute_targets["aks-cpu-prod"]
    endpoint = deploy(workspace, "test-endpoint", inference, config, deployment_target=target)
    endpoint.wait_for_deployment(timeout_sec=60)
    endpoint.create_version(
        "second",
        inference_config=inference,
        models=[Model(workspace, "churn-xgb")],
        traffic_percentile=20,
    )
    endpoint.wait_for_deployment(timeout_sec=60)
    assert {name: item.state for name, item in endpoint.versions.items()} == {
        "first": "Healthy",
        "second": "Healthy",
    }
    assert endpoint.run('{"data": [[0]]}') == {"result": [152.13]}
    endpoint.delete_version("second")
    endpoint.wait_for_deployment(timeout_sec=60)
    assert list(endpoint.versions) == ["first"]


def test_a_legacy_image_can_be_created(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Model
    from azureml.core.image import ContainerImage

    (sandbox / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    configuration = ContainerImage.image_configuration("score.py", "python")
    models = [Model(workspace, "churn-xgb")]
    image = ContainerImage.create(workspace, "old-style", models, configuration)
    image.wait_for_creation()
    assert image.creation_state == "Succeeded"
    assert image.image_build_log_uri.endswith("/build.log")
