"""Drafts on disk, plan files saved elsewhere, and files that are mended."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.files import drafts as module
from amltui.adapters.files.drafts import PlanFiles
from amltui.domain.drafts import Draft, rebased
from amltui.domain.errors import AmltuiError
from amltui.domain.facts import Fix
from amltui.domain.findings import Edit, Hunk

DATA: dict[str, Any] = {
    "name": "svc",
    "models": [{"file": "m.pkl", "name": "m"}, {"run": "r", "path": "outputs/m", "name": "n"}],
    "inference": {
        "entry_script": "score.py",
        "source_directory": "src",
        "environment": {"conda_file": "conda.yml", "variables": {"MODE": "a", "API_KEY": "s3cret"}},
    },
    "target": {"kind": "aci", "ssl_cert_pem_file": "/etc/cert.pem"},
}


@pytest.fixture
def files(tmp_path: Path) -> PlanFiles:
    return PlanFiles(tmp_path / "state" / "drafts")


def test_a_draft_comes_back_without_its_secrets(files: PlanFiles, tmp_path: Path) -> None:
    files.keep(Draft("one", "/project", DATA, "/project/plan.yml"))
    path = tmp_path / "state" / "drafts" / "one.yml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "s3cret" not in path.read_text()
    (draft,) = files.drafts()
    assert (draft.id, draft.folder, draft.file) == ("one", "/project", "/project/plan.yml")
    variables = {"MODE": "a", "API_KEY": ""}
    assert draft.data["inference"]["environment"]["variables"] == variables
    assert draft.data["models"] == DATA["models"]
    files.drop("one")
    files.drop("one")
    assert files.drafts() == ()


def test_what_is_no_draft_hides_no_other(files: PlanFiles, tmp_path: Path) -> None:
    files.keep(Draft("good", "/", {"name": "svc"}))
    folder = tmp_path / "state" / "drafts"
    (folder / "bad.yml").write_text("{")
    (folder / "list.yml").write_text("- 1")
    (folder / "plan.yml").write_text("name: svc")
    assert [draft.id for draft in files.drafts()] == ["good"]


def test_the_oldest_drafts_go(files: PlanFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    for at, name in enumerate(("a", "b", "c")):
        files.keep(Draft(name, "/", {}))
        os.utime(files._path(name), (at, at))
    files.keep(Draft("d", "/", {}))
    assert {draft.id for draft in files.drafts()} == {"d", "c"}


def test_a_plan_saved_elsewhere_names_the_same_files(files: PlanFiles, tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "plans"
    project.mkdir()
    other.mkdir()
    files.save(other / "plan.yml", DATA, str(project))
    saved = files.read(other / "plan.yml")
    assert saved["models"][0]["file"] == "../project/m.pkl"
    assert saved["models"][1]["path"] == "outputs/m"
    assert saved["inference"]["source_directory"] == "../project/src"
    assert saved["inference"]["entry_script"] == "score.py"
    assert saved["inference"]["environment"]["conda_file"] == "../project/conda.yml"
    assert saved["target"]["ssl_cert_pem_file"] == "/etc/cert.pem"
    alone = {"inference": {"entry_script": "score.py"}, "target": {}}
    assert rebased(alone, "/a", "/b")["inference"]["entry_script"] == "../a/score.py"


def test_a_file_that_changed_meanwhile_is_not_mended(files: PlanFiles, tmp_path: Path) -> None:
    path = tmp_path / "conda.yml"
    path.write_bytes(b"a\r\nb\r\n")
    fix = Fix("conda.yml", Edit("Add c", (Hunk(3, 0, ("c",)),)))
    with pytest.raises(AmltuiError, match="changed meanwhile"):
        files.mend(fix, str(tmp_path), "something else")
    mend = files.mend(fix, str(tmp_path), "a\r\nb\r\n")
    assert [line for line in mend.diff if line.startswith("+")] == ["+c"]
    with pytest.raises(AmltuiError, match="changed meanwhile"):
        files.apply(replace(mend, before="x"))
    files.apply(mend)
    assert path.read_bytes() == b"a\r\nb\r\nc\r\n"


def test_paths_are_completed(files: PlanFiles, tmp_path: Path) -> None:
    for name in ("src", ".git"):
        (tmp_path / name).mkdir()
    for name in ("score.py", "src/score.py"):
        (tmp_path / name).write_text("")
    complete = files.complete
    assert complete("s", str(tmp_path)) == ("score.py", "src/")
    assert complete("src/", str(tmp_path)) == ("src/score.py",)
    assert complete("", str(tmp_path)) == ("score.py", "src/")
    assert complete(".g", str(tmp_path)) == (".git/",)
    assert complete(f"{tmp_path}/sc", "/") == (f"{tmp_path}/score.py",)
    assert complete("nowhere/x", str(tmp_path)) == complete("a\0b", str(tmp_path)) == ()
