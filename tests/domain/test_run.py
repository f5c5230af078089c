"""What the events of a run add up to, what may be done again, and when an operation is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Failure
from amltui.domain.run import (
    CLOUD_STEPS,
    LOCAL_STEPS,
    REMOVED,
    TITLES,
    Event,
    LogKept,
    Noted,
    Outcome,
    PollPlan,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLogged,
    StepStarted,
    from_line,
    limits_of,
    restart_after_edit,
    restart_at,
    steps_of,
    to_line,
)
from amltui.domain.run_view import RunState, StepState, begin, replay

BEGIN = RunStarted(at=100.0, pid=7, target="aci", first="check", last="healthy")
ERROR = AmltuiError("It failed.", "Because.", "Do that.", problem=Problem.SERVER).to_wire()


def done(*steps: str, at: float = 101.0) -> list[Event]:
    return [
        event
        for step in steps
        for event in (StepStarted(at=at, step=step), StepFinished(at=at + 2, step=step))
    ]


EVENTS: list[Event] = [
    BEGIN,
    StepStarted(at=1.5, step="check"),
    StepLogged(at=2.0, step="register", text="naïve \u2028 line", output=True),
    Noted(at=2.0, step="submit", facts={"operation": "42"}),
    LogKept(at=3.0, step="image", title="Image build log", file="image-build.log"),
    StepFailed(
        at=4.0,
        step="start",
        error=ERROR,
        failure=Failure("A", "outer", "400", (Failure("B", "inner"),)),
    ),
    StepFailed(at=4.0, step="start", error=ERROR),
    StepFinished(at=5.0, step="image", text="reused", reused=True),
    RunEnded(at=6.0, outcome=Outcome.CANCELLED),
    RunBrokeOff(at=7.0),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_and_comes_back(event: Event) -> None:
    line = to_line(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == event


@given(st.binary(max_size=60))
def test_what_is_no_event_is_none(line: bytes) -> None:
    assert from_line(line) is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_torn_line_is_none(event: Event) -> None:
    line = to_line(event)
    assert [cut for cut in range(len(line) - 1) if from_line(line[:cut]) is not None] == []


def test_an_unknown_event_of_a_newer_version_is_none() -> None:
    assert from_line(b'{"event":"StepDreamt","at":1}') is None
    assert from_line(b'{"event":"StepStarted","at":1,"step":"check","mood":"good"}') is None


def test_every_step_has_a_title() -> None:
    assert {*CLOUD_STEPS, *LOCAL_STEPS} == set(TITLES)


def test_a_run_that_goes_well() -> None:
    view = replay("aci", [BEGIN, *done(*CLOUD_STEPS), RunEnded(at=120.0, outcome=Outcome.HEALTHY)])
    assert view.state is RunState.HEALTHY
    assert view.over
    assert view.current is None
    assert view.resume_at == ""
    assert {step.seconds(999.0) for step in view.steps} == {2.0}
    assert (view.began_at, view.ended_at) == (100.0, 120.0)


def test_a_running_step_has_its_time_its_words_and_its_countdowns() -> None:
    events = [*done("check", "register", "environment", "submit", "image")]
    view = replay("aks", [BEGIN, *events, StepStarted(at=200.0, step="start")])
    view = view.after(StepLogged(at=201.0, step="start", text="Checking the status .."))
    view = view.after(StepLogged(at=202.0, step="start", text="noise", output=True))
    current = view.current
    assert current is not None
    assert (current.step, current.state) == ("start", StepState.RUNNING)
    assert current.text == "Checking the status .."
    assert current.seconds(230.0) == 30.0
    left = {one.limit.name: one.left for one in view.countdowns(260.0)}
    assert left == {"scheduling": 240.0, "polling": 1140.0}
    assert view.resume_at == ""  # somebody works on it


def test_a_failure_names_its_step_and_keeps_the_payload() -> None:
    failure = Failure("CrashLoopBackOff", "init() raised")
    view = replay("aci", [BEGIN, *done("check"), StepStarted(at=9.0, step="register")])
    view = view.after(StepFailed(at=9.0, step="register", error=ERROR, failure=failure))
    view = view.after(RunEnded(at=10.0, outcome=Outcome.FAILED))
    assert view.failed_step == "register"
    assert view.error is not None
    assert (view.error.title, view.error.problem) == ("It failed.", Problem.SERVER)
    assert view.failure == failure
    assert view.resume_at == "register"
    again = view.after(dataclasses.replace(BEGIN, at=50.0))
    assert again.error is None
    assert again.state is RunState.RUNNING
    assert again.began_at == 50.0


def test_a_step_that_begins_again_makes_those_after_it_wait() -> None:
    view = replay("aci", [BEGIN, *done("check", "register", "environment", "submit", "image")])
    view = view.after(StepStarted(at=300.0, step="submit"))
    states = {step.step: step.state for step in view.steps}
    assert states["environment"] is StepState.DONE
    assert states["submit"] is StepState.RUNNING
    assert states["image"] is StepState.WAITING


def test_a_limit_goes_on_over_a_break() -> None:
    view = replay("local", [BEGIN, StepStarted(at=100.0, step="healthy"), RunBrokeOff(at=105.0)])
    assert view.state is RunState.BROKEN_OFF
    assert view.step("healthy").state is StepState.BROKEN_OFF
    view = view.after(BEGIN).after(StepStarted(at=110.0, step="healthy"))
    (countdown,) = view.countdowns(112.0)
    assert (countdown.limit.name, countdown.left) == ("health checks", 18.0)


def test_facts_are_forgotten_by_an_empty_text() -> None:
    noted = [Noted(at=1.0, step="submit", facts={"operation": "1", "submitting": "yes"})]
    view = replay("aci", [*noted, Noted(at=2.0, step="submit", facts={"submitting": ""})])
    assert view.facts == {"operation": "1"}


FAILED = {"operation": "1", "operation_ended": "Failed"}


@pytest.mark.parametrize(
    ("target", "step", "facts", "failed", "expected"),
    [
        ("aci", "register", {}, True, "register"),
        ("aci", "submit", {}, True, "submit"),
        # Killed while it watched: what is submitted goes on without it, and is never sent again.
        ("aci", "start", {"operation": "1"}, False, "start"),
        # Killed after the operation failed, before that was told: first it has to be told.
        ("aci", "start", FAILED, False, "start"),
        ("aci", "start", FAILED, True, "submit"),
        ("aks", "image", FAILED, True, "submit"),
        # The line was down for too long: the operation has not ended.
        ("aks", "start", {"operation": "1"}, True, "start"),
        ("aci", "healthy", {"operation": "1", "operation_ended": "Succeeded"}, True, "healthy"),
        # What it made was removed: it is sent again.
        ("aks", "start", {"operation": "1", "operation_ended": REMOVED}, False, "submit"),
        ("aci", "healthy", {"operation": "1", "operation_ended": REMOVED}, True, "submit"),
        ("local", "build", {}, True, "context"),
        ("local", "start", {}, False, "context"),
        ("local", "healthy", {"container": "c"}, False, "healthy"),
        ("local", "healthy", {"container": "c"}, True, "context"),
        ("local", "healthy", {}, False, "context"),
    ],
)
def test_where_an_unfinished_step_begins_again(
    target: str, step: str, facts: Mapping[str, str], failed: bool, expected: str
) -> None:
    assert restart_at(target, step, facts, failed=failed) == expected


@pytest.mark.parametrize(
    ("step", "changes", "expected"),
    [
        ("start", {}, "start"),
        ("submit", {"models": [{"file": "b"}]}, "register"),
        ("start", {"target": {"memory_gb": 2}}, "submit"),
        ("submit", {"inference": {}}, "environment"),
        ("start", {"options": {"wait": False}}, "start"),
        ("register", {"target": {"memory_gb": 2}}, "register"),
        ("check", {"models": []}, "check"),
    ],
)
def test_an_edit_repeats_what_it_concerns(
    step: str, changes: dict[str, Any], expected: str
) -> None:
    old = {"models": [{"file": "a"}], "target": {"memory_gb": 1}}
    assert restart_after_edit("aci", step, old, {**old, **changes}) == expected


def test_limits_belong_to_steps_that_exist() -> None:
    limited = [
        (target, step)
        for target in ("local", "aci", "aks")
        for step in steps_of(target)
        if limits_of(target, step)
    ]
    assert limited == [("local", "healthy"), ("aks", "start")]


def polls(plan: PollPlan, end: float, latency: float) -> list[float]:
    """When an operation that ends at `end` is asked, the last time included."""
    at, asked = 0.0, [-1.0]
    while asked[-1] < end:
        at = plan.next(at)
        plan.made += 1
        asked.append(at)
        at += latency
    return asked[1:]


@given(
    st.floats(0.1, 900.0), st.integers(0, 12), st.floats(0.001, 1.5)
)  # fmt: skip
def test_never_later_than_the_sdk_and_never_more_requests(
    end: float, spare: int, latency: float
) -> None:
    asked = polls(PollPlan(spare=spare), end, latency)
    sdk_sees = -(-end // 5.0) * 5.0
    assert asked[-1] <= sdk_sees
    assert len(asked) <= 1 + sdk_sees / 5.0 + spare
    assert all(b > a for a, b in pairwise(asked))


@given(st.floats(0.1, 900.0))
def test_a_request_too_many_before_is_made_up_for(end: float) -> None:
    asked = polls(PollPlan(spare=-1), end, 0.01)
    sdk_sees = -(-end // 5.0) * 5.0
    assert asked[-1] <= sdk_sees
    assert len(asked) <= sdk_sees / 5.0


def test_begin_knows_the_steps_of_the_target() -> None:
    assert [step.step for step in begin("local").steps] == list(LOCAL_STEPS)
    assert begin("aci").state is RunState.STARTING
