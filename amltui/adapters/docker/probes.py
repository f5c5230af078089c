"""Quick looks into a running container, each answered by one command in it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.modelsearch import search
from amltui.domain.pins import compare_pins
from amltui.domain.text import clean, clean_line, mask
from amltui.domain.workbench import Probe, masked_environment

from .access import EngineAccess
from .execute import Output, execute
from .lifecycle import detail

TREE_LIMIT = 2_000  # paths
_TEXT_LIMIT = 64 << 10  # characters of output that are shown

_WHERE = "root = os.environ.get('AML_APP_ROOT') or '/var/azureml-app'\n"

_TREE = (
    """
import json, os, sys
"""
    + _WHERE
    + """
root = root if os.path.isdir(root) else os.getcwd()
found, more = [], False
for folder, folders, names in os.walk(root):
    folders[:] = sorted(n for n in folders if n not in ('__pycache__', '.git'))
    for name in folders + sorted(names):
        path = os.path.join(folder, name)
        try:
            s = os.lstat(path)
        except OSError:
            continue
        slash = '/' if os.path.isdir(path) else ''
        found.append([os.path.relpath(path, root) + slash, s.st_size, oct(s.st_mode & 0o777)])
    if len(found) > int(sys.argv[1]):
        more = True
        break
print(json.dumps({'root': root, 'paths': found[:int(sys.argv[1])], 'more': more,
    'model_dir': os.environ.get('AZUREML_MODEL_DIR', ''),
    'entry': os.environ.get('AZUREML_ENTRY_SCRIPT', '')}))
"""
)

# What `pip freeze` says where there is no pip, as in slim images.
_PACKAGES = """
try:
    from importlib.metadata import distributions
    found = {d.metadata['Name']: d.version for d in distributions() if d.metadata['Name']}
except ImportError:
    import pkg_resources
    found = {d.project_name: d.version for d in pkg_resources.working_set}
for name in sorted(found, key=str.lower):
    print(name + '==' + found[name])
"""

_GET_MODEL_PATH = (
    """
import faulthandler, logging, os, sys
faulthandler.dump_traceback_later(float(sys.argv[3]), exit=True)
"""
    + _WHERE
    + """
os.chdir(root if os.path.isdir(root) else '.')
logging.basicConfig(level=logging.DEBUG)
from azureml.core.model import Model
version = int(sys.argv[2]) if sys.argv[2] else None
print('path:' + Model.get_model_path(sys.argv[1], version))
"""
)

_INIT = (
    """
import faulthandler, importlib.util, os, sys, time
limit = float(sys.argv[1])
faulthandler.dump_traceback_later(limit, exit=True)
"""
    + _WHERE
    + """
entry = os.path.join(root, os.environ.get('AZUREML_ENTRY_SCRIPT') or 'score.py')
if not os.path.isfile(entry):
    sys.exit('no entry script: ' + entry + ' (AZUREML_ENTRY_SCRIPT names it)')
os.chdir(root)
sys.path[:0] = [os.path.dirname(entry), root]
start = time.monotonic()
spec = importlib.util.spec_from_file_location('entry_module', entry)
module = importlib.util.module_from_spec(spec)
sys.modules['entry_module'] = module
spec.loader.exec_module(module)
print('imported %s in %.1f s' % (os.path.basename(entry), time.monotonic() - start), flush=True)
if not hasattr(module, 'init'):
    sys.exit('the entry script has no init()')
