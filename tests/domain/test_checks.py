from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amltui.domain.checks import blocks, check
from amltui.domain.entry_script import inspect
from amltui.domain.facts import Check, Facts, FileFact, SourceFile, SourceListing
from amltui.domain.findings import Level
from amltui.domain.plan import Plan
from amltui.domain.plan_targets import AciTarget, AksTarget
from amltui.domain.replicas import Cluster

from .plan_strategies import plans

SCRIPT = "def init():\n    pass\n\ndef run(data):\n    return data\n"
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def plan(target: dict[str, Any], **more: Any) -> Plan:
    inference = {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}}
    data = {"name": "svc", "inference": inference, "target": target, **more}
    data.setdefault("models", [{"file": "model.pkl", "name": "m"}])
    return Plan.from_dict(data)


def errors(target: dict[str, Any], facts: Facts | None = None, **more: Any) -> list[str]:
    found = check(plan(target, **more), facts)
    return [one.field for one in found if one.level is Level.ERROR]


def told(found: tuple[Check, ...], words: str) -> Check:
    return next(one for one in found if words in f"{one.title} {one.message} {one.hint}")


AKS: dict[str, Any] = {"kind": "aks", "cluster": "gpu"}
ACI: dict[str, Any] = {"kind": "aci", "cpu_cores": 1, "memory_gb": 1}


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({**AKS, "autoscale_enabled": True, "autoscale_min_replicas": 3,
          "autoscale_max_replicas": 2}, "autoscale_min_replicas"),
        ({**AKS, "autoscale_enabled": True, "autoscale_min_replicas": 11},
         "autoscale_min_replicas"),
        ({**AKS, "autoscale_enabled": True, "num_replicas": 2}, "num_replicas"),
        ({**AKS, "autoscale_enabled": False}, "num_replicas"),
        ({**AKS, "autoscale_max_replicas": 4}, "autoscale_max_replicas"),
        ({**AKS, "cpu_cores": 2, "cpu_cores_limit": 1}, "cpu_cores_limit"),
        ({**AKS, "memory_gb": 2, "memory_gb_limit": 1}, "memory_gb_limit"),
        ({**AKS, "auth_enabled": True, "token_auth_enabled": True}, "token_auth_enabled"),
        ({**ACI, "ssl_enabled": True, "ssl_cname": "x"}, "ssl_enabled"),
        ({**ACI, "vnet_name": "v"}, "vnet_name"),
        ({**ACI, "cmk_key_name": "k", "cmk_key_version": "1"}, "cmk_key_name"),
    ],
)  # fmt: skip
def test_rules_of_several_settings(target: dict[str, Any], field: str) -> None:
    assert errors(target) == [f"target.{field}"]


def test_sound_targets_are_not_blocked() -> None:
    assert errors(ACI) == errors(AKS) == errors({"kind": "local"}) == []
    assert errors({**AKS, "autoscale_enabled": False, "num_replicas": 2}) == []


@SLOW
@given(plans())
def test_whatever_the_sdk_refuses_late_is_refused_here(made: Plan) -> None:
    """The real deploy_configuration validates the same settings; ours must not be milder."""
    from azureml.core.webservice import AciWebservice, AksWebservice
    from azureml.exceptions import WebserviceException

    target = made.target
    if not isinstance(target, (AciTarget, AksTarget)):
        return
    given_to_sdk = {
        name.removesuffix("_variable"): value
        for name, value in vars(target).items()
        if name != "cluster"
    }
    for name in ("ssl_cert_pem_file", "ssl_key_pem_file"):
        if given_to_sdk.get(name):
            given_to_sdk[name] = os.devnull  # whether files exist is another check
    sdk: Any = AciWebservice if isinstance(target, AciTarget) else AksWebservice
    refused = ""
    try:
        sdk.deploy_configuration(**given_to_sdk)
    except WebserviceException as error:
        refused = str(error)
    ours = [c for c in check(made) if c.level is Level.ERROR and c.field.startswith("target")]
    if refused:
        assert ours, refused


