"""What is offered about a failure, and that it does what its lines say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from amltui.domain.changes import diff
from amltui.domain.diagnosis import catalogue
from amltui.domain.findings import apply
from amltui.domain.models import Kind, Ref, Resources, Scale, Service, State
from amltui.domain.plan import Plan
from amltui.domain.plan_parts import Environment, Inference
from amltui.domain.plan_targets import AciTarget, AksTarget, LocalTarget
from amltui.domain.remedies import Remedy, RemedyKind, remedies

CONDA = "dependencies:\n  - python=3.10\n  - pip\n  - pip:\n      - numpy==1.26.4\n"
AKS = Service(
    Ref("azureml", "fraud"), "fraud", Kind.AKS, State.FAILED, "Failed",
    resources=Resources(cpu=1, memory_gb=2, memory_limit_gb=3),
    scale=Scale(scoring_timeout_ms=60_000, autoscale=True),
)  # fmt: skip


def plan(target: AciTarget | AksTarget | LocalTarget | None = None) -> Plan:
    environment = Environment(conda_file="env.yml")
    inference = Inference(entry_script="score.py", environment=environment)
    return Plan(name="fraud", inference=inference, target=target or AciTarget(memory_gb=1.0))


def only(found: tuple[Remedy, ...], key: str) -> Remedy:
    return next(remedy for remedy in found if remedy.key == key)


def test_more_memory_doubles_it_in_the_plan() -> None:
    remedy = only(remedies(["worker-killed-memory"], plan()), "memory")
    assert remedy.kind is RemedyKind.SETTINGS
    assert remedy.plan is not None
    assert remedy.plan.target == AciTarget(memory_gb=2.0)
    assert remedy.lines == ("memory_gb: 1 → 2",)


def test_what_nobody_said_is_shown_as_the_default() -> None:
    remedy = only(remedies(["container-oom-killed"], plan(AciTarget())), "memory")
    assert remedy.lines == ("memory_gb: 0.5 (the default) → 1",)


def test_a_living_service_gets_its_limit_raised_with_it() -> None:
    remedy = only(remedies(["container-oom-killed"], service=AKS), "memory")
    assert remedy.changes is not None
    assert {(one.name, one.after) for one in diff(AKS, remedy.changes)} == {
        ("memory_gb", "4"),
        ("memory_gb_limit", "4"),
    }


def test_what_a_service_on_aci_cannot_change_is_said_and_not_offered_as_a_change() -> None:
    aci = replace(AKS, kind=Kind.ACI)
    remedy = only(remedies(["container-oom-killed"], service=aci), "memory")
    assert remedy.kind is RemedyKind.TEXT
    assert remedy.changes is None
    assert "deploy it anew" in remedy.lines[-1]


def test_memory_is_offered_for_a_crash_only_at_the_tiny_default() -> None:
    assert "memory" in {one.key for one in remedies(["container-crash-loop"], plan(AciTarget()))}
    assert "memory" not in {one.key for one in remedies(["container-crash-loop"], plan())}


def test_a_missing_package_is_added_below_pip() -> None:
    found = remedies(
        ["entry-script-missing-module", "init-exception"],
        plan(),
        conda=CONDA,
        details={"module": "sklearn.tree"},
    )
    assert found[0].kind is RemedyKind.FILE
    assert found[0].file == "env.yml"
    assert found[0].edit is not None
    assert apply(CONDA, found[0].edit) == CONDA + "      - scikit-learn\n"
    assert "+      - scikit-learn" in found[0].lines
    assert found[1].key == "local"  # the umbrella's offer comes after the cause's


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (CONDA, CONDA + "      - azureml-defaults==1.61.0\n"),
        (
            CONDA.replace("numpy==1.26.4", "azureml-defaults==1.20.0  # old"),
            CONDA.replace("numpy==1.26.4", "azureml-defaults==1.61.0  # old"),
        ),
    ],
)
def test_azureml_defaults_is_added_or_raised(text: str, after: str) -> None:
    found = remedies(["flask-dependency-conflict"], plan(), conda=text)
    assert found[0].edit is not None
    assert apply(text, found[0].edit) == after


def test_the_scoring_timeout_stops_at_what_the_service_takes() -> None:
    most = replace(AKS, scale=Scale(scoring_timeout_ms=300_000))
    assert not remedies(["http-504-timeout"], service=most)
    longer = only(remedies(["http-504-timeout"], service=AKS), "scoring-timeout")
    assert longer.lines == ("scoring_timeout_ms: 60000 → 120000",)


def test_the_worker_timeout_is_a_variable_of_the_environment() -> None:
    remedy = only(remedies(["gunicorn-worker-timeout"], plan()), "worker-timeout")
    assert remedy.plan is not None
    assert remedy.plan.inference.environment.variables == (("WORKER_TIMEOUT", "600"),)


def test_without_a_plan_the_worker_timeout_is_said_exactly() -> None:
    remedy = only(remedies(["gunicorn-worker-timeout"], service=AKS), "worker-timeout")
    assert remedy.kind is RemedyKind.TEXT
    assert any('["WORKER_TIMEOUT"] = "600"' in line for line in remedy.lines)


def test_a_living_service_is_probed_later() -> None:
    remedy = only(remedies(["probe-failed"], service=AKS), "probes")
    assert remedy.changes is not None
    assert remedy.changes.settings["initial_delay_seconds"] == 620


def test_a_package_for_a_file_that_is_not_known_is_named() -> None:
    found = remedies(["entry-script-missing-module"], service=AKS, details={"module": "cv2"})
    assert found[0].kind is RemedyKind.TEXT
    assert found[0].entry == "opencv-python-headless"


def test_without_a_plan_it_is_said_how_to_run_it_here() -> None:
    assert only(remedies(["init-exception"], service=AKS), "deploy-locally").kind is RemedyKind.TEXT
    assert not remedies(["init-exception"], service=replace(AKS, kind=Kind.LOCAL))


def test_a_crash_on_this_machine_is_not_taken_for_want_of_memory() -> None:
    assert not remedies(["worker-failed-to-boot"])
    assert only(remedies(["container-oom-killed"]), "docker-memory")


def test_a_container_that_is_here_can_be_looked_into() -> None:
    found = remedies(["model-path-not-found"], container="1234")
    assert [one.kind for one in found] == [RemedyKind.PROBE, RemedyKind.SHELL]
    assert not remedies(["model-path-not-found"])


def test_the_three_key_vault_remedies_are_text() -> None:
    remedy = only(remedies(["key-vault-policy-cleared"]), "key-vault-policy-cleared")
    assert remedy.kind is RemedyKind.TEXT
    assert [line[:2] for line in remedy.lines[1:]] == ["1.", "2.", "3."]


@pytest.mark.parametrize("target", [AciTarget(), AksTarget(cluster="k"), LocalTarget(port=80)])
def test_every_failure_has_offers_that_can_be_made(
    target: AciTarget | AksTarget | LocalTarget,
) -> None:
    """Whatever is diagnosed: an offer shows what it does, and a plan made so is a plan."""
    for name in catalogue():
        for remedy in remedies([name], plan(target), AKS, conda=CONDA):
            assert remedy.title, name
            assert remedy.lines, name
            if remedy.plan is not None:
                assert Plan.from_dict(remedy.plan.to_dict()) == remedy.plan, name
            if remedy.edit is not None:
                assert apply(CONDA, remedy.edit) != CONDA, name


def test_the_tables_name_failures_that_there_are() -> None:
    from amltui.domain import remedies as module

    generic = {"docker-memory", "base-dockerfile", "worker-timeout", "deploy-locally"}
    named = {name for names, _ in module._MAKERS for name in names}
    assert named - generic <= set(catalogue())


SCRIPT = "def init(): ...\n\n\ndef run(data):\n    return data\n"


def test_run_is_offered_to_return_its_errors_where_its_script_is_known() -> None:
    def keys(script: str, plan: Plan | None) -> set[str]:
        return {one.key for one in remedies(["run-exception"], plan, script=script)}

    remedy = only(remedies(["run-exception"], plan(), script=SCRIPT), "errors")
    assert remedy.kind is RemedyKind.FILE
    assert remedy.file == "score.py"
    assert remedy.edit is not None
    wrapped = apply(SCRIPT, remedy.edit)
    assert 'return {"error": str(e)}' in wrapped
    assert "errors" not in keys(wrapped, plan()) | keys("", plan()) | keys(SCRIPT, None)
