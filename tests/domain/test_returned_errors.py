"""The pattern for debugging run() goes in and out of a script without a trace."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.entry_script import inspect
from amltui.domain.findings import apply
from amltui.domain.returned_errors import insert, remove

SCRIPT = '''\
import json

def init():
    global model


def run(data):  # is called for each request
    """Score."""

    # what was sent
    rows = json.loads(data)["data"]
    text = """first
  second
"""
    if not rows:
        return []

    return model.predict(
        rows)  # a list
# the end
'''
WRAPPED = '''\
import json

def init():
    global model


def run(data):  # is called for each request
    """Score."""

    try:
        # what was sent
        rows = json.loads(data)["data"]
        text = """first
  second
"""
        if not rows:
            return []

        return model.predict(
            rows)  # a list
    except Exception as e:
        return {"error": str(e)}
# the end
'''
ARTICLE = """\
def run(input_data):
    try:
        data = json.loads(input_data)['data']
        return json.dumps({"result": model.predict(data).tolist()})
    except Exception as e:
        result = str(e)
        # return error message back to the client
        return json.dumps({"error": result})
"""


def inserted(text: str) -> str | None:
    edit = insert(text)
    return None if edit is None else apply(text, edit)


def removed(text: str) -> str | None:
    edit = remove(text)
    return None if edit is None else apply(text, edit)


def test_what_run_does_is_wrapped_and_nothing_else_changes() -> None:
    assert inserted(SCRIPT) == WRAPPED
    assert removed(WRAPPED) == SCRIPT


def test_the_form_of_the_article_is_taken_out() -> None:
    bare = removed(ARTICLE)
    assert bare is not None
    assert bare.splitlines() == [
        "def run(input_data):",
        "    data = json.loads(input_data)['data']",
        '    return json.dumps({"result": model.predict(data).tolist()})',
    ]
    assert inserted(ARTICLE) is None


def test_a_name_that_run_uses_is_not_taken_from_it() -> None:
    made = inserted("from math import e\ndef run(x):\n    return e * x\n")
    assert made is not None
    assert "except Exception as e2:" in made


def test_the_warning_of_the_check_brings_the_change_that_ends_it() -> None:
    whole = "def init(): ...\n" + WRAPPED
    found = [one for one in inspect(whole) if one.code == "returns-errors"]
    assert found[0].fix is not None
    assert "returns-errors" not in [one.code for one in inspect(apply(whole, found[0].fix))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def run(data): return data\n",
        "def run(data):\n    'only words'\n",
        "def run(data): x = 1; return x\n",
        "async def run(data):\n    return data\n",
        "@schema\ndef run(data):\n    return data\n",
        "def run(data):\n    yield data\n",
        "if True:\n    def run(data):\n        return data\n",
        "class Model:\n    def run(data):\n        return data\n",
        "def run(data):\n    return 1\ndef run(data):\n    return 2\n",
        "def run(data):\r\n    x = 1\n    return x\n",
        "def run(data):\n    return (\n",
        "def run(data):\n    x = '\\\n'\n    return \x00\n",
        "def run(data):\n    return data + \\\n\n",
        WRAPPED,
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(text: str) -> None:
    assert insert(text) is None


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        ARTICLE.replace("    try:", "    try:  # to score", 1),
        ARTICLE.replace("        result = str(e)\n", "        log(e)\n        result = str(e)\n"),
        ARTICLE.replace("Exception", "ValueError"),
        ARTICLE + "    finally:\n        done()\n",
        ARTICLE + "    return None\n",
        ARTICLE.replace("def run", "def score"),
    ],
)
def test_what_a_person_wrote_otherwise_is_not_taken_out(text: str) -> None:
    ast.parse(text)
    assert remove(text) is None


STATEMENTS = st.sampled_from(
    [
        "rows = json.loads(data)  # é\n",
        "text = '''a\n# no comment\n    b\n'''\n",
        'said = f"""{data}\n  {data!r:>{10}}\n"""\n',
        "x = (1 +\n2)\n",
        "x = 1 + \\\n  2; y = 3\n",
        "# a comment\n",
        "\n",
        "   \n",
        "def inner(e):\n@    return e\n",
        "if data:\n@    # why\n@    return {\n'a': 1}\n",
        "try:\n@    pass\nexcept Exception as error:\n@    return str(error)\n",
        "for one in data: pass\n",
        "nothing = b'\\xff' b'''\n'''\n",
        "x = '\\\n  y'\n",
    ]
)


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """Scripts whose run() has a bit of everything, laid out in several ways."""
    unit = draw(st.sampled_from(["    ", "  ", "\t"]))
    head = draw(st.sampled_from(["def run(data):", "def run(\n    data=(1,\n  2),\n):  # go"]))
    words = draw(st.sampled_from(["", '"""Score."""\n', '"""Score.\n\n# At length.\n"""\n\n']))
    body = ""
    for block in [words, *draw(st.lists(STATEMENTS, max_size=5)), "return data\n"]:
        # Lines that continue the one above stand where they stand.
        lines = block.split("\n")
        starts = block.startswith(("def", "if", "try", "x = (1"))
        for at, line in enumerate(lines[:-1]):
            inner = at == 0 or (starts and not line.startswith("'") and line != "2)")
            body += (unit if inner and line.strip() else "") + line.replace("@    ", unit) + "\n"
    text = f"import json\n\n\n{head}\n{body}" + draw(st.sampled_from(["", "\n\ny = 1\n", "# end"]))
    text = draw(st.sampled_from([text, text.rstrip("\n")]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@settings(deadline=None)
@given(scripts())
def test_in_and_out_gives_the_same_bytes(text: str) -> None:
    ast.parse(text)
    made = inserted(text)
    assert made is not None
    ast.parse(made)
    assert insert(made) is None
    assert removed(made) == text


@settings(deadline=None)
@given(st.text(alphabet="run(d):\n\r\t '\"#\\\f=try\u2028", max_size=80))
def test_whatever_it_is_given_it_raises_nothing_and_loses_nothing(text: str) -> None:
    source = f"def run(d):\n    x = 1\n    {text}\n    return d\n"
    made = inserted(source)
    if made is not None:
        ast.parse(made)
        assert removed(made) == source
    remove(source)
