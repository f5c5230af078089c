"""Directories of runs: made, described, read piece by piece, and forgotten."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.plan import Plan
from amltui.domain.run import JOURNAL, RunStarted, StepLogged, StepStarted, to_line
from amltui.workers import journal
from amltui.workers.journal import Journal

NOW = 1_795_241_700.0
PLAN = Plan.from_dict(
    {
        "name": "churn",
        "inference": {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}},
        "target": {"kind": "aci"},
    }
)
CONNECTION = {"auth": "cli", "workspace_name": "ws", "client_secret": "not-a-real-secret"}


def make(runs: Path) -> Path:
    return journal.create(runs, PLAN, CONNECTION, Path("/srv/churn"), "", NOW)


def test_a_run_is_described_without_secrets_and_for_its_owner_only(tmp_path: Path) -> None:
    directory = make(tmp_path / "runs")
    assert directory.name == "20261121-061500-churn"
    described = journal.describe(directory)
    assert (described.plan, described.folder, described.workspace) == (PLAN, "/srv/churn", "ws")
    assert described.created_at == NOW
    file = directory / "run.json"
    assert "not-a-real-secret" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700


def test_two_runs_of_one_second_are_two(tmp_path: Path) -> None:
    names = [make(tmp_path).name for _ in range(3)]
    assert len(set(names)) == 3
    assert [path.name for path in journal.directories(tmp_path)] == sorted(names, reverse=True)


@pytest.mark.parametrize("content", [None, "", "[]", '{"plan":{}}', '{"plan":null}'])
def test_what_is_no_run_is_told_as_such(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(AmltuiError) as caught:
        journal.describe(tmp_path)
    assert caught.value.problem is Problem.NOT_FOUND


def test_a_journal_is_read_as_it_grows(tmp_path: Path) -> None:
    directory = make(tmp_path)
    source = Journal(directory)
    assert not source.grown()
    assert source.read() == ()
    first = RunStarted(at=1.0, pid=1, target="aci", first="check", last="healthy")
    second = StepStarted(at=2.0, step="check")
    line = to_line(second)
    path = directory / JOURNAL
    path.write_bytes(to_line(first) + line[:9])
    assert source.grown()
    assert source.read() == (first,)
    assert not source.grown()
    path.write_bytes(to_line(first) + line)
    assert source.read() == (second,)


def test_a_torn_line_in_the_middle_hides_nothing_else(tmp_path: Path) -> None:
    directory = make(tmp_path)
    event = StepStarted(at=2.0, step="check")
    (directory / JOURNAL).write_bytes(b'{"event":"StepFi\n' + to_line(event))
    assert list(Journal(directory).all()) == [event]


def test_a_large_journal_is_read_in_pieces(tmp_path: Path) -> None:
    directory = make(tmp_path)
    line = to_line(StepLogged(at=1.0, step="build", text="x" * 3_000, output=True))
    (directory / JOURNAL).write_bytes(line * 1_000)
    source = Journal(directory)
    assert 0 < len(source.read()) < 1_000
    assert len(list(Journal(directory).all())) == 1_000


def test_an_edited_plan_replaces_the_old(tmp_path: Path) -> None:
    directory = make(tmp_path)
    other = Plan.from_dict({**PLAN.to_dict(), "target": {"kind": "aci", "memory_gb": 4}})
    journal.edit(directory, other)
    assert journal.describe(directory).plan == other
    assert json.loads((directory / "run.json").read_text())["created_at"] == NOW


def test_asking_for_the_end_is_remembered_and_taken_back(tmp_path: Path) -> None:
    directory = make(tmp_path)
    assert journal.cancelled_at(directory) is None
    journal.ask_cancel(directory)
    assert journal.cancelled_at(directory) is not None
    journal.take_back_cancel(directory)
    journal.take_back_cancel(directory)
    assert journal.cancelled_at(directory) is None
