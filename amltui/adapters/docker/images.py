"""Commit of a container to the next tag, and the new image run in its place."""

from __future__ import annotations

import hashlib
import re
import select
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from amltui.domain.containerdiff import Change, Commit, Replacement, edits, parse_changes
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask
from amltui.domain.workbench import (
    COMMIT_LABEL,
    ORIGIN_LABEL,
    TEMPORARY_LABEL,
    image_name,
    next_image,
    split_image,
)

from .access import LIMIT, LONG_LIMIT, EngineAccess
from .archive import stat
from .lifecycle import GRACE
from .shell import own_socket
from .standin import host_config

SIZED = 500  # changes of which the size is asked, one small request each
SETTLE = 2.0  # seconds that a new container must live to count as started
_POLL = 0.05
_HEARD = 64 << 10  # bytes


def changes(access: EngineAccess, container: str) -> tuple[Change, ...]:
    """What differs from the container's image, with sizes of the first 500 in bytes."""
    with access.api(LONG_LIMIT) as api:
        found = parse_changes(api.diff(container) or [])
    return tuple(
        _with_size(access, container, change) if number < SIZED else change
        for number, change in enumerate(found)
    )


def dirty(access: EngineAccess, container: str) -> tuple[Change, ...]:
    """The edits in a container that no commit has: what a stop may lose and a removal will.

    Caches, logs and temporary files are no edits. A commit labels its image with what it was taken
    of, so edits that have been committed are known after a restart of the console, too.
    """
    found = edits(changes(access, container))
    if found:
        with access.api() as api:
            identity = api.inspect_container(container)["Id"]
            committed = api.images(filters={"label": f"{COMMIT_LABEL}={_mark(identity, found)}"})
        if committed:
            return ()
    return found


def plan_commit(access: EngineAccess, container: str, image: str = "") -> Commit:
    """What a commit would hold and be called; nothing is changed.

    Raises:
        AmltuiError: `image` is no name, or exists.
    """
    with access.api(LONG_LIMIT) as api:
        found = api.inspect_container(container)
        tags = [tag for each in api.images() for tag in each.get("RepoTags") or []]
        sizes = api.containers(all=True, size=True, filters={"id": found["Id"]})
    name = found["Name"].lstrip("/")
    if image and ":" not in image.rpartition("/")[2]:
        image = next_image(f"{image}:0", tags)
    image = image_name(image or next_image(_origin(found), tags, name))
    if image in tags:
        raise AmltuiError(
            f"There is an image {clean_line(image)} already",
            "A commit under that name would take it away from the other image.",
            f"Use another tag: {next_image(image, tags)} is free.",
            problem=Problem.REFUSED,
        )
    host = found["HostConfig"]
    return Commit(
        container=name,
        image=image,
        changes=changes(access, container),
        size=int((sizes[0].get("SizeRw") if sizes else 0) or 0),
        not_included=tuple(
            clean_line(str(mount["Destination"])) for mount in found.get("Mounts") or []
        ),
        auto_remove=bool(host.get("AutoRemove")),
        running=bool(found["State"]["Running"]),
    )


def commit(
    access: EngineAccess,
    container: str,
    image: str,
    *,
    message: str = "",
    author: str = "",
) -> str:
    """Commit a container, which is paused for the moment; returns the image's id.

    Labels, environment and command are kept; of a stand-in, those of what it stands in for.
    """
    repository, tag = split_image(image)
    found_edits = edits(changes(access, container))
    with access.api(LONG_LIMIT) as api:
        found = api.inspect_container(container)
        conf: dict[str, Any] = {"Labels": {COMMIT_LABEL: _mark(found["Id"], found_edits)}}
        if (found["Config"].get("Labels") or {}).get(TEMPORARY_LABEL):
            conf = _as_stood_in_for(api.inspect_image(found["Image"]), conf)
        identity = api.commit(
            container, repository, tag or "latest", message=message, author=author, conf=conf
        )["Id"]
    return str(identity)


