"""Start a process that works through a job with the SDK, and follow its events."""

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
    environment = {"DOCKER_HOST": engine} if engine else {}
    return follow("local", name, {**job, "leash": True}, environment, on_progress)


def follow(
    module: str,
    name: str,
    job: dict[str, Any],
    environment: dict[str, str],
    on_progress: Callable[[Progress], None],
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run `adapters.azureml.MODULE` on a job and return its "done" event; blocks until then.

    The module ends with its standard input, so at the latest with this process. `environment` is
    added to this one's, and `started` is given the process.

    Raises:
        AmltuiError: what the job failed with.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"amltui.adapters.azureml.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if key != "HOSTNAME"} | environment,
        cwd=_ROOT,  # `-m` puts it first on the path: never the user's, with a token.py in it
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    started(process)
    with process:
        process.stdin.write(json.dumps(job).encode() + b"\n")
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
        "The process of the SDK ended without a word",
        f"It was stopped while it worked on {name} (exit code {process.returncode}).",
        "Start it again.",
        problem=Problem.INTERNAL,
    )
