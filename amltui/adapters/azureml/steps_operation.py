"""Watch the operation of a deployment: its stages, its words, and why it failed."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.failures import innermost, unfold
from amltui.domain.models import Ref
from amltui.domain.run import PollPlan
from amltui.domain.text import clean, clean_line, mask

from . import build_log
from .steps import Run, StepError

ENDED = ("Succeeded", "Failed", "Cancelled", "TimedOut")
OUTAGE = 1200.0  # seconds without an answer before the watching, not the deployment, gives up
_DEMO_OUTAGE = 10.0  # the demo's workspace does not come back
_BUILDS = ("BuildEnvironment", "BuildImage")
_REUSED = re.compile(r"(?i)\buse (the )?existing image")
_STARTS = re.compile(r"(?i)(generating|submitting|checking)\b")
_LOST = (Problem.NETWORK, Problem.TIMEOUT, Problem.THROTTLED, Problem.SERVER)
_LOG_LINES = 5_000


class Operation:
    """The operation that a submitted deployment is, asked again and again."""

    def __init__(self, run: Run, operation_id: str) -> None:
        self._run = run
        self._id = operation_id
        self._polls = PollPlan(spare=run.spare)
        self._submitted = time.monotonic()
        self._offset = 0
        self.state = ""
        self.stage = ""
        self.reused = False
        self._last: dict[str, Any] = {}
        self._words: list[str] = []  # of the progress text, still to be told

    def wait(self, *, beyond: str) -> None:
        """Until the operation is past a stage ("image"), or has ended ("start").

        Raises:
            StepError: it failed.
        """
        self._tell(beyond)
        while self.state not in ENDED and not (beyond == "image" and self.stage == "start"):
            elapsed = time.monotonic() - self._submitted
            time.sleep(self._polls.next(elapsed) - elapsed)
            self._ask()
            self._tell(beyond)
        if self.state in ENDED and self.state != "Succeeded" and self._failed_in(beyond):
            self._fail()

    def _failed_in(self, stage: str) -> bool:
        return stage == "start" or self.stage == "image"

    def _ask(self) -> None:
        """One request; while there is no answer it is asked on, ever slower."""
        silent_since = 0.0
        pause = 2.0
        while True:
            self._polls.made += 1
            try:
                self._take(self._run.management.operation(self._id, self._offset))
            except AmltuiError as error:
                now = time.monotonic()
                silent_since = silent_since or now
                demo = self._run.connection.get("auth") == "demo"
                patience = _DEMO_OUTAGE if demo else OUTAGE
                if error.problem not in _LOST or now - silent_since > patience:
                    raise
                self._run.record.log(f"{error.title}; the deployment goes on, asking again")
                time.sleep(pause)
                pause = min(30.0, pause * 2)
            else:
                return

    def _take(self, operation: dict[str, Any]) -> None:
        self._last = operation
        details = operation.get("operationDetails") or {}
        text = operation.get("streamingOperationLog") or ""
        if isinstance(text, str) and text:
            self._offset += len(text)
            self._words += [
                said
                for entry in text.split("#")
                if (said := clean_line(entry.partition("|")[2] or entry)).strip()
            ]
        kind = str(details.get("subOperationType") or "")
        if kind:
            self.stage = "image" if kind in _BUILDS else "start"
        self.state = str(operation.get("state") or "")
        if self.state in ENDED:
            self._run.note(operation_ended=self.state)

    def _tell(self, stage: str) -> None:
        """Record the entries of the progress text that belong to a stage."""
        while self._words and not (stage == "image" and _STARTS.match(self._words[0])):
            said = self._words.pop(0)
            self.reused = self.reused or bool(_REUSED.search(said))
            self._run.record.log(said)

    def _fail(self) -> None:
        """Say why it failed, with the log that tells more."""
        run = self._run
        payload = self._last.get("error")
        if not payload:
            payload = run.management.payload(run.plan.name).get("error")
        failure = unfold(payload)
        cause = innermost(failure) if failure else None
        if self.stage == "image":
            what, where = "The image could not be built", "The image build log says more."
            kept, instead = keep_build_log(run, self._last), "Look at the packages of the plan."
        else:
            what, where = "The containers do not start", "The container log says more."
            kept, instead = keep_container_log(run), "No container got so far as to have a log."
        if self.state in ("Cancelled", "TimedOut"):
            what = f"The operation ended as {self.state}"
        message = clean_line(cause.message)[:600] if cause else "The service gives no reason."
        code = f"{cause.code}: " if cause and cause.code else ""
        error = AmltuiError(
            f"{what}: {run.plan.name}.",
            mask(f"{code}{message}"),
            where if kept else instead,
            problem=Problem.SERVER,
            detail=mask(clean(json.dumps(payload, indent=2, ensure_ascii=False)))[:8_000],
        )
        raise StepError(error, failure)


def keep_build_log(run: Run, operation: dict[str, Any]) -> bool:
    """Fetch the log that an operation names, for as long as its link is good."""
    uri = operation.get("operationLog")
    if not isinstance(uri, str) or not uri:
        return False
    try:
        text = build_log.fetch(uri)
    except AmltuiError as error:
        run.record.log(f"{error.title}: {error.message}")
        return False
    if not text:
        return False
    run.record.keep_log("Image build log", "image-build.log", text)
    return True


def keep_container_log(run: Run) -> bool:
    """Fetch what the service's container has printed so far."""
    try:
        text = run.management.logs(Ref("azureml", run.plan.name), _LOG_LINES, False)
    except AmltuiError as error:
        run.record.log(f"The container log cannot be read: {error.title}")
        return False
    if text is None:
        run.record.log("There is no container log: no container has started.")
        return False
    run.record.keep_log("Container log", "container.log", text)
    return True
