"""The debugger's lines in a copy of an entry script: put in, recognised, taken out again.

``debugpy.wait_for_client`` waits for ever, although Microsoft's article says 30 s. A service that
waits for ever fails its health check, so the wait here has a limit and the script goes on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from .errors import AmltuiError, Problem

PORT = 5678
WAIT = 30  # seconds
ATTACHED = "amltui: debugger attached"
WAITING = "amltui: waiting for a debugger"
"""What the lines print: a log that has them tells where things stand."""

_BEGIN = "# >>> debugger, put in by amltui: take it out before a cloud deployment"
_END = "# <<< debugger"
_WAS = "# amltui took out: "
_HEADER = f"""\
{_BEGIN}
def _amltui_debugger(port={{port}}, limit={{wait}}):
    import threading
    import time

    try:
        import debugpy

        debugpy.listen(("0.0.0.0", port))
    except Exception as error:  # not installed, or another worker has the port
        print("amltui: no debugger:", error, flush=True)
        return

    def tell():
        while not debugpy.is_client_connected():
            time.sleep(0.5)
        print("{ATTACHED}", flush=True)

    timer = threading.Timer(limit, debugpy.wait_for_client.cancel)
    timer.daemon = True
    timer.start()
    print("{WAITING} for", limit, "s on port", port, flush=True)
    debugpy.wait_for_client()
    timer.cancel()
    if debugpy.is_client_connected():
        tell()
        return
    print("amltui: no debugger came; going on", flush=True)
    threading.Thread(target=tell, daemon=True).start()  # one that comes later, too


_amltui_debugger()
{_END}"""
_BLOCK = re.compile(
    rf"(?:^{re.escape(_BEGIN)}\r?\n(?:.*\n)*?{re.escape(_END)}\r?\n"
    rf"|\r?\n{re.escape(_BEGIN)}\r?\n(?:.*\n)*?{re.escape(_END)}\Z)",
    re.MULTILINE,
)
_TAKEN_OUT = re.compile(rf"^.*?{re.escape(_WAS)}(.*)$", re.MULTILINE)
_ENTRY = """\
\"\"\"The entry script that amltui put beside {name}: it waits for a debugger first.\"\"\"

import importlib.util
import os

_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), {name!r})
_spec = importlib.util.spec_from_file_location("entry_module", _path)
driver_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(driver_module)
init, run = driver_module.init, driver_module.run
"""
_STARTS = re.compile(r"^_amltui_debugger\(\)(?=\r?$)", re.MULTILINE)
_WAITS = re.compile(r"debugpy\.(listen|wait_for_client|configure|connect)\b")
_CALLS = {
    "ptvsd": {"enable_attach", "wait_for_attach", "break_into_debugger", "tracing"},
    "debugpy": {"listen", "wait_for_client", "breakpoint", "configure", "connect"},
}


@dataclass(frozen=True)
class DebuggerLine:
    """A statement of a script that has to do with a debugger; lines count from 1."""

    module: str  # ptvsd or debugpy
    first: int
    last: int
    text: str
    removable: bool  # a statement of its own, as opposed to a part of an expression


def has_header(source: str) -> bool:
    """Whether our lines are in the script."""
    return _BLOCK.search(_split(source)[1]) is not None


def insert(source: str, *, port: int = PORT, wait: int = WAIT) -> str:
    """The script with the debugger's lines: behind its docstring and its future imports.

    Calls of ptvsd, which is dead and would take the port, are commented out. Doing it twice is
    doing it once; `remove` gives back the very same text.

    Raises:
        AmltuiError: the script is no Python, or the lines have no place.
    """
    bom, source = _split(remove(source))
    _parse(source)
    text = _without_ptvsd(source)
    newline = "\r\n" if "\r\n" in text else "\n"
    header = _HEADER.format(port=port, wait=wait).replace("\n", newline)
    lines = _lines(text)
    at = _place(_parse(text), text)
    before, after = "".join(lines[:at]), "".join(lines[at:])
    ends = not before or before.endswith(("\n", "\r"))
    made = f"{before}{header}{newline}{after}" if ends else f"{before}{newline}{header}"
    _parse(made)
    return bom + made


def remove(source: str) -> str:
    """The script without the debugger's lines, and with what they had replaced."""
    bom, text = _split(source)
    return bom + _TAKEN_OUT.sub(r"\1", _BLOCK.sub("", text))


