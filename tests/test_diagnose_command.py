"""`amltui diagnose`: whatever bytes come, one list for scripts, one exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from amltui.cli_ask import SOURCES, diagnose
from amltui.domain.diagnosis import Source, Target
from amltui.domain.errors import AmltuiError, Problem

CRASH = """\
2026-11-21 11:00:00,000 | root | ERROR | User's init function failed
Traceback (most recent call last):
  File "/var/azureml-app/score.py", line 3, in init
    import lightgbm
ModuleNotFoundError: No module named 'lightgbm'
"""
QUIET = "2026-11-21 11:00:00,000 | root | INFO | scored request %d in 12 ms\n"
MANY = 20_000  # lines: several batches


class Asked:
    """The command over a file of these bytes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, data: bytes, *options: str) -> tuple[int, Any]:
        """Exit code, and what the list says."""
        self._file.write_bytes(data)
        arguments = [str(self._file), "--json", *options]
        done: Result = CliRunner().invoke(diagnose, arguments, standalone_mode=False)
        assert done.exception is None, done.exception
        return done.return_value, json.loads(done.stdout)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "log")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", [0, MANY])
def test_any_encoding_and_line_end_at_any_length(
    asked: Asked, encoding: str, end: str, before: int
) -> None:
    text = "".join(QUIET % at for at in range(before)) + CRASH
    code, found = asked(text.replace("\n", end).encode(encoding))
    assert code == 3
    assert found[0]["id"] == "entry-script-missing-module"
    assert found[0]["line"] == before + 5


def test_bad_bytes_are_no_obstacle(asked: Asked) -> None:
    code, found = asked(b"\xff\xfa\x80 caf\xe9\n\x00\x00\n" + CRASH.encode())
    assert (code, found[0]["line"]) == (3, 7)
    assert asked(b"\x00\x00\x00\x00\xff\n") == (0, [])


def test_nothing_is_an_empty_list(asked: Asked) -> None:
    assert asked(b"") == (0, [])
    assert asked((QUIET % 1).encode()) == (0, [])


def test_the_list_says_just_that_and_no_secret(asked: Asked) -> None:
    key = "SECRETSECRETSECRET"
    line = f"ValueError: https://x.example.org/m?sig={key} No module named 'lightgbm'"
    for text in (CRASH, CRASH.replace("ModuleNotFoundError: No module named 'lightgbm'", line)):
        for one in asked(text.encode())[1]:
            assert list(one) == ["id", "confidence", "line", "evidence", "cause", "fix"]
            assert key not in json.dumps(one)


def test_every_source_and_target_is_taken(asked: Asked) -> None:
    assert set(SOURCES) == {source.value for source in Source}
    for source in SOURCES:
        assert asked(b"all is well\n", "--source", source) == (0, [])
    for target in Target:
        assert asked(CRASH.encode(), "--target", target.value)[0] == 3


@pytest.mark.parametrize("name", ["nowhere.log", ".", "a\0b"])
def test_what_cannot_be_read_is_a_mistake_of_usage(name: str, tmp_path: Path) -> None:
    with pytest.raises(AmltuiError) as raised:
        diagnose.main([str(tmp_path / name)], standalone_mode=False)
    assert raised.value.problem is Problem.USAGE


def test_what_is_pasted_into_a_terminal_ends_with_one_ctrl_d() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "amltui", "diagnose"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.close(theirs)
    os.write(ours, CRASH.encode() + b"\x04")
    out, told = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 3
    assert b"[entry-script-missing-module]" in out
    assert b"ctrl+d" in told


def test_no_standard_input_is_told() -> None:
    command = f"{sys.executable} -m amltui diagnose <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"cannot be read" in done.stderr


def test_a_reader_that_goes_early_is_no_error() -> None:
    command = f"{sys.executable} -m amltui diagnose - | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        input=CRASH.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
