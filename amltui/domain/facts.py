"""What is known of the world when a plan is checked, and what a check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .findings import Edit, Level
from .model_paths import ModelContent
from .replicas import Cluster


@dataclass(frozen=True)
class Fix:
    """A change of a file (path as in the plan) that ends a check."""

    path: str
    edit: Edit


@dataclass(frozen=True)
class Check:
    """Something to know before deploying: an error blocks, a warning can be accepted.

    `field` is the setting's path in the plan; `path` and `line` point into a file it names.
    """

    level: Level
    field: str
    title: str
    message: str = ""
    hint: str = ""
    path: str = ""
    line: int = 0
    fix: Fix | None = None


@dataclass(frozen=True)
class FileFact:
    """What stands at a path of the plan: "file", "folder" or "" (nothing); size in bytes."""

    kind: str
    size: int = 0
    text: str | None = None
    problem: str = ""  # why it could not be read


@dataclass(frozen=True)
class SourceFile:
    """A file of the source directory, its size in bytes and whether an ignore file names it."""

    path: str
    size: int
    ignored: bool = False
    link: str = ""  # where a symbolic link points


@dataclass(frozen=True)
class SourceListing:
    """What a source directory holds; all of it is sent, whatever `ignore_file` says."""

    files: tuple[SourceFile, ...] = ()
    size: int = 0  # bytes, of all files
    count: int = 0
    truncated: bool = False  # there are more files than `files` lists
    ignore_file: str = ""
    problems: tuple[str, ...] = ()

    @property
    def ignored(self) -> tuple[SourceFile, ...]:
        """The files that the ignore file names."""
        return tuple(one for one in self.files if one.ignored)


@dataclass(frozen=True)
class Facts:
    """What is known of the world; None is not known, and nothing is said about it then."""

    files: Mapping[str, FileFact] = field(default_factory=dict)
    source: SourceListing | None = None
    variables: frozenset[str] | None = None  # set in this process's environment
    services: frozenset[str] | None = None  # names that are taken, cloud and local
    port_free: bool | None = None
    clusters: Mapping[str, Cluster | None] | None = None  # of the workspace; None: size unknown
    models: Mapping[str, tuple[int, ...]] | None = None  # versions by name
    environments: frozenset[str] | None = None
    contents: Mapping[str, ModelContent] = field(default_factory=dict)  # by `name:version`

    @property
    def newest(self) -> dict[str, int]:
        """The newest version of every registered model."""
        return {name: max(held) for name, held in (self.models or {}).items() if held}
