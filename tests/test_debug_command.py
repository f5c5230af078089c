"""`amltui debug`: what it refuses before anything is sent, and the way back with --clean."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from amltui import debug_commands
from amltui.domain import debugheader
from amltui.domain.errors import AmltuiError
from amltui.settings import load

PLAN = """\
name: diabetes
inference:
  entry_script: score.py
  environment:
    conda_file: conda.yml
target:
  kind: local
"""
SCRIPT = (
    "import json\r\n\r\n\r\ndef init():\r\n    pass\r\n\r\n\r\ndef run(data):\r\n    return 1\r\n"
)
CONDA = "name: a\ndependencies:\n  - python=3.10\n  - pip:\n      - azureml-defaults==1.61.0\n"
OPTIONS = debug_commands.Options(30, 5001, 5678, vim=False, yes=True)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yml"
    path.write_text(PLAN)
    (tmp_path / "conda.yml").write_text(CONDA)
    (tmp_path / "score.py").write_bytes(SCRIPT.encode())
    return path


def test_a_header_in_ones_own_script_is_shown_and_taken_out(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, conda = plan.with_name("score.py"), plan.with_name("conda.yml")
    script.write_bytes(debugheader.insert(SCRIPT).encode())
    conda.write_text(f"{CONDA}      - ptvsd==4.3.2  # old\n")
    assert debug_commands.clean_up(load({}), plan, yes=True) == 0
    assert script.read_bytes() == SCRIPT.encode()
    assert conda.read_text() == CONDA
    shown = capsys.readouterr().out
    assert "-_amltui_debugger()" in shown
    assert "-      - ptvsd==4.3.2  # old" in shown
    assert debug_commands.clean_up(load({}), plan, yes=True) == 0
    assert "has nothing of a debugger" in capsys.readouterr().out


def test_without_a_word_nothing_is_written(
    plan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = plan.with_name("score.py")
    before = debugheader.insert(SCRIPT).encode()
    script.write_bytes(before)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert debug_commands.clean_up(load({}), plan, yes=False) == 1
    with pytest.raises(AmltuiError, match="read-only"):
        debug_commands.clean_up(load({"read_only": True}), plan, yes=True)
    assert script.read_bytes() == before
    assert "-_amltui_debugger()" in capsys.readouterr().out


def test_what_cannot_be_packaged_is_told_before_anything_is_sent(plan: Path) -> None:
    plan.with_name("score.py").write_text("def run(data):\n    return 1\n")
    with pytest.raises(AmltuiError, match="cannot be packaged") as caught:
        debug_commands.debug(load({}), plan, OPTIONS, demo=False)
    assert "does not define init()" in caught.value.message


def test_a_debugger_in_the_script_is_no_obstacle_but_a_lacking_workspace_or_engine_is(
    plan: Path,
) -> None:
    plan.with_name("score.py").write_bytes(debugheader.insert(SCRIPT).encode())
    with socket.create_server(("127.0.0.1", 0)) as taken:  # its port does not matter here
        plan.write_text(f"{PLAN}  port: {taken.getsockname()[1]}\n")
        settings = load({"engine": "unix:///nowhere/docker.sock"})
        with pytest.raises(AmltuiError, match="No workspace is configured"):
            debug_commands.debug(settings, plan, OPTIONS, demo=False)
        with pytest.raises(AmltuiError, match="no engine where it should be"):
            debug_commands.debug(settings, plan, OPTIONS, demo=True)
