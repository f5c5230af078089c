"""What can be said of an entry script without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from . import returned_errors
from .findings import Finding, Level
from .plan_fields import quote

DEBUGGERS = ("ptvsd", "debugpy", "pydevd", "pydevd_pycharm", "pdb", "ipdb")
CLOUD_ONLY = ("debugger", "returns-errors")
"""Codes of findings that matter only where other people call the service."""


def inspect(text: str) -> list[Finding]:
    """What is wrong with the script or left in it, in order of lines."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        message = f"The script is not valid Python: {quote(error.msg)}."
        return [Finding(error.lineno or 0, "syntax", message, Level.ERROR)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Finding(0, "syntax", f"The script cannot be read: {error}.", Level.ERROR)]
    try:
        found = [*_functions(tree), *_debuggers(tree), *_imports(tree)]
        found += _returned_errors(tree, text)
    except RecursionError:
        return [Finding(0, "syntax", "The script is nested too deeply.", Level.ERROR)]
    return sorted(found, key=lambda finding: finding.line)


def model_path_calls(text: str) -> list[tuple[int, str]]:
    """The lines of get_model_path calls and the model that each names, empty if not literally."""
    try:
        tree = ast.parse(text)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for call in calls:
        if _last_name(call.func) != "get_model_path":
            continue
        named = [keyword.value for keyword in call.keywords if keyword.arg == "model_name"]
        first = [*call.args[:1], *named][:1]
        name = first[0].value if first and isinstance(first[0], ast.Constant) else ""
        found.append((call.lineno, name if isinstance(name, str) else ""))
    return found


def _functions(tree: ast.Module) -> Iterator[Finding]:
    defined = dict(_defined(tree.body))
    anything = "*" in defined
    for name, least, words in (("init", 0, "no argument"), ("run", 1, "one argument, the data")):
        node = defined.get(name)
        if node is None:
            if not anything:
                yield Finding(
                    0,
                    f"no-{name}",
                    f"The script does not define {name}().",
                    Level.ERROR,
                    "Azure ML calls init() once when the container starts, and run(data) for "
                    "each request.",
                )
        elif isinstance(node, ast.AsyncFunctionDef):
            message = f"{name}() is async, but it is called like an ordinary function."
            yield Finding(node.lineno, f"async-{name}", message, Level.ERROR)
        elif isinstance(node, ast.FunctionDef) and not _takes(node, least):
            yield Finding(
                node.lineno,
                f"arguments-of-{name}",
                f"{name}() is called with {words}.",
                Level.ERROR if not node.decorator_list else Level.WARNING,
            )


def _defined(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Every name that a module has once it is imported, and the statement that gave it."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for one in ast.walk(target):
                    if isinstance(one, ast.Name):
                        yield one.id, node
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name, node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                yield from _defined(getattr(node, part, []))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield from _defined(handler.body)


def _takes(node: ast.FunctionDef, count: int) -> bool:
    given = node.args
    positional = len(given.posonlyargs) + len(given.args)
    needed = positional - len(given.defaults)
    missing = any(default is None for default in given.kw_defaults)
    if count and given.kwonlyargs and positional == 0 and not given.vararg:
        return True  # the server passes data by name where the signature asks for it
    return not missing and needed <= max(count, 0) and (positional >= count or bool(given.vararg))


def _debuggers(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Import):
            name = next((a.name for a in node.names if a.name.split(".")[0] in DEBUGGERS), "")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in DEBUGGERS:
            name = node.module or ""
        elif isinstance(node, ast.Call) and _last_name(node.func) == "breakpoint":
            name = "breakpoint()"
        if name:
            yield Finding(
                getattr(node, "lineno", 0),
                "debugger",
                f"A debugger is left in the script: {name}.",
                Level.WARNING,
                "It waits for somebody to attach, and opens a port: `amltui debug --clean PLAN`.",
            )


def _returned_errors(tree: ast.Module, text: str) -> Iterator[Finding]:
    pattern = returned_errors.handler(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or not _catches_all(node.type):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return) and _tells(inner.value, node.name):
                yield Finding(
                    inner.lineno,
                    "returns-errors",
                    "Whatever goes wrong is returned to the caller.",
                    Level.WARNING,
                    "Good for debugging; in production it tells strangers how the service works.",
                    returned_errors.remove(text) if node is pattern else None,
                )
                break


def _catches_all(caught: ast.expr | None) -> bool:
    names: list[ast.expr | None] = [caught]
    if isinstance(caught, ast.Tuple):
        names = list(caught.elts)
    return any(name is None or _last_name(name) in ("Exception", "BaseException") for name in names)


def _tells(value: ast.expr | None, name: str | None) -> bool:
    if value is None:
        return False
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id == name:
            return True
        if isinstance(node, ast.Call) and _last_name(node.func) in ("format_exc", "exc_info"):
            return True
    return False


def _imports(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        gone = (
            isinstance(node, ast.ImportFrom)
            and node.module == "sklearn.externals"
            and any(alias.name == "joblib" for alias in node.names)
        )
        if gone:
            yield Finding(
                getattr(node, "lineno", 0),
                "joblib-moved",
                "sklearn.externals.joblib is gone since scikit-learn 0.23.",
                Level.WARNING,
                "Write `import joblib`, and add joblib to the packages.",
            )
        if isinstance(node, ast.Call) and _last_name(node.func) == "get_model_path":
            yield Finding(
                node.lineno,
                "get-model-path",
                "get_model_path works in the container only, and needs azureml-core there.",
                Level.INFO,
                "AZUREML_MODEL_DIR in the environment says where the models are.",
            )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
