"""The steps that prepare a deployment: models registered, environment and configuration made."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan_fields import Kind, fields_of
from amltui.domain.plan_parts import FileModel, FolderModel, Model, RegisteredModel, RunModel
from amltui.domain.plan_targets import LocalTarget
from amltui.domain.text import clean_line

from . import content, problems, registration
from .steps import RUN_PROPERTY, Project, Run, inside

_REGISTER = 5  # requests of a registration; finding that there is nothing to do takes one


def register(run: Run) -> None:
    """Register each model, unless the workspace has it already with the very same content."""
    made = []
    for at, (model, said) in enumerate(zip(run.plan.models, _sections(run), strict=True)):
        fact = f"model.{at}"
        if run.facts.get(f"{fact}.plan") == said:  # by a process before this one
            continue
        found, is_new = _registered(run, model)
        made.append(is_new)
        run.models.append(found)
        was_made = "yes" if is_new else ""
        run.note(**{fact: str(found.id), f"{fact}.plan": said, f"{fact}.made": was_made})
        run.record.log(f"{found.id} {'is registered' if is_new else 'is there already'}")
    ids = ", ".join(run.facts[f"model.{at}"] for at in range(len(run.plan.models)))
    run.record.finished(ids or "no models", reused=not any(made))


def _sections(run: Run) -> list[str]:
    """The models as the plan says them, one text each: an edited one is another."""
    models = run.plan.to_dict().get("models", [])
    return [json.dumps(model, sort_keys=True) for model in models]


def models(run: Run) -> list[Any]:
    """The models of the plan, found again if an earlier process registered them."""
    from azureml.core import Model as SdkModel

    ids = [run.facts[f"model.{at}"] for at in range(len(run.plan.models))]
    known = {model.id: model for model in run.models}
    run.models = [known.get(each) or SdkModel(run.workspace, id=each) for each in ids]
    return run.models


def _registered(run: Run, model: Model) -> tuple[Any, bool]:
    """The model in the workspace, and whether it was put there now."""
    from azureml.core import Model as SdkModel

    if isinstance(model, RegisteredModel):
        if model.version:
            return SdkModel(run.workspace, name=model.name, version=model.version), False
        newest = registration.latest(run.workspace, model.name)
        if newest is None:
            raise AmltuiError(
                f"The workspace has no model {model.name}.",
                hint="Check the name, or name a file or folder to register.",
                problem=Problem.NOT_FOUND,
            )
        return newest, False
    if isinstance(model, RunModel):
        return _of_run(run, model)
    return _of_path(run, model, model.folder if isinstance(model, FolderModel) else model.file)


def _of_path(run: Run, model: FileModel | FolderModel, said_path: str) -> tuple[Any, bool]:
    from azureml.core import Model as SdkModel

    path, digest = run.path(said_path), content.note_model(run, said_path)
    newest = registration.latest(run.workspace, model.name)
    if newest is not None and (newest.tags or {}).get(registration.DIGEST_TAG) == digest:
        run.spare += _REGISTER - 1
        return newest, False
    run.spare -= 1
    with inside(path.parent):
        said = _said(model)
        tags = {**(said.pop("tags", None) or {}), registration.DIGEST_TAG: digest}
        made = SdkModel.register(
            run.workspace, model_path=path.name, model_name=model.name, tags=tags, **said
        )
    return made, True


def _of_run(run: Run, model: RunModel) -> tuple[Any, bool]:
    from azureml.core import Model as SdkModel
    from azureml.core import Run as SdkRun

    mark = {RUN_PROPERTY: run.name}
    before = SdkModel.list(
        run.workspace, name=model.name, tags=[list(pair) for pair in mark.items()], expand=False
    )
    if before:
        return before[0], False
    said = _said(model)
    tags = {**(said.pop("tags", None) or {}), **mark}
    try:
        found = SdkRun.get(run.workspace, model.run)
        made = found.register_model(
            model_name=model.name, model_path=model.path, tags=tags, **said
        )  # fmt: skip
    except Exception as error:
        raise _explain(error, model) from error
    return made, True


def _explain(error: Exception, model: RunModel) -> AmltuiError:
    """What the SDK says of a run, or of an output, that is not there."""
    explained = problems.of_exception(error, f"registering {model.name}")
    name = clean_line(model.run)
    if type(error).__name__ == "ModelPathNotFoundException":
        listed = str(getattr(error, "message", "")).partition("run:")[2]
        written = ", ".join(re.findall(r"'([^']+)'", listed))
        return AmltuiError(
            f"The run {name} has no output {clean_line(model.path)}.",
            f"It has written {clean_line(written)[:600] or 'no files'}.",
            "Name one of its files, or a folder of them.",
            problem=Problem.NOT_FOUND,
        )
    if explained.problem is not Problem.NOT_FOUND:
        return explained
    hint = "Its id stands on the run's page in the studio, and in run.id."
    return AmltuiError(
        f"The workspace has no run {name}.", hint=hint, problem=Problem.NOT_FOUND
    )  # fmt: skip


def _said(model: FileModel | FolderModel | RunModel) -> dict[str, Any]:
    """What the plan says of a model, in the SDK's words."""
    names = {"framework": "model_framework", "framework_version": "model_framework_version"}
    return {
        names.get(name, name): value
        for name, value in values(model).items()
        if name in ("description", "tags", "properties", *names)
    }


