"""Start a local deployment's process and follow its events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Progress
from amltui.domain.text import clean

_ROOT = Path(__file__).resolve().parents[3]


def run(
    name: str, job: dict[str, Any], engine: str, on_progress: Callable[[Progress], None]
) -> dict[str, Any]:
    """Deploy `job` (see `local.LocalJob`) and return its "done" event; blocks until then.

    The deployment ends with this process, by its `leash`. `engine` is a DOCKER_HOST, or empty.

    Raises:
        AmltuiError: what the deployment failed with.
    """
    environment = dict(os.environ)
    environment.pop("HOSTNAME", None)
    if engine:
        environment["DOCKER_HOST"] = engine
    process = subprocess.Popen(
        [sys.executable, "-m", "amltui.adapters.azureml.local"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=_ROOT,  # `-m` puts it first on the path: never the user's, with a token.py in it
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(json.dumps({**job, "leash": True}).encode() + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            kind = event.pop("event")
            if kind == "done":
                return event
            if kind == "failed":
                raise AmltuiError.from_wire(event)
            text = clean(str(event.get("title" if kind == "step" else "text", "")))
            for remark in filter(str.strip, text.splitlines()):
                on_progress(Progress(name, remark, is_step=kind == "step"))
    raise AmltuiError(
        "The deployment ended without a word",
        f"Its process was stopped (exit code {process.returncode}).",
        "Start it again.",
        problem=Problem.INTERNAL,
    )
