"""launch.json keeps its comments, commas and entries when ours is merged in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain import launchjson
from amltui.domain.errors import AmltuiError

ENTRY = launchjson.entry("/var/azureml-app")
VSCODE = """\
{
    // Use IntelliSense to learn about possible attributes.
    // For more information, visit: https://go.microsoft.com/fwlink/?linkid=830387
    "version": "0.2.0",
    "configurations": [
        {
            "name": "Python: Current File", /* mine */
            "type": "python",
            "program": "${file}", // not "here"
        },
    ],
    "compounds": [],
}
"""


@pytest.mark.parametrize(
    "text",
    [
        VSCODE,
        VSCODE.replace("\n", "\r\n"),
        VSCODE.replace("    ", "\t"),
        "\ufeff" + VSCODE,
        '{"version": "0.2.0", "configurations": []}',
        '{\n  "configurations": [\n  ]\n}\n',
        '{\n  "configurations": [ // none yet\n  ]\n}\n',
        '{"configurations":[{"name":"x"}]}',
        '{"configurations":[/* a */{"name":"x"},]}',
        '{\n  "version": "0.2.0"\n}\n',
        "{}",
        "{ /* empty */ }",
        '// top\n{"configurations": [{"name": "a // b", "v": "]}"}]} // end\n',
    ],
)
def test_everything_else_stays(text: str) -> None:
    before = launchjson.parse(text).value
    made = launchjson.merge(text, ENTRY)
    after = launchjson.parse(made).value
    assert after["configurations"] == [ENTRY, *before.get("configurations", [])]
    assert {k: v for k, v in after.items() if k != "configurations"} == {
        k: v for k, v in before.items() if k != "configurations"
    }
    squeezed = "".join(text.split())
    position = 0
    gone = []
    whole = "".join(made.split())
    for character in squeezed:  # the old text is a subsequence of the new one
        found = whole.find(character, position)
        if found < 0:
            gone.append(character)
        else:
            position = found + 1
    assert gone == []
    assert launchjson.merge(made, ENTRY) == made
    if "\r\n" in text:
        assert "\n" not in made.replace("\r\n", "")


def test_a_new_file_and_an_entry_that_changed() -> None:
    made = launchjson.merge("", ENTRY)
    assert launchjson.parse(made).value["configurations"] == [ENTRY]
    other = launchjson.entry("/var/azureml-app/source", port=5679)
    both = launchjson.merge(launchjson.merge(VSCODE, ENTRY), other)
    assert launchjson.parse(both).value["configurations"][0] == other
    assert len(launchjson.parse(both).value["configurations"]) == 2
    assert "/* mine */" in both


def test_it_is_laid_out_like_the_file() -> None:
    made = launchjson.merge(VSCODE, ENTRY)
    assert made.startswith(VSCODE[: VSCODE.index("[") + 1])
    assert made.endswith(VSCODE[VSCODE.index("[") + 1 :])
    assert f'        {{\n            "name": "{launchjson.NAME}",\n' in made
    shown = launchjson.diff(VSCODE, made)
    assert [line for line in shown.splitlines()[2:] if line.startswith("-")] == []
    assert f'+            "name": "{launchjson.NAME}",' in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"configurations": [\n{"name": "x" "y"}]}', "Line 2"),
        ('{"configurations": {}}', "no list"),
        ("[]", "no object"),
        ("{", "Line 1"),
        ("{} x", "follows"),
        ("[" * 5000, "deeply"),
    ],
)
def test_what_cannot_be_read_is_not_touched(text: str, said: str) -> None:
    with pytest.raises(AmltuiError, match=said):
        launchjson.merge(text, ENTRY)


@given(st.text(alphabet='{}[]",:/*\n \\a1tnu', max_size=60))
def test_no_text_is_a_crash(text: str) -> None:
    try:
        made = launchjson.merge(text, ENTRY)
    except AmltuiError:
        return
    assert ENTRY in launchjson.parse(made).value["configurations"]