def environment_step(run: Run) -> None:
    """Make or fetch the environment: what is wrong with it is told before anything is sent."""
    content.note_inference(run)
    environment = run.environment = environment_of(run)
    run.record.finished(str(environment.name))


def environment_of(run: Project) -> Any:
    """The plan's environment as the SDK's object."""
    from azureml.core import Environment

    made, name = run.plan.inference.environment, run.plan.environment_name
    if made.registered:
        environment = _fetched(run, made.registered, made.version)
    elif made.conda_file:
        environment = Environment.from_conda_specification(name, str(run.path(made.conda_file)))
    elif made.pip_requirements:
        requirements = str(run.path(made.pip_requirements))
        environment = Environment.from_pip_requirements(name, requirements)
    else:
        environment = Environment(name)
    if made.base_image:
        environment.docker.base_image = made.base_image
    if made.base_dockerfile:
        environment.docker.base_image = None
        environment.docker.base_dockerfile = str(run.path(made.base_dockerfile))
    if made.registry_address:
        from azureml.core.container_registry import ContainerRegistry

        registry = ContainerRegistry()
        registry.address = made.registry_address
        registry.username = made.registry_username
        registry.password = os.environ.get(made.registry_password_variable or "")
        environment.docker.base_image_registry = registry
    if made.user_managed_dependencies is not None:
        environment.python.user_managed_dependencies = made.user_managed_dependencies
    if made.inferencing_stack_version:
        environment.inferencing_stack_version = made.inferencing_stack_version
    if made.variables:
        variables = {**(environment.environment_variables or {}), **dict(made.variables)}
        environment.environment_variables = variables
    return environment


def _fetched(run: Project, name: str, version: str | None) -> Any:
    from azureml.core import Environment

    try:
        return Environment.get(run.workspace, name, version)
    except Exception as error:  # the SDK raises nothing more exact here
        if "Code: 404" not in str(error):
            raise
        raise AmltuiError(
            f"The workspace has no environment {name}{f' {version}' if version else ''}.",
            hint="Check the name and version; curated ones come and go.",
            problem=Problem.NOT_FOUND,
        ) from error


def inference_config(run: Project) -> Any:
    """The plan's inference configuration as the SDK's object; to be made inside `run.source`."""
    from azureml.core.model import InferenceConfig

    inference = run.plan.inference
    environment = run.environment if run.environment is not None else environment_of(run)
    return InferenceConfig(
        entry_script=inference.entry_script
        if inference.source_directory
        else Path(inference.entry_script).name,
        source_directory=str(run.source) if inference.source_directory else None,
        environment=environment,
        description=inference.description,
    )


def deployment_config(run: Run) -> Any:
    """The plan's target as the SDK's deployment configuration."""
    from azureml.core import webservice

    target = run.plan.target
    arguments: dict[str, Any] = {}
    for name, value in values(target).items():
        if name == "cluster":
            arguments["compute_target_name"] = value
        elif name.endswith("_variable"):
            arguments[name.removesuffix("_variable")] = os.environ.get(value)
        elif name.endswith("_file"):
            arguments[name] = str(run.path(value))
        else:
            arguments[name] = value
    if not isinstance(target, LocalTarget):
        said = values(run.plan.options)
        kept = ("tags", "description")
        arguments |= {name: said[name] for name in kept if name in said}
        arguments["properties"] = {**said.get("properties", {}), RUN_PROPERTY: run.name}
    return getattr(webservice, target.sdk).deploy_configuration(**arguments)


def values(section: Any) -> dict[str, Any]:
    """The settings of a section of the plan that say something."""
    found: dict[str, Any] = {}
    for one in fields_of(type(section)):
        value = getattr(section, one.name)
        if one.kind is Kind.MAP:
            value = dict(value) or None
        if value is not None:
            found[one.name] = value
    return found
