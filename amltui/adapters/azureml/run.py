"""A run's process: `python -m amltui.adapters.azureml.run DIRECTORY work FIRST LAST`.

It belongs to no terminal and to no console: it does the steps of a plan, in the run's directory,
and writes what happens to the journal there, each step before it begins. Killed at any moment, the
next process for the run finds in the journal, in the workspace and in the engine what was done.

With `leftovers`, `remove KIND NAME` or `build-log` instead of `work` it answers a question beside
the run, with one JSON object on stdout.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

from amltui.adapters.run_record import RunRecord, read_json
from amltui.adapters.runs import mark
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Ref
from amltui.domain.run import (
    CANCELLED,
    DESCRIPTION,
    JOURNAL,
    REMOVED,
    TEMPORARY,
    Outcome,
    from_line,
    steps_of,
)
from amltui.domain.run_view import replay

from . import (
    content,
    host,
    problems,
    steps,
    steps_cloud,
    steps_local,
    steps_models,
    steps_operation,
)
from .capture import EventStream
from .steps import Run, StepError

# Steps that one function does: it begins and finishes the others itself.
_DEPLOY_LOCAL = ("context", "build", "start")


class Cancelled(BaseException):
    """Somebody asks for the end; no `except Exception` of the SDK may swallow it."""


def _functions(target: str) -> dict[str, Callable[[Run], None]]:
    common = {
        "check": steps.check_plan,
        "register": steps_models.register,
        "environment": steps_models.environment_step,
    }
    if target == "local":
        return {**common, "context": steps_local.deploy, "healthy": steps_local.healthy}
    return {
        **common,
        "submit": steps_cloud.submit,
        "image": steps_cloud.image,
        "start": steps_cloud.start,
        "healthy": steps_cloud.healthy,
    }


def work(run: Run, first: str, last: str) -> Outcome:
    """Do the steps from `first` to `last`, each into the journal; returns how it ended."""
    target = run.plan.target.kind
    functions = _functions(target)
    order = steps_of(target)
    first, remark = content.begin_again(run, first)
    wanted = order[order.index(first) : order.index(last) + 1]
    if target != "local" and not run.plan.options.wait:
        wanted = tuple(step for step in wanted if step not in ("image", "start", "healthy"))
    for step in wanted:
        function = functions.get(step)
        if function is None:
            continue
        if function is not steps_local.deploy:
            run.record.begin(step)
        if remark and step == first:
            run.record.log(remark)
        try:
            function(run)
        except Exception as error:  # noqa: BLE001 - the SDK raises anything
            run.flush()
            failure = error.failure if isinstance(error, StepError) else None
            run.record.failed(_explain(run, error), failure)
            return Outcome.FAILED
    if last != order[-1]:
        return Outcome.STOPPED
    return Outcome.HEALTHY if wanted[-1:] == order[-1:] else Outcome.SUBMITTED


def _explain(run: Run, error: Exception) -> AmltuiError:
    explained = problems.of_exception(error, f"deploying {run.plan.name}")
    if explained.problem is Problem.NETWORK and run.connection.get("auth") == "demo":
        return AmltuiError(
            "The demo has ended",
            "Its workspace is gone with the console that had started it.",
            "Start `amltui demo` again, and a new run there.",
            problem=Problem.NETWORK,
            detail=explained.detail,
        )
    return explained


def leftovers(run: Run) -> list[dict[str, str]]:
    """What a run has made and nobody may want any more."""
    if run.plan.target.kind == "local":
        found = list(steps_local.leftovers(run))
    else:
        payload = steps_cloud.mine(run)
        state = str(payload.get("state")) if payload else ""
        words = f"service {run.plan.name}, {state.lower()}"
        found = [("service", run.plan.name, words)] if payload else []
    return [{"kind": kind, "name": name, "text": text} for kind, name, text in found]


def remove(run: Run, kind: str, name: str) -> None:
    """Remove one of the leftovers, which must still be one."""
    if not any(found["kind"] == kind and found["name"] == name for found in leftovers(run)):
        raise AmltuiError(
            f"The {kind} is not this run's any more.",
            "It is gone, or somebody else has made it anew.",
            problem=Problem.NOT_FOUND,
        )
    if kind == "service":
        run.management.delete(Ref("azureml", name))
        run.note(operation_ended=REMOVED)
    else:
        steps_local.remove(run, kind, name)
        if kind == "container":
            run.note(container="", starting="")


def build_log(run: Run) -> bool:
    """Fetch the image build log as it is now into the run's directory."""
    if not run.facts.get("operation"):
        return False
    run.record.step = "image"
    operation = run.management.operation(run.facts["operation"], 0)
    return steps_operation.keep_build_log(run, operation)


