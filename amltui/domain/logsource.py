"""What a log is read from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .models import Container, Ref, Service


class SourceKind(str, Enum):
    """How a log comes to us: as a live stream, polled, or from a file."""

    CONTAINER = "container"
    SERVICE = "service"
    INIT = "init"
    FILE = "file"
    BUILD = "build"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True)
class LogSource:
    """One log: what it is of, in words, and the address its reader needs."""

    kind: SourceKind
    title: str  # name of the service, container or file; sanitised
    where: str = ""  # "this machine", "AKS fraud", "ACI westeurope"
    ref: Ref | None = None
    container_id: str = ""
    path: str = ""  # of a file; "-" is standard input
    parts: tuple[LogSource, ...] = ()  # containers that are followed together

    @property
    def words(self) -> str:
        """What is shown and from where: "container diabetes (this machine)"."""
        name = {
            SourceKind.INIT: "init container of",
            SourceKind.BUILD: "image build of",
            SourceKind.DEPLOYMENT: "deployment of",
        }.get(self.kind, self.kind.value)
        title = "standard input" if self.path == "-" else self.title
        return f"{name} {title}" + (f" ({self.where})" if self.where else "")

    @classmethod
    def of_container(cls, container: Container) -> LogSource:
        """The live log of a container."""
        return cls(SourceKind.CONTAINER, container.name, "this machine", container_id=container.id)

    @classmethod
    def of_service(cls, service: Service, init: bool = False) -> LogSource:
        """The log of a service: its container's stream where it is local, else polled."""
        if service.container_id and not init:
            return cls(
                SourceKind.CONTAINER,
                service.name,
                service.target or "this machine",
                service.ref,
                service.container_id,
            )
        kind = SourceKind.INIT if init else SourceKind.SERVICE
        where = " ".join(part for part in (service.kind.value, service.target) if part)
        return cls(kind, service.name, where, service.ref)

    @classmethod
    def of_several(cls, containers: tuple[Container, ...]) -> LogSource:
        """The logs of several containers as one, in the order of their times."""
        parts = tuple(cls.of_container(container) for container in containers)
        title = " + ".join(part.title for part in parts)
        return cls(SourceKind.CONTAINER, title, "this machine", parts=parts)

    @classmethod
    def of_file(cls, path: str) -> LogSource:
        """A file, or standard input as "-"."""
        return cls(SourceKind.FILE, path.rpartition("/")[2] or path, path=path)
