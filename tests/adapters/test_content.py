"""What a run notices of files that changed since it read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from amltui.adapters.azureml import content
from amltui.adapters.azureml.steps import Run
from amltui.adapters.run_record import RunRecord

PLAN = {
    "name": "churn",
    "models": [{"registered": "known"}, {"file": "model.json", "name": "churn"}],
    "inference": {
        "entry_script": "score.py",
        "source_directory": "src",
        "environment": {"conda_file": "conda.yml"},
    },
}
MADE = {"model.0.plan": "{}", "model.1.plan": "{}", "starting": "yes"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has read its files."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    for name in ("model.json", "conda.yml", "src/score.py", "src/util.py"):
        (project / name).write_text("1")
    described = {
        "plan": {**PLAN, "target": {"kind": "local"}},
        "folder": str(project),
        "connection": {},
    }
    made = Run("run", described, dict(MADE), RunRecord(tmp_path))
    content.note_model(made, "model.json")
    content.note_inference(made)
    return made


def test_it_goes_on_where_nothing_changed(run: Run) -> None:
    (run.folder / "conda.yml").touch()
    assert content.begin_again(run, "healthy") == ("healthy", "")
    assert MADE.items() <= run.facts.items()


def test_a_changed_model_is_registered_anew(run: Run) -> None:
    (run.folder / "model.json").write_text("2")
    first, remark = content.begin_again(run, "context")
    assert first == "check"
    assert remark == "Changed on disk: model.json. All begins again."
    assert "model.1.plan" not in run.facts
    assert "model.0.plan" in run.facts


def test_a_container_of_older_files_is_not_taken(run: Run) -> None:
    (run.folder / "src" / "util.py").unlink()
    first, remark = content.begin_again(run, "healthy")
    assert first == "check"
    assert "src/" in remark
    assert "starting" not in run.facts
    assert "model.1.plan" in run.facts


def test_a_model_that_is_gone_is_registered_all_the_same(run: Run) -> None:
    (run.folder / "model.json").unlink()
    assert content.begin_again(run, "context") == ("context", "")


def test_what_was_sent_goes_on(run: Run) -> None:
    run.note(operation="7")
    (run.folder / "conda.yml").write_text("2")
    first, remark = content.begin_again(run, "image")
    assert first == "image"
    assert "goes on as it was" in remark
    run.note(operation_ended="Failed")
    assert content.begin_again(run, "submit")[0] == "check"
