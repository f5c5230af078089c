"""Register a model, or find that the workspace has it already."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DIGEST_TAG = "amltui.sha256"


def latest(workspace: Any, name: str) -> Any | None:
    """Return the newest version of model *name*, or None when there is none."""
    from azureml.core import Model
    from azureml.exceptions import WebserviceException

    try:
        return Model(workspace, name=name)
    except WebserviceException as error:
        if "ModelNotFound" in error.message:
            return None
        raise


def register(workspace: Any, path: Path, name: str, tags: Mapping[str, str]) -> Any:
    """Register the file or folder *path* unless the newest version has the very same content.

    Changes the working directory to the one of *path*: the SDK refuses what is not below it. So
    this belongs into a process of its own.
    """
    from azureml.core import Model

    digest = content_digest(path)
    newest = latest(workspace, name)
    if newest is not None and (newest.tags or {}).get(DIGEST_TAG) == digest:
        return newest
    os.chdir(path.parent)
    return Model.register(
        workspace, model_path=path.name, model_name=name, tags={**tags, DIGEST_TAG: digest}
    )


def content_digest(path: Path) -> str:
    """Name the content of a file or folder, the names of its files included."""
    digest = hashlib.sha256()
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(path.parent).as_posix()
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with open(file, "rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
