"""The real SDK against the demo: models, environments, packages, images, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from amltui.demo.launcher import DemoServer
from tests.demo.demo_sdk import ControlClient


def test_register_download_and_delete_a_file(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Model

    content = bytes(range(256)) * 40
    (sandbox / "model.bin").write_bytes(content)
    model = Model.register(
        workspace, "model.bin", "from-file", tags={"a": "b"}, description="one file"
    )
    assert (model.version, model.tags) == (1, {"a": "b"})
    assert Model.register(workspace, "model.bin", "from-file").version == 2
    path = Model(workspace, "from-file", version=1).download("there", exist_ok=True)
    assert Path(path).read_bytes() == content
    model.add_tags({"c": "d"})
    assert Model(workspace, id="from-file:1").tags == {"a": "b", "c": "d"}
    model.delete()
    assert [item.version for item in Model.list(workspace, name="from-file")] == [2]


def test_register_and_download_a_folder(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Model

    for number in range(3):
        path = sandbox / "folder" / f"sub{number}" / "part ü.txt"
        path.parent.mkdir(parents=True)
        path.write_text(f"part {number}")
    Model.register(workspace, "folder", "from-folder")
    target = Path(Model(workspace, "from-folder").download("there"))
    found = sorted(path.read_text() for path in target.rglob("*.txt"))
    assert found == ["part 0", "part 1", "part 2"]


def test_a_big_file_goes_up_in_blocks(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Model

    size = 70 * 1024 * 1024
    with (sandbox / "big.bin").open("wb") as file:
        file.seek(size - 3)
        file.write(b"end")
    Model.register(workspace, "big.bin", "big")
    path = Path(Model(workspace, "big").download("there"))
    assert path.stat().st_size == size
    with path.open("rb") as file:
        file.seek(-3, 2)
        assert file.read() == b"end"


def test_list_models(workspace: Any, control: ControlClient) -> None:
    from azureml.core import Model

    found = Model.list(workspace, expand=False)
    assert {"diabetes-progression", "credit-risk"} <= {model.name for model in found}
    control.call("DELETE", "requests")
    assert len(Model.list(workspace, page_count=20, expand=False)) == len(found)
    pages = [line for line in control.requests() if "/models?" in line]
    assert len(pages) == -(-len(found) // 20)
    latest = Model.list(workspace, name="diabetes-progression", latest=True)
    assert [model.version for model in latest] == [2]
    assert latest[0].run_id == "diabetes-train_1761000000_4e5f6a7b"


def test_a_used_model_is_not_deleted(workspace: Any) -> None:
    from azureml.core import Model

    with pytest.raises(Exception, match="Response Code: 412"):
        Model(workspace, "churn-xgb").delete()


def test_a_model_that_is_not_there(workspace: Any) -> None:
    from azureml.core import Model
    from azureml.exceptions import WebserviceException

    with pytest.raises(WebserviceException, match="ModelNotFound"):
        Model(workspace, "nobody-knows-it")


def test_a_seeded_model_can_be_downloaded(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Model

    path = Path(Model(workspace, "fraud-gradient-boost").download("there"))
    assert "fraud-gradient-boost:14" in path.read_text()


def test_register_from_a_run(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Experiment, Run

    run = Run(Experiment(workspace, "wine-quality"), "wine_1763600000_a1")
    assert run.get_status() == "Completed"
    model = run.register_model("from-run", model_path="outputs/model.json")
    assert (model.run_id, model.experiment_name) == ("wine_1763600000_a1", "wine-quality")
    assert "wine-quality:9" in Path(model.download("there")).read_text()


def test_environments(workspace: Any) -> None:
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    listed = Environment.list(workspace)
    assert "sklearn-scoring" in listed
    assert any(name.startswith("AzureML-") for name in listed)
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["azureml-defaults==1.61.0"], python_version="3.10"
    )
    environment.environment_variables = {"Mixed_Case": "1"}
    first = environment.register(workspace)
    assert first.version == "1"
    assert environment.register(workspace).version == "1"
    environment.environment_variables = {"Mixed_Case": "2"}
    assert environment.register(workspace).version == "2"
    again = Environment.get(workspace, "mine", "1")
    assert again.environment_variables == {"Mixed_Case": "1"}
    assert "azureml-defaults==1.61.0" in list(again.python.conda_dependencies.pip_packages)
    details = again.get_image_details(workspace)
    assert details["imageExistsInRegistry"] is False
    with pytest.raises(Exception, match="404"):
        Environment.get(workspace, "nobody-knows-it")


@pytest.mark.parametrize(
    ("requirement", "status", "told"),
    [
        ("azureml-defaults", "Succeeded", "Successfully tagged"),
        ("tensorflow==1.15", "Failed", "UnsatisfiableError"),
    ],
)
def test_build_an_environment(workspace: Any, requirement: str, status: str, told: str) -> None:
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    environment = Environment(f"built-{status.lower()}")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=[requirement], python_version="3.10"
    )
    environment.register(workspace)
    build = environment.build(workspace)
    build.wait_for_completion(show_output=False)
    assert build.status == status
    assert told in build.get_log()


def test_legacy_images_and_their_build_log(workspace: Any) -> None:
    images = {image.id: image for image in workspace.images.values()}
    assert images
    failed = next(image for image in images.values() if image.creation_state == "Failed")
    log = requests.get(failed.image_build_log_uri, timeout=5).text
    assert "No matching distribution found" in log


def test_image_package(workspace: Any, demo: DemoServer, sandbox: Path) -> None:
    from azureml.core import Environment, Model
    from azureml.core.model import InferenceConfig

    (sandbox / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    config = InferenceConfig(
        entry_script="score.py",
        source_directory=".",
        environment=Environment.get(workspace, "sklearn-scoring"),
    )
    package = Model.package(
        workspace, [Model(workspace, "churn-xgb")], config, image_name="churn", image_label="7"
    )
    package.wait_for_creation()
    assert package.location == f"{demo.url.removeprefix('http://')}/churn:7"
    assert "Creating the package." in package.get_logs()


def test_dockerfile_package(workspace: Any, sandbox: Path) -> None:
    from azureml.core import Environment, Model
    from azureml.core.model import InferenceConfig

    source = sandbox / "source"
    source.mkdir()
    (source / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    config = InferenceConfig(
        entry_script="score.py",
        source_directory=str(source),
        environment=Environment.get(workspace, "sklearn-scoring"),
    )
    models = [Model(workspace, "churn-xgb")]
    package = Model.package(workspace, models, config, generate_dockerfile=True)
    package.wait_for_creation()
    package.save("context")
    context = sandbox / "context"
    assert "FROM 127.0.0.1:" in (context / "Dockerfile").read_text()
    assert (context / "azureml-app" / "source" / "score.py").exists()
    assert (context / "azureml-app" / "azureml-models" / "churn-xgb" / "8" / "model.json").exists()
