"""Legacy images as the workspace describes them. The links to their logs never leave this side.

`Image.list` of the SDK asks the same, and again for every model of every image.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from amltui.domain.failures import innermost, unfold
from amltui.domain.images import LegacyImage
from amltui.domain.text import clean, clean_line, mask

from . import fields
from .assets import pages
from .management import Management


def images(management: Management) -> list[dict[str, Any]]:
    """All legacy images, newest first, JSON-ready."""
    url = f"{management.url}/images"
    found = pages(management, url, {"expand": "true"}, "listing the images")
    rows = [encode(parse(row)) for page in found for row in page or ()]
    return sorted(rows, key=lambda row: row["created_at"] or "", reverse=True)


def payload(management: Management, image_id: str) -> dict[str, Any]:
    """One image as the workspace describes it, with a link to its log that is good for a while."""
    url = f"{management.url}/images/{quote(image_id, safe='')}"
    return management.fetch(url, f"reading image {image_id}", {})


def parse(payload: Mapping[str, Any]) -> LegacyImage:
    """One image; one that cannot be read is a row that says so."""
    notes: list[str] = []
    try:
        failure = unfold(payload.get("error"))
        models = payload.get("modelIds")
        return LegacyImage(
            name=fields.line(payload, "name") or fields.line(payload, "id"),
            version=fields.line(payload, "version"),
            state=fields.line(payload, "creationState"),
            location=fields.line(payload, "imageLocation"),
            kind=fields.line(payload, "imageFlavor") or fields.line(payload, "imageType"),
            created_at=fields.time(payload, "createdTime", notes),
            models=tuple(map(str, models)) if isinstance(models, list) else (),
            description=clean(fields.string(payload, "description"))[:2_000],
            tags=_tags(payload.get("kvTags")),
            has_log=bool(payload.get("imageBuildLogUri")),
            problem=mask(innermost(failure).message) if failure else "; ".join(notes),
        )
    except ValueError as error:
        name = fields.line(payload, "id") or "(unreadable image)"
        return LegacyImage(name, state="unreadable", problem=f"It cannot be read: {error}.")


def _tags(value: Any) -> tuple[tuple[str, str], ...]:
    tags = value if isinstance(value, Mapping) else {}
    return tuple((clean_line(str(name)), mask(fields.line(tags, name))) for name in tags)


def encode(image: LegacyImage) -> dict[str, Any]:
    """An image as JSON-ready values."""
    created = image.created_at.isoformat() if image.created_at else None
    return {**vars(image), "created_at": created}


def decode(wire: Mapping[str, Any]) -> LegacyImage:
    """The image that `encode` wrote."""
    created = wire["created_at"]
    return LegacyImage(
        **{
            **wire,
            "created_at": datetime.fromisoformat(created) if created else None,
            "models": tuple(wire["models"]),
            "tags": tuple((name, value) for name, value in wire["tags"]),
        }
    )
