from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.old_scripts import import_script
from amltui.domain.plan import Plan, plan_errors

FIRST = """
from azureml.core.model import Model
from azureml.core.image import ContainerImage, Image
from azureml.core.webservice import AciWebservice, Webservice
import os
base = 'my'
service_name = base + '-svc'
model = Model.register(model_path=os.path.join("out", "m.pkl"), model_name="m", workspace=ws)
image_config = ContainerImage.image_configuration(runtime="python",
                                                  execution_script="score.py",
                                                  conda_file="myenv.yml",
                                                  dependencies=["helper.py"])
image = Image.create(name="myimg", models=[model], image_config=image_config, workspace=ws)
image.wait_for_creation(show_output=True)
aciconfig = AciWebservice.deploy_configuration(1, 2, tags={"a": "b", "c": today()},
                                               primary_key="fake-key-of-a-test")
service = AciWebservice.deploy_from_image(deployment_config=aciconfig, image=image,
                                          name=f"{service_name}-1", workspace=ws)
service.wait_for_deployment(show_output=True)
"""

SECOND = """
from azureml.core.webservice import Webservice, AksWebservice
from azureml.core.compute import AksCompute
cfg = ContainerImage.image_configuration("score.py", "python", "env.yml", enable_gpu=True)
dep = AksWebservice.deploy_configuration(num_replicas=2, autoscale_enabled=False)
svc = Webservice.deploy_from_model(ws, 'aks-svc', [best_run.register_model('m', 'outputs/m')],
                                   cfg, dep, AksCompute(ws, 'cl'))
"""

THIRD = """
import azureml.core as core
from azureml.core import Environment as Env
from azureml.core.model import Model as M, InferenceConfig
def main():
    env = Env.from_conda_specification(name="e", file_path="conda.yml")
    env.docker.base_image = None
    env.docker.base_dockerfile = "docker/Dockerfile"
    env.environment_variables["LEVEL"] = "info"
    if os.getenv("CI"):
        port = 8891
    else:
        port = 8890
    ic = InferenceConfig(entry_script="score.py", source_directory="src", environment=env)
    dc = LocalWebservice.deploy_configuration(port=port)
    s = M.deploy(ws, "local-svc", [ws.models["churn"], M(ws, "x", version=3), "y:2"], ic, dc)
if __name__ == "__main__":
    main()
"""


def test_the_first_generation_is_understood() -> None:
    data, remarks = import_script(FIRST)
    assert data == {
        "name": "my-svc-1",
        "models": [{"file": "out/m.pkl", "name": "m"}],
        "inference": {"entry_script": "score.py", "environment": {"conda_file": "myenv.yml"}},
        "target": {"kind": "aci", "cpu_cores": 1, "memory_gb": 2},
        "options": {"tags": {"a": "b"}},
    }
    assert [remark.line for remark in remarks] == [9, 15, 15, 17]
    told = " ".join(remark.message for remark in remarks)
    for words in ("dependencies", "tags['c']", "primary_key", "Model.deploy replaces it"):
        assert words in told
    assert "fake-key-of-a-test" not in told + json.dumps(data)


def test_the_second_generation_is_understood() -> None:
    data, remarks = import_script(SECOND)
    assert data["target"] == {
        "kind": "aks", "num_replicas": 2, "autoscale_enabled": False, "cluster": "cl",
    }  # fmt: skip
    assert data["models"] == [{"path": "outputs/m", "name": "m"}]
    assert data["options"] == {"wait": False}
    told = [remark.message for remark in remarks]
    assert any("Which run" in message for message in told)
    assert any("enable_gpu" in message for message in told)
    assert [error.field for error in plan_errors(data)] == ["models[0]"]


def test_the_third_generation_is_understood() -> None:
    data, remarks = import_script(THIRD)
    plan = Plan.from_dict(data)
    assert [model.name for model in plan.models] == ["churn", "x", "y"]
    environment = plan.inference.environment
    assert environment.base_dockerfile == "docker/Dockerfile"
    assert environment.variables == (("LEVEL", "info"),)
    assert environment.name == "e"
    assert data["target"] == {"kind": "local", "port": 8890}
    assert [remark.line for remark in remarks] == [13]  # the port, of two


def test_a_deployment_that_is_waited_for_at_once_is_one() -> None:
    data, remarks = import_script(
        "Model.deploy(ws, 'one', [], InferenceConfig('s.py'), "
        "LocalWebservice.deploy_configuration(1)).wait_for_deployment()"
    )
    assert data["name"] == "one"
    assert "options" not in data
    assert remarks == ()


