"""Where `Model.get_model_path` looks in a container, and what is there instead.

The rules are those of azureml-core 1.61: `azureml-models/<name>/<version>/` must hold exactly one
file or folder, which is the path; without a version the highest is taken; failing that, a file or
folder with the model's name in the working directory. All paths are relative to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MODELS = "azureml-models"


@dataclass(frozen=True)
class ModelSearch:
    """Pairs of what is expected and what is there; `path` is the answer, empty without one."""

    rows: tuple[tuple[str, str], ...]
    path: str = ""
    remarks: tuple[str, ...] = ()


def search(paths: Iterable[str], name: str = "", version: str = "") -> ModelSearch:
    """Follow the search through the paths of the working directory (folders end with a slash).

    Without a name, for every model that is there.
    """
    tree = _tree(paths)
    models = tree.get(MODELS, {})
    if name:
        return _one(tree, name, version)
    found = [_one(tree, each, "") for each in sorted(models)]
    if not found:
        return ModelSearch(
            ((f"{MODELS}/<name>/<version>/", "nothing"),),
            remarks=("No model was deployed with this service, or it was packed elsewhere.",),
        )
    return ModelSearch(
        tuple(row for each in found for row in each.rows),
        found[0].path if len(found) == 1 else "",
        tuple(remark for each in found for remark in each.remarks),
    )


_Tree = dict[str, "_Tree"]


def _one(tree: _Tree, name: str, version: str) -> ModelSearch:
    models = tree.get(MODELS, {})
    versions = models.get(name)
    if versions is None:
        near = [each for each in models if each.lower() == name.lower()]
        there = ", ".join(sorted(models)) or "nothing"
        remarks = [f"The name differs in its case only: {near[0]}."] if near else []
        return _fallback(tree, name, [(f"{MODELS}/{name}/", f"not there; {there}")], remarks)
    wanted = version or _latest(versions)
    expected = f"{MODELS}/{name}/{wanted or '<version>'}/"
    if wanted not in versions:
        there = ", ".join(sorted(versions)) or "nothing"
        return _fallback(tree, name, [(expected, f"not there; {there}")], [])
    content = sorted(versions[wanted])
    if len(content) != 1:
        said = ", ".join(content) or "nothing"
        return ModelSearch(
            ((f"{expected} with exactly one file or folder", f"{len(content)}: {said}"),),
            remarks=("get_model_path refuses; use AZUREML_MODEL_DIR and the file's name instead.",),
        )
    return ModelSearch(((expected, f"{expected}{content[0]}"),), f"{expected}{content[0]}")


def _fallback(
    tree: _Tree, name: str, rows: list[tuple[str, str]], remarks: list[str]
) -> ModelSearch:
    first = name.strip("/").split("/")[0]
    there = first in tree
    rows.append((f"./{name}", f"./{name}" if there else "not there"))
    if not there:
        remarks.append("get_model_path raises ModelNotFoundException.")
    return ModelSearch(tuple(rows), name if there else "", tuple(remarks))


def _latest(versions: Iterable[str]) -> str:
    numbers = [int(each) for each in versions if each.isdigit()]
    return str(max(numbers)) if numbers else ""


def _tree(paths: Iterable[str]) -> _Tree:
    root: _Tree = {}
    for path in paths:
        node = root
        for part in path.strip("/").split("/"):
            node = node.setdefault(part, {})
    return root
