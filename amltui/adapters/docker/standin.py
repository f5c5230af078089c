"""A stand-in: a container for a shell in an image, or in a container that does not run.

Its command is a shell that waits at a terminal nobody looks at, so it lives until it is removed. Of
a container it has the files (by a commit to a temporary image), mounts, environment and limits, but
neither its ports nor its name.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from typing import Any

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.workbench import ORIGIN_LABEL, TEMPORARY_LABEL, Standin

from .access import LONG_LIMIT, EngineAccess
from .shell import BOOTSTRAPS, no_shell

REPOSITORY = "amltui-temporary"
_SERVICE_LABELS = ("amlIsService", "amlServiceName", "containerName")
# What must not be the same, or makes no sense, in a second container.
_NOT_COPIED = (
    "AutoRemove", "ContainerIDFile", "Links", "LogConfig", "PortBindings", "PublishAllPorts",
    "ReadonlyRootfs", "RestartPolicy",
)  # fmt: skip


def stand_in_for_image(access: EngineAccess, image: str) -> Standin:
    """Run an image with its command replaced.

    Raises:
        AmltuiError: there is no such image here, or it has no shell.
    """
    with access.api() as api:
        found = api.inspect_image(image)
    name = next(iter(found.get("RepoTags") or []), "")
    return _run(access, {"Image": found["Id"], **_marks({}, name)}, {}, "")


def stand_in_for_container(access: EngineAccess, container: str) -> Standin:
    """Run a copy of a container, crashed or not, with its command replaced.

    Raises:
        AmltuiError: it is gone, or has no shell.
    """
    with access.api(LONG_LIMIT) as api:
        found = api.inspect_container(container)
        tag = secrets.token_hex(6)
        conf = {"Labels": {TEMPORARY_LABEL: _owner()}}
        identity = api.commit(container, REPOSITORY, tag, conf=conf)["Id"]
    image = f"{REPOSITORY}:{tag}"
    old = found["Config"]
    config = {
        "Image": identity,
        "Env": old.get("Env"),
        "User": old.get("User"),
        "WorkingDir": old.get("WorkingDir"),
        **_marks(old.get("Labels") or {}, str(old.get("Image") or "")),
    }
    try:
        return _run(access, config, host_config(found, without=_NOT_COPIED), image)
    except BaseException:
        with suppress(AmltuiError), access.api() as api:
            api.remove_image(image, noprune=True)
        raise


def remove(access: EngineAccess, standin: Standin) -> None:
    """Remove a stand-in and its temporary image; what is gone already is no error."""
    for removing in (_remove_container, _remove_image):
        try:
            removing(access, standin)
        except AmltuiError as error:
            if error.problem is not Problem.NOT_FOUND:
                raise


def sweep(access: EngineAccess) -> int:
    """Remove the stand-ins that dead consoles of this machine left behind; returns how many."""
    count = 0
    with access.api() as api:
        containers = api.containers(all=True, filters={"label": TEMPORARY_LABEL})
        images = api.images(filters={"label": TEMPORARY_LABEL})
        for each in containers:
            if _is_dead((each.get("Labels") or {}).get(TEMPORARY_LABEL, "")):
                api.remove_container(each["Id"], force=True, v=True)
                count += 1
        for each in images:
            # Committing a stand-in gives a person's image the label, too: only our tags go.
            tags = [tag for tag in each.get("RepoTags") or [] if tag.startswith(f"{REPOSITORY}:")]
            if _is_dead((each.get("Labels") or {}).get(TEMPORARY_LABEL, "")):
                for tag in tags:
                    with suppress(Exception):
                        api.remove_image(tag, noprune=True)
    return count


def host_config(found: dict[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A container's HostConfig for another one, anonymous volumes by their name."""
    host = {name: value for name, value in found["HostConfig"].items() if name not in without}
    binds = list(host.get("Binds") or [])
    mounts = list(host.get("Mounts") or [])
    targets = {str(mount.get("Target")) for mount in mounts}
    targets |= {bind.split(":")[1] for bind in binds if ":" in bind}
    for mount in found.get("Mounts") or []:
        if mount.get("Type") == "volume" and mount.get("Destination") not in targets:
            mode = "rw" if mount.get("RW") else "ro"
            binds.append(f"{mount['Name']}:{mount['Destination']}:{mode}")
    host["Binds"] = binds
    return host


def _run(access: EngineAccess, config: dict[str, Any], host: dict[str, Any], image: str) -> Standin:
    from docker.errors import APIError

    name = f"amltui-shell-{secrets.token_hex(3)}"
    with access.api(60.0) as api:
        for bootstrap in BOOTSTRAPS:
            whole = {
                **config,
                "Entrypoint": [bootstrap],
                "Cmd": [],
                "Tty": True,
                "OpenStdin": True,
                "Healthcheck": {"Test": ["NONE"]},
                "HostConfig": host,
            }
            identity = api.create_container_from_config(whole, name=name)["Id"]
            try:
                api.start(identity)
            except APIError as error:
                api.remove_container(identity, force=True, v=True)
                said = str(error).lower()
                if "no such file" not in said and "not found" not in said:
                    raise
            else:
                return Standin(identity, name, image)
    raise no_shell()


def _marks(labels: dict[str, str], origin: str) -> dict[str, dict[str, str]]:
    """Labels that tell a stand-in from the service that it stands in for."""
    blank = dict.fromkeys((name for name in _SERVICE_LABELS if name in labels), "")
    return {"Labels": {**labels, **blank, TEMPORARY_LABEL: _owner(), ORIGIN_LABEL: origin}}


def _remove_container(access: EngineAccess, standin: Standin) -> None:
    with access.api(30.0) as api:
        api.remove_container(standin.container_id, force=True, v=True)


def _remove_image(access: EngineAccess, standin: Standin) -> None:
    if standin.image:
        with access.api(30.0) as api:
            api.remove_image(standin.image, noprune=True)


def mark() -> dict[str, str]:
    """The label of what lives as long as this process: `sweep` removes it after that."""
    return {TEMPORARY_LABEL: _owner()}


def _owner() -> str:
    return f"{os.getpid()}@{socket.gethostname()}"


def _is_dead(owner: str) -> bool:
    number, _, host = owner.partition("@")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
