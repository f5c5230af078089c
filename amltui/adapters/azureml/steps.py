"""What the steps of a run share: the plan, the workspace, and what earlier steps have made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from amltui.adapters.files.source_dir import gather
from amltui.adapters.run_record import RunRecord
from amltui.domain.checks import check
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.findings import Level
from amltui.domain.models import Failure
from amltui.domain.plan import Plan

RUN_PROPERTY = "amltui.run"  # on what a run makes in the workspace, to know it again


class StepError(AmltuiError):
    """An error of a step that carries the service's payload, unfolded."""

    def __init__(self, error: AmltuiError, failure: Failure | None) -> None:
        super().__init__(
            error.title, error.message, error.hint, problem=error.problem, detail=error.detail
        )
        self.failure = failure


class Project:
    """A plan and the folder that its paths begin at."""

    workspace: Any  # azureml.core.Workspace

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.environment: Any = None  # azureml.core.Environment, once it is made

    def path(self, text: str) -> Path:
        """A path of the plan, absolute."""
        return (self.folder / text).absolute()

    @property
    def source(self) -> Path:
        """The folder that the deployment is made in: the source directory, if there is one."""
        inference = self.plan.inference
        if inference.source_directory:
            return self.path(inference.source_directory)
        return self.path(inference.entry_script).parent


class Run(Project):
    """One process's work on a run: what it was told, what it has found out, and its journal."""

    def __init__(
        self, name: str, description: dict[str, Any], facts: dict[str, str], record: RunRecord
    ) -> None:
        super().__init__(Plan.from_dict(description["plan"]), Path(description["folder"]))
        self.name = name
        self.connection: dict[str, Any] = description["connection"]
        self.engine_address: str = description.get("engine", "")
        self.facts = facts
        self.record = record
        self.models: list[Any] = []  # azureml.core.Model, once they are registered
        self.operation: Any = None  # steps_operation.Operation, while it is watched
        self.on_output: Callable[[str], None] | None = None  # also hears what is printed
        self.flush: Callable[[], None] = lambda: None  # all that was printed has been recorded
        self.changed = ""  # the files that are not what an earlier process has read
        self.spare = 0  # requests that we spared, against a script of the same plan

    def note(self, **facts: str) -> None:
        """Remember facts, on disk before this returns; an empty text forgets one."""
        self.record.note(**facts)
        self.facts.update(facts)
        for name in [name for name, value in self.facts.items() if not value]:
            del self.facts[name]

    @property
    def is_under_way(self) -> bool:
        """Whether a deployment was sent that has not ended, as far as is known."""
        return bool(self.facts.get("operation")) and not self.facts.get("operation_ended")

    @cached_property
    def workspace(self) -> Any:
        """The workspace, signed in: what needs a person to type a code is not tried."""
        from .auth import connect

        return connect(self.connection, None)

    @cached_property
    def management(self) -> Any:
        """The workspace's model management service."""
        from .management import Management

        return Management(self.workspace)

    @cached_property
    def engine(self) -> Any:
        """The container engine; the SDK is pointed at it, too."""
        from amltui.adapters.docker.client import connect

        client, url = connect(self.engine_address or None)
        os.environ["DOCKER_HOST"] = url  # the SDK knows nothing of Docker's contexts
        return client


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder: the SDK insists on one. Changes the whole process."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def check_plan(run: Run) -> None:
    """All checks that need no workspace, then the sign-in; errors end it, warnings are told."""
    from .steps_local import check_engine

    errors = []
    for found in check(run.plan, gather(run.plan, run.folder)):
        if found.level is Level.ERROR:
            errors.append(found)
        elif found.level is Level.WARNING:
            run.record.log(f"Warning: {found.field}: {found.title}")
    # A port that our own container listens on is not taken.
    if "container" in run.facts:
        errors = [found for found in errors if found.field != "target.port"]
    if errors:
        first = errors[0]
        raise AmltuiError(
            f"{first.field}: {first.title}",
            first.message,
            first.hint,
            problem=Problem.USAGE,
            detail="\n".join(f"{one.field}: {one.title} {one.message}" for one in errors),
        )
    if run.plan.target.kind == "local":
        check_engine(run)
    run.workspace  # noqa: B018 - a sign-in that is missing is told now, not a model later
    run.record.finished()
