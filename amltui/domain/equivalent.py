"""The Python (SDK v1) that does what a plan says, to copy, to save or to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .plan import Plan
from .plan_fields import Kind, fields_of
from .plan_parts import FileModel, FolderModel, Model, RegisteredModel
from .plan_targets import LocalTarget


def python(plan: Plan) -> str:
    """The script; it runs in the folder of the plan, and in the workspace of a config.json."""
    models = list(_models(plan))
    lines = [
        f'"""Deploys the web service {plan.name}; run it in the folder of its plan."""',
        "",
        *(["import os", ""] if _uses_variables(plan) else []),
        *_imports(plan),
        "",
        "ws = Workspace.from_config()",
        "",
        *[line for made in models for line in made],
        *_environment(plan),
        "",
        *_call("inference_config = InferenceConfig", _inference(plan)),
        *_call(f"deployment_config = {plan.target.sdk}.deploy_configuration", _target(plan)),
        "",
        *_call(
            "service = Model.deploy",
            {
                "workspace": "ws",
                "name": repr(plan.name),
                "models": f"[{', '.join(_variable(plan, at) for at in range(len(models)))}]",
                "inference_config": "inference_config",
                "deployment_config": "deployment_config",
                **({"overwrite": "True"} if plan.options.overwrite else {}),
            },
        ),
    ]
    if plan.options.wait:
        lines += ["service.wait_for_deployment(show_output=True)", "print(service.scoring_uri)"]
    return "\n".join(lines) + "\n"


def _imports(plan: Plan) -> Iterator[str]:
    runs = any(model.kind == "run" for model in plan.models)
    yield f"from azureml.core import Environment, {'Run, ' if runs else ''}Workspace"
    if _registry(plan):
        yield "from azureml.core.container_registry import ContainerRegistry"
    yield "from azureml.core.model import InferenceConfig, Model"
    yield f"from azureml.core.webservice import {plan.target.sdk}"


def _models(plan: Plan) -> Iterator[list[str]]:
    for at, model in enumerate(plan.models):
        name = _variable(plan, at)
        if isinstance(model, RegisteredModel):
            version = {"version": repr(model.version)} if model.version else {}
            arguments = {"workspace": "ws", "name": repr(model.name), **version}
            yield [*_call(f"{name} = Model", arguments), ""]
        elif isinstance(model, (FileModel, FolderModel)):
            # The slash tells a reader, and an import of this script, that it is a folder.
            path = model.folder.rstrip("/") + "/" if isinstance(model, FolderModel) else model.file
            arguments = {"workspace": "ws", "model_path": repr(path), **_registration(model)}
            yield [*_call(f"{name} = Model.register", arguments), ""]
        else:
            run = f"{name} = Run.get(ws, {model.run!r}).register_model"
            yield [*_call(run, {"model_path": repr(model.path), **_registration(model)}), ""]


def _registration(model: Model) -> dict[str, str]:
    names = {
        "name": "model_name",
        "description": "description",
        "tags": "tags",
        "properties": "properties",
        "framework": "model_framework",
        "framework_version": "model_framework_version",
    }
    return {names[name]: said for name, said in _said(model).items() if name in names}


def _variable(plan: Plan, at: int) -> str:
    return "model" if len(plan.models) == 1 else f"model_{at + 1}"


def _environment(plan: Plan) -> Iterator[str]:
    made = plan.inference.environment
    name = repr(plan.environment_name)
    if made.registered:
        version = {"version": repr(made.version)} if made.version else {}
        arguments = {"workspace": "ws", "name": repr(made.registered), **version}
        yield from _call("environment = Environment.get", arguments)
    elif made.conda_file or made.pip_requirements:
        how = "from_conda_specification" if made.conda_file else "from_pip_requirements"
        path = repr(made.conda_file or made.pip_requirements)
        yield from _call(f"environment = Environment.{how}", {"name": name, "file_path": path})
    else:
        yield f"environment = Environment(name={name})"
    if made.base_image:
        yield f"environment.docker.base_image = {made.base_image!r}"
    if made.base_dockerfile:
        yield "environment.docker.base_image = None"
        yield f"environment.docker.base_dockerfile = {made.base_dockerfile!r}"
    if _registry(plan):
        yield "registry = ContainerRegistry()"
        if made.registry_address:
            yield f"registry.address = {made.registry_address!r}"
        if made.registry_username:
            yield f"registry.username = {made.registry_username!r}"
        if made.registry_password_variable:
            yield f"registry.password = os.environ[{made.registry_password_variable!r}]"
        yield "environment.docker.base_image_registry = registry"
    if made.user_managed_dependencies is not None:
        yield f"environment.python.user_managed_dependencies = {made.user_managed_dependencies}"
    if made.inferencing_stack_version:
        yield f"environment.inferencing_stack_version = {made.inferencing_stack_version!r}"
    if made.variables:
        yield f"environment.environment_variables = {dict(made.variables)!r}"


def _registry(plan: Plan) -> bool:
    made = plan.inference.environment
    parts = (made.registry_address, made.registry_username, made.registry_password_variable)
    return any(parts)


def _inference(plan: Plan) -> dict[str, str]:
    return {**_said(plan.inference), "environment": "environment"}


def _target(plan: Plan) -> dict[str, str]:
    arguments = {}
    for name, said in _said(plan.target).items():
        if name == "cluster":
            arguments["compute_target_name"] = said
        elif name.endswith("_variable"):
            arguments[name.removesuffix("_variable")] = f"os.environ[{said}]"
        else:
            arguments[name] = said
    if not isinstance(plan.target, LocalTarget):  # a local service has none of these
        options = _said(plan.options)
        kept = ("tags", "properties", "description")
        arguments |= {name: options[name] for name in kept if name in options}
    return arguments


def _said(section: Any) -> dict[str, str]:
    """The settings of a section that say something, as Python."""
    found = {}
    for one in fields_of(type(section)):
        value = getattr(section, one.name)
        if one.kind is Kind.MAP:
            value = dict(value) or None
        if value is not None:
            found[one.name] = repr(value)
    return found


def _uses_variables(plan: Plan) -> bool:
    target = ("primary_key_variable", "secondary_key_variable")
    return bool(plan.inference.environment.registry_password_variable) or any(
        getattr(plan.target, name, None) for name in target
    )


def _call(function: str, arguments: dict[str, str]) -> Iterator[str]:
    """A call on one line where it fits, else with an argument a line."""
    flat = f"{function}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
    if len(flat) <= 88:
        yield flat
        return
    yield f"{function}("
    yield from (f"    {name}={value}," for name, value in arguments.items())
    yield ")"