def replace(
    access: EngineAccess,
    container: str,
    image: str,
    *,
    settle: float = SETTLE,
    grace: int = GRACE,
    on_step: Callable[[str], None] = lambda _: None,
) -> Replacement:
    """Stop a container and run an image in its place: same name, ports, mounts, environment.

    The new one has to live for `settle` seconds; if it does not, it is removed and the old one
    runs again. The old one is removed last. A stop removes a container that was started with
    --rm: so it is committed before, to be run again from that, and the commit stays if the
    container had edits that no other commit has.

    Raises:
        AmltuiError: the new one did not start; the hint says what runs now.
    """
    with access.api(LONG_LIMIT) as api:
        old = api.inspect_container(container)
        name = old["Name"].lstrip("/")
        temporary = bool(old["HostConfig"].get("AutoRemove"))
        was_running = bool(old["State"]["Running"])
        safety = ""
        if temporary:
            unsaved = dirty(access, old["Id"])
            on_step(f"saving {name}, which a stop removes")
            safety = plan_commit(access, old["Id"]).image
            commit(access, old["Id"], safety)
        on_step(f"creating the container from {image}")
        new = api.create_container_from_config(_successor(old, image), name=f"{name}-next")["Id"]
        with ExitStack() as undo:
            undo.callback(_remove, api, new)
            on_step(f"stopping {name}")
            if was_running:
                undo.callback(_revive, api, old, name, safety)
                api.stop(old["Id"], timeout=grace)
            if temporary:
                _wait_gone(api, old["Id"])
            else:
                api.rename(old["Id"], f"{name}-before")
                undo.callback(_ignoring, api.rename, old["Id"], name)
            api.rename(new, name)
            undo.callback(_ignoring, api.rename, new, f"{name}-next")
            on_step(f"starting {name} from {image}")
            words = _FirstWords(api, new, listen=temporary)
            undo.callback(words.close)
            try:
                api.start(new)
                _settled(api, new, settle)
            except Exception as error:
                log = words.text()
                _remove(api, new)  # first: it may hold the ports
                undo.close()
                back = _is_running(api, name) if was_running else None
                raise _not_started(error, name, image, log, back, safety) from error
            undo.pop_all()
            words.close()
        if not temporary:
            api.remove_container(old["Id"])
        elif not unsaved:
            _ignoring(api.remove_image, safety, noprune=True)
            safety = ""
        ports = api.inspect_container(new)["NetworkSettings"].get("Ports") or {}
    return Replacement(
        container_id=new,
        name=name,
        image=image,
        saved_as=safety,
        ports=tuple(
            sorted(
                (clean_line(inner), clean_line(str(outer["HostPort"])))
                for inner, outers in ports.items()
                for outer in (outers or [])[:1]
            )
        ),
    )


def _with_size(access: EngineAccess, container: str, change: Change) -> Change:
    if change.deleted:
        return change
    with suppress(AmltuiError):
        found = stat(access, container, change.path)
        return change.sized(found.size if found.kind == "file" else 0, found.kind, found.modified)
    return change  # gone since, or on a file system that the engine does not show


def _mark(container: str, found: tuple[Change, ...]) -> str:
    digest = hashlib.sha256()
    for change in found:
        digest.update(f"{change.kind.value}\0{change.path}\0{change.size}\0".encode())
        digest.update(f"{change.modified}\0".encode())
    return f"{container[:12]}:{digest.hexdigest()[:16]}"


def _origin(found: dict[str, Any]) -> str:
    """The image that a container was made of; of a stand-in, what it stands in for was."""
    labels = found["Config"].get("Labels") or {}
    image = labels.get(ORIGIN_LABEL) if labels.get(TEMPORARY_LABEL) else found["Config"]["Image"]
    return str(image or "")


def _as_stood_in_for(image: dict[str, Any], conf: dict[str, Any]) -> dict[str, Any]:
    original = image.get("Config") or {}
    labels = {
        **(original.get("Labels") or {}),
        **conf["Labels"],
        TEMPORARY_LABEL: "",
        ORIGIN_LABEL: "",
    }
    return {
        "Labels": labels,
        "Entrypoint": original.get("Entrypoint") or [],
        "Cmd": original.get("Cmd") or [],
        "Healthcheck": original.get("Healthcheck") or {"Test": []},
    }


