"""The files that a run has read: a resumed one must notice that they are others by now.

What an earlier process registered, sent or built of a file that was changed since is of no use.
The digest of each file or folder that the plan names is a fact of the run, noted before it is read.
"""

from __future__ import annotations

import posixpath

from amltui.domain.checks import paths_of
from amltui.domain.run import steps_of
from amltui.domain.text import clean_line

from .registration import content_digest
from .steps import Run

_FACT = "content."


def note_model(run: Run, path: str) -> str:
    """Note and return the digest of a model's file or folder; OSError if it cannot be read."""
    digest = content_digest(run.path(path))
    run.note(**{f"{_FACT}{path}": digest})
    return digest


def note_inference(run: Run) -> None:
    """Note the content of the source and of what the environment is made of."""
    named = paths_of(run.plan).items()
    paths = dict.fromkeys(path for field, (path, _) in named if field.startswith("inference."))
    run.note(**{f"{_FACT}{path}": _digest(run, path) for path in paths})


def begin_again(run: Run, first: str) -> tuple[str, str]:
    """Where to begin instead of `first` once files have changed, and what to say of it."""
    changed = [field for field, (path, _) in paths_of(run.plan).items() if _is_another(run, path)]
    if not changed:
        return first, ""
    names = clean_line(", ".join(dict.fromkeys(_shown(run, field) for field in changed)))
    run.changed = names
    if run.is_under_way:
        return first, f"Changed on disk: {names}. What was sent before goes on as it was."
    # Neither these models nor a container that was started will do.
    for at in range(len(run.plan.models)):
        if any(field.startswith(f"models[{at}]") for field in changed):
            run.note(**{f"model.{at}.plan": ""})
    run.note(starting="")
    return steps_of(run.plan.target.kind)[0], f"Changed on disk: {names}. All begins again."


def _is_another(run: Run, path: str) -> bool:
    """Whether a file that was read is another now; one that is gone is no other."""
    noted = run.facts.get(f"{_FACT}{path}")
    return noted is not None and _digest(run, path) not in ("", noted)


def _shown(run: Run, field: str) -> str:
    path, kind = paths_of(run.plan)[field]
    path = posixpath.normpath(path)
    if kind == "file":
        return path
    return "the folder of the plan" if path == "." else f"{path}/"


def _digest(run: Run, path: str) -> str:
    """What the content is known by; "" if it cannot be read."""
    try:
        return content_digest(run.path(path))
    except OSError:
        return ""
