"""Why a local deployment failed, and what to do, by the step that it had reached."""

from __future__ import annotations

from amltui.adapters.azureml import problems
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask


def explain(error: Exception, step: str, name: str, log: str) -> AmltuiError:
    """The SDK's, the engine's or our own error as one that a person can act on.

    `step` is one of `local.STEPS`, `name` the service's, `log` its container's, already cleaned.
    """
    if isinstance(error, AmltuiError):
        return error
    text = mask(clean(str(getattr(error, "message", "") or error))).strip()
    if step == "wait":
        raised = last_words(log)
        return AmltuiError(
            f"The container of {name} " + ("stopped while it started." if raised else "is silent."),
            clean_line(raised or text.partition("\n")[0]),
            "The entry script raised this while it was loaded or in init(); see the log."
            if raised
            else "Its log may say why; a large model can also take longer to load.",
            problem=Problem.SERVER,
            detail=log or text,
        )
    if step in ("build", "start"):
        what = "image could not be built" if step == "build" else "container cannot start"
        return AmltuiError(
            f"The {what}: {name}.",
            clean_line(text.rpartition("\n")[2]),
            "The output above says how far it came.",
            problem=Problem.ENGINE,
            detail=text,
        )
    refused = error if type(error).__module__ == "docker.errors" else error.__context__
    if type(refused).__module__ == "docker.errors":
        # These are exceptions of requests, too: they would pass for the workspace's answer.
        return AmltuiError(
            f"The Docker engine refused while deploying {name}.",
            clean_line(mask(str(getattr(refused, "explanation", None) or refused))),
            "The reason is the engine's own; most often it cannot reach a registry.",
            problem=Problem.ENGINE,
            detail=text,
        )
    return problems.of_exception(error, f"deploying {name}")


def last_words(log: str) -> str:
    """Find the exception that the first traceback in *log* ends with: what follows is its wake."""
    _, found, after = log.partition("Traceback (most recent call last):\n")
    lines = after.splitlines() if found else []
    return next((line for line in lines if line and not line[0].isspace()), "")
