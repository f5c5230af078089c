"""A legacy image, and an environment with its image, as a row and as the sections of its detail."""

from __future__ import annotations

from datetime import datetime

from amltui.domain.images import EnvironmentImage, EnvironmentVersion, LegacyImage
from amltui.widgets.detail import Field, Item, Paragraph, Section
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow, age_cell
from amltui.widgets.words import moment

COLUMNS = (
    Column("name", "NAME", priority=9, min_width=12, max_width=34),
    Column("version", "VERSION", "right", priority=8),
    Column("kind", "KIND", priority=6, min_width=6),
    Column("state", "STATE", priority=7, min_width=10, max_width=14),
    Column("location", "LOCATION", priority=5, min_width=16, max_width=60),
    Column("age", "AGE", "right", priority=4),
)


def _number(version: str) -> int:
    """Newest versions sort last by number, not by letters."""
    return int(version) if version.isascii() and version.isdigit() else 0


def row(key: str, image: LegacyImage, now: datetime) -> TableRow:
    """A legacy image's row."""
    style: CellStyle = "failed" if image.failed else ""
    glyph = "✗" if image.failed else "●" if image.state == "Succeeded" else "◔"
    cells = (
        Cell(image.name),
        Cell(image.version, "", _number(image.version)),
        Cell("legacy", "muted"),
        Cell(f"{glyph} {image.state or 'unknown'}", style or "ok"),
        Cell(image.location),
        age_cell(image.created_at, now),
    )
    return TableRow(key, cells, haystack=" ".join(image.models))


def environment_row(key: str, one: EnvironmentVersion, image: EnvironmentImage | None) -> TableRow:
    """An environment's row; its image is known once it was asked for."""
    state = Cell("not asked", "muted")
    if image is not None and image.problem:
        state = Cell("not known", "muted")
    elif image is not None:
        state = Cell("● built", "ok") if image.built else Cell("○ not built", "muted")
    cells = (
        Cell(one.name),
        Cell(one.version, "", _number(one.version)),
        Cell("curated" if one.curated else "environment", "muted"),
        state,
        Cell(image.location if image else ""),
        Cell("-", "muted", float("inf")),
    )
    return TableRow(key, cells, haystack=" ".join((one.base, *one.packages)))


def sections(image: LegacyImage, now: datetime) -> list[Section]:
    """Everything known of a legacy image."""
    about: list[Item] = [
        Field(label, value)
        for label, value in (
            ("State", image.state),
            ("Location", image.location),
            ("Kind", image.kind),
            ("Created", moment(image.created_at, now)),
            ("Models", ", ".join(image.models)),
            ("Description", image.description),
        )
        if value
    ]
    if image.problem:
        about.append(Paragraph(image.problem, "failed"))
    log = "l shows it." if image.has_log else "The workspace keeps no link to it."
    found = [Section(image.id, tuple(about)), Section("Build log", (Paragraph(log),))]
    if image.tags:
        found.append(Section("Tags", tuple(Field(name, value) for name, value in image.tags)))
    pulling = "`az acr login`, then `docker pull` of the location; y copies that."
    found.append(Section("To run it here", (Paragraph(pulling),)))
    return found


def environment_sections(
    one: EnvironmentVersion, image: EnvironmentImage | None, *, read_only: bool
) -> list[Section]:
    """Everything known of an environment and its image."""
    about = [
        Field("Kind", "curated by Microsoft" if one.curated else "of this workspace"),
        Field("Base image", one.base or "the SDK's own"),
        Field("Packages", "\n".join(one.packages) or "none"),
    ]
    built = "Asking the workspace…" if image is None else "It is not in the registry."
    log = (
        "Read-only: the workspace keeps no list of builds, and asking for one may start it."
        if read_only
        else "l shows it. An image that is not there is built for it, after a question."
    )
    made: list[Item] = [Paragraph(built)]
    if image is not None and image.problem:
        made = [Paragraph(f"{image.problem} r asks again.", "failed")]
    elif image is not None and image.built:
        made = [Field("Location", image.location)]
    found = [Section(one.id, tuple(about)), Section("Image", tuple(made))]
    found.append(Section("Build log", (Paragraph(log),)))
    if image is not None and image.dockerfile:
        found.append(Section("Its Dockerfile", (Paragraph(image.dockerfile.rstrip()),)))
    return found
