"""What a service or a run is said to suffer from, and where that stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amltui.domain.errors import AmltuiError
from amltui.domain.models import Failure, Kind, Ref, Service, State
from amltui.domain.run import CONTAINER_LOG, LogKept
from amltui.domain.run_view import begin
from amltui.workers.explain import explain, explain_run

KEY = "SECRETSECRETSECRET"
CRASH = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'lightgbm'\n"


async def test_a_payload_shows_its_line_without_secrets() -> None:
    text = f"The image https://r.azurecr.io/x?sig={KEY} in container group 'a' is not accessible. "
    failure = Failure("InaccessibleImage", f"{text}Please check the image and registry credential.")
    failed = Service(Ref("azureml", "a"), "a", Kind.ACI, State.FAILED, "Failed", failure=failure)
    known = await explain(failed)
    rows = dict(known.sentences)
    assert list(rows)[:4] == ["Diagnosis", "Shown by", "Why", "What to do"]
    assert rows["Diagnosis"].endswith("(certain)")
    assert "InaccessibleImage" in rows["Shown by"]
    assert KEY not in str(rows)
    assert not (await explain(replace(failed, failure=None))).sentences


async def test_a_log_of_a_run_goes_before_its_payload_and_has_lines(tmp_path: Path) -> None:
    quiet = "2026-11-21 11:00:00,000 | root | INFO | scored request 7 in 12 ms\n"
    kept = LogKept(at=0.0, step="start", title="container log", file=CONTAINER_LOG)
    crashed = Failure("CrashLoopBackOff", "Your container application crashed.")
    error = AmltuiError("The containers did not start.")
    view = replace(begin("aci"), logs=(kept,), failure=crashed, error=error)
    for before in (0, 20_000):  # more than is looked at
        (tmp_path / CONTAINER_LOG).write_text(quiet * before + CRASH)
        known = await explain_run(view, tmp_path)
        shown = dict(known.sentences)["Shown by"]
        assert shown.startswith(f"container log, line {before + 2}: ModuleNotFoundError")
        assert known.details["module"] == "lightgbm"
        assert "container-crash-loop" in known.ids
