"""What logs are called, and the lines that a deployment's events become."""

from __future__ import annotations

from amltui.domain.containers import rotation_of
from amltui.domain.errors import AmltuiError
from amltui.domain.logsource import LABEL, LogSource, SourceKind
from amltui.domain.logtime import stamp_in, stamp_of
from amltui.domain.models import Kind, Ref, Service, State
from amltui.domain.run import Outcome, RunEnded, StepFailed, StepLogged, StepStarted
from amltui.domain.run_log import batch

NAME = "fraud-scoring-eu"
FRAUD = Service(Ref("azureml", NAME), NAME, Kind.AKS, State.OK, "Healthy", target="aks")


def test_it_says_what_is_shown_and_from_where() -> None:
    assert LogSource.of_build(FRAUD).words == "image build of fraud-scoring-eu (AKS aks)"
    assert LogSource.of_run("r1", "churn", "prod").words == "deployment of churn (prod)"
    assert LogSource.of_file("-").words == LogSource.of_file("/dev/fd/3").words == "standard input"
    local = LogSource(SourceKind.CONTAINER, "api", "this machine", container_id="c")
    both = LogSource.of_several((LogSource.of_service(FRAUD), local))
    assert both.words == "2 logs by time: fraud-scoring-eu (AKS aks), api (this machine)"


def test_parts_have_short_names_that_differ() -> None:
    own, init = LogSource.of_service(FRAUD), LogSource.of_service(FRAUD, init=True)
    several = LogSource.of_several((own, init))
    assert several.words == (
        "2 logs by time: fraud-scoring-eu service, fraud-scoring-eu init (AKS aks)"
    )
    assert several.labels == {0: "fraud-s… service", 1: "fraud-s…-eu init"}
    assert all(len(label) <= LABEL for label in several.labels.values())
    assert own.key != init.key


def test_times_that_lines_carry_themselves() -> None:
    assert stamp_in(b"2026-11-21 11:59:58,101 I [71] x") == b"2026-11-21T11:59:58.101000000Z"
    assert stamp_in(b"[2026/11/21 11:59:58 +0000] x") == b"2026-11-21T11:59:58.000000000Z"
    assert stamp_in(b"at 2026-11-21 11:59:58 it broke") is None
    assert stamp_in(b"") is None
    assert stamp_of(1_795_240_862.25) == b"2026-11-21T06:01:02.250000000Z"


def test_a_deployment_as_lines() -> None:
    error = AmltuiError("The image could not be built", "numpy\nis missing").to_wire()
    lines = batch((
        StepStarted(at=1.0, step="image"),
        StepLogged(at=2.0, step="image", text="Step 1/9", output=True),
        StepFailed(at=3.0, step="image", error=error),
        RunEnded(at=4.0, outcome=Outcome.FAILED),
    ))  # fmt: skip
    assert lines.lines == [
        b"INFO image: Build or reuse the image",
        b"    Step 1/9",
        b"ERROR image: The image could not be built numpy",
        b"ERROR image: is missing",
        b"INFO the run ended: failed",
    ]
    assert lines.stamps is not None
    assert lines.stamps[-1] == b"1970-01-01T00:00:04.000000000Z"


def test_when_an_engine_rotates_a_log() -> None:
    assert rotation_of("json-file", {}) == 0
    assert rotation_of("json-file", {"max-size": "10m", "max-file": "3"}) == 10_000_000
    assert rotation_of("local", {}) == 20_000_000
    assert rotation_of("json-file", {"max-size": "-1"}) == 0