def _answer(run: Run, question: str, words: list[str]) -> dict[str, Any]:
    try:
        if question == "leftovers":
            return {"ok": leftovers(run)}
        if question == "remove":
            remove(run, *words)
            return {"ok": None}
        if question == "build-log":
            return {"ok": build_log(run)}
        raise ValueError(f"no such question: {question}")
    except Exception as error:  # noqa: BLE001 - the SDK raises anything
        return {"error": problems.of_exception(error, question).to_wire()}


def _open(directory: Path, record: RunRecord) -> Run:
    description = read_json(directory / DESCRIPTION)
    with open(directory / JOURNAL, "rb") as journal:
        events = [event for line in journal if (event := from_line(line)) is not None]
    view = replay(description["plan"]["target"]["kind"], events)
    return Run(directory.name, description, dict(view.facts), record)


def _prepare(directory: Path) -> None:
    """Set up the process: what the SDK reads at import, its temporary files, its home."""
    connection = dict(read_json(directory / DESCRIPTION).get("connection", {}))
    temporary = directory / TEMPORARY
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
    temporary.mkdir(mode=0o700)
    tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
    if connection.get("auth") == "demo":
        connection["home"] = str(temporary)  # the SDK notes the demo's endpoints there
    host.prepare(connection)
    # Seconds and tries: a deployment is worth some patience with a bad line, the console is not.
    os.environ["AZUREML_DEFAULT_RETRIES"] = "3"
    for name in ("NO_PROXY", "no_proxy"):  # a local container is no proxy's business
        others = os.environ.get(name, "")
        os.environ[name] = f"{others},localhost,127.0.0.1".lstrip(",")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.captureWarnings(True)


def _cancel(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Cancelled


class _Printed:
    """What is printed becomes output of the current step."""

    def __init__(self, record: RunRecord) -> None:
        self.run: Run | None = None
        self._record = record
        self._mark, self._seen = "", threading.Event()
        self.stream = EventStream(self._hear)

    def flush(self) -> None:
        """Wait until all that was printed so far has been recorded."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._mark, self._seen = uuid4().hex, threading.Event()
        os.write(1, f"\n{self._mark}\n".encode())
        self._seen.wait(2.0)

    def _hear(self, line: str) -> None:
        if self._mark and line == self._mark:
            self._seen.set()
            return
        if self.run is not None and self.run.on_output is not None:
            self.run.on_output(line)
        if line.strip():
            self._record.output(line)


def _work(directory: Path, first: str, last: str) -> int:
    signal.signal(signal.SIGTERM, _cancel)
    mark(directory, os.getpid())  # who started us may have been killed before it could
    try:
        record = RunRecord(directory)
    except BlockingIOError:
        sys.stderr.write("another process works on this run\n")
        return 1
    target = read_json(directory / DESCRIPTION)["plan"]["target"]["kind"]
    outcome = Outcome.CANCELLED
    try:
        record.started(target, first, last)
        record.step = first
        printed = _Printed(record)
        _prepare(directory)
        run = _open(directory, record)
        printed.run, run.flush = run, printed.flush
        outcome = work(run, first, last)
    except Cancelled:
        with contextlib.suppress(OSError):  # whoever ended it may not have said so
            if why := (directory / CANCELLED).read_text(encoding="utf-8"):
                record.log(why)
    except Exception as error:  # noqa: BLE001 - a fault of ours, or a plan nobody can read
        record.failed(problems.of_exception(error, "starting the run"), None)
        outcome = Outcome.FAILED
    shutil.rmtree(directory / TEMPORARY, ignore_errors=True)
    record.ended(outcome)
    return 0 if outcome in (Outcome.HEALTHY, Outcome.SUBMITTED, Outcome.STOPPED) else 1


def _ask(directory: Path, question: str, words: list[str]) -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the SDK prints must not mix with the answer
    with tempfile.TemporaryDirectory(prefix="amltui-run-") as aside:
        connection = dict(read_json(directory / DESCRIPTION).get("connection", {}))
        if connection.get("auth") == "demo":
            connection["home"] = aside
        host.prepare(connection)
        record = RunRecord(directory, exclusive=False)
        answer = _answer(_open(directory, record), question, words)
    out.write(json.dumps(answer))
    out.flush()
    return 0


def main() -> None:
    """Work on a run, or answer a question about it."""
    os.umask(0o077)
    directory, task, *words = Path(sys.argv[1]), *sys.argv[2:]
    if task == "work":
        for ignored in (signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        code = _work(directory, *words)
    else:
        code = _ask(directory, task, words)
    sys.stdout.flush()
    os._exit(code)  # an ordinary exit would wait for the SDK's thread pools


if __name__ == "__main__":
    main()
