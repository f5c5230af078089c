from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amltui import plan_commands
from amltui.adapters.files import plans
from amltui.adapters.files.source_dir import gather, listing, look_at, port_is_free
from amltui.adapters.files.template import commented_template
from amltui.adapters.files.yaml_merge import plain
from amltui.domain.errors import AmltuiError
from amltui.domain.plan import Plan
from tests.domain.plan_strategies import plans as any_plan

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLAN = """\
# Ours.
target:   # first, for once
  kind: aci
  # measured
  memory_gb: 1.5   # enough
  cpu_cores: 1

name: diabetes
models:
  # the good one
  - file: model.pkl
    name: diabetes
inference:
  entry_script: score.py
  environment: {conda_file: conda.yml}   # flow
"""


def located(text: str) -> list[tuple[int, int, str]]:
    """Line, column and field of each error in a text."""
    with pytest.raises(plans.PlanFileError) as refused:
        plans.parse(text, Path("plan.yml"))
    return [(one.line, one.column, one.error.field) for one in refused.value.errors]


def test_errors_name_file_line_column_and_field(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        PLAN.replace("1.5", "lots").replace("score.py", "7").replace("- file:", "- fil:")
    )
    with pytest.raises(plans.PlanFileError) as refused:
        plans.load(path)
    assert [(one.line, one.column, one.error.field) for one in refused.value.errors] == [
        (5, 3, "target.memory_gb"), (11, 5, "models[0]"), (14, 3, "inference.entry_script"),
    ]  # fmt: skip
    assert f"{path}:5:3: target.memory_gb: " in refused.value.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a\nname: b\n", 2, "“name” is there twice"),
        ("name: !!python/object/apply:os.system [id]\n", 1, "Tags"),
        ("name: !x a\n", 1, "Tags"),
        ("name: &a x\nmodels: *a\n", 1, "Anchors"),
        ("name: [[\n", 2, "Expected"),
        ("name: x\n\tmodels: y\n", 2, ""),
        ("a: 1\n---\nb: 2\n", 2, "document"),
        ("[" * 5000, 1, "nested"),
        ("name: 2001-99-99\n", 0, "cannot be read"),
        ("name: \x1b]0;x\x07\n", 0, ""),
        ("", 0, "not nothing"),
        ("- a\n", 1, "not a list"),
        ("\x1b[31mname\x1b[0m: x\n", 0, ""),
        ('"\\e[31mname": x\n', 1, ""),
    ],
)
def test_only_plain_data_are_read(text: str, line: int, words: str) -> None:
    with pytest.raises(plans.PlanFileError) as refused:
        plans.parse(text, Path("plan.yml"))
    assert refused.value.errors[0].line == line
    assert words in refused.value.message
    assert "\x1b" not in refused.value.message


def test_a_missing_part_is_told_where_its_parent_is() -> None:
    text = "name: svc\ninference:\n  entry_script: s.py\ntarget:\n  kind: aks\n"
    assert located(text) == [(4, 1, "target.cluster")]


def test_saving_keeps_comments_order_and_what_did_not_change(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(PLAN)
    plan = plans.load(path)
    plans.save(path, plan.to_dict())
    assert path.read_text() == PLAN
    data = plan.to_dict()
    data["target"] |= {"memory_gb": 2.5, "auth_enabled": True}
    data["models"].append({"registered": "more"})
    plans.save(path, Plan.from_dict(data).to_dict())
    expected = PLAN.replace("1.5", "2.5")
    expected = expected.replace("cpu_cores: 1\n", "cpu_cores: 1\n  auth_enabled: true\n")
    expected = expected.replace(
        "    name: diabetes\n", "    name: diabetes\n  - registered: more\n"
    )
    assert path.read_text() == expected
    assert plans.load(path) == Plan.from_dict(data)


def test_what_is_added_stands_above_the_comment_on_what_comes_next(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        "name: svc\ninference:\n  entry_script: s.py\n  environment:\n    conda_file: c.yml # x\n\n"
        "# Where it runs.\ntarget:\n  kind: aci\n\n# The end.\n"
    )
    data = plans.load(path).to_dict()
    data["inference"]["description"] = "more"
    data["target"]["cpu_cores"] = 2
    data["options"] = {"overwrite": True}
    plans.save(path, Plan.from_dict(data).to_dict())
    assert path.read_text() == (
        "name: svc\ninference:\n  entry_script: s.py\n  environment:\n    conda_file: c.yml # x\n"
        "  description: more\n\n# Where it runs.\ntarget:\n  kind: aci\n  cpu_cores: 2\n"
        "options:\n  overwrite: true\n\n# The end.\n"
    )


@settings(SLOW, suppress_health_check=[*HealthCheck])
@given(any_plan(), any_plan())
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, first: Plan, second: Plan) -> None:
    path = tmp_path / "plan.yml"
    path.unlink(missing_ok=True)
    plans.save(path, first.to_dict())
    assert plans.load(path) == first
    plans.save(path, second.to_dict())
    assert plans.load(path) == second


