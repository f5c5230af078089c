"""Remove what one local build leaves in the engine: a stopped container per step, old images.

The SDK builds without ``rm``, so each Dockerfile step leaves its container and each rebuild an
image without a name.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

# What the engine prints while it builds: the container of a step, and the image it made of it.
_CONTAINER = re.compile(r" ---> Running in ([0-9a-f]{12})$")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12})$")


class BuildLeftovers:
    """Knows what a build made from its output, and what was there before from the engine.

    Both are needed: other builds may run at the same time, and a step that prints may print
    the id of somebody else's container.
    """

    def __init__(self) -> None:
        self._containers: list[str] = []
        self._images: list[str] = []
        self._before: set[str] = set()
        self._replaced: str | None = None

    def remember(self, engine: Any, image_name: str) -> None:
        """Note what the engine holds before the build, and which image has the name."""
        self._before = {entry["Id"] for entry in engine.api.containers(all=True)}
        images = engine.api.images(all=True)
        self._before |= {entry["Id"] for entry in images}
        name = f"{image_name}:latest"
        named = (entry["Id"] for entry in images if name in (entry["RepoTags"] or ()))
        self._replaced = next(named, None)

    def read(self, line: str) -> None:
        """Look at one line of the build's output."""
        if match := _CONTAINER.match(line):
            self._containers.append(match[1])
        elif match := _IMAGE.match(line):
            self._images.append(match[1])

    def remove(self, engine: Any, image_name: str) -> None:
        """Remove this build's step containers and the images without a name or a child."""
        from docker.errors import APIError, ImageNotFound

        for short in self._containers:
            with contextlib.suppress(APIError):
                container = engine.containers.get(short)
                stopped = container.status in ("created", "exited", "dead")
                service = "amlIsService" in container.labels
                if container.id not in self._before and stopped and not service:
                    container.remove(v=True)
        # A failed build leaves its finished steps; the engine refuses what an image stands on.
        for short in reversed(self._images):
            with contextlib.suppress(APIError):
                image = engine.images.get(short)
                if image.id not in self._before and not image.tags:
                    engine.images.remove(image.id)
        if self._replaced is not None:
            with contextlib.suppress(ImageNotFound, APIError):
                if not engine.images.get(self._replaced).tags:
                    engine.images.remove(self._replaced)
