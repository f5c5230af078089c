"""The copy that waits for a debugger, the progress of a pull, and what a log says of the wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain import debugheader
from amltui.domain.checks import check
from amltui.domain.debugcopy import cleaned, debug_copy, left_over, without_package
from amltui.domain.debugpull import PullProgress, refusal
from amltui.domain.debugwait import Look, Stage, look_at, words
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.facts import Facts, FileFact
from amltui.domain.plan import Plan

SCRIPT = '''\
"""Doc."""
import json


def init():
    print("init")


def run(data):
    return 1
'''
PTVSD = """\
import ptvsd
ptvsd.enable_attach(
    address=('0.0.0.0', 5678),
)
ptvsd.wait_for_attach(timeout=30)


def init():
    pass


def run(data):
    return 1
"""
WAITING = """\
import debugpy
debugpy.listen(5678)
debugpy.wait_for_client()


def run(data):
    debugpy.breakpoint()
"""


def plan(**environment: object) -> Plan:
    return Plan.from_dict(
        {
            "name": "diabetes",
            "inference": {
                "entry_script": "code/score.py",
                "source_directory": "src",
                "environment": environment or {"conda_file": "conda.yml"},
            },
            "target": {"kind": "local"},
        }
    )


def test_the_wrapper_stands_beside_the_script_under_a_free_name() -> None:
    copy = debug_copy(plan(), SCRIPT, ["score.py", "amltui_debug.py"], wait=7)
    assert (copy.wrapper, copy.script) == ("code/amltui_debug_2.py", "score.py")
    assert copy.script_text == SCRIPT
    assert "limit=7" in copy.wrapper_text
    assert debugheader.has_header(copy.wrapper_text)


def test_the_wrapper_hands_over_to_the_script(tmp_path: Path) -> None:
    copy = debug_copy(plan(), SCRIPT, (), wait=1)
    (tmp_path / "score.py").write_text(copy.script_text)
    (tmp_path / "debugpy.py").write_text("raise ImportError('none here')")
    (tmp_path / "amltui_debug.py").write_text(copy.wrapper_text)
    code = "import amltui_debug as entry; entry.init(); print(entry.run(''))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "amltui: no debugger: none here\ninit\n1\n"


@pytest.mark.parametrize("source", [SCRIPT, PTVSD, WAITING, debugheader.insert(SCRIPT)])
def test_every_line_stays_where_it_is(source: str) -> None:
    quiet = debug_copy(plan(), source, ()).script_text
    compile(quiet, "score.py", "exec")
    assert len(quiet.splitlines()) == len(source.splitlines())
    for before, after in zip(source.splitlines(), quiet.splitlines(), strict=True):
        assert after == before or "amltui took out" in after
    waits = ("ptvsd", "debugpy.listen", "debugpy.wait", "_amltui_debugger()")
    assert not [line for line in quiet.splitlines() if line.startswith(waits)]
    assert ("debugpy.breakpoint()" in quiet) == ("debugpy.breakpoint()" in source)


def test_ptvsd_is_recognised_and_said() -> None:
    copy = debug_copy(plan(), PTVSD, ())
    assert any("ptvsd" in remark and "line 1" in remark for remark in copy.remarks)
    assert not [line for line in copy.script_text.splitlines() if line.startswith("ptvsd")]


def test_images_that_bring_their_own_packages_and_retired_ones_are_said() -> None:
    own = debug_copy(plan(base_image="me/mine:1", user_managed_dependencies=True), SCRIPT, ())
    assert any("into a copy of it" in remark for remark in own.remarks)
    old = plan(
        conda_file="c.yml", base_image="mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04"
    )
    assert any("retired" in remark for remark in debug_copy(old, SCRIPT, ()).remarks)
    assert "vim is put" in debug_copy(plan(), SCRIPT, (), vim=True).remarks[-1]


def test_a_script_that_is_no_python_is_refused() -> None:
    with pytest.raises(AmltuiError, match="no valid Python"):
        debug_copy(plan(), "def init(:\n", ())


# -- the way back


@pytest.mark.parametrize("source", [SCRIPT, "import os\nx = os.sep\n"])
def test_what_amltui_put_in_is_found_and_comes_out_without_a_trace(source: str) -> None:
    made = debugheader.insert(source)
    assert left_over(made)
    assert cleaned(made) == source
    assert not left_over(source)


def test_lines_of_a_debugger_come_out_and_others_stay() -> None:
    assert cleaned(PTVSD) == PTVSD[PTVSD.index("\n\ndef init") :]


def test_the_package_comes_out_of_a_conda_file_that_has_others() -> None:
    conda = "dependencies:\n  - debugpy=1.8\n  - pip:\n      - azureml-defaults\n      - ptvsd\n"
    kept = "dependencies:\n  - pip:\n      - azureml-defaults\n"
    assert without_package(conda) == kept
    assert without_package(kept) == kept
    alone = "dependencies:\n  - pip:\n      - debugpy\n"
    assert without_package(alone) == alone
    facts = Facts(files={"conda.yml": FileFact("file", 9, conda)})
    cloud = Plan.from_dict({**plan().to_dict(), "target": {"kind": "aci"}})
    warned = [one.title for one in check(cloud, facts)]
    assert "A debugger is among the packages." in warned
    assert "A debugger is among the packages." not in [one.title for one in check(plan(), facts)]


@pytest.mark.parametrize(
    "source",
    [
        "import ptvsd\nif ptvsd.is_attached():\n    x = 1\n",  # a use that is no statement
        "def init():\n    import debugpy; x = 1\n",  # two statements in a line
        "if True:\n    import ptvsd\n",  # the only statement of a block
    ],
)
def test_what_is_woven_in_is_left_to_a_person(source: str) -> None:
    with pytest.raises(AmltuiError, match="woven"):
        cleaned(source)


# -- the pull


def events() -> list[dict[str, object]]:
    return [
        {"status": "Pulling from diabetes-debug", "id": "1"},
        {"status": "Already exists", "progressDetail": {}, "id": "a"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "b"},
        {
            "status": "Downloading",
            "progressDetail": {"current": 1 << 20, "total": 4 << 20},
            "id": "b",
        },
    ]


def test_a_pull_is_counted_in_bytes_and_layers() -> None:
    progress = PullProgress()
    for event in events():
        progress.take(event)
    assert str(progress) == "1 MB of 4 MB, 1 of 2 layers are here"
    progress.take({"status": "Download complete", "id": "b"})
    extracting = {"current": 3, "total": 9}  # bytes that are unpacked count no second time
    progress.take({"status": "Extracting", "progressDetail": extracting, "id": "b"})
    assert (progress.fetched, progress.total) == (4 << 20, 4 << 20)
    progress.take({"status": "Pull complete", "id": "b"})
    assert str(progress).endswith("2 of 2 layers are here")


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.dictionaries(
        st.sampled_from(["id", "status", "progressDetail", "current"]), inner
    ),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(["id", "status", "progressDetail"]), values)))
def test_no_event_is_too_odd(odd: list[dict[str, object]]) -> None:
    progress = PullProgress()
    for event in odd:
        progress.take(event)
    assert 0 <= progress.fetched <= progress.total
    assert str(progress)


@pytest.mark.parametrize(
    ("said", "problem", "title"),
    [
        ('Head "https://x/v2/a/manifests/1": no basic auth credentials', Problem.SIGN_IN, "login"),
        ("unauthorized: authentication required", Problem.SIGN_IN, "login"),
        ("pull access denied for a, repository does not exist", Problem.SIGN_IN, "login"),
        ("manifest for a:1 not found: manifest unknown", Problem.NOT_FOUND, "no such image"),
        ("write /var/lib/docker/x: no space left on device", Problem.ENGINE, "disk is full"),
        ("dial tcp: lookup x: no such host", Problem.NETWORK, "cannot reach"),
        ("something new", Problem.ENGINE, "was not pulled"),
    ],
)
def test_why_a_pull_is_refused_is_said(said: str, problem: Problem, title: str) -> None:
    error = refusal("x.azurecr.io/a:1", said)
    assert (error.problem, title in error.title, bool(error.hint)) == (problem, True, True)


# -- the wait

PREFIX = "2026-11-21 15:37:54,262 I [7] azmlinfsrv.print - "


@pytest.mark.parametrize(
    ("lines", "stage"),
    [
        ((), Stage.STARTING),
        ((f"{PREFIX}{debugheader.WAITING} for 30 s on port 5678",), Stage.WAITING),
        ((debugheader.WAITING, f"{PREFIX}{debugheader.ATTACHED}"), Stage.ATTACHED),
        ((debugheader.WAITING, "amltui: no debugger came; going on"), Stage.MISSED),
        (("amltui: no debugger: No module named 'debugpy'",), Stage.NO_DEBUGGER),
        # Of several workers one has the port.
        (("amltui: no debugger: Address already in use", debugheader.WAITING), Stage.WAITING),
    ],
)
def test_a_log_says_how_the_wait_stands(lines: tuple[str, ...], stage: Stage) -> None:
    look = look_at("\n".join(lines), running=True)
    assert look.stage is stage
    assert words(look, 12.4, 5678)
    ended = look_at("\n".join((*lines, "ImportError: x")), running=False, ending="exit code 1")
    assert (ended.stage, ended.over) == (Stage.ENDED, True)
    assert "exit code 1" in ended.detail
    assert "ImportError: x" in ended.detail


def test_it_is_over_once_the_service_answers() -> None:
    assert not Look(Stage.WAITING, answers=True).over
    assert not Look(Stage.ATTACHED).over
    assert Look(Stage.ATTACHED, answers=True).over
    assert "12 s left" in words(Look(Stage.WAITING), 12.4, 5678)
