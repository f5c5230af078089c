"""Who may import whom; a broken rule is told in one sentence."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "amltui"
SDKS = {"azureml", "docker", "requests", "msal", "subprocess"}
ROOT = {
    "cli", "cli_ask", "cli_deploy", "launch", "backends", "plain", "settings", "prepaint",
    "ask_commands", "container_commands", "debug_commands", "deploy_commands",
    "diagnose_commands", "doctor_commands", "image_commands", "plan_commands", "service_commands",
    "__main__", "__init__",
}  # fmt: skip

# layer -> the parts of amltui it may import (itself apart), and the outside modules it may not
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "ports": {"domain"},
    "adapters": {"ports", "domain"},
    "workers": {"ports", "domain"},
    "widgets": {"domain"},
    "panes": {"widgets", "workers", "domain"},
    "app": {"panes", "widgets", "workers", "domain"},
    "demo": set(),
}
MAY_NOT_USE: dict[str, set[str]] = {
    "ports": {*SDKS, "textual", "asyncio", "threading"},
    "adapters": {"textual"},
    "workers": {*SDKS, "textual", "rich"},
    "widgets": {*SDKS, "threading"},
    "panes": {*SDKS, "threading"},
    "app": {*SDKS, "threading"},
    "demo": {"azureml", "docker", "requests", "textual"},
}
# Why each exception is one.
EXCEPTIONS = {
    # The one module that hands the terminal over to another program, as the architecture allows.
    ("widgets/pager.py", "subprocess"),
}
# Pure: no input or output, no clock, no concurrency.
IMPURE = {
    "asyncio", "threading", "multiprocessing", "subprocess", "socket", "os", "io", "pathlib",
    "tempfile", "shutil", "time", "logging", "urllib", "http", "select", "ctypes",
}  # fmt: skip


def layer_of(path: Path) -> str:
    """The layer a module belongs to: its folder, or its own name at the top."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Absolute names imported by a module, their line, and whether only for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    package = ("amltui", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *([node.module] if node.module else [])))
            names = [stem]
            if node.level and not node.module:
                names = [f"{stem}.{alias.name}" for alias in node.names]
        for name in names:
            yield name, node.lineno, id(node) in typing_only


def broken_rules(path: Path) -> Iterator[str]:
    """Each import of a module that its layer may not make, as a sentence."""
    layer = layer_of(path)
    where = path.relative_to(PACKAGE).as_posix()
    for name, line, typing_only in imports(path):
        top = name.split(".")[0]
        if (where, top) in EXCEPTIONS:
            continue
        if top == "amltui":
            other = name.split(".")[1] if "." in name else "__init__"
            allowed = {layer, "__init__", *MAY_IMPORT.get(layer, set())}
            upward = typing_only and layer == "panes" and other == "app"
            also = layer in ("app", "panes") and typing_only and other == "settings"
            if layer not in ROOT and other not in allowed and not upward and not also:
                yield f"amltui/{where}:{line} imports {name}, but {layer} may not import {other}."
        elif layer == "domain" and top not in sys.stdlib_module_names:
            yield f"amltui/{where}:{line} imports {name}, but domain is standard library only."
        elif layer == "domain" and top in IMPURE and name != "urllib.parse":
            yield f"amltui/{where}:{line} imports {name}, but domain is pure."
        elif top in MAY_NOT_USE.get(layer, set()) and not typing_only:
            yield f"amltui/{where}:{line} imports {name}, which {layer} must know nothing of."


MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "project" not in path.relative_to(PACKAGE).parts
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_keep_to_the_layers(path: Path) -> None:
    broken = list(broken_rules(path))
    assert not broken, "\n".join(broken)


def test_every_module_belongs_to_a_layer() -> None:
    layers = {layer_of(path) for path in MODULES}
    assert layers <= {*MAY_IMPORT, *ROOT}


def test_a_broken_rule_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "domain" / "bad.py"
    bad.parent.mkdir()
    bad.write_text("import time\nimport docker\nfrom ..panes import logs\n")
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    assert [sentence.split(", ")[-1] for sentence in broken_rules(bad)] == [
        "but domain is pure.",
        "but domain is standard library only.",
        "but domain may not import panes.",
    ]


def test_the_command_line_loads_no_sdk_and_no_textual() -> None:
    code = (
        "import sys, amltui.cli; "
        "print([m for m in ('azureml', 'docker', 'textual', 'requests', 'asyncio') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_stay_small() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in MODULES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long, f"over 400 lines: {long}"
