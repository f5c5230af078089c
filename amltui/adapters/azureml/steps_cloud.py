"""The steps of a deployment to ACI or AKS: submitted once, then watched until it is healthy."""

from __future__ import annotations

import ast
import re
import time
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.failures import innermost, unfold
from amltui.domain.run import REMOVED
from amltui.domain.text import clean, clean_line, mask

from . import problems
from .steps import RUN_PROPERTY, Run, StepError, inside
from .steps_models import deployment_config, inference_config, models
from .steps_operation import Operation, keep_container_log

_SETTLES = 120.0  # seconds that a service may still be in transition after its operation
_RESPONSE = re.compile(r"Response Code: (\d{3})\b.*?Content: (b?['\"].*)", re.DOTALL)
_TAKEN = re.compile(r"(?i)\balready exists\b|\bServiceExists\b")


def submit(run: Run) -> None:
    """Hand the deployment over, once: what an interrupted process has sent is found again."""
    name, overwrite = run.plan.name, run.plan.options.overwrite
    if run.is_under_way:
        run.record.finished("It is under way already: nothing was sent again.", reused=True)
        return
    found: dict[str, Any] | None = None
    if run.facts.get("submitting") or run.facts.get("operation_ended"):
        found = mine(run)
        if found is not None and run.facts.get("submitting") and _is_new(run, found):
            _adopt(run, found, f"It is from before {run.changed} changed." if run.changed else "")
            return
        # What is left of our own failed attempt is replaced, nobody else's service ever is.
        overwrite = overwrite or found is not None
    previous = run.facts.get("operation") or run.facts.get("previous", "")
    run.note(submitting="yes", previous=previous, operation="", operation_ended="")
    try:
        service = _deploy(run, overwrite)
    except Exception as error:
        found = _mine_if_reachable(run)
        if found is None or not _is_new(run, found):
            if found is not None or not _is_lost(error):
                run.note(submitting="")
            raise _explain(error, name) from error
        _adopt(run, found)
        return
    run.note(operation=str(service._operation_endpoint).rpartition("/")[2], submitting="")
    run.record.finished(f"operation {run.facts['operation']}")


def _deploy(run: Run, overwrite: bool) -> Any:
    from azureml.core import Model

    found = models(run)
    with inside(run.source):
        return Model.deploy(
            run.workspace,
            run.plan.name,
            found,
            inference_config(run),
            deployment_config(run),
            overwrite=overwrite,
        )


def mine(run: Run) -> dict[str, Any] | None:
    """The service, if it is there and this run made it."""
    try:
        payload: dict[str, Any] = run.management.payload(run.plan.name)
    except AmltuiError as error:
        if error.problem is Problem.NOT_FOUND:
            return None
        raise
    mark = (payload.get("properties") or {}).get(RUN_PROPERTY)
    return payload if mark == run.name else None


def _mine_if_reachable(run: Run) -> dict[str, Any] | None:
    try:
        return mine(run)
    except AmltuiError:
        return None


def _is_new(run: Run, payload: dict[str, Any]) -> bool:
    """Whether a service of ours is of the submission under way, not of one that failed before."""
    operation = payload.get("operationId")
    return not run.facts.get("previous") or operation != run.facts["previous"]


def _adopt(run: Run, payload: dict[str, Any], remark: str = "") -> None:
    operation = str(payload.get("operationId") or "")
    run.note(operation=operation, submitting="", operation_ended="")
    said = f"It had arrived already: nothing was sent again. {remark}".rstrip()
    run.record.finished(said, reused=True)


def _is_lost(error: BaseException) -> bool:
    """Whether it is not known what became of a request."""
    explained = problems.of_exception(error, "deploying")
    return explained.problem in (Problem.NETWORK, Problem.TIMEOUT, Problem.SERVER)


def _explain(error: Exception, name: str) -> AmltuiError:
    """What the SDK wraps into its message: the answer's status and the payload in it."""
    if isinstance(error, AmltuiError):
        return error
    text = str(getattr(error, "message", "") or error)
    if _TAKEN.search(text):
        return AmltuiError(
            f"There is a service named {name} already.",
            "It was left as it is.",
            "Choose another name, or say overwrite: true to replace it.",
            problem=Problem.REFUSED,
            detail=mask(clean(text))[:8_000],
        )
    if match := _RESPONSE.search(text):
        body = _body(match[2])
        failure = unfold(body)
        explained = problems.of_response(int(match[1]), {}, body, f"deploying {name}")
        if failure is not None:
            cause = innermost(failure)
            explained.message = clean_line(f"{cause.code}: {cause.message}".strip(": "))[:600]
        return StepError(explained, failure)
    return problems.of_exception(error, f"deploying {name}")


def _body(quoted: str) -> str:
    """The text of bytes that were put into a message as Python writes them, `b'...'`."""
    try:
        value = ast.literal_eval(quoted.strip())
    except (ValueError, SyntaxError):
        return quoted
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else quoted


def _payload(run: Run) -> dict[str, Any]:
    """The service as the workspace has it."""
    try:
        payload: dict[str, Any] = run.management.payload(run.plan.name)
    except AmltuiError as error:
        if error.problem is not Problem.NOT_FOUND:
            raise
        run.note(operation_ended=REMOVED)
        raise AmltuiError(
            f"The service {run.plan.name} is gone.",
            "Somebody has removed it after it was deployed.",
            "Resume the run to deploy it again.",
            problem=Problem.NOT_FOUND,
        ) from error
    return payload


def image(run: Run) -> None:
    """Watch the operation until its image is there."""
    operation = _operation(run)
    if operation is None:
        run.record.finished(reused=True)
        return
    operation.wait(beyond="image")
    text = "the existing image is used" if operation.reused else ""
    run.record.finished(text, reused=operation.reused)


def start(run: Run) -> None:
    """Watch the operation until it ends."""
    operation = _operation(run)
    if operation is not None:
        operation.wait(beyond="start")
    run.record.finished()


def _operation(run: Run) -> Operation | None:
    """The operation under way; None when only the service itself can be asked."""
    if run.operation is None and run.facts.get("operation"):
        run.operation = Operation(run, run.facts["operation"])
    found: Operation | None = run.operation
    return found


def healthy(run: Run) -> None:
    """Read the service; its state is the last word."""
    deadline = time.monotonic() + _SETTLES
    while True:
        payload = _payload(run)
        state = str(payload.get("state") or "")
        if state != "Transitioning" or time.monotonic() > deadline:
            break
        run.record.log("The service is still in transition.")
        time.sleep(5.0)
    if state != "Healthy":
        failure = unfold(payload.get("error"))
        cause = innermost(failure) if failure else None
        keep_container_log(run)
        error = AmltuiError(
            f"{run.plan.name} is {clean_line(state) or 'in no known state'}.",
            clean_line(cause.message)[:600] if cause else "The service gives no reason.",
            "The container log says more.",
            problem=Problem.SERVER,
        )
        raise StepError(error, failure)
    uri = clean_line(str(payload.get("scoringUri") or ""))
    run.note(scoring_uri=uri)
    run.record.finished(uri)
