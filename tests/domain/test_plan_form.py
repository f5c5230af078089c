"""A plan as a form: what is typed, what is made of it, and that nothing gets lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amltui.domain import plan_pairs
from amltui.domain.plan import InvalidPlan, Plan
from amltui.domain.plan_form import Form
from amltui.domain.plan_lines import IMAGE, INFERENCE, PACKAGES, PAGES, TARGET, page_of

from .plan_strategies import plans

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WHOLE: dict[str, Any] = {
    "name": "diabetes",
    "models": [{"file": "model.json", "name": "diabetes"}],
    "inference": {
        "entry_script": "score.py",
        "source_directory": ".",
        "environment": {"conda_file": "conda.yml"},
    },
    "target": {"kind": "aci", "cpu_cores": 1, "memory_gb": 1.5},
}


def typed(**texts: str) -> Form:
    form = Form.of(WHOLE)
    for path, text in texts.items():
        form = form.typed(path, text)
    return form


def paths(form: Form, page: str) -> list[str]:
    return [line.path for line in form.lines(page)]


def test_a_plan_is_a_form_and_the_form_that_plan() -> None:
    form = Form.of(WHOLE)
    assert form.data() == WHOLE
    assert form.errors == {}
    assert form.text("target.memory_gb") == "1.5"
    assert form.text(PACKAGES) == "conda_file"
    assert form.plan() == Plan.from_dict(WHOLE)


@SLOW
@given(plans())
def test_every_plan_comes_back_as_it_was(plan: Plan) -> None:
    assert Form.of(plan.to_dict()).plan() == plan


def test_an_empty_form_says_what_is_needed_and_names_no_model() -> None:
    form = Form()
    assert form.data() == {"inference": {}, "target": {}}
    assert set(form.errors) == {
        "name", "inference.entry_script", "inference.environment.conda_file", "target.kind",
    }  # fmt: skip
    assert form.errors["name"].message == "It is needed."


def test_what_is_wrong_is_kept_as_it_was_typed_and_comes_back() -> None:
    form = typed(**{"target.memory_gb": "lots", "models[0].name": "-x"})
    assert form.data()["target"]["memory_gb"] == "lots"
    assert form.errors["target.memory_gb"].message == "“lots” is not a number."
    again = Form.of(form.data())
    assert again.errors == form.errors
    assert again.text("target.memory_gb") == "lots"


def test_another_target_has_other_lines_and_the_way_back_loses_nothing() -> None:
    form = typed(**{"target.location": "westeurope", "target.kind": "local"})
    assert "target.port" in paths(form, TARGET)
    assert "location" not in form.data()["target"]
    back = form.typed("target.kind", "aci")
    assert back.data()["target"]["location"] == "westeurope"


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text(), st.data())
def test_pairs_come_back_and_one_of_them_is_changed(
    pairs: dict[str, str], other: str, data: st.DataObject
) -> None:
    pairs = {name: text for name, text in pairs.items() if name.strip()}
    text = plan_pairs.to_text(pairs)
    assert plan_pairs.of_text(text) == pairs
    if pairs:
        at = data.draw(st.integers(0, len(pairs) - 1))
        name = list(pairs)[at]
        assert plan_pairs.pair_at(text, at) == (name, pairs[name])
        changed = plan_pairs.with_pair(text, at, other)
        assert plan_pairs.of_text(changed) == {**pairs, name: other}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "one name=text a line"),
        ('"a', "quote is not closed"),
        ('a="x" y', "closing quote of a"),
        ("a=1\na=2", "a is there twice"),
    ],
)
def test_what_is_no_pair_is_told(text: str, words: str) -> None:
    form = typed(**{"options.tags": text})
    assert words in form.errors["options.tags"].message
    assert form.data()["options"]["tags"] == text


def test_settings_of_a_registry_show_where_they_matter_or_are_said() -> None:
    address = "inference.environment.registry_address"
    assert address not in paths(typed(), INFERENCE)
    assert address in paths(typed(**{IMAGE: "base_dockerfile"}), INFERENCE)
    assert address in paths(typed(**{address: "r.example"}), INFERENCE)


def test_an_environment_is_got_in_one_way() -> None:
    form = typed(**{PACKAGES: "registered", "inference.environment.registered": "AzureML-x"})
    place = "inference.environment"
    assert {f"{place}.registered", f"{place}.version"} <= set(paths(form, INFERENCE))
    assert not {f"{place}.conda_file", f"{place}.name", IMAGE} & set(paths(form, INFERENCE))
    assert form.data()["inference"]["environment"] == {"registered": "AzureML-x"}
    image = typed(**{PACKAGES: "none", IMAGE: "base_image"})
    assert image.errors[f"{place}.base_image"].message == "It is needed."
    assert f"{place}.registry_address" in paths(image, INFERENCE)


def test_models_are_added_and_taken_away() -> None:
    form = Form.of(WHOLE).with_model()
    assert len(form.data()["models"]) == 1  # there is room for a second, and nothing in it
    form = form.typed("models[1].kind", "registered").typed("models[1].registered", "churn")
    form = form.typed("models[1].version", "3")
    assert form.data()["models"][1] == {"registered": "churn", "version": 3}
    left = form.without_model(0)
    assert left.data()["models"] == [{"registered": "churn", "version": 3}]
    assert left.without_model(0).data() == {k: v for k, v in WHOLE.items() if k != "models"}


def test_a_model_that_is_begun_says_what_is_missing() -> None:
    form = Form().typed("models[0].name", "m")
    assert form.data()["models"] == [{"file": "", "name": "m"}]
    assert form.errors["models[0].file"].message == "It is empty."


@pytest.mark.parametrize(
    "data",
    [
        ["a list"],
        {**WHOLE, "extra": 1},
        {**WHOLE, "models": {"file": "x"}},
        {**WHOLE, "inference": {**WHOLE["inference"], "environment": "conda.yml"}},
    ],
)
def test_what_no_form_can_hold_is_refused(data: Any) -> None:
    with pytest.raises(InvalidPlan):
        Form.of(data)


_PATHS = sorted({line.path for page in PAGES for line in Form.of(WHOLE).lines(page)})


@SLOW
@given(st.dictionaries(st.sampled_from([*_PATHS, PACKAGES, IMAGE]), st.text(max_size=8)))
def test_whatever_is_typed_there_is_a_plan_to_check(texts: dict[str, str]) -> None:
    form = Form(texts)
    plan, made = form.provisional
    assert set(form.errors) - made <= {"inference.environment.conda_file",
        "inference.environment.pip_requirements", "inference.environment.registered",
        "inference.environment.base_image", "inference.environment.base_dockerfile"}  # fmt: skip
    for path in ("name", "target.kind"):
        if path not in form.errors:
            assert path not in made
    assert plan.target.kind


def test_a_path_has_its_page() -> None:
    assert [page_of(path) for path in ("models[0].file", "inference.environment", "name")] == [
        "model", "inference", "target",
    ]  # fmt: skip
