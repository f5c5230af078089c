"""The rules of the workbench: names, endings, differences, pins and model paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain.containerdiff import (
    Change,
    ChangeKind,
    Commit,
    Direction,
    FileState,
    FileType,
    compare,
    edits,
    parse_changes,
    plan_sync,
    source_root,
)
from amltui.domain.exitcodes import describe
from amltui.domain.modelsearch import search
from amltui.domain.pins import compare_pins
from amltui.domain.text import MASK
from amltui.domain.workbench import (
    ShellEnd,
    masked,
    masked_environment,
    next_image,
    split_image,
)


@pytest.mark.parametrize(
    ("image", "existing", "next_one"),
    [
        ("debug:1", [], "debug:2"),
        ("debug:1", ["debug:2", "debug:3", "other:4"], "debug:4"),
        ("app:latest", [], "app:1"),
        ("app", ["app:1"], "app:2"),
        ("registry.example:5000/team/app:v7", [], "registry.example:5000/team/app:v8"),
        ("registry.example:5000/team/app", [], "registry.example:5000/team/app:1"),
        ("app:1.4.2", [], "app:1.4.2-debug1"),
        ("app:1.4.2-debug1", [], "app:1.4.2-debug2"),
        ("package@sha256:" + "a" * 64, [], "package:1"),
        ("sha256:" + "a" * 64, ["my-service:1"], "my-service:2"),
        ("0123456789ab", [], "my-service:1"),
    ],
)
def test_the_next_free_tag(image: str, existing: list[str], next_one: str) -> None:
    assert next_image(image, existing, "My_Service!") == next_one


def test_images_are_split_like_docker_does() -> None:
    assert split_image("host:5000/a/b") == ("host:5000/a/b", "")
    assert split_image("a:1@sha256:" + "b" * 64) == ("a", "1")
    assert split_image("sha256:" + "b" * 64) == ("", "")


@pytest.mark.parametrize(
    ("code", "out_of_memory", "words"),
    [
        (0, False, "ended by itself"),
        (1, False, "its program failed"),
        (3, False, "init()"),
        (111, False, "web server had ended"),
        (126, False, "cannot be executed"),
        (127, False, "not found"),
        (137, True, "more memory than its limit"),
        (137, False, "not by its own memory limit"),
        (139, False, "SIGSEGV"),
        (143, False, "SIGTERM"),
        (1, True, "ran out of memory"),
        (190, False, "signal 62"),
    ],
)
def test_exit_codes_in_words(code: int, out_of_memory: bool, words: str) -> None:
    ending = describe(code, out_of_memory=out_of_memory)
    assert words in str(ending)
    assert str(code) in str(ending)


@given(st.integers(-(2**31), 2**32), st.booleans())
def test_every_exit_code_has_a_text(code: int, out_of_memory: bool) -> None:
    assert str(describe(code, out_of_memory=out_of_memory)).startswith(f"exit code {code}")


def test_secrets_in_variables_are_masked() -> None:
    shown = dict(
        masked_environment(
            [
                ("API_KEY", "abc"),
                ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=x;AccountKey=y"),
                ("URL", "https://x.example/?sv=1&sig=abc%2F"),
                ("MONKEY", "banana"),
                ("KEYBOARD", "de"),
                ("PATH", "/bin"),
                ("PASSWORD", ""),
                ("AUTHOR", "someone"),
            ]
        )
    )
    assert shown["API_KEY"] == shown["AZURE_STORAGE_CONNECTION_STRING"] == MASK
    assert "abc" not in shown["URL"]
    assert (shown["MONKEY"], shown["KEYBOARD"], shown["PATH"]) == ("banana", "de", "/bin")
    assert (shown["PASSWORD"], shown["AUTHOR"]) == ("", "someone")


def test_how_a_shell_ended() -> None:
    assert ShellEnd(7, True).words == "The shell ended with exit code 7."
    assert "container has ended" in ShellEnd(137, False).words
    assert "engine has gone" in ShellEnd(None, None).words
    assert "connection broke" in ShellEnd(None, True).words


def test_folders_that_changed_for_their_content_are_left_out() -> None:
    found = parse_changes(
        [
            {"Path": "/var", "Kind": 0},
            {"Path": "/var/app", "Kind": 0},
            {"Path": "/var/app/new", "Kind": 1},
            {"Path": "/var/app/new/file", "Kind": 1},
            {"Path": "/var/gone", "Kind": 2},
            {"Path": "/etc/own", "Kind": 0},
        ]
    )
    assert [(change.path, change.kind.value) for change in found] == [
        ("/etc/own", "changed"),
        ("/var/app/new", "added"),
        ("/var/app/new/file", "added"),
        ("/var/gone", "deleted"),
    ]


def test_what_counts_as_an_edit() -> None:
    paths = {
        "/var/azureml-app/score.py": True,
        "/var/azureml-app/__pycache__/score.cpython-38.pyc": False,
        "/var/azureml-app/.score.py.swp": False,
        "/tmp/x": False,
        "/tmpfiles": True,
        "/root/.bash_history": False,
        "/root/.gunicorn/gunicorn.ctl": False,
        "/root/.bashrc": True,
        "/etc/hosts": False,
        "/var/log/app.log": False,
        "/usr/bin/vim": True,
    }
    found = edits(Change(path, ChangeKind.ADDED) for path in paths)
    assert [change.path for change in found] == [path for path, counts in paths.items() if counts]
    assert edits([Change("/var", ChangeKind.CHANGED, file_type="folder")]) == ()


def test_what_a_commit_should_say() -> None:
    said = " ".join(Commit("c", "debug:2", (), 0, ("/data",), auto_remove=True).remarks)
    for part in ("Nothing differs", "/data", "--rm", "stands still"):
        assert part in said


ONE = FileState(FileType.FILE, 1, "a")
TWO = FileState(FileType.FILE, 1, "b")
RUN = FileState(FileType.FILE, 1, "a", 0o755)
LINK = FileState(FileType.LINK, target="x")


def test_a_sync_copies_one_way_and_deletes_only_if_asked() -> None:
    local = {"same": ONE, "here": ONE, "both": ONE, "run": RUN, "kind": LINK, "mode": ONE}
    inside = {
        "same": FileState(FileType.FILE, 1, "a", 0o600), "there": ONE, "both": TWO, "run": ONE,
        "kind": ONE, "mode": FileState(FileType.FILE, 1, "a", 0o664),
    }  # fmt: skip
    found = compare(local, inside)
    assert [(each.path, each.words) for each in found] == [
        ("both", "differs"),
        ("here", "only here"),
        ("kind", "link here, file in the container"),
        ("run", "executable on one side only"),
        ("there", "only in the container"),
    ]
    plan = plan_sync(found, Direction.INTO)
    assert [step.words for step in plan.steps] == [
        "overwrite both", "add here", "overwrite kind", "overwrite run"
    ]  # fmt: skip
    assert plan.left_alone == ("there",)
    plan = plan_sync(found, Direction.OUT, delete=True)
    assert [step.words for step in plan.steps][-1] == "delete here"
    assert plan.left_alone == ()


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([ONE, TWO, RUN, LINK])),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([ONE, TWO, RUN, LINK])),
    st.sampled_from(Direction),
)
def test_a_sync_with_deletion_leaves_no_difference(
    local: dict[str, FileState], inside: dict[str, FileState], direction: Direction
) -> None:
    plan = plan_sync(compare(local, inside), direction, delete=True)
    target = inside if direction is Direction.INTO else local
    for step in plan.steps:
        assert target.get(step.path) == step.target
        if step.source is None:
            del target[step.path]
        else:
            target[step.path] = step.source
    assert compare(local, inside) == ()


def test_where_the_source_directory_is() -> None:
    root = "/var/azureml-app"
    assert source_root(root, "score.py") == root
    assert source_root(root, "") == root
    assert source_root("", "project/score.py") == f"{root}/project"
    assert source_root(root, "x/code/score.py", inside_source="code/score.py") == f"{root}/x"
    assert source_root(root, f"{root}/x/score.py", inside_source="./score.py") == f"{root}/x"


def test_pins_against_what_is_installed() -> None:
    rows, remarks = compare_pins(
        ["numpy==1.19.5", "scikit-learn==0.24.1", "extra==1", "own @ file:///x", "-e git#egg=dev"],
        ["python=3.8", "numpy=1.19", "scikit_learn==0.23.2", "conda-forge::pandas==1.1.*", "own"],
    )
    odd = [row for row in rows if row[3]]
    assert odd == [
        ("pandas", "", "==1.1.*", "not installed"),
        ("scikit-learn", "0.24.1", "==0.23.2", "another version"),
    ]
    assert remarks == ("2 of 4 dependencies differ.",)
    assert compare_pins(["a==1"], ["a==1"])[1] == ("All pins are met.",)
    assert compare_pins(["a==1"], [])[1] == ("1 packages.",)


@pytest.mark.parametrize(
    ("paths", "name", "version", "path", "said"),
    [
        (["azureml-models/m/1/", "azureml-models/m/1/a"], "m", "", "azureml-models/m/1/a", ""),
        (["azureml-models/m/2/a", "azureml-models/m/10/b"], "m", "", "azureml-models/m/10/b", ""),
        (["azureml-models/m/2/a", "azureml-models/m/10/b"], "m", "2", "azureml-models/m/2/a", ""),
        (["azureml-models/m/1/a", "azureml-models/m/1/b"], "m", "", "", "refuses"),
        (["azureml-models/M/1/a"], "m", "", "", "case only: M"),
        (["azureml-models/m/1/a"], "m", "3", "", "ModelNotFound"),
        (["m.pkl"], "m.pkl", "", "m.pkl", ""),
        ([], "", "", "", "No model"),
        (["azureml-models/m/1/a"], "", "", "azureml-models/m/1/a", ""),
    ],
)  # fmt: skip
def test_where_get_model_path_looks(
    paths: list[str], name: str, version: str, path: str, said: str
) -> None:
    found = search(paths, name, version)
    assert found.path == path
    assert said in " ".join(found.remarks)
    assert found.rows


def test_an_inspection_shows_no_secret() -> None:
    answer = {
        "Id": "abc",
        "Config": {
            "Env": ["API_KEY=very-secret", "COLOUR=green", "ODD"],
            "Labels": {"registry_password": "very-secret", "who": "me\x1b[31m"},
        },
        "State": {"Running": True, "ExitCode": 0, "Health": None},
        "Args": ["--url", "https://x.blob.core.windows.net/c?sv=1&sig=very-secret%3D"],
    }
    shown = masked(answer)
    assert "very-secret" not in str(shown)
    assert "\x1b" not in str(shown)
    assert isinstance(shown, dict)
    assert shown["Config"]["Env"] == [f"API_KEY={MASK}", "COLOUR=green", "ODD="]
    assert shown["State"] == answer["State"]


@pytest.mark.parametrize(
    ("code", "out_of_memory", "brief"),
    [
        (0, False, "0 ended"),
        (137, True, "137 memory limit"),
        (137, False, "137 killed"),
        (139, False, "139 SIGSEGV"),
        (42, False, "42"),
    ],
)
def test_an_ending_in_a_table(code: int, out_of_memory: bool, brief: str) -> None:
    assert describe(code, out_of_memory=out_of_memory).brief == brief
