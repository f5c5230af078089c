"""The parts of a plan and every setting of them; `plan` puts them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from .plan_fields import Kind, setting

_MODEL_NAME = r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}"
_MODEL_NAME_WORDS = "1 to 255 letters, digits, dashes, dots and underscores; none of them first."
FRAMEWORKS = ("Custom", "Onnx", "ScikitLearn", "TensorFlow", "PyTorch", "TfKeras", "Multi")


def _model_name(meaning: str) -> Any:
    return setting(
        Kind.TEXT, meaning, required=True, pattern=_MODEL_NAME, pattern_words=_MODEL_NAME_WORDS
    )


@dataclass(frozen=True, kw_only=True)
class _Registration:
    """What is said of a model when it is registered."""

    name: str = _model_name("Name to register the model under; a new version when it exists.")
    description: str | None = setting(Kind.PROSE, "What the model is.")
    tags: tuple[tuple[str, str], ...] = setting(Kind.MAP, "Tags of the model.")
    properties: tuple[tuple[str, str], ...] = setting(
        Kind.MAP, "Properties of the model; they cannot be changed."
    )
    framework: str | None = setting(
        Kind.TEXT, "Framework it was made with.", default="Custom", choices=FRAMEWORKS
    )
    framework_version: str | None = setting(Kind.VERSION, "Version of that framework.")


@dataclass(frozen=True, kw_only=True)
class FileModel(_Registration):
    """One file, registered as a model."""

    kind: ClassVar[str] = "file"
    file: str = setting(Kind.PATH, "File to register.", required=True)


@dataclass(frozen=True, kw_only=True)
class FolderModel(_Registration):
    """A folder with all that is in it, registered as a model."""

    kind: ClassVar[str] = "folder"
    folder: str = setting(Kind.PATH, "Folder to register, with all that is in it.", required=True)


@dataclass(frozen=True, kw_only=True)
class RunModel(_Registration):
    """An output of a run, registered as a model."""

    kind: ClassVar[str] = "run"
    run: str = setting(Kind.TEXT, "Id of the run.", required=True)
    path: str = setting(
        Kind.PATH, "File or folder among the run's outputs, as outputs/model.pkl.", required=True
    )


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """A model that the workspace has already."""

    kind: ClassVar[str] = "registered"
    registered: str = _model_name("Name of a model of the workspace.")
    version: int | None = setting(Kind.INTEGER, "Version of it.", default="the newest", minimum=1)

    @property
    def name(self) -> str:
        """The model's name, as with the other kinds."""
        return self.registered


Model = FileModel | FolderModel | RunModel | RegisteredModel
MODELS: tuple[type[FileModel] | type[FolderModel] | type[RunModel] | type[RegisteredModel], ...] = (
    FileModel,
    FolderModel,
    RegisteredModel,
    RunModel,
)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Python and its packages, and the image below them."""

    conda_file: str | None = setting(Kind.PATH, "Conda file with the packages.")
    pip_requirements: str | None = setting(Kind.PATH, "Requirements file of pip.")
    registered: str | None = setting(
        Kind.TEXT, "Environment of the workspace; curated ones begin with AzureML-."
    )
    version: str | None = setting(Kind.VERSION, "Version of it.", default="the newest")
    name: str | None = setting(
        Kind.TEXT, "Name of an environment made from files.", default="<service>-env"
    )
    base_image: str | None = setting(
        Kind.TEXT, "Image below the packages.", default="the SDK's own (openmpi, Ubuntu)"
    )
    base_dockerfile: str | None = setting(Kind.PATH, "Dockerfile of the image below the packages.")
    registry_address: str | None = setting(Kind.TEXT, "Registry of the base image, if private.")
    registry_username: str | None = setting(Kind.TEXT, "User name for that registry.")
    registry_password_variable: str | None = setting(
        Kind.TEXT,
        "Environment variable that holds the password for that registry.",
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        pattern_words="The name of an environment variable: letters, digits and underscores.",
    )
    user_managed_dependencies: bool | None = setting(
        Kind.SWITCH, "The image brings Python and all packages itself.", default="false"
    )
    inferencing_stack_version: str | None = setting(
        Kind.VERSION, "Scoring server to add to the image, as `latest`.", default="none"
    )
    variables: tuple[tuple[str, str], ...] = setting(
        Kind.MAP,
        "Environment variables in the container.",
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        pattern_words="Letters, digits and underscores, no digit first.",
    )


@dataclass(frozen=True, kw_only=True)
class Inference:
    """The inference configuration: the entry script and what it needs."""

    entry_script: str = setting(
        Kind.PATH, "Script with init() and run(); in the source directory.", required=True
    )
    source_directory: str | None = setting(
        Kind.PATH,
        "Folder that is sent along, with everything in it.",
        default="none: the entry script alone is sent",
    )
    description: str | None = setting(Kind.PROSE, "What the image is.")
    environment: Environment = field(default_factory=Environment)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the deployment is done, and what is said of the service."""

    overwrite: bool = setting(
        Kind.SWITCH,
        "Replace a service of this name.",
        default="false",
        start=False,
        warning="The service that runs under this name is replaced, with what it serves.",
    )
    wait: bool = setting(
        Kind.SWITCH, "Watch until the service is healthy.", default="true", start=True
    )
    description: str | None = setting(Kind.PROSE, "What the service is (not kept of a local one).")
    tags: tuple[tuple[str, str], ...] = setting(
        Kind.MAP, "Tags of the service (not kept of a local one)."
    )
    properties: tuple[tuple[str, str], ...] = setting(
        Kind.MAP, "Properties of the service; they cannot be changed (not kept of a local one)."
    )
