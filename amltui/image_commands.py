"""The command `images`: the legacy images of the workspace, and their build logs."""

from __future__ import annotations

import asyncio
import json

import click

from .backends import DEMO, Backends
from .domain.errors import AmltuiError, Problem
from .domain.images import LegacyImage
from .domain.models import Ref
from .domain.text import clean, mask
from .settings import Settings
from .workers.services import Services

OK = 0


def list_images(settings: Settings, wanted: str, *, demo: bool, as_json: bool, log: bool) -> int:
    """Print the images, those of a name, or one; with `log`, the build log of one."""
    backends = Backends(settings, demo=demo)
    try:
        services = backends.open_services(DEMO if demo else backends.settings.workspace)
        found = asyncio.run(services.images())
        name, _, version = wanted.partition(":")
        images = [i for i in found if (not name or i.name == name) and version in ("", i.version)]
        if wanted and not images:
            raise AmltuiError(
                f"There is no image {wanted}.", hint="amltui images", problem=Problem.NOT_FOUND
            )
        if log:
            click.echo(_log(services, images), nl=False)
        elif as_json:
            click.echo(json.dumps([_to_json(i) for i in images], indent=2, ensure_ascii=False))
        else:
            _print(images)
        return OK
    finally:
        backends.close()


def _log(services: Services, images: list[LegacyImage]) -> str:
    """The log of the newest: one is meant."""
    if not images:
        raise AmltuiError(
            "Name an image", "", "amltui images NAME:VERSION --log", problem=Problem.USAGE
        )
    text = asyncio.run(services.build_log(Ref("azureml", images[0].id)))
    if text is None:
        raise AmltuiError(
            f"The workspace keeps no link to the build log of {images[0].id}.",
            problem=Problem.NOT_FOUND,
        )
    return mask(clean(text))


def _print(images: list[LegacyImage]) -> None:
    width = max((len(image.id) for image in images), default=0)
    for image in images:
        state = image.state or "unknown"
        created = f"{image.created_at:%Y-%m-%d}" if image.created_at else "-"
        click.echo(f"{image.id:{width}}  {state:10}  {created:10}  {image.location}")
    if not images:
        click.echo("The workspace has no legacy images: its services come from environments.")


def _to_json(image: LegacyImage) -> dict[str, object]:
    created = image.created_at.isoformat() if image.created_at else None
    return {**vars(image), "created_at": created, "tags": dict(image.tags)}
