"""Containers and images as rows of a table, and one of them in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from amltui.domain.models import Container, Image
from amltui.domain.workbench import ContainerDetail, Mount, Usage
from amltui.widgets.detail import Field, Item, Section
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow, age_cell

COLUMNS = (
    Column("name", "NAME", priority=9, min_width=14, max_width=32),
    Column("state", "STATE", priority=8),
    Column("cpu", "CPU", "right", priority=6),
    Column("memory", "MEMORY", "right", priority=5),
    Column("status", "STATUS", priority=7, min_width=16, max_width=28),
    Column("ports", "PORTS", priority=4, min_width=9, max_width=28),
    Column("image", "IMAGE", priority=2, min_width=10, max_width=40),
    Column("service", "SERVICE", priority=1, max_width=24),
    Column("age", "AGE", "right", priority=0),
)
IMAGE_COLUMNS = (
    Column("name", "REPOSITORY:TAG", priority=9, min_width=20, max_width=60),
    Column("size", "SIZE", "right", priority=8),
    Column("age", "AGE", "right", priority=7),
    Column("used", "USED BY", priority=6, min_width=10, max_width=40),
    Column("id", "ID", priority=5),
)
LOOKS: dict[str, tuple[str, CellStyle]] = {
    "running": ("●", "ok"),
    "healthy": ("●", "ok"),
    "unhealthy": ("✗", "failed"),
    "starting": ("◔", "pending"),
    "created": ("◔", "pending"),
    "restarting": ("◔", "pending"),
    "paused": ("■", "stopped"),
    "exited": ("■", "stopped"),
    "removing": ("◌", "stopped"),
    "dead": ("✗", "failed"),
}
TIGHT = 0.9  # of the memory limit
_NARROW = re.compile(r"\*:|127\.0\.0\.1:|/tcp")  # of a port, what a narrow column does without


def row(
    container: Container,
    now: datetime,
    detail: ContainerDetail | None = None,
    usage: Usage | None = None,
) -> TableRow:
    """The container's row, with its restarts (↻); one that ended with an error shows as failed."""
    word = container.state
    if word == "running" and detail is not None and detail.health not in ("", "none"):
        word = detail.health
    glyph, style = LOOKS.get(word, ("?", "degraded"))
    failed = container.state == "exited" and "(0)" not in container.status
    if failed:
        glyph, style = "✗", "failed"
    if detail is not None and detail.restart_count:
        word += f" ↻{detail.restart_count}"
    cpu = usage.cpu_percent if usage is not None else None
    cells = (
        Cell(container.name),
        Cell(f"{glyph} {word}", style),
        Cell("" if cpu is None else f"{cpu:.1f}%", sort=cpu),
        _memory_cell(usage, detail),
        Cell(_status(container, detail), "failed" if failed else "muted"),
        Cell(_NARROW.sub("", " ".join(container.ports))),
        Cell(container.image),
        Cell(container.service),
        age_cell(container.created_at, now),
    )
    return TableRow(container.id, cells)


def image_row(image: Image, now: datetime) -> TableRow:
    """The image's row; one without a name is dim."""
    cells = (
        Cell(image.names[0] if image.names else "(no name)"),
        Cell(memory(image.size), sort=float(image.size)),
        age_cell(image.created_at, now),
        Cell(" ".join(image.used_by)),
        Cell(image.id.removeprefix("sha256:")[:12], "muted"),
    )
    return TableRow(image.id, cells, dim=not image.names, haystack="\n".join(image.names))


def sections(
    container: Container, detail: ContainerDetail | None, usage: Usage | None
) -> list[Section]:
    """One container in full."""
    if detail is None:
        return [Section(container.name, (Field("State", container.status or container.state),))]
    known = [
        *_state_fields(container, detail),
        *_usage_fields(usage, detail),
        Field("Image", container.image),
        Field("Command", detail.command),
        *(Field("Port", f"{outer or 'not published'} -> {inner}") for inner, outer in detail.ports),
        *(Field("Mount", _mount_words(each)) for each in detail.mounts),
        Field("Network", detail.network),
        Field("Service", container.service),
        Field("Created", detail.created_at),
        Field("Started", detail.started_at),
        Field("Ended", detail.finished_at if not detail.running else ""),
        Field("Id", detail.id),
    ]
    items: tuple[Item, ...] = tuple(field for field in known if field.value)
    return [Section(container.name, items)]


def image_sections(image: Image) -> list[Section]:
    """One image in full."""
    items: list[Item] = [Field("Name", name) for name in image.names] or [Field("Name", "none")]
    items += [
        Field("Size", memory(image.size)),
        Field("Created", f"{image.created_at:%Y-%m-%d %H:%M} UTC" if image.created_at else ""),
        *(Field("Used by", name) for name in image.used_by),
        Field("Id", image.id),
    ]
    return [Section(image.name, tuple(items))]


def memory(count: int) -> str:
    """Bytes in binary units, as `docker stats` has them: "74 MiB", "1.5 GiB"."""
    if count >= 1000 << 20:
        return f"{count / (1 << 30):.1f} GiB"
    return f"{count / (1 << 20):.0f} MiB" if count >= 1 << 20 else f"{count / 1024:.0f} KiB"


def _status(container: Container, detail: ContainerDetail | None) -> str:
    if detail is not None and detail.ending is not None and container.state == "exited":
        return detail.ending.brief
    return container.status.partition(" (")[0] if container.state == "running" else container.status


def _memory_cell(usage: Usage | None, detail: ContainerDetail | None) -> Cell:
    if usage is None:
        return Cell("")
    limit = detail.memory_limit if detail is not None else 0
    if not limit:
        return Cell(memory(usage.memory), sort=float(usage.memory))
    share = usage.memory / limit
    style: CellStyle = "degraded" if share >= TIGHT else ""
    return Cell(f"{memory(usage.memory)} {share:.0%}", style, float(usage.memory))


def _mount_words(mount: Mount) -> str:
    return f"{mount.source} -> {mount.target}{'' if mount.writable else ', read-only'}"


def _state_fields(container: Container, detail: ContainerDetail) -> Iterator[Field]:
    word = detail.health if detail.health != "none" else ""
    yield Field("State", f"{detail.state}, {word}" if word else detail.state)
    if detail.ending is not None:
        yield Field("It ended", str(detail.ending), "failed" if detail.ending.code else "")
        yield Field("Remedy", detail.ending.hint, "strong")
    else:
        yield Field("Status", container.status)
    if detail.restart_count:
        again = f"{detail.restart_count} times, by its policy {detail.restart_policy}"
        yield Field("Restarted", again, "degraded")
    if detail.auto_remove:
        yield Field("Kept", "no: started with --rm, it is gone when it stops", "degraded")


def _usage_fields(usage: Usage | None, detail: ContainerDetail) -> Iterator[Field]:
    limit = memory(detail.memory_limit) if detail.memory_limit else "no limit of its own"
    if usage is not None:
        cpu = "-" if usage.cpu_percent is None else f"{usage.cpu_percent:.1f}% of one"
        yield Field("CPU", f"{cpu}, at most {detail.cpus:g}" if detail.cpus else cpu)
        yield Field("Memory", f"{memory(usage.memory)} of {limit}")
        yield Field("Processes", str(usage.processes))
    elif detail.memory_limit:
        yield Field("Memory limit", limit)
