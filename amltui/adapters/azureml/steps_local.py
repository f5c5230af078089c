"""The steps of a deployment into the local Docker engine, through the SDK's LocalWebservice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.run import HEALTH_CHECKS
from amltui.domain.text import clean, mask

from . import local_problems
from .local import free_port
from .steps import Run, inside
from .steps_models import inference_config, models

RUN_VARIABLE = "AMLTUI_RUN"  # in the container: which run started it
_LOG_LINES = 2_000
_PAUSE = 0.25  # seconds between two looks at a container that starts


def check_engine(run: Run) -> None:
    """Refuse now what would fail, or hurt another service, after a minute."""
    name = run.plan.name
    others = [found for found in containers(run) if not is_mine(run, found)]
    if others and not run.plan.options.overwrite:
        raise AmltuiError(
            f"There is a local service named {name} already.",
            f"It is container {others[0].short_id}.",
            "Choose another name, or say overwrite: true to replace it.",
            problem=Problem.REFUSED,
        )


def containers(run: Run) -> list[Any]:
    """The containers of the service, running or not."""
    found: list[Any] = run.engine.containers.list(
        all=True, filters={"label": f"containerName={run.plan.name}"}, ignore_removed=True
    )
    return found


def is_mine(run: Run, container: Any) -> bool:
    """Whether this run started a container."""
    environment = container.attrs.get("Config", {}).get("Env") or []
    return f"{RUN_VARIABLE}={run.name}" in environment


def deploy(run: Run) -> None:
    """Build context, image and container: three steps, for the SDK does them in one call."""
    from .build_leftovers import BuildLeftovers

    mine = [found for found in containers(run) if is_mine(run, found)]
    if mine and mine[0].status == "running" and run.facts.get("starting"):
        # A process before this one was interrupted once it had started its container.
        for step in ("context", "build", "start"):
            run.record.begin(step)
            run.record.finished("It was done already.", reused=True)
        _remember(run, mine[0])
        return
    leftovers = BuildLeftovers()
    leftovers.remember(run.engine, run.plan.name)
    run.on_output = leftovers.read
    run.record.begin("context")
    try:
        with inside(run.source):
            _build(run)
    except Exception as error:
        run.flush()
        raise local_problems.explain(error, run.record.step, run.plan.name, "") from error
    finally:
        run.flush()
        run.on_output = None
        with contextlib.suppress(Exception):  # what stays behind costs space, nothing else
            leftovers.remove(run.engine, run.plan.name)
    (started,) = [found for found in containers(run) if is_mine(run, found)]
    _remember(run, started)
    run.record.finished(f"container {started.short_id}")


def _build(run: Run) -> None:
    from azureml.core.webservice import LocalWebservice

    run.engine  # noqa: B018 - points the SDK at it
    found, configuration = models(run), inference_config(run)

    class StepwiseWebservice(LocalWebservice):  # type: ignore[misc]
        """Tells its stages; reads no labels, which are pickles, of a container that is there."""

        def update_deployment_state(self, must_exist: bool = False) -> None:
            self.state, self._deployable = LocalWebservice.STATE_UNKNOWN, False

        def _build_image(self) -> None:
            _next(run, "build")
            super()._build_image()

        def _run_container(self, wait: bool) -> None:
            _next(run, "start")
            run.note(image=str(self._image.id))
            for old in containers(run):
                run.record.log(f"Container {old.short_id} of this service is removed.")
                old.remove(force=True, v=True)
            environment = self._inference_config.environment
            variables = environment.environment_variables or {}
            environment.environment_variables = {**variables, RUN_VARIABLE: run.name}
            run.note(starting="yes")
            super()._run_container(wait)

    target = run.plan.target
    port = getattr(target, "port", None) or free_port()
    service = StepwiseWebservice(run.workspace, run.plan.name, must_exist=False)
    service.update(
        models=found,
        inference_config=configuration,
        deployment_config=LocalWebservice.deploy_configuration(port=port),
    )
    run.note(health_url=str(service._get_health_url()))


def _next(run: Run, step: str) -> None:
    """What was printed so far belongs to the step before."""
    run.flush()
    run.record.finished()
    run.record.begin(step)


def _remember(run: Run, container: Any) -> None:
    ports = container.attrs.get("NetworkSettings", {}).get("Ports") or {}
    published = [entry["HostPort"] for entry in ports.get("5001/tcp") or ()]
    port = str(published[0]) if published else ""
    uri = f"http://localhost:{port}/score" if port else ""
    run.note(container=container.id, port=port, scoring_uri=uri, starting="")


def healthy(run: Run) -> None:
    """Ask the container 30 times, once a second, as the SDK does; it may crash meanwhile."""
    import docker
    import requests

    url = run.facts.get("health_url") or f"http://localhost:{run.facts['port']}"
    begin, checks = time.monotonic(), 0
    while (elapsed := time.monotonic() - begin) < HEALTH_CHECKS.seconds:
        try:
            container = run.engine.containers.get(run.facts["container"])
        except docker.errors.NotFound:
            raise AmltuiError(
                f"The container of {run.plan.name} is gone.",
                "Somebody has removed it.",
                "Resume the run to start it again.",
                problem=Problem.ENGINE,
            ) from None
        if container.status in ("exited", "dead"):
            break
        if elapsed >= checks:
            checks += 1
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(url, timeout=5)
                if answer.status_code == 200:
                    run.record.finished(run.facts.get("scoring_uri", ""))
                    return
                run.record.log(f"Check {checks} of 30: it answers {answer.status_code}.")
        time.sleep(_PAUSE)
    log = mask(clean(container.logs(tail=_LOG_LINES).decode("utf-8", "replace")))
    run.record.keep_log("Container log", "container.log", log)
    words = RuntimeError("It did not answer in 30 checks.")
    raise local_problems.explain(words, "wait", run.plan.name, log[-20_000:])


def leftovers(run: Run) -> Iterator[tuple[str, str, str]]:
    """What this run has left in the engine, as (kind, id, words)."""
    for container in containers(run):
        if is_mine(run, container):
            words = f"container {container.short_id} of {run.plan.name}, {container.status}"
            yield "container", container.id, words
    name = f"{run.plan.name}:latest"
    for image in run.engine.images.list(filters={"reference": name}):
        if image.id == run.facts.get("image"):
            yield "image", name, f"image {name}"


def remove(run: Run, kind: str, name: str) -> None:
    """Remove one of the leftovers."""
    if kind == "container":
        run.engine.containers.get(name).remove(force=True, v=True)
    else:
        run.engine.images.remove(name)
