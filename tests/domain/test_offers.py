"""What is offered once a run has ended before it was through, and what an edit repeats."""

from __future__ import annotations

import pytest

from amltui.domain.errors import AmltuiError
from amltui.domain.offers import EDIT, REPEAT, RESUME, differences, offers
from amltui.domain.plan import Plan
from amltui.domain.plan_targets import AciTarget, LocalTarget
from amltui.domain.run import (
    Event,
    Noted,
    Outcome,
    RunBrokeOff,
    RunEnded,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    steps_of,
)
from amltui.domain.run_view import RunView, replay

CONDA = "dependencies:\n  - python=3.10\n  - pip:\n      - azureml-defaults==1.61.0\n"
PLAIN = [RESUME, REPEAT, EDIT]


def plan(target: str, **more: object) -> Plan:
    cluster = {"cluster": "gpu"} if target == "aks" else {}
    return Plan.from_dict(
        {
            "name": "churn-of-all-our-customers-v2",
            "models": [{"registered": "churn"}],
            "inference": {"entry_script": "s.py", "environment": {"conda_file": "env.yml"}},
            "target": {"kind": target, **cluster, **more},
        }
    )


def ended(target: str, step: str, last: Event | None = None) -> RunView:
    """A run that failed at a step, or ended there as said."""
    order = steps_of(target)
    events: list[Event] = [RunStarted(at=0, pid=1, target=target, first="check", last="healthy")]
    for done in order[: order.index(step)]:
        events += [StepStarted(at=1, step=done), StepFinished(at=2, step=done)]
    events.append(StepStarted(at=3, step=step))
    if last is None:
        facts = {"operation": "1", "operation_ended": "Failed"}
        events.append(Noted(at=4, step=step, facts=facts))
        events.append(StepFailed(at=4, step=step, error=AmltuiError("No.").to_wire()))
        last = RunEnded(at=4, outcome=Outcome.FAILED)
    return replay(target, [*events, last])


def test_what_mends_the_failure_comes_first() -> None:
    found = offers(plan("aci"), ended("aci", "start"), ["worker-killed-memory"]).ways
    assert [way.key for way in found] == ["memory", *PLAIN, "local"]
    assert found[0].plan is not None
    assert found[0].plan.target == AciTarget(memory_gb=1.0)
    assert found[0].note == "memory_gb: 0.5 (the default) → 1"
    assert not found[0].elsewhere


def test_another_target_is_a_run_of_its_own_under_a_name_that_is_free() -> None:
    found = {way.key: way for way in offers(plan("aks"), ended("aks", "start")).ways}
    assert set(found) == {*PLAIN, "memory", "local", "aci"}
    local, aci = found["local"], found["aci"]
    assert local.elsewhere
    assert aci.elsewhere
    assert local.plan is not None
    assert aci.plan is not None
    assert isinstance(local.plan.target, LocalTarget)
    assert local.plan.name == "churn-of-all-our-customers-v2"
    assert aci.plan.name == "churn-of-all-our-customers-v-aci"
    assert len(aci.plan.name) <= 32
    assert "name: churn-of-all-our-customers-v2 → churn-of-all-our-customers-v-aci" in aci.lines


def test_a_package_that_is_missing_is_a_fix_of_the_file() -> None:
    view = ended("aci", "start")
    ids, details = ["entry-script-missing-module"], {"module": "xgboost"}
    way = offers(plan("aci"), view, ids, conda=CONDA, details=details).ways[0]
    assert way.fix is not None
    assert way.fix.path == "env.yml"
    assert any(line.strip("+ ") == "- xgboost" for line in way.lines)


def test_memory_is_nothing_to_offer_for_an_image_that_was_not_built() -> None:
    keys = [way.key for way in offers(plan("aci", memory_gb=2.0), ended("aci", "image")).ways]
    assert keys == [*PLAIN, "local"]


def test_what_has_to_be_done_elsewhere_is_a_hint() -> None:
    found = offers(plan("aci"), ended("aci", "submit"), ["key-vault-policy-cleared"])
    assert found.hints[0][0].startswith("Give the workspace its access")


@pytest.mark.parametrize(
    "last", [RunBrokeOff(at=5), RunEnded(at=5, outcome=Outcome.CANCELLED)], ids=["broken", "ended"]
)
def test_a_run_that_did_not_fail_just_goes_on(last: Event) -> None:
    assert [way.key for way in offers(plan("aci"), ended("aci", "image", last)).ways] == PLAIN


def test_nothing_is_offered_for_a_run_that_is_through() -> None:
    view = ended("aci", "healthy", StepFinished(at=5, step="healthy"))
    view = view.after(RunEnded(at=6, outcome=Outcome.HEALTHY))
    assert offers(plan("aci"), view).ways == ()


def test_an_edit_is_told_setting_by_setting() -> None:
    assert differences(plan("aci"), plan("aci", memory_gb=2.0)) == (
        "target.memory_gb: not said → 2.0",
    )


def test_a_restart_says_what_is_done_again_and_what_is_kept() -> None:
    old, new = plan("aci"), plan("aci", memory_gb=2.0)
    restart = ended("aci", "healthy").restart(old.to_dict(), new.to_dict())
    assert restart is not None
    assert restart.lines == (
        "It goes on at submit.",
        "Done again: submit, image, start.",
        "Kept, unless their files have changed: check, register, environment.",
    )
