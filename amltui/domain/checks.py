"""Everything that can be said of a plan before anything is sent.

The SDK checks late: after models are registered and files are packed, in the middle of a deploy.
Here its rules (azureml-core 1.61) and those that only the service knows are asked first. All of it
is pure: what must be looked at is gathered by adapters and handed in as `Facts`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from keyword import iskeyword

from . import check_source, check_target, conda, entry_script
from .debugcopy import without_package
from .drafts import looks_secret
from .facts import Check, Facts, Fix
from .findings import Finding, Level
from .plan import Plan
from .plan_parts import FileModel, FolderModel, RegisteredModel
from .plan_targets import AksTarget, LocalTarget

__all__ = ["Check", "Facts", "Fix", "blocks", "check", "paths_of", "script_path"]


def check(plan: Plan, facts: Facts | None = None) -> tuple[Check, ...]:
    """All checks of a plan, errors first."""
    known = facts or Facts()
    found = [
        *_files(plan, known),
        *_entry_script(plan, known),
        *_environment(plan, known),
        *_debugger_package(plan, known),
        *check_source.source(plan, known),
        *check_source.models(plan, known),
        *check_target.target(plan, known),
        *unmade(plan, known),
    ]
    order = list(Level)
    return tuple(sorted(found, key=lambda one: order.index(one.level)))


def unmade(plan: Plan, facts: Facts) -> Iterator[Check]:
    """What could not be checked, as the workspace or the engine was not asked."""
    environment = plan.inference.environment.registered
    asked: list[tuple[object, str, str]] = [
        (facts.services, "name", f"Whether the name {plan.name} is taken")
    ]
    if isinstance(plan.target, AksTarget):
        asked.append((facts.clusters, "target.cluster", f"The cluster {plan.target.cluster}"))
    if environment:
        where = "inference.environment.registered"
        asked.append((facts.environments, where, f"The environment {environment}"))
    for at, model in enumerate(plan.models):
        if isinstance(model, RegisteredModel):
            where = f"models[{at}].registered"
            asked.append((facts.models, where, f"The model {model.name}"))
    for known, where, what in asked:
        if known is None:
            hint = "That takes the workspace, or the engine; the run will find out."
            yield Check(Level.INFO, where, f"{what} was not checked.", "", hint)


def blocks(checks: tuple[Check, ...]) -> bool:
    """Whether one of the checks keeps the plan from being deployed."""
    return any(one.level is Level.ERROR for one in checks)


def script_path(plan: Plan) -> str:
    """Where the entry script is, from the folder of the plan."""
    return posixpath.join(plan.inference.source_directory or "", plan.inference.entry_script)


def paths_of(plan: Plan) -> dict[str, tuple[str, str]]:
    """Every path that a plan names, by field: the path and whether it is a file or a folder."""
    environment, inference = plan.inference.environment, plan.inference
    found: dict[str, tuple[str, str]] = {"inference.entry_script": (script_path(plan), "file")}
    if inference.source_directory:
        found["inference.source_directory"] = (inference.source_directory, "folder")
    for name in ("conda_file", "pip_requirements", "base_dockerfile"):
        if path := getattr(environment, name):
            found[f"inference.environment.{name}"] = (path, "file")
    for name in ("ssl_cert_pem_file", "ssl_key_pem_file"):
        if path := getattr(plan.target, name, None):
            found[f"target.{name}"] = (path, "file")
    for at, model in enumerate(plan.models):
        if isinstance(model, FileModel):
            found[f"models[{at}].file"] = (model.file, "file")
        elif isinstance(model, FolderModel):
            found[f"models[{at}].folder"] = (model.folder, "folder")
    return found


def _files(plan: Plan, facts: Facts) -> Iterator[Check]:
    for where, (path, wanted) in paths_of(plan).items():
        fact = facts.files.get(path)
        if fact is None:
            continue
        hint = "Paths are relative to the folder of the plan."
        if where == "inference.entry_script" and plan.inference.source_directory:
            hint = "It is relative to the source directory."
        if not fact.kind:
            yield Check(Level.ERROR, where, f"{path} does not exist.", fact.problem, hint)
        elif fact.kind != wanted:
            title = f"{path} is a {fact.kind}, not a {wanted}."
            hint = "What a model is decides its path in the container." if "model" in where else ""
            yield Check(Level.ERROR, where, title, "", hint)
        elif fact.problem:
            yield Check(Level.ERROR, where, f"{path} cannot be read.", fact.problem)


def _entry_script(plan: Plan, facts: Facts) -> Iterator[Check]:
    where, path = "inference.entry_script", script_path(plan)
    stem, extension = posixpath.splitext(posixpath.basename(path))
    if extension != ".py":
        yield Check(
            Level.ERROR, where, "The entry script must be a .py file.", "",
            "Azure ML serves Python scripts only.",
        )  # fmt: skip
    elif not stem.isidentifier() or iskeyword(stem):
        hint = "Letters, digits and underscores, no digit first."
        yield Check(Level.ERROR, where, f"{stem}.py cannot be imported as a module.", "", hint)
    if plan.inference.source_directory and path.startswith(("/", "../")):
        inside = posixpath.normpath(path).startswith(
            posixpath.normpath(plan.inference.source_directory) + "/"
        )
        if not inside:
            yield Check(
                Level.ERROR, where, "The entry script is not in the source directory.", "",
                "Only the source directory is sent along.",
            )  # fmt: skip
    fact = facts.files.get(path)
    if fact is None or fact.text is None:
        return
    local = isinstance(plan.target, LocalTarget)
    for found in entry_script.inspect(fact.text):
        mild = local and found.code in entry_script.CLOUD_ONLY
        if not mild or found.fix is not None:  # what was put in can be taken out anywhere
            yield of_finding(found, where, path, Level.INFO if mild else None)
    names = {model.name for model in plan.models}
    for line, name in entry_script.model_path_calls(fact.text):
        if name and names and name not in names:
            yield Check(
                Level.WARNING, where, f"The script asks for the model {name}.",
                f"The plan deploys {', '.join(sorted(names))}.",
                "Name the model as the script does, or change the script.", path, line,
            )  # fmt: skip


def _environment(plan: Plan, facts: Facts) -> Iterator[Check]:
    environment = plan.inference.environment
    where = "inference.environment"
    image = environment.base_image or environment.base_dockerfile
    for name, lint in (("conda_file", conda.lint), ("pip_requirements", conda.lint_requirements)):
        path = getattr(environment, name)
        fact = facts.files.get(path) if path else None
        for found in lint(fact.text) if fact is not None and fact.text is not None else ():
            # An image of one's own may bring the scoring server itself.
            mild = image and found.code == "defaults-missing"
            yield of_finding(found, f"{where}.{name}", path, Level.WARNING if mild else None)
    packages = environment.conda_file or environment.pip_requirements or environment.registered
    if not packages and not image:
        yield Check(
            Level.ERROR, where, "No environment is named.", "",
            "Name a conda file, a requirements file or an environment of the workspace.",
        )  # fmt: skip
    elif not packages and not environment.user_managed_dependencies:
        yield Check(
            Level.WARNING, where, "The image is used with the SDK's default packages.", "",
            "Say user_managed_dependencies: true if the image brings Python and all packages.",
        )  # fmt: skip
    if environment.user_managed_dependencies and packages:
        yield Check(
            Level.WARNING, f"{where}.user_managed_dependencies",
            "The packages are not installed: the image is said to bring its own.",
        )  # fmt: skip
    if environment.version and not environment.registered:
        yield Check(
            Level.ERROR, f"{where}.version", "A version goes with `registered` only.",
        )  # fmt: skip
    yield from _registry(plan)
    if facts.environments is not None and environment.registered:
        curated = environment.registered.startswith("AzureML-")
        if environment.registered not in facts.environments and not curated:
            title = f"The workspace has no environment {environment.registered}."
            yield Check(Level.ERROR, f"{where}.registered", title)
    yield from _variables(plan, facts)


def _debugger_package(plan: Plan, facts: Facts) -> Iterator[Check]:
    path = plan.inference.environment.conda_file
    fact = facts.files.get(path) if path else None
    if path is None or fact is None or fact.text is None or isinstance(plan.target, LocalTarget):
        return
    if without_package(fact.text) != fact.text:
        yield Check(
            Level.WARNING, "inference.environment.conda_file", "A debugger is among the packages.",
            "", "`amltui debug --clean PLAN` takes it out.", path,
        )  # fmt: skip


def _registry(plan: Plan) -> Iterator[Check]:
    environment = plan.inference.environment
    parts = ("registry_address", "registry_username", "registry_password_variable")
    said = [name for name in parts if getattr(environment, name)]
    where = f"inference.environment.{said[0]}" if said else ""
    if said and len(said) < len(parts):
        yield Check(
            Level.ERROR, where, "Address, user name and password of a registry go together.",
            f"Said is {' and '.join(said)}.",
        )  # fmt: skip
    elif said and not environment.base_image:
        yield Check(Level.WARNING, where, "The registry is for a base image, and none is named.")


def _variables(plan: Plan, facts: Facts) -> Iterator[Check]:
    environment = plan.inference.environment
    for name, value in environment.variables:
        if value and looks_secret(name):
            yield Check(
                Level.WARNING, f"inference.environment.variables.{name}",
                f"{name} looks like a secret.", "A plan is kept in git, and an environment in the "
                "workspace for everybody to read.", "Read it from a key vault in init().",
            )  # fmt: skip
        if name in ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AZUREML_SOURCE_DIRECTORY"):
            yield Check(
                Level.WARNING, f"inference.environment.variables.{name}",
                f"{name} is set by the SDK itself.",
            )  # fmt: skip
    named = {
        "inference.environment.registry_password_variable": environment.registry_password_variable,
        "target.primary_key_variable": getattr(plan.target, "primary_key_variable", None),
        "target.secondary_key_variable": getattr(plan.target, "secondary_key_variable", None),
    }
    for where, variable in named.items():
        if variable and facts.variables is not None and variable not in facts.variables:
            title = f"The environment variable {variable} is not set."
            yield Check(Level.ERROR, where, title, "", "Set it where amltui is started.")


def of_finding(found: Finding, where: str, path: str, level: Level | None = None) -> Check:
    """A finding in a file, as a check of the setting that names the file."""
    fix = Fix(path, found.fix) if found.fix is not None else None
    return Check(level or found.level, where, found.message, "", found.hint, path, found.line, fix)
