"""Where the models of a plan will be in the container, said before anything is sent.

A model's files are in ``azureml-models/<name>/<version>/`` of the app folder. A registered file is
there under its own name, a folder as a folder of its name, and a run's ``outputs/model.pkl`` as
``model.pkl``: the SDK cuts off what stands before the last part (azureml-core 1.61, `Model`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from .plan import Plan
from .plan_parts import FileModel, FolderModel, Model, RegisteredModel

APP_ROOT = "/var/azureml-app"
MODELS_DIR = "azureml-models"
NEXT_VERSION = "<next version>"
NEWEST_VERSION = "<newest version>"
UNKNOWN_CONTENT = "…"


@dataclass(frozen=True)
class ModelContent:
    """The files of a registered model, by their paths below the folder of its version.

    Sizes are in bytes, None where they are not known; `count` may be more than `files` lists.
    """

    files: tuple[tuple[str, int | None], ...] = ()
    count: int = 0
    problem: str = ""  # why nothing is known of them

    @property
    def root(self) -> str:
        """The file or folder that it consists of; empty where that is not known."""
        return posixpath.commonpath([path for path, _ in self.files]) if self.files else ""

    @property
    def size(self) -> int | None:
        """All of it, in bytes; None where that is not known."""
        sizes = [size for _, size in self.files if size is not None]
        return sum(sizes) if self.files and len(sizes) == self.count else None


@dataclass(frozen=True)
class ModelPath:
    """Where one model is found, relative to `APP_ROOT`; `folder` is that of its version."""

    name: str
    version: str
    folder: str
    path: str


@dataclass(frozen=True)
class ModelPaths:
    """The paths of all models, and what AZUREML_MODEL_DIR says in the container."""

    models: tuple[ModelPath, ...]
    model_dir: str

    @property
    def absolute_model_dir(self) -> str:
        """AZUREML_MODEL_DIR from the root of the container's file system."""
        return posixpath.join(APP_ROOT, self.model_dir) if self.model_dir else ""


def model_paths(
    plan: Plan,
    next_versions: Mapping[str, int] | None = None,
    contents: Mapping[str, ModelContent] | None = None,
) -> ModelPaths:
    """The paths of the plan's models.

    `next_versions` gives, by model name, the version that a registration will get, or the newest
    one there is for a registered model without a version. `contents` gives, by `content_id`, what
    registered models consist of.
    """
    versions, known = next_versions or {}, contents or {}
    found = tuple(_path(model, versions, known) for model in plan.models)
    if not found:
        return ModelPaths((), "")
    # One model: the folder of its version. Several: their common parent (SDK, LocalWebservice).
    return ModelPaths(found, found[0].folder if len(found) == 1 else MODELS_DIR)


def content_id(model: RegisteredModel, newest: Mapping[str, int]) -> str:
    """`name:version` of a registered model, "" as long as its version is not known."""
    number = model.version or newest.get(model.name)
    return f"{model.name}:{number}" if number else ""


def _path(
    model: Model, versions: Mapping[str, int], contents: Mapping[str, ModelContent]
) -> ModelPath:
    if isinstance(model, RegisteredModel):
        number = model.version or versions.get(model.name)
        version = str(number) if number else NEWEST_VERSION
        held = contents.get(content_id(model, versions), ModelContent())
        content = held.root or UNKNOWN_CONTENT
    else:
        number = versions.get(model.name)
        version = str(number) if number else NEXT_VERSION
        content = _last_part(_source(model))
    folder = posixpath.join(MODELS_DIR, model.name, version)
    return ModelPath(model.name, version, folder, posixpath.join(folder, content))


def _source(model: Model) -> str:
    if isinstance(model, FileModel):
        return model.file
    if isinstance(model, FolderModel):
        return model.folder
    return "" if isinstance(model, RegisteredModel) else model.path


def _last_part(path: str) -> str:
    last = posixpath.basename(posixpath.normpath(path.replace("\\", "/")))
    return UNKNOWN_CONTENT if last in ("", ".", "..") else last