start = time.monotonic()
module.init()
print('init() returned after %.1f s' % (time.monotonic() - start), flush=True)
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)
"""
)


def app_files(access: EngineAccess, container: str) -> Probe:
    """The files of the app, below AML_APP_ROOT."""
    found = _tree(access, container)
    rows = tuple(
        (clean_line(path), "" if path.endswith("/") else f"{size:,}", mode[2:])
        for path, size, mode in sorted(found["paths"], key=lambda row: str(row[0]).split("/"))
    )
    remarks = [f"Relative to {clean_line(found['root'])}."]
    if found["more"]:
        remarks.append(f"Only the first {TREE_LIMIT:,} are shown.")
    entry = str(found["entry"])
    if entry and entry not in {path for path, _, _ in found["paths"]} and not found["more"]:
        remarks.append(f"AZUREML_ENTRY_SCRIPT is {clean_line(entry)}, which is not there.")
    return Probe("Files of the app", ("PATH", "BYTES", "MODE"), rows, remarks=tuple(remarks))


def packages(access: EngineAccess, container: str, conda_file: Path | None = None) -> Probe:
    """`pip freeze`, beside the pins of a conda file."""
    output = _python(access, container, "", ["-m", "pip", "freeze", "--disable-pip-version-check"])
    if output.code:
        output = _python(access, container, _PACKAGES, [])
    if output.code:
        return _failure("pip freeze", output)
    lines = clean(output.stdout.decode("utf-8", "replace")).splitlines()
    rows, remarks = compare_pins(lines, _pins(conda_file) if conda_file else ())
    return Probe("pip freeze", ("PACKAGE", "INSTALLED", "CONDA FILE", ""), rows, remarks=remarks)


def model_path(access: EngineAccess, container: str, name: str = "", version: str = "") -> Probe:
    """Where `Model.get_model_path` looks, and what is there.

    With a name the real function is asked, too, if the container has azureml-core.
    """
    found = _tree(access, container)
    paths = [str(path) for path, _, _ in found["paths"]]
    result = search(paths, name, version)
    remarks = [*result.remarks]
    root = clean_line(found["root"])
    if result.path:
        remarks.insert(0, f"Absolute: {root}/{clean_line(result.path)}")
    model_dir = clean_line(str(found["model_dir"]))
    remarks.append(
        f"AZUREML_MODEL_DIR is {model_dir}"
        + ("." if _exists(paths, model_dir, root) else ", which is not there.")
        if model_dir
        else "AZUREML_MODEL_DIR is not set."
    )
    text = "\n".join(clean_line(path) for path in paths if path.startswith("azureml-models"))
    if name:
        output = _python(access, container, _GET_MODEL_PATH, [name, version, "20"], limit=30)
        said = output.stdout.decode("utf-8", "replace")
        if "path:" in said:
            remarks.append(f"get_model_path says {clean_line(said.rpartition('path:')[2].strip())}")
        elif b"No module named 'azureml" in output.stderr:
            remarks.append("The container has no azureml-core: get_model_path cannot be called.")
        else:
            text += "\n\n" + _text(output.stderr)
    return Probe(
        "Where get_model_path looks",
        ("EXPECTED", "FOUND"),
        tuple((clean_line(expected), clean_line(there)) for expected, there in result.rows),
        text=text,
        remarks=tuple(remarks),
        failed=not result.path,
    )


def run_init(access: EngineAccess, container: str, limit: float = 60.0) -> Probe:
    """Run `init()` alone, in a process of its own beside the service, for at most `limit` s.

    It loads the model a second time. At the limit the process ends with a traceback of where it
    stood.
    """
    output = _python(access, container, _INIT, [str(limit)], limit=limit + 10, unbuffered=True)
    text = "\n".join(part for part in (_text(output.stdout), _text(output.stderr)) if part)
    if output.code == 0:
        remark = "init() returned."
    elif b"Timeout (" in output.stderr:
        remark = f"init() had not returned after {limit:g} s; below is where it stood."
    elif output.code == 137:
        remark = "It was killed (137): two copies of the model may be more than the memory limit."
    else:
        remark = f"init() failed with exit code {output.code}; the last line says why."
    return Probe("init() alone", text=text, remarks=(remark,), failed=output.code != 0)


def environment(access: EngineAccess, container: str) -> Probe:
    """The environment variables that the container was given, secrets masked."""
    found = detail(access, container)
    rows = masked_environment((name, clean_line(value)) for name, value in found.environment)
    return Probe("Environment variables", ("NAME", "VALUE"), rows)


def ports(access: EngineAccess, wanted: Iterable[int]) -> Probe:
    """Whether ports are free, and who holds them: a container, or a program of this machine."""
    with access.api() as api:
        holders = {
            int(port["PublicPort"]): clean_line(str((each.get("Names") or ["?"])[0])).lstrip("/")
            for each in api.containers()
            for port in each.get("Ports") or []
            if port.get("PublicPort")
        }
    rows = []
    for number in wanted:
        if number in holders:
            rows.append((str(number), f"taken by the container {holders[number]}"))
        elif access.address.socket_path and not _can_listen(number):
            rows.append((str(number), "taken by a program of this machine"))
        else:
            rows.append((str(number), "free"))
    return Probe(
        "Ports",
        ("PORT", ""),
        tuple(rows),
        failed=any(state != "free" for _, state in rows),
    )


def _can_listen(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - as the engine would; nothing listens
        except OSError:
            return False
    return True


def _tree(access: EngineAccess, container: str) -> dict[str, Any]:
    output = _python(access, container, _TREE, [str(TREE_LIMIT)])
    with suppress(ValueError):
        answer = json.loads(output.stdout)
        if isinstance(answer, dict):
            return answer
    raise AmltuiError(
        "The container did not answer the question",
        _text(output.stderr)[-300:],
        "Open a shell in it.",
        problem=Problem.REFUSED,
    )


def _python(
    access: EngineAccess,
    container: str,
    script: str,
    arguments: Sequence[str],
    *,
    limit: float = 30.0,
    unbuffered: bool = False,
) -> Output:
    options = ["-u"] if unbuffered else []
    options += ["-c", script] if script else []
    for name in ("python", "python3"):
        output = execute(access, container, [name, *options, *arguments], limit=limit)
        if not output.missing:
            return output
    raise AmltuiError(
        "There is no Python in this container",
        "Neither python nor python3 is on its PATH.",
        "Open a shell and look where it is.",
        problem=Problem.NOT_FOUND,
    )


def _pins(conda_file: Path) -> tuple[str, ...]:
    """The dependencies of a conda file, pip's and conda's, as they stand there."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe").load(conda_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise AmltuiError(
            f"{conda_file.name} cannot be read",
            clean_line(str(error))[:300],
            problem=Problem.USAGE,
        ) from None
    pins: list[str] = []
    for item in (found or {}).get("dependencies") or [] if isinstance(found, dict) else []:
        if isinstance(item, dict):
            pins += [str(each) for each in item.get("pip") or []]
        else:
            pins.append(str(item))
    return tuple(pins)


def _failure(title: str, output: Output) -> Probe:
    return Probe(
        title,
        text=_text(output.stderr or output.stdout),
        remarks=(f"It ended with exit code {output.code}.",),
        failed=True,
    )


def _exists(paths: list[str], path: str, root: str) -> bool:
    relative = path.removeprefix(root).strip("/")
    return any(each.strip("/") == relative for each in paths)


def _text(data: bytes) -> str:
    return mask(clean(data.decode("utf-8", "replace")))[-_TEXT_LIMIT:].strip("\n")
