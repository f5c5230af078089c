"""What a log is read from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from .images import EnvironmentVersion, LegacyImage
from .models import Container, Ref, Service

LABEL = 16  # characters of a source's name beside its lines


class SourceKind(str, Enum):
    """How a log comes to us: as a live stream, polled, or from a file."""

    CONTAINER = "container"
    SERVICE = "service"
    INIT = "init"
    FILE = "file"
    BUILD = "build"
    DEPLOYMENT = "deployment"


_WORDS = {
    SourceKind.INIT: "init container of",
    SourceKind.BUILD: "image build of",
    SourceKind.DEPLOYMENT: "deployment of",
}


@dataclass(frozen=True)
class LogSource:
    """One log: what it is of, in words, and the address its reader needs."""

    kind: SourceKind
    title: str  # name of the service, container or file; sanitised
    where: str = ""  # "this machine", "AKS fraud", "ACI westeurope"
    ref: Ref | None = None
    container_id: str = ""
    path: str = ""  # of a file; "-" is standard input
    run: str = ""  # the id of a deployment
    parts: tuple[LogSource, ...] = ()  # logs that are followed together

    @property
    def words(self) -> str:
        """What is shown and from where: "container diabetes (this machine)"."""
        if self.parts:
            return f"{len(self.parts)} logs by time: {self.title}" + self._place
        if self.path == "-" or self.once:
            return "standard input"
        return f"{_WORDS.get(self.kind, self.kind.value)} {self.title}" + self._place

    @property
    def once(self) -> bool:
        """Whether it cannot be read again: a pipe that this process holds."""
        return self.path.startswith("/dev/fd/")

    @property
    def _place(self) -> str:
        return f" ({self.where})" if self.where else ""

    @property
    def key(self) -> str:
        """What tells it from all others."""
        address = self.container_id or self.path or self.run or str(self.ref or "")
        return f"{self.kind.value}:{address}" + "".join(f"+{part.key}" for part in self.parts)

    @property
    def labels(self) -> dict[int, str]:
        """A name for each of the parts, all different and short enough for a column."""
        return {at: _shortened(name) for at, name in enumerate(_names(self.parts))}

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
        return cls(kind, service.name, _place_of(service), service.ref)

    @classmethod
    def of_build(cls, service: Service) -> LogSource:
        """The build log of a cloud service's image, polled."""
        return cls(SourceKind.BUILD, service.name, _place_of(service), service.ref)

    @classmethod
    def of_image(cls, image: LegacyImage) -> LogSource:
        """The build log of a legacy image."""
        return cls(SourceKind.BUILD, image.id, "legacy image", Ref("azureml", image.id))

    @classmethod
    def of_environment(cls, environment: EnvironmentVersion, build: str) -> LogSource:
        """The log of a build of an environment's image, which is watched at the address `build`."""
        return cls(SourceKind.BUILD, environment.id, "environment", Ref("azureml", build))

    @classmethod
    def of_run(cls, run: str, name: str, where: str) -> LogSource:
        """The progress of a deployment, live."""
        return cls(SourceKind.DEPLOYMENT, name, where, run=run)

    @classmethod
    def of_several(cls, parts: tuple[LogSource, ...]) -> LogSource:
        """Several logs as one, in the order of their times."""
        places = {part.where for part in parts}
        together = places.pop() if len(places) == 1 else ""
        named = [
            name if together or not part.where else f"{name} ({part.where})"
            for name, part in zip(_names(parts), parts, strict=True)
        ]
        return cls(SourceKind.CONTAINER, ", ".join(named), together, parts=parts)

    @classmethod
    def of_file(cls, path: str, title: str = "") -> LogSource:
        """A file, or standard input as "-"."""
        return cls(SourceKind.FILE, title or path.rpartition("/")[2] or path, path=path)


def _place_of(service: Service) -> str:
    return " ".join(part for part in (service.kind.value, service.target) if part)


def _names(parts: tuple[LogSource, ...]) -> list[str]:
    """The titles, with the kind of log where one stands there twice."""
    often = Counter(part.title for part in parts)
    return [
        f"{part.title} {part.kind.value}" if often[part.title] > 1 else part.title for part in parts
    ]


def _shortened(name: str) -> str:
    """Names of one family differ at their ends, so the middle goes."""
    half = LABEL // 2
    return name if len(name) <= LABEL else f"{name[: half - 1]}…{name[-half:]}"
