from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amltui.domain.model_paths import ModelContent, model_paths
from amltui.domain.plan import InvalidPlan, Plan, plan_errors
from amltui.domain.plan_fields import Field, Kind, WrongValue, fields_of
from amltui.domain.plan_parts import Environment, FileModel, FolderModel, RegisteredModel, RunModel
from amltui.domain.plan_schema import json_schema
from amltui.domain.plan_targets import AksTarget, LocalTarget

from .plan_strategies import plans

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GOOD: dict[str, Any] = {
    "name": "diabetes",
    "models": [{"file": "model.pkl", "name": "diabetes"}],
    "inference": {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}},
    "target": {"kind": "local", "port": 8890},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good plan with one thing changed."""
    data: dict[str, Any] = json.loads(json.dumps(GOOD))
    held: Any = data
    *parents, last = path.split(".")
    for name in parents:
        held = held[int(name)] if name.isdigit() else held.setdefault(name, {})
    held[int(last) if last.isdigit() else last] = value
    return data


@SLOW
@given(plans())
def test_a_plan_survives_being_written(plan: Plan) -> None:
    written = plan.to_dict()
    assert Plan.from_dict(written) == plan
    assert Plan.from_dict(json.loads(json.dumps(written))) == plan


def follows(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value follows a schema, for the words that ours uses."""
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    wanted = schema.get("type", [])
    for name in [wanted] if isinstance(wanted, str) else wanted:
        is_bool = isinstance(value, bool)
        if name == "number":
            if isinstance(value, (int, float)) and not is_bool:
                break
        elif isinstance(value, types[name]) and (name == "boolean" or not is_bool):
            break
    else:
        if wanted:
            return False
    if "oneOf" in schema and sum(follows(value, one) for one in schema["oneOf"]) != 1:
        return False
    if any(follows(value, one["not"]) for one in schema.get("allOf", [])):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        if any(name not in value for name in schema.get("required", [])):
            return False
        for name, one in value.items():
            if name in known:
                if not follows(one, known[name]):
                    return False
            elif more is False or (isinstance(more, dict) and not follows(one, more)):
                return False
            names = schema.get("propertyNames", {}).get("pattern", "")
            if not re.search(names, name):
                return False
    if isinstance(value, list):
        return all(follows(one, schema["items"]) for one in value)
    if isinstance(value, str):
        return bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, above = schema.get("minimum", value), schema.get("exclusiveMinimum", value - 1)
        return bool(low <= value and above < value and value <= schema.get("maximum", value))
    return True