def test_saving_replaces_at_once_and_never_what_is_no_plan(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yml", tmp_path / "link.yml"
    real.write_text(PLAN)
    real.chmod(0o640)
    link.symlink_to(real)
    plan = plans.load(link)
    plans.save(link, plan.to_dict())
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.yml", "real.yml"]
    for text in ("- a list\n", "not: [yaml\n"):
        real.write_text(text)
        with pytest.raises(AmltuiError):
            plans.save(real, plan.to_dict())
        assert real.read_text() == text
    with pytest.raises(AmltuiError, match="cannot be written"):
        plans.save(tmp_path / "no" / "plan.yml", plan.to_dict())


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("#" * (plans.LARGEST + 1))
    (tmp_path / "binary").write_bytes(b"a: 1\n\xff")
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "big", "binary", "pipe", "."):
        with pytest.raises(AmltuiError, match="cannot be read"):
            plans.load(tmp_path / name)


@SLOW
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(["name", ": ", "\n", "  ", "- ", "[", "{", "}", "]", "target", "0x",
                             "!!", "&a", "*a", "<<", "|", ">", "'", '"', "1_0", "~", "? ", "%",
                             "inference", "kind: aci", "2001-1-1", ".nan", "\x85", "#", "\ud800"])
        ).map("".join),
    )
)  # fmt: skip
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(plans.PlanFileError):
        plans.parse(text, Path("plan.yml"))


def test_the_template_is_a_plan_and_names_every_setting() -> None:
    text = commented_template()
    plan = plans.parse(text, Path("plan.yml"))
    assert plan.target.kind == "aci"
    for word in ("port: 8890", "cluster:", "scoring_timeout_ms: 60000", "pip_requirements:"):
        assert f"# {word}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_settings_in_the_template_can_be_uncommented() -> None:
    lines = commented_template().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  # kind: aks"))
    end = next(n for n, line in enumerate(lines) if line.startswith("options"))
    said = [line.replace("# ", "", 1) for line in lines[at:end] if _is_setting(line)]
    target = plain(plans._compose("target:\n" + "\n".join(said), Path("x")))["target"]
    for name in ("num_replicas", "namespace"):  # these exclude others, or have no real example
        del target[name]
    for name in [name for name, value in target.items() if value == "…"]:
        target[name] = "some"
    data = plans.parse(commented_template(), Path("x")).to_dict()
    Plan.from_dict({**data, "target": target})


def _is_setting(line: str) -> bool:
    name = line.strip().removeprefix("# ").partition(": ")[0]
    return name.replace("_", "").isalpha() and name.islower() and ": " in line


def project(folder: Path, target: str = "kind: aci\n  cpu_cores: 1\n  memory_gb: 1") -> Path:
    """A small project with its plan; returns the plan's path."""
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (folder / "src" / ".amlignore").write_text("*.csv\n!keep.csv\n")
    (folder / "src" / "data.csv").write_text("1")
    (folder / "src" / "keep.csv").write_text("1")
    (folder / "src" / "away").symlink_to("/nowhere")
    (folder / "model.pkl").write_text("model")
    conda = "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - azureml-defaults==1.61.0\n"
    (folder / "conda.yml").write_text(conda)
    path = folder / "plan.yml"
    path.write_text(
        "name: svc\nmodels:\n  - file: model.pkl\n    name: m\ninference:\n"
        "  entry_script: score.py\n  source_directory: src\n  environment:\n"
        f"    conda_file: conda.yml\ntarget:\n  {target}\n"
    )
    return path