def test_one_of_several_deployments_is_chosen_by_name() -> None:
    text = "Model.deploy(ws, 'one', [], ic, dc)\nModel.deploy(ws, 'two', [], ic, dc)\n"
    assert import_script(text)[0]["name"] == "two"
    data, remarks = import_script(text, "one")
    assert data["name"] == "one"
    assert any("two" in remark.message and remark.line == 2 for remark in remarks)
    assert import_script(text, "three")[0] == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print 'two'", "not valid Python 3"),
        ("x = 1", "No deployment was found"),
        ("Model.deploy(ws, name, [], ic, dc)", "name was not read"),
        ("Model.deploy(ws, 'a', models, ic, dc)", "A model was not read"),
        ("Model.deploy(ws, 'a', [], ic, dc)", "inference_config was not read"),
        ("Model.deploy(ws, 'a', [], ic, dc)", "deployment_config was not read"),
        ("Model.deploy(**everything)", "only running would tell"),
        (
            "c = CondaDependencies()\nc.add_pip_package('x')\nModel.deploy(ws, 'a', [], ic, dc)",
            "Packages (“x”)",
        ),
        (
            "e = Environment('e')\ne.python.conda_dependencies = CondaDependencies.create("
            "pip_packages=['numpy'])\nModel.deploy(ws,'a',[],InferenceConfig('s.py',environment=e))",
            "The packages (“numpy”) stand in the script",
        ),
        (
            "e = Environment('e')\ne.docker.base_dockerfile = 'FROM x'\n"
            "Model.deploy(ws,'a',[],InferenceConfig('s.py',environment=e))",
            "The Dockerfile stands in the script",
        ),
        (
            "r = ContainerRegistry()\nr.password = 'fake'\n"
            "Model.deploy(ws,'a',[],InferenceConfig('s.py', base_image_registry=r))",
            "The registry's password was not taken over",
        ),
        (
            "Model.deploy(ws,'a',[Model.register(ws,'f','m',datasets=d)],ic,dc)",
            "datasets of Model.register has no place",
        ),
        ("Webservice.deploy(ws, 'a', ['out/m.pkl'], ic, dc)", "is named “m.pkl”"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, words: str) -> None:
    remarks = import_script(text)[1]
    assert any(words in remark.message for remark in remarks), remarks


WORDS = ["Model.deploy", "ws", "'a'", "e", "=", "(", ")", ",", "[", "]", "\n", "{", "}", ".", "x",
         "InferenceConfig", "f'{e}'", "+", "*", "%", "e.docker", "Environment", "'%s'", "if 1:\n ",
         "1", "-", "Model.register", "models=", "for x in e:\n ", "AciWebservice",
         ".deploy_configuration", "**", "'{}'.format", "lambda: 0"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_no_script_raises(text: str) -> None:
    data, _ = import_script(text)
    plan_errors(data)
    json.dumps(data)


ARGUMENTS = ["'x'", "1", "None", "[x]", "{'a': {}}", "{1: 2}", "Environment('e')", "x", "[None]",
             "Model.register(ws)", "Model()", "InferenceConfig(x)", "[[1], {}]", "'\\ud800'",
             "AksWebservice.deploy_configuration('1', tags=3)", "ws.models['m']", "-'x'", "0xff**9",
             "Model.deploy", "ContainerImage.image_configuration()", "Run.get(ws).register_model()",
             "Environment.from_dockerfile(1, 2, 3)", "Image.create(1, 2, 3, 4)"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Model.deploy", "Webservice.deploy", "Webservice.deploy_from_image"]),
    st.lists(st.sampled_from(ARGUMENTS), max_size=8),
)
def test_no_arguments_raise(function: str, arguments: list[str]) -> None:
    data, _ = import_script(f"{function}({', '.join(arguments)})")
    plan_errors(data)
    json.dumps(data).encode()


@pytest.mark.parametrize(
    "text",
    [
        "a = 'x' * 9\n" + "a = a + a\n" * 200,
        "a = [1]\n" + "a = [a, a]\n" * 200,
        "a = [1]\n" + "a += a\n" * 200,
        "a = 9\n" + "a = a * a\n" * 100,
        "a = '%999999999d' % 1",
        "a = '{:>999999999}'.format(1)",
        "a = f'{1:>999999999}'",
        "a = " + "(" * 5000 + ")" * 5000,
        "a" + ".a" * 20_000,
        "a = 0x" + "f" * 6000 + "\nb = f'{a}'",
        "x = " + "-" * 50_000 + "1",
        "x = Model()" + ".a()" * 100,
        "x = Model()" + ".a[0]" * 100,
    ],
)
def test_scripts_made_to_hurt_do_not(text: str) -> None:
    started = time.monotonic()
    import_script(text + "\nModel.deploy(ws, 'x', a, b, c)")
    assert time.monotonic() - started < 5