@SLOW
@given(plans())
def test_every_plan_follows_the_schema(plan: Plan) -> None:
    assert follows(plan.to_dict(), json_schema())


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("name", "No", "name"),
        ("name", "ab", "name"),
        ("name", "a" * 33, "name"),
        ("name", "ends-", "name"),
        ("name", 7, "name"),
        ("nmae", "x", "nmae"),
        ("models", {}, "models"),
        ("models.0", {}, "models[0]"),
        ("models.0", {"file": "a", "folder": "b", "name": "m"}, "models[0]"),
        ("models.0", {"registered": "m", "version": 0}, "models[0].version"),
        ("models.0.name", "-m", "models[0].name"),
        ("models.0.framework", "sklearn", "models[0].framework"),
        ("inference", None, "inference"),
        ("inference.entry_script", "  ", "inference.entry_script"),
        ("inference.entry_script", "a\u202eb.py", "inference.entry_script"),
        ("inference.environment.registered", "x", "inference.environment.registered"),
        ("inference.environment.variables", {"A": True}, "inference.environment.variables"),
        ("inference.environment.variables", {"1A": "x"}, "inference.environment.variables"),
        ("target", {"kind": "moon"}, "target.kind"),
        ("target.port", 0, "target.port"),
        ("target.port", 65536, "target.port"),
        ("target.port", "8890", "target.port"),
        ("target.port", True, "target.port"),
        ("target.cpu_cores", 1, "target.cpu_cores"),
        ("target", {"kind": "aci", "memory_gb": float("nan")}, "target.memory_gb"),
        ("target", {"kind": "aci", "memory_gb": 0}, "target.memory_gb"),
        ("target", {"kind": "aks", "cluster": "c", "namespace": "-x"}, "target.namespace"),
        ("target", {"kind": "aks"}, "target.cluster"),
        (
            "target",
            {"kind": "aks", "cluster": "c", "scoring_timeout_ms": 300_001},
            "target.scoring_timeout_ms",
        ),
        ("options.overwrite", "yes", "options.overwrite"),
        ("options.wait", None, "options.wait"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(path: str, value: Any, field: str) -> None:
    errors = plan_errors(changed(path, value))
    assert field in [error.field for error in errors], errors
    # Of invisible characters and blank texts a schema's patterns know nothing.
    assert not follows(changed(path, value), json_schema()) or field == "inference.entry_script"


def test_all_errors_are_told_not_the_first_only() -> None:
    with pytest.raises(InvalidPlan) as refused:
        Plan.from_dict({"name": "X", "models": [1, {}], "target": {"kind": "aks"}, "more": 1})
    assert [error.field for error in refused.value.errors] == [
        "more", "name", "models[0]", "models[1]", "inference", "target.cluster",
    ]  # fmt: skip
    assert "target.cluster" in refused.value.message


def test_a_slip_of_the_pen_is_understood() -> None:
    (error,) = plan_errors(changed("target", {"kind": "aci", "memory-gb": 2}))
    assert error.hint == "Did you mean memory_gb?"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "models", "inference", "target", "kind", "environment", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@SLOW
@given(JSON)
def test_no_data_raises_anything_else(data: Any) -> None:
    plan_errors(data)


@pytest.mark.parametrize("section", [LocalTarget, AksTarget, FileModel, Environment])
def test_every_setting_has_its_meaning(section: type) -> None:
    for field in fields_of(section):
        assert field.meaning.endswith("."), field


def test_forms_parse_what_is_typed() -> None:
    port = fields_of(LocalTarget)[0]
    assert port.parse(" 8890 ") == 8890
    assert port.parse("") is None
    with pytest.raises(WrongValue, match="70000"):
        port.parse("70000")
    with pytest.raises(WrongValue, match="not a whole number"):
        port.parse("8x")
    assert Field("s", Kind.SWITCH, "S.").parse("no") is False
    assert Field("m", Kind.MAP, "M.").parse("a=1\nb = x=y") == (("a", "1"), ("b", "x=y"))
    with pytest.raises(WrongValue):
        Field("n", Kind.NUMBER, "N.").parse("nan")


def test_the_path_that_a_model_has_in_the_container_is_said() -> None:
    def paths(*models: Any, **known: Any) -> tuple[list[str], str]:
        plan = Plan.from_dict(GOOD)
        found = model_paths(Plan(**{**vars(plan), "models": models}), **known)
        return [one.path for one in found.models], found.absolute_model_dir

    one = FileModel(name="m", file="out/model.pkl")
    assert paths(one, next_versions={"m": 4}) == (
        ["azureml-models/m/4/model.pkl"], "/var/azureml-app/azureml-models/m/4",
    )  # fmt: skip
    assert paths(one)[0] == ["azureml-models/m/<next version>/model.pkl"]
    folder = FolderModel(name="f", folder="models/bert")
    run = RunModel(name="r", run="id", path="outputs/model.pkl")
    known = RegisteredModel(registered="k", version=2)
    content = ModelContent((("bert/vocab.txt", 10), ("bert/weights", 32)), 2)
    assert (content.root, content.size) == ("bert", 42)
    assert ModelContent((("a", 1), ("b", None)), 2).size is None
    assert ModelContent((("a", 1),), 7).size is None
    assert paths(folder, run, known, contents={"k:2": content}) == (
        [
            "azureml-models/f/<next version>/bert",
            "azureml-models/r/<next version>/model.pkl",
            "azureml-models/k/2/bert",
        ],
        "/var/azureml-app/azureml-models",
    )
    assert paths(RegisteredModel(registered="k"))[0] == ["azureml-models/k/<newest version>/…"]
    assert paths() == ([], "")
