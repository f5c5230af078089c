"""Legacy images, built once and kept by name and version, and the images of environments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LegacyImage:
    """An image that `ContainerImage` made; `has_log` where a link to its build log is kept."""

    name: str
    version: str = ""
    state: str = ""
    location: str = ""  # in the registry, to pull it
    kind: str = ""
    created_at: datetime | None = None
    models: tuple[str, ...] = ()
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    has_log: bool = False
    problem: str = ""  # why it could not be built, or could not be read

    @property
    def id(self) -> str:
        """Name and version, as the workspace names it."""
        return f"{self.name}:{self.version}" if self.version else self.name

    @property
    def failed(self) -> bool:
        """Whether it was not built."""
        return self.state.lower() in ("failed", "timedout", "cancelled", "unreadable")


@dataclass(frozen=True)
class EnvironmentVersion:
    """A registered or curated environment at its newest version; its image is asked for alone."""

    name: str
    version: str
    base: str = ""  # the image below its packages
    packages: tuple[str, ...] = ()  # requirements, conda's and pip's

    @property
    def id(self) -> str:
        """Name and version."""
        return f"{self.name}:{self.version}"

    @property
    def curated(self) -> bool:
        """Whether it is one of Microsoft's."""
        return self.name.startswith("AzureML-")


@dataclass(frozen=True)
class EnvironmentImage:
    """The image of an environment: whether the registry has it, and what it is built by."""

    built: bool
    location: str = ""
    dockerfile: str = ""
    problem: str = ""  # why nothing is known of it