def _successor(old: dict[str, Any], image: str) -> dict[str, Any]:
    """The configuration of a container like `old`, of another image."""
    config = {**old["Config"], "Image": image, "HostConfig": host_config(old)}
    if config.get("Hostname") == old["Id"][:12]:
        config.pop("Hostname")
    config["Labels"] = {
        name: value for name, value in (config.get("Labels") or {}).items() if name != COMMIT_LABEL
    }
    # A port that the engine had picked stays what it is: somebody may know it by now.
    bindings = {
        k: list(v or []) for k, v in (config["HostConfig"].get("PortBindings") or {}).items()
    }
    published = (old.get("NetworkSettings") or {}).get("Ports") or {}
    for inner, outers in bindings.items():
        actual = published.get(inner) or []
        if (
            any(not outer.get("HostPort") or outer["HostPort"] == "0" for outer in outers)
            and actual
        ):
            bindings[inner] = actual[: max(1, len(outers))]
    config["HostConfig"]["PortBindings"] = bindings
    mode = str(config["HostConfig"].get("NetworkMode", ""))
    if mode not in ("default", "bridge", "host", "none") and not mode.startswith("container:"):
        networks = (old.get("NetworkSettings") or {}).get("Networks") or {}
        config["NetworkingConfig"] = {
            "EndpointsConfig": {
                network: {
                    "IPAMConfig": settings.get("IPAMConfig"),
                    "Aliases": [
                        alias for alias in settings.get("Aliases") or [] if alias != old["Id"][:12]
                    ],
                }
                for network, settings in networks.items()
            }
        }
    return config


def _settled(api: Any, container: str, settle: float) -> None:
    deadline = time.monotonic() + settle
    while True:
        state = api.inspect_container(container)["State"]
        if state.get("Restarting") or not state["Running"]:
            raise AmltuiError(
                "It ended at once",
                f"It ended with exit code {state['ExitCode']} within {settle:g} s.",
                problem=Problem.REFUSED,
            )
        if time.monotonic() >= deadline:
            return
        time.sleep(_POLL)


def _revive(api: Any, old: dict[str, Any], name: str, safety: str) -> None:
    """Run the old container again: itself, or what was saved of it."""
    identity = old["Id"]
    if safety:
        identity = api.create_container_from_config(_successor(old, safety), name=name)["Id"]
    _ignoring(api.start, identity)


def _is_running(api: Any, name: str) -> bool:
    """Whether it still runs after a moment."""
    try:
        _settled(api, name, 0.3)
    except Exception:  # noqa: BLE001 - whatever it is: it does not
        return False
    return True


def _remove(api: Any, container: str) -> None:
    _ignoring(api.remove_container, container, force=True)


def _ignoring(work: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    from docker.errors import APIError

    with suppress(APIError):
        work(*arguments, **options)


def _wait_gone(api: Any, container: str) -> None:
    from docker.errors import NotFound

    deadline = time.monotonic() + LIMIT
    with suppress(NotFound):
        while time.monotonic() < deadline:
            api.inspect_container(container)
            time.sleep(_POLL)


class _FirstWords:
    """What a new container writes first. With --rm its log goes with it, so we listen."""

    def __init__(self, api: Any, container: str, listen: bool) -> None:
        self._api = api
        self._container = container
        self._stream = None
        if listen:
            wanted = {"stdout": 1, "stderr": 1, "stream": 1}
            self._stream = api.attach_socket(container, params=wanted)

    def text(self) -> str:
        """The last lines, once it has ended."""
        from docker.errors import APIError

        if self._stream is None:
            with suppress(APIError):
                log: bytes = self._api.logs(self._container, tail=20)
                return log.decode("utf-8", "replace")
            return ""
        heard = b""
        deadline = time.monotonic() + 1.0
        with own_socket(self._stream) as wire:
            while len(heard) < _HEARD and (left := deadline - time.monotonic()) > 0:
                select.select([wire], [], [], left)
                try:
                    piece = wire.recv(_HEARD)
                except (BlockingIOError, TimeoutError):
                    continue
                if not piece:
                    break
                heard += piece
        # Each piece of a stream without a terminal has a head of eight bytes.
        lines = re.sub(rb"[\1\2]\0\0\0.{4}", b"", heard, flags=re.DOTALL).splitlines()
        return b"\n".join(lines[-20:]).decode("utf-8", "replace")

    def close(self) -> None:
        """Listen no more."""
        if self._stream is not None:
            self._stream.close()


def _not_started(
    error: Exception, name: str, image: str, log: str, back: bool | None, safety: str
) -> AmltuiError:
    said = getattr(error, "explanation", None) or getattr(error, "message", None) or str(error)
    hint = {
        True: f"{name} runs as before.",
        False: f"{name} was started again and has ended, too: see its log.",
        None: f"{name} is as it was.",
    }[back]
    if safety:
        hint += f" It was started with --rm, so what it held is saved as {safety}."
    return AmltuiError(
        f"{clean_line(image)} did not start",
        clean_line(mask(str(said)))[:500],
        hint,
        problem=Problem.REFUSED,
        detail=mask(clean(log)),
    )
