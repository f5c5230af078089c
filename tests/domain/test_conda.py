from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from amltui.domain.conda import fix_all, lint, lint_requirements
from amltui.domain.conda_layout import read_layout
from amltui.domain.findings import Level, apply

GOOD = """\
name: diabetes-scoring
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
      # The scoring server.
      - azureml-defaults==1.61.0
"""


def codes(text: str) -> list[str]:
    return [found.code for found in lint(text)]


def fixed(text: str, code: str) -> str:
    """The text after the fix of the first finding of that kind."""
    fix = next(found.fix for found in lint(text) if found.code == code)
    assert fix is not None
    return apply(text, fix)


def parsed(text: str) -> Any:
    return YAML(typ="safe").load(io.StringIO(text))


def test_a_good_file_has_nothing_wrong() -> None:
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "level"),
    [
        ("      - azureml-defaults==1.61.0", "      - flask==2.2", "defaults-missing", "error"),
        ("==1.61.0", "==1.0.33", "defaults-too-old", "error"),
        ("==1.61.0", "<1.0.45", "defaults-too-old", "error"),
        ("==1.61.0", "", "unpinned", "warning"),
        ("==1.61.0", ">=1.0.45", "unpinned", "warning"),
        ("==1.61.0", "=1.61.0", "single-equals", "error"),
        ("  - python=3.11\n", "", "no-python", "warning"),
        ("python=3.11", "python", "no-python", "warning"),
        ("  - pip\n", "  - numpy\n  - pip\n", "unpinned", "warning"),
        ("  - pip\n", "", "pip-not-listed", "warning"),
        ("  - pip\n", "  - pip\n  - azureml-defaults\n", "defaults-not-pip", "error"),
        ("channels:", "chanels:", "unknown-key", "error"),
        ("      - azure", "      - sklearn==0.0\n      - azure", "wrong-name", "error"),
        ("      - azure", "      - -r more.txt\n      - azure", "local-file", "warning"),
        ("      - azure", "      - opencv-python==4.8.0\n      - azure", "needs-libgl", "warning"),
        ("      - azure", "      - x==1\n      - X==2\n      - azure", "twice", "warning"),
    ],
)
def test_what_goes_wrong_is_found(old: str, new: str, code: str, level: str) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    assert (code, Level(level)) in [(found.code, found.level) for found in lint(text)]


@pytest.mark.parametrize("spec", ["==1.0.45", "~=1.0.10", ">=1.0.45,<2", "==1.*", "[x]==1.48"])
def test_what_is_new_enough_and_bounded_is_left_alone(spec: str) -> None:
    assert codes(GOOD.replace("==1.61.0", f"{spec}")) == []


def test_a_fix_changes_its_line_and_keeps_comments_and_layout() -> None:
    text = (
        "# mine\r\nname: x\r\ndependencies:\r\n- numpy=1.23  # as trained\r\n- python=3.9\r\n"
        '- pip\r\n- pip:\r\n  - "azureml-defaults==1.0.1"   # server\r\n  - flask==2.2'
    )
    assert fixed(text, "defaults-too-old") == text.replace(
        '- "azureml-defaults==1.0.1"', "- azureml-defaults==1.61.0"
    )


def test_defaults_move_below_pip_with_their_comment() -> None:
    text = "dependencies:\n  - python=3.9\n  - azureml-defaults=1.48.0  # why\n  - numpy=1.2\n"
    assert fixed(text, "defaults-not-pip") == (
        "dependencies:\n  - python=3.9\n  - numpy=1.2\n  - pip\n  - pip:\n"
        "      - azureml-defaults==1.48.0  # why\n"
    )


def test_an_old_python_gets_a_version_that_it_can_have() -> None:
    text = "dependencies:\n  - python=3.6.2\n"
    assert "azureml-defaults>=1.0.45" in fixed(text, "defaults-missing")


def test_a_file_without_dependencies_gets_some() -> None:
    for text in ("", "name: x", "name: x\ndependencies:\n"):
        assert codes(fix_all(text)) == []
        assert parsed(fix_all(text))["dependencies"][-1] == {"pip": ["azureml-defaults==1.61.0"]}