def test_the_tiny_default_is_told_loudly() -> None:
    found = check(plan({"kind": "aci"}))
    one = told(found, "0.1 core and 0.5 GB")
    assert one.level is Level.WARNING
    assert not blocks(found)


def test_names_ports_and_models_that_are_taken_or_missing() -> None:
    facts = Facts(services=frozenset({"svc"}), port_free=False, models={"m": (1, 2)})
    assert errors({"kind": "local", "port": 80}, facts) == ["name", "target.port"]
    known = [{"registered": "m", "version": 3}, {"registered": "n"}]
    assert errors(ACI, facts, models=known, options={"overwrite": True}) == [
        "models[0].version", "models[1].registered",
    ]  # fmt: skip


def test_a_request_is_compared_with_the_cluster() -> None:
    small = {"gpu": Cluster(nodes=3, cores=4, memory_gb=16)}
    facts = Facts(clusters=small)
    assert errors({**AKS, "gpu_cores": 1}, facts) == ["target.gpu_cores"]
    assert errors({**AKS, "cpu_cores": 8, "memory_gb": 1}, facts) == ["target.cpu_cores"]
    two_each = {**AKS, "cpu_cores": 2, "memory_gb": 2, "autoscale_enabled": True}
    assert errors({**two_each, "autoscale_min_replicas": 7}, facts) == ["target.memory_gb"]
    assert errors({**two_each, "autoscale_min_replicas": 6}, facts) == []
    assert errors({**AKS, "cluster": "no"}, facts) == ["target.cluster"]
    assert errors(AKS, Facts(clusters={"gpu": None})) == []


def test_files_and_variables_must_be_there() -> None:
    files = {"score.py": FileFact("folder"), "conda.yml": FileFact(""), "model.pkl": FileFact("")}
    target = {**ACI, "auth_enabled": True, "primary_key_variable": "MY_KEY"}
    facts = Facts(files=files, variables=frozenset({"OTHER"}))
    assert sorted(errors(target, facts)) == [
        "inference.entry_script", "inference.environment.conda_file", "models[0].file",
        "target.primary_key_variable",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["my-score.py", "class.py", "1.py", "score.txt", "score"])
def test_the_entry_script_must_be_importable(name: str) -> None:
    inference = {"entry_script": name, "environment": {"conda_file": "conda.yml"}}
    assert errors(ACI, inference=inference) == ["inference.entry_script"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def init(:\n", "syntax"),
        ("\x00", "syntax"),
        ("(" * 500, "syntax"),
        (SCRIPT.replace("init", "start"), "no-init"),
        (SCRIPT.replace("run", "go"), "no-run"),
        (SCRIPT.replace("run(data)", "run()"), "arguments-of-run"),
        (SCRIPT.replace("init()", "init(x)"), "arguments-of-init"),
        (SCRIPT.replace("def run", "async def run"), "async-run"),
        ("import ptvsd\n" + SCRIPT, "debugger"),
        ("from debugpy import listen\n" + SCRIPT, "debugger"),
        (SCRIPT + "    breakpoint()\n", "debugger"),
        (
            "def init(): ...\ndef run(d):\n  try: return d\n  except Exception as e:\n"
            "    r = 1\n    return {'error': str(e)}\n",
            "returns-errors",
        ),
        ("from sklearn.externals import joblib\n" + SCRIPT, "joblib-moved"),
        (SCRIPT + "    Model.get_model_path('m')\n", "get-model-path"),
    ],
)
def test_what_is_found_in_an_entry_script(text: str, code: str) -> None:
    assert code in [found.code for found in inspect(text)]


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "from model import init, run\n",
        "from model import *\n",
        "init = lambda: None\nrun = serve\n",
        "try:\n  from a import init\nexcept ImportError:\n  def init(): ...\n"
        "@schema('x')\ndef run(data, more=1): ...\n",
        "def init(): ...\ndef run(*args): ...\n",
        "def init(): ...\ndef run(d):\n  try: return d\n  except ValueError as e:\n"
        "    return {'error': str(e)}\n",
    ],
)
def test_sound_scripts_are_left_alone(text: str) -> None:
    assert inspect(text) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_script_raises(text: str) -> None:
    inspect(text)
    with contextlib.suppress(SyntaxError):
        inspect(SCRIPT + text)


