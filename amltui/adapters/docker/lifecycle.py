"""One container or image: what it is, and start, stop, restart, remove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from amltui.domain.text import clean, clean_line
from amltui.domain.workbench import ContainerDetail, Mount, command_line, ending_of, masked

from .access import LIMIT, LONG_LIMIT, EngineAccess

GRACE = 10  # seconds that a container has to end by itself
_NEVER = "0001-01-01"


def detail(access: EngineAccess, container: str) -> ContainerDetail:
    """All that is worth knowing of a container."""
    with access.api() as api:
        found = api.inspect_container(container)
    config, host, state = found["Config"], found["HostConfig"], found["State"]
    status = clean_line(str(state.get("Status", "")))
    over = status in ("exited", "dead", "restarting")
    error = clean_line(str(state.get("Error") or ""))
    return ContainerDetail(
        id=found["Id"],
        name=clean_line(str(found["Name"])).lstrip("/"),
        image=clean_line(str(config.get("Image", ""))),
        image_id=found["Image"],
        state=status,
        command=clean_line(command_line([str(found.get("Path", "")), *(found.get("Args") or [])])),
        ending=ending_of(int(state["ExitCode"]), bool(state.get("OOMKilled")), error)
        if over
        else None,
        error=error,
        health=clean_line(str((state.get("Health") or {}).get("Status", ""))),
        created_at=_time(found.get("Created")),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        restart_count=int(found.get("RestartCount") or 0),
        restart_policy=clean_line(str((host.get("RestartPolicy") or {}).get("Name") or "no")),
        auto_remove=bool(host.get("AutoRemove")),
        memory_limit=int(host.get("Memory") or 0),
        cpus=_cpus(host),
        user=clean_line(str(config.get("User") or "")),
        working_dir=clean_line(str(config.get("WorkingDir") or "/")),
        network=clean_line(str(host.get("NetworkMode") or "")),
        ports=tuple(sorted(_ports(found))),
        mounts=tuple(
            Mount(
                kind=clean_line(str(mount.get("Type", ""))),
                source=clean_line(str(mount.get("Name") or mount.get("Source") or "")),
                target=clean_line(str(mount.get("Destination", ""))),
                writable=bool(mount.get("RW")),
            )
            for mount in found.get("Mounts") or []
        ),
        environment=pairs(config.get("Env") or []),
        labels=tuple(
            sorted(
                (clean_line(str(name)), clean_line(str(value))[:500])
                for name, value in (config.get("Labels") or {}).items()
            )
        ),
    )


def inspect(access: EngineAccess, identity: str, *, image: bool = False) -> str:
    """The engine's whole answer about a container or an image as JSON, secrets masked."""
    with access.api() as api:
        found = api.inspect_image(identity) if image else api.inspect_container(identity)
    return json.dumps(masked(found), indent=2, ensure_ascii=False)


def start(access: EngineAccess, container: str) -> None:
    """Start a stopped container, or resume a paused one."""
    with access.api(3 * LIMIT) as api:
        if api.inspect_container(container)["State"].get("Paused"):
            api.unpause(container)
        else:
            api.start(container)


def stop(access: EngineAccess, container: str, grace: int = GRACE) -> None:
    """Ask a container to end, and end it after `grace` seconds."""
    with access.api(grace + LIMIT) as api:
        api.stop(container, timeout=grace)


def restart(access: EngineAccess, container: str, grace: int = GRACE) -> None:
    """Stop and start a container."""
    with access.api(grace + 3 * LIMIT) as api:
        api.restart(container, timeout=grace)


def remove(access: EngineAccess, container: str, *, force: bool = False) -> None:
    """Remove a container; a running one only with `force`. Its volumes stay."""
    with access.api(3 * LIMIT) as api:
        api.remove_container(container, force=force)


def remove_image(access: EngineAccess, image: str, *, force: bool = False) -> None:
    """Remove a name of an image, and the image with its last one; by id all of them."""
    with access.api(LONG_LIMIT) as api:
        api.remove_image(image, force=force)


def pairs(environment: list[str]) -> tuple[tuple[str, str], ...]:
    """NAME=value lines as pairs, safe for the screen."""
    return tuple(
        (clean_line(name), clean(value))
        for name, _, value in (str(line).partition("=") for line in environment)
    )


def _ports(found: Mapping[str, Any]) -> set[tuple[str, str]]:
    published = (found.get("NetworkSettings") or {}).get("Ports") or {}
    wanted = (found["HostConfig"] or {}).get("PortBindings") or {}
    shown = set()
    for inner, outers in {**wanted, **published}.items():
        for outer in outers or [{}]:
            shown.add((clean_line(str(inner)), clean_line(str(outer.get("HostPort", "")))))
    return shown


def _cpus(host: Mapping[str, Any]) -> float:
    if host.get("NanoCpus"):
        return float(host["NanoCpus"]) / 1e9
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    return quota / period if quota > 0 else 0.0


def _time(value: object) -> str:
    text = clean_line(str(value or ""))
    return "" if text.startswith(_NEVER) else text