def test_a_source_directory_is_listed_with_what_is_ignored(tmp_path: Path) -> None:
    project(tmp_path)
    found = listing(tmp_path / "src")
    assert [one.path for one in found.files] == [
        ".amlignore", "away", "data.csv", "keep.csv", "score.py",
    ]  # fmt: skip
    assert [one.path for one in found.ignored] == ["data.csv"]
    assert found.files[1].link == "/nowhere"
    assert found.size == sum(one.size for one in found.files)
    assert not found.truncated
    assert look_at(tmp_path / "src").size == found.size
    assert look_at(tmp_path / "none").kind == ""


def test_a_port_in_use_is_seen() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert not port_is_free(other.getsockname()[1])


def test_facts_are_gathered_for_every_path(tmp_path: Path) -> None:
    path = project(tmp_path)
    facts = gather(plans.load(path), tmp_path)
    assert {name: fact.kind for name, fact in facts.files.items()} == {
        "src/score.py": "file", "src": "folder", "conda.yml": "file", "model.pkl": "file",
    }  # fmt: skip
    assert facts.files["src/score.py"].text
    assert facts.files["model.pkl"].text is None
    assert facts.source is not None


def test_a_conda_file_that_is_not_yaml_blocks(tmp_path: Path, capsys: Any) -> None:
    path = project(tmp_path)
    (tmp_path / "conda.yml").write_text("dependencies:\n  - [a\n")
    assert plan_commands.check_plan(path, as_json=True) == 1
    first = json.loads(capsys.readouterr().out)["checks"][0]
    assert first["title"] == "conda.yml cannot be read."
    assert first["message"].startswith("Line 3: ")


def test_check_ends_with_what_it_found(tmp_path: Path, capsys: Any) -> None:
    path = project(tmp_path)
    assert plan_commands.check_plan(path, as_json=False) == 0
    assert "azureml-models/m/<next version>/model.pkl" in capsys.readouterr().out
    (tmp_path / "conda.yml").write_text("dependencies:\n  - python=3.9\n")
    assert plan_commands.check_plan(path, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    first = report["checks"][0]
    assert (first["file"], first["line"]) == ("conda.yml", 1)
    assert first["fix"] == "Add azureml-defaults==1.61.0"
    path.write_text("name: 7\n")
    assert plan_commands.check_plan(path, as_json=False) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert f"{path}:1:1: name: " in streams.err
    assert plan_commands.check_plan(path, as_json=True) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["field"] == "name"


def test_init_writes_a_plan_and_replaces_nothing(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "plan.yml"
    assert plan_commands.init(path) == 0
    plans.load(path)
    with pytest.raises(AmltuiError, match="there already"):
        plan_commands.init(path)


def test_an_old_script_becomes_a_plan(tmp_path: Path, capsys: Any) -> None:
    plan = plans.load(project(tmp_path))
    assert plan_commands.print_python(tmp_path / "plan.yml") == 0
    script = tmp_path / "deploy.py"
    script.write_text(capsys.readouterr().out + "\nModel.deploy(ws, 'oth\\x1b[31mer', x)\n")
    assert plan_commands.import_plan(script, tmp_path / "new.yml", "svc") == 0
    assert plans.load(tmp_path / "new.yml") == plan
    assert "# line " in (tmp_path / "new.yml").read_text()
    streams = capsys.readouterr()
    assert "Another deployment" in streams.err
    assert "\x1b" not in streams.err
    script.write_text("print 'two'")
    assert plan_commands.import_plan(script, None, "") == 1
    assert "not valid Python 3" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: Any) -> None:
    assert plan_commands.schema() == 0
    assert json.loads(capsys.readouterr().out)["title"] == "amltui deployment plan"
