"""What is done with local web services: reload, and what stays of them. Blocking.

As LocalWebservice does it, but without reading its labels, which are pickles.
"""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amltui.adapters.docker.client import connect
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Leftover
from amltui.domain.text import clean_line, mask

_APP_ROOT = "/var/azureml-app"
_STOP_LIMIT = 3  # seconds that a container gets to end by itself
_MOST_FILES = 5_000  # of a source that are looked at for a change
_MEGABYTE = 1_000_000
_OVER = ("created", "exited", "dead")


class LocalTools:
    """A `ports.LocalTools` on the engine whose address `host` gives; None is the usual one."""

    def __init__(self, host: Callable[[], str | None]) -> None:
        self._host = host

    def reload(self, container_id: str, source: Path) -> None:
        """Copy a source directory (or entry script) into a container and start it anew.

        Packages are not installed: that takes a new deployment.

        Raises:
            AmltuiError: it is not this service's source, or the engine refuses it.
        """
        source = source.resolve()
        with self._engine("The service was not reloaded") as engine:
            container = engine.containers.get(container_id)
            variables = container.attrs.get("Config", {}).get("Env") or []
            settings = dict(entry.partition("=")[::2] for entry in variables)
            _check(source, settings.get("AZUREML_ENTRY_SCRIPT", ""))
            root = settings.get("AML_APP_ROOT") or _APP_ROOT
            container.put_archive("/", _packed(source, posixpath.join(root, source.name)))
            container.restart(timeout=_STOP_LIMIT)

    def stamp(self, source: Path) -> object:
        """Names, sizes and times of the source's files; different once one was saved."""
        return tuple(_files(source))

    def leftovers(self, container_id: str) -> tuple[Leftover, ...]:
        """The service's image unless another container needs it, and its build's containers."""
        with self._engine("What it leaves cannot be listed") as engine:
            container = engine.containers.get(container_id)
            others = [
                one
                for one in engine.containers.list(all=True, ignore_removed=True)
                if one.id != container.id
            ]
            image = engine.images.get(container.attrs["Image"])
            layers = {entry["Id"] for entry in engine.api.history(image.id)} - {image.id}
            found = [
                Leftover(
                    "container", one.id, f"container {one.short_id} of its build, {one.status}"
                )
                for one in others
                if _is_step(one, layers, image)
            ]
            if all(one.attrs.get("Image") != image.id for one in others):
                found.append(_image(image))
            return tuple(found)

    def remove(self, leftover: Leftover) -> None:
        """Remove one of these; the engine refuses an image that something else stands on."""
        with self._engine(f"{leftover.text} stays") as engine:
            if leftover.kind == "container":
                engine.containers.get(leftover.name).remove(v=True)
            else:
                engine.images.remove(leftover.name)

    @contextmanager
    def _engine(self, title: str) -> Iterator[Any]:
        import docker

        engine, _ = connect(self._host())
        try:
            yield engine
        except docker.errors.DockerException as error:
            raise AmltuiError(
                title,
                mask(clean_line(str(getattr(error, "explanation", None) or error)))[:300],
                "Refresh the list: it may be gone already.",
                problem=Problem.ENGINE,
            ) from error
        except OSError as error:
            raise AmltuiError(
                title,
                clean_line(f"{error.filename or ''}: {error.strerror or error}"),
                "Name the folder that it was deployed from.",
                problem=Problem.USAGE,
            ) from error
        finally:
            engine.close()


def _check(source: Path, entry_script: str) -> None:
    """Refuse a source that the service would never look at."""
    expected = entry_script.partition("/")[0]
    inside = source.parent / entry_script
    if not source.exists():
        raise AmltuiError(
            "There is no such file or folder",
            clean_line(str(source)),
            "Name the folder that it was deployed from.",
            problem=Problem.USAGE,
        )
    if expected and (source.name != expected or not inside.exists()):
        raise AmltuiError(
            "That is not this service's source",
            f"It runs {clean_line(entry_script)[:200]}, which is not in {clean_line(source.name)}.",
            "Name the folder (or entry script) that it was deployed from.",
            problem=Problem.USAGE,
        )


def _packed(source: Path, target: str) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(source, arcname=target.lstrip("/"), filter=_without_caches)
    packed.seek(0)
    return packed


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name.split("/") else member


def _files(source: Path) -> Iterator[tuple[str, int, int]]:
    if source.is_file():
        status = source.stat()
        yield source.name, status.st_size, status.st_mtime_ns
        return
    seen = 0
    for folder, names, files in os.walk(source):
        names[:] = sorted(name for name in names if name != "__pycache__" and name[0] != ".")
        for name in sorted(files):
            seen += 1
            if seen > _MOST_FILES:
                return
            path = os.path.join(folder, name)
            try:
                status = os.stat(path)
            except OSError:  # an editor replaces a file while it saves
                continue
            yield path, status.st_size, status.st_mtime_ns


def _is_step(container: Any, layers: set[str], image: Any) -> bool:
    """Whether a container is a step of the image's build: of a layer, older, and no service."""
    attributes = container.attrs
    config = attributes.get("Config") or {}
    command = " ".join(config.get("Cmd") or ())
    return (
        container.status in _OVER
        and attributes.get("Image") in layers
        and command.startswith("/bin/sh -c")
        and attributes.get("Created", "~") <= image.attrs.get("Created", "")
        and "amlIsService" not in (config.get("Labels") or {})
    )


def _image(image: Any) -> Leftover:
    name = image.tags[0] if image.tags else image.id
    size = image.attrs.get("Size", 0) / _MEGABYTE
    shown = clean_line(name if image.tags else image.short_id)
    return Leftover("image", name, f"image {shown}, {size:,.0f} MB with what it shares")