def entry(script: str, *, port: int = PORT, wait: int = WAIT) -> str:
    """An entry script that waits for a debugger and then hands over to `script`, a file beside it.

    The script itself stays as it is, line for line: breakpoints set in it fit. `driver_module` is
    what the SDK calls it in such a script of its own, and what the scoring server looks for.
    """
    return insert(_ENTRY.format(name=script), port=port, wait=wait)


def quiet(source: str) -> str:
    """The script with what would wait for a debugger itself taken out, in as many lines."""
    if has_header(source):
        return _STARTS.sub(f"pass  {_WAS}_amltui_debugger()", source)
    return _taken_out(
        source, lambda line: line.module == "ptvsd" or _WAITS.match(line.text) is not None
    )


def find(source: str) -> tuple[DebuggerLine, ...]:
    """The statements about a debugger that somebody else put in; empty for what is no Python."""
    _, text = _split(remove(source))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    lines = _lines(text)
    found = []
    for node in ast.walk(tree):
        module = _module(node)
        if module:
            assert isinstance(node, (ast.stmt, ast.Call))
            last = node.end_lineno or node.lineno
            found.append(
                DebuggerLine(
                    module,
                    node.lineno,
                    last,
                    lines[node.lineno - 1].strip(),
                    isinstance(node, ast.stmt),
                )
            )
    statements = [line for line in found if line.removable]
    inner = [
        line
        for line in found
        if not line.removable
        and not any(each.first <= line.first and line.last <= each.last for each in statements)
    ]
    return tuple(sorted((*statements, *inner), key=lambda line: line.first))


def _module(node: ast.AST) -> str:
    if isinstance(node, ast.Import) and len(node.names) == 1:
        name = node.names[0].name.split(".")[0]
        return name if name in _CALLS else ""
    if isinstance(node, ast.ImportFrom):
        name = (node.module or "").split(".")[0]
        return name if name in _CALLS else ""
    call = node.value if isinstance(node, ast.Expr) else node
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        if isinstance(owner, ast.Name) and call.func.attr in _CALLS.get(owner.id, ()):
            return owner.id
    return ""


def _without_ptvsd(source: str) -> str:
    return _taken_out(source, lambda line: line.module == "ptvsd")


def _taken_out(source: str, wanted: Callable[[DebuggerLine], bool]) -> str:
    """The script with statements commented out, in as many lines."""
    bom, source = _split(source)
    return bom + _commented_out(source, wanted)


def _commented_out(source: str, wanted: Callable[[DebuggerLine], bool]) -> str:
    lines = _lines(source)
    for found in find(source):
        if not found.removable or not wanted(found):
            continue
        for number in range(found.first - 1, found.last):
            body = lines[number].rstrip("\r\n")
            ending = lines[number][len(body) :]
            if _WAS in body or (number == found.first - 1 and _shared(source, found.first)):
                continue
            indent = body[: len(body) - len(body.lstrip())]
            word = f"{indent}pass  " if number == found.first - 1 else ""
            lines[number] = f"{word}{_WAS}{body}{ending}"
    changed = "".join(lines)
    try:
        ast.parse(changed)
    except SyntaxError:  # a layout that we do not know: leave it, `find` still tells
        return source
    return changed


def _shared(source: str, line: int) -> bool:
    """Whether several statements begin in one line."""
    starts = [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return starts.count(line) > 1


def _place(tree: ast.Module, source: str) -> int:
    """How many lines come before the header."""
    last = 0
    rest = list(tree.body)
    while rest and _leads(rest[0], first=last == 0):
        last = rest.pop(0).end_lineno or last
    if rest and rest[0].lineno <= last:
        raise AmltuiError(
            "The debugger's lines have no place in this script",
            f"Line {last} holds two statements, of which the first must stay the first.",
            "Put them on lines of their own.",
            problem=Problem.USAGE,
        )
    if last:
        return last
    # Comments at the top stay there: a shebang and the encoding must.
    lines = _lines(source)
    while last < len(lines) and lines[last].startswith("#"):
        last += 1
    return last


def _leads(node: ast.stmt, *, first: bool) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__" and node.level == 0
    return (
        first
        and isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _split(source: str) -> tuple[str, str]:
    """The byte order mark, if there is one, and the script."""
    text = source.removeprefix("\ufeff")
    return source[: len(source) - len(text)], text


def _lines(text: str) -> list[str]:
    """The lines as Python counts them: `splitlines` also splits at form feeds and others."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        raise AmltuiError(
            "The entry script is no valid Python",
            f"{where}{error.msg if isinstance(error, SyntaxError) else error}",
            "Correct it first; nothing was changed.",
            problem=Problem.USAGE,
        ) from None
