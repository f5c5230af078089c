"""The debugger's lines go in and out of a script without a trace."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amltui.domain import debugheader as header
from amltui.domain.errors import AmltuiError

PLAIN = "import json\n\n\ndef init():\n    pass\n"
SCRIPTS = [
    PLAIN,
    "",
    "pass",
    '"""What it does."""',
    '"""What it does.\n\nAt length."""\nfrom __future__ import annotations\nimport os\n',
    "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# a licence\nimport os\n",
    "'''doc'''\r\nfrom __future__ import annotations\r\n\r\nimport os\r\n",
    "from __future__ import annotations",
    "\ufeffimport os\n",
    "# only a comment",
    "'''doc'''\n\x0c\nimport ptvsd\nptvsd.enable_attach()\n",
    "s = '\u2028'\nimport ptvsd\n",
    "x = 1  # amltui took out nothing\n",
]
PTVSD = '''\
"""Score."""
import ptvsd

ptvsd.enable_attach(
    address=("0.0.0.0", 5678),
    redirect_output=True,
)
ptvsd.wait_for_attach(timeout=30)
print("Debugger attached...")


def init():
    if debug:
        import ptvsd
        ptvsd.break_into_debugger()
    x = ptvsd.is_attached()
'''


@pytest.mark.parametrize("source", [*SCRIPTS, PTVSD])
def test_in_and_out_gives_the_same_text(source: str) -> None:
    made = header.insert(source)
    ast.parse(made.removeprefix("\ufeff"))
    assert header.has_header(made)
    assert header.insert(made) == made
    assert header.remove(made) == source
    assert header.remove(source) == source


@given(
    st.lists(
        st.sampled_from(
            ['"""doc"""', "from __future__ import annotations", "import os", "# c", "",
             "x = '''\na\n'''",
             "def f():\n    import ptvsd\n    ptvsd.enable_attach()", "import ptvsd; y = 1"]
        )
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)  # fmt: skip
def test_any_script_comes_back(parts: list[str], newline: str, ends: bool) -> None:
    source = newline.join(part.replace("\n", newline) for part in parts) + (newline if ends else "")
    try:
        compile(source, "score.py", "exec")
    except SyntaxError:
        return
    made = header.insert(source)
    compile(made, "score.py", "exec")
    assert header.remove(made) == source


def test_the_docstring_and_the_future_stay_first() -> None:
    made = header.insert('"""Doc."""\nfrom __future__ import annotations\nimport os\n')
    assert ast.get_docstring(ast.parse(made)) == "Doc."
    compile(made, "score.py", "exec")
    assert made.index("annotations") < made.index("debugpy") < made.index("import os")


def test_ptvsd_is_recognised_and_taken_out() -> None:
    found = header.find(PTVSD)
    assert [(line.module, line.first, line.last) for line in found] == [
        ("ptvsd", 2, 2), ("ptvsd", 4, 7), ("ptvsd", 8, 8), ("ptvsd", 14, 14), ("ptvsd", 15, 15)
    ]  # fmt: skip
    made = header.insert(PTVSD)
    calls = [node for node in ast.walk(ast.parse(made)) if isinstance(node, ast.Import)]
    assert not [node for node in calls if node.names[0].name == "ptvsd"]
    assert "enable_attach" not in ast.dump(ast.parse(made))


def test_our_own_lines_are_not_found_as_somebody_elses() -> None:
    assert header.find(header.insert(PLAIN)) == ()
    assert [line.module for line in header.find("import debugpy\ndebugpy.listen(5678)\n")] == [
        "debugpy", "debugpy"
    ]  # fmt: skip


def test_a_broken_script_is_left_alone() -> None:
    with pytest.raises(AmltuiError, match="line 1"):
        header.insert("def init(:\n")
    with pytest.raises(AmltuiError, match="two statements"):
        header.insert('"""doc"""; import os\n')
    assert header.find("def init(:\n") == ()


STUB = """\
import threading
attached, asked = {attached}, 0
_cancelled = threading.Event()
def listen(address):
    if {taken}:
        raise RuntimeError("address in use")
    print("listening", *address)
def wait_for_client():
    if not attached:
        _cancelled.wait(20)
wait_for_client.cancel = _cancelled.set
def is_client_connected():
    global asked
    asked += 1
    return attached or {late} and asked > 2
"""


@pytest.mark.parametrize(
    ("attached", "taken", "late", "said"),
    [
        (True, False, False, [header.ATTACHED, "the script"]),
        (False, False, False, [header.WAITING, "going on", "the script"]),
        (False, True, False, ["no debugger: address in use", "the script"]),
        (False, False, True, [header.WAITING, "going on", "the script", header.ATTACHED]),
    ],
)
def test_the_script_goes_on_whatever_the_debugger_does(
    tmp_path: Path, attached: bool, taken: bool, late: bool, said: list[str]
) -> None:
    """A stand-in for debugpy, which the tests do not have: the limit is ours, not its."""
    (tmp_path / "debugpy.py").write_text(STUB.format(attached=attached, taken=taken, late=late))
    script = "print('the script')\nimport threading\nfor each in threading.enumerate():\n"
    script += f"    if {late} and each.daemon:\n        each.join(10)\n"
    (tmp_path / "score.py").write_text(header.insert(script, wait=0))
    done = subprocess.run(
        [sys.executable, "score.py"], cwd=tmp_path, capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 0, done.stderr
    places = [done.stdout.index(text) for text in said]
    assert places == sorted(places)
    assert (header.ATTACHED in done.stdout) == (attached or late)