def test_debugging_is_for_local_targets() -> None:
    facts = Facts(files={"score.py": FileFact("file", 9, "import debugpy\n" + SCRIPT)})
    assert not [c for c in check(plan({"kind": "local"}), facts) if c.line]
    one = told(check(plan(ACI), facts), "debugger")
    assert (one.level, one.path, one.line) == (Level.WARNING, "score.py", 1)


def test_a_conda_finding_comes_with_its_fix() -> None:
    facts = Facts(files={"conda.yml": FileFact("file", 9, "dependencies:\n  - python=3.9\n")})
    one = told(check(plan(ACI), facts), "azureml-defaults is missing")
    assert one.level is Level.ERROR
    assert one.fix is not None
    assert one.fix.path == "conda.yml"
    own = {
        "entry_script": "score.py",
        "environment": {"conda_file": "conda.yml", "base_image": "x"},
    }
    assert not blocks(check(plan(ACI, inference=own), facts))


def test_what_is_sent_along_is_told() -> None:
    files = (
        SourceFile("score.py", 100),
        SourceFile(".git/objects/x", 300_000_000),
        SourceFile("data.csv", 1, ignored=True),
        SourceFile(".env", 10),
        SourceFile("shared", 5, link="/mnt/x"),
    )
    listing = SourceListing(files, 300_000_116, 5, ignore_file=".amlignore")
    inference = {"entry_script": "score.py", "source_directory": "src"}
    found = check(plan(ACI, inference=inference), Facts(source=listing))
    for words in ("5 files of 286 MB", ".git is sent", ".amlignore names", ".env", "/mnt/x"):
        assert told(found, words).level is Level.WARNING


def test_a_secret_in_a_variable_is_pointed_out() -> None:
    environment = {"conda_file": "conda.yml", "variables": {"DB_PASSWORD": "fake"}}
    inference = {"entry_script": "score.py", "environment": environment}
    one = told(check(plan(ACI, inference=inference)), "looks like a secret")
    assert "fake" not in f"{one.title}{one.message}{one.hint}"


@SLOW
@given(plans(), st.booleans())
def test_every_plan_can_be_checked(made: Plan, known: bool) -> None:
    found = check(made, Facts(services=frozenset({made.name})) if known else None)
    assert all(one.title and one.field for one in found)
    ranks = [list(Level).index(one.level) for one in found]
    assert ranks == sorted(ranks)


def test_the_deployed_directory_is_packed_whole(tmp_path: Path) -> None:
    """What the checks say of ignore files is what azureml-core does: it packs everything."""
    from azureml._model_management import _util

    source = Path(_util.__file__).read_text(encoding="utf-8")
    assert "amlignore" not in source
    assert "dependency_tar.add(dependency, arcname=arcname)" in source


def test_what_nobody_was_asked_is_said() -> None:
    registered = [{"registered": "churn"}]
    unknown = check(plan(AKS, models=registered), Facts())
    fields = {one.field for one in unknown if "was not checked" in one.title}
    assert fields == {"name", "target.cluster", "models[0].registered"}
    assert all(one.level is Level.INFO for one in unknown if one.field in fields)
    asked = Facts(services=frozenset(), clusters={"gpu": None}, models={"churn": (1,)})
    assert not [c for c in check(plan(AKS, models=registered), asked) if "not checked" in c.title]
