from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from amltui.domain.equivalent import python
from amltui.domain.old_scripts import import_script
from amltui.domain.plan import Plan
from amltui.domain.plan_parts import Options
from amltui.domain.plan_targets import LocalTarget

from .plan_strategies import plans

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(plans())
def test_the_equivalent_python_read_back_is_the_same_plan(plan: Plan) -> None:
    source = python(plan)
    ast.parse(source)
    data, remarks = import_script(source)
    expected = plan
    if isinstance(plan.target, LocalTarget):  # the SDK has nowhere to say these of a local one
        kept = Options(overwrite=plan.options.overwrite, wait=plan.options.wait)
        expected = dataclasses.replace(plan, options=kept)
    assert Plan.from_dict(data) == expected, source
    assert not remarks


def test_the_script_is_what_the_sdk_understands(tmp_path: Path) -> None:
    """Every call in it is bound against the signature of the real function."""
    import inspect

    from azureml.core import Environment, Model, Run
    from azureml.core.model import InferenceConfig
    from azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice

    real = {
        "Environment": Environment,
        "Environment.get": Environment.get,
        "Environment.from_conda_specification": Environment.from_conda_specification,
        "Environment.from_pip_requirements": Environment.from_pip_requirements,
        "Run.get": Run.get,
        "InferenceConfig": InferenceConfig,
        "Model": Model,
        "Model.register": Model.register,
        "Model.deploy": Model.deploy,
        "AciWebservice.deploy_configuration": AciWebservice.deploy_configuration,
        "AksWebservice.deploy_configuration": AksWebservice.deploy_configuration,
        "LocalWebservice.deploy_configuration": LocalWebservice.deploy_configuration,
    }
    seen = set()

    @SLOW
    @given(plans())
    def bind(plan: Plan) -> None:
        for node in ast.walk(ast.parse(python(plan))):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in real:
                seen.add(name)
                positional = [object() for _ in node.args]
                named = {str(one.arg): object() for one in node.keywords}
                inspect.signature(real[name]).bind(*positional, **named)

    bind()
    assert seen == set(real)


def test_hostile_text_stays_text() -> None:
    plan = Plan.from_dict(
        {
            "name": "svc",
            "inference": {"entry_script": "x');import os;os.system('id');('.py"},
            "target": {"kind": "aci"},
            "options": {"description": '"""\n\\', "tags": {"'": '"'}},
        }
    )
    source = python(plan)
    tree = ast.parse(source)
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
    assert Plan.from_dict(import_script(source)[0]) == plan