@pytest.mark.parametrize(
    "text",
    [
        "dependencies: [python=3.8]\n",
        "dependencies:\n  - {pip: [a]}\n",
        "dependencies:\n  - pip: [a]\n",
        "dependencies: &d\n  - a\n",
        "dependencies:\n  - a\n   b\n",
        "dependencies:\n  - a\n---\ndependencies:\n  - b\n",
        "dependencies:\n  - a\n\t- b\n",
        "dependencies:\n  - - a\n",
        "dependencies:\n  - a: b\n",
        "dependencies:\n  - a\ndependencies:\n  - b\n",
    ],
)
def test_another_layout_is_told_not_guessed(text: str) -> None:
    assert codes(text) == ["layout"]


NAMES = ["numpy", "pandas", "scikit-learn", "azureml-defaults", "python", "pip", "opencv-python",
         "sklearn", "flask[async]", "azureml-inference-server-http"]  # fmt: skip
SPECS = ["", "=1.2", "==1.2.3", ">=1.0.45", "<1.0.45", "==1.0.1", "~=1.1", " 3.8", ">=1,<2", "=3.6"]
PACKAGES = st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from(SPECS))


@st.composite
def conda_files(draw: st.DrawFn) -> str:
    """Conda files as people write them, with comments anywhere and any line ends."""
    comment = st.sampled_from(["", "", "  # why", " #"])
    between = st.sampled_from([[], [], [""], ["# note"], ["      # note"]])
    quote = st.sampled_from(["{}", "{}", "'{}'", '"{}"'])

    def entries(indent: int, packages: list[str]) -> list[str]:
        lines = []
        for package in packages:
            entry = draw(quote).format(package)
            lines += [*draw(between), f"{' ' * indent}- {entry}{draw(comment)}"]
        return lines

    outer = draw(st.sampled_from([0, 2, 4]))
    lines = [*draw(between), "name: x", "channels:", "  - conda-forge", *draw(between)]
    lines += ["dependencies:", *entries(outer, draw(st.lists(PACKAGES, max_size=4)))]
    if draw(st.booleans()):
        lines += [f"{' ' * outer}- pip:{draw(comment)}"]
        lines += entries(
            outer + draw(st.sampled_from([2, 4])), draw(st.lists(PACKAGES, max_size=4))
        )
        lines += entries(outer, draw(st.lists(PACKAGES, max_size=2)))
    lines += draw(st.sampled_from([[], ["variables:", "  A: b  # c"]]))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["", "\n"]))


@settings(max_examples=100, deadline=None)
@given(conda_files())
def test_the_layout_is_what_yaml_says(text: str) -> None:
    layout = read_layout(text)
    assert not layout.unread
    held = parsed(text)["dependencies"] or []
    assert [item.text for item in layout.conda] == [one for one in held if isinstance(one, str)]
    below = [one["pip"] or [] for one in held if isinstance(one, dict)]
    assert [item.text for item in layout.pip] == (below[0] if below else [])


@settings(max_examples=100, deadline=None)
@given(conda_files())
def test_fixes_end_their_findings_and_leave_the_rest_alone(text: str) -> None:
    done = fix_all(text)
    assert fix_all(done) == done
    assert not [found for found in lint(done) if found.fix is not None]
    before, after = parsed(text), parsed(done)
    assert {k: v for k, v in before.items() if k != "dependencies"} == {
        k: v for k, v in after.items() if k != "dependencies"
    }
    for found in lint(text):
        if found.fix is None:
            continue
        changed = apply(text, found.fix)
        parsed(changed)
        touched = {hunk.line + n for hunk in found.fix.hunks for n in range(hunk.remove)}
        kept = [line.strip() for n, line in enumerate(text.split("\n"), 1) if n not in touched]
        left = iter([line.strip() for line in changed.split("\n")])
        assert all(line in left for line in kept)  # every other line, in its order
        comments = [line.partition("#")[2].strip() for line in text.split("\n") if "#" in line]
        assert sorted(comments) == sorted(
            line.partition("#")[2].strip() for line in changed.split("\n") if "#" in line
        )


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("dep-: \n\tpip#'\"[]{}=<>1.0azureml&*!|\r\x1b\u2028"), max_size=80))
def test_no_text_raises(text: str) -> None:
    lint("dependencies:\n" + text)
    fix_all(text)
    lint_requirements(text)


def test_requirements_are_checked_too() -> None:
    found = lint_requirements("# x\nnumpy\nflask==2.2  # pinned\n-r more.txt\n")
    assert [(one.line, one.code) for one in found] == [
        (4, "local-file"), (2, "unpinned"), (0, "defaults-missing"),
    ]  # fmt: skip
    assert lint_requirements("azureml-defaults==1.61.0") == []
