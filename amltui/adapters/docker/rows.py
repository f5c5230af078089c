"""The engine's answers as rows: containers, and the local services among them.

Local services are read from the plain labels of their containers. The other labels that the SDK
writes are pickles: to open one is to run whatever its writer wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from amltui.domain.exitcodes import describe
from amltui.domain.models import Can, Container, Failure, Image, Kind, Ref, Service, State
from amltui.domain.text import clean_line

_NAME = "amlServiceName"
_CONTAINER_NAME = "containerName"
_IS_SERVICE = "amlIsService"
_SCORING_PORT = 5001
_LABEL_LIMIT = 200  # characters of a name that are shown
_EXIT = re.compile(r"\((-?\d+)\)")

_STATES = {
    "running": State.OK,
    "created": State.PENDING,
    "restarting": State.PENDING,
    "paused": State.STOPPED,
    "removing": State.DELETING,
    "dead": State.FAILED,
}


def containers(answer: Iterable[Mapping[str, Any]]) -> tuple[Container, ...]:
    """All containers: those of services first, then the running ones, then the newest."""
    rows = [_container(each) for each in answer]
    rows.sort(key=lambda row: row.created_at or _EPOCH, reverse=True)
    rows.sort(key=lambda row: (not row.service, row.state != "running"))
    return tuple(rows)


def images(
    answer: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]
) -> tuple[Image, ...]:
    """All images, the newest first, each with the names of the containers made of it."""
    users: dict[str, list[str]] = {}
    for each in containers:
        users.setdefault(str(each.get("ImageID")), []).append(_name_of(each))
    rows = [
        Image(
            id=clean_line(str(each.get("Id") or "")),
            names=tuple(
                clean_line(str(tag)) for tag in each.get("RepoTags") or [] if tag != "<none>:<none>"
            ),
            size=_number(each.get("Size")),
            created_at=_time(each.get("Created")),
            used_by=tuple(sorted(users.get(str(each.get("Id")), ()))),
        )
        for each in answer
    ]
    rows.sort(key=lambda row: row.created_at or _EPOCH, reverse=True)
    return tuple(rows)


def services(answer: Iterable[Mapping[str, Any]]) -> tuple[Service, ...]:
    """The local services; of several containers of one, the newest has the service's own name."""
    found = [each for each in answer if _service_name(_labels(each))]
    found.sort(key=lambda each: _number(each.get("Created")), reverse=True)
    named: set[str] = set()
    rows = []
    for each in found:
        service = _service(each, named)
        named.add(service.name)
        rows.append(service)
    return tuple(sorted(rows, key=lambda row: (row.name, row.ref.deployment)))


def _container(each: Mapping[str, Any]) -> Container:
    return Container(
        id=clean_line(str(each.get("Id") or "")),
        name=_name_of(each),
        image=_image(each),
        state=clean_line(str(each.get("State") or "")),
        status=clean_line(str(each.get("Status") or "")),
        created_at=_time(each.get("Created")),
        ports=_ports(each),
        service=_service_name(_labels(each)),
    )


def _name_of(each: Mapping[str, Any]) -> str:
    names = each.get("Names") or []
    name = clean_line(str(names[0])).lstrip("/") if names else ""
    return name or clean_line(str(each.get("Id") or ""))[:12]


def _service(each: Mapping[str, Any], named: set[str]) -> Service:
    name = _service_name(_labels(each))
    identity = clean_line(str(each.get("Id") or ""))
    raw_state = clean_line(str(each.get("State") or "unknown"))
    code = _EXIT.search(str(each.get("Status") or "")) if raw_state in ("exited", "dead") else None
    state = _STATES.get(raw_state, State.UNKNOWN)
    failure = None
    if raw_state == "exited":
        state = State.STOPPED
        if code is not None and code[1] != "0":
            state = State.FAILED
            failure = Failure("ContainerExited", f"The container ended: {describe(int(code[1]))}")
    port = _scoring_port(each) if raw_state == "running" else 0
    can = Can.LOGS | Can.FOLLOW | Can.DELETE
    if raw_state == "running":
        can |= Can.EXEC | Can.UPDATE | Can.RELOAD | Can.DEBUG
        if port:
            can |= Can.INVOKE
    return Service(
        ref=Ref("docker", name, identity[:12] if name in named else ""),
        name=name,
        kind=Kind.LOCAL,
        state=state,
        raw_state=raw_state,
        can=can,
        target="this machine",
        scoring_uri=f"http://localhost:{port}/score" if port else "",
        swagger_uri=f"http://localhost:{port}/swagger.json" if port else "",
        image=_image(each),
        created_at=_time(each.get("Created")),
        failure=failure,
        container_id=identity,
    )


def _labels(each: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = each.get("Labels")
    return labels if isinstance(labels, Mapping) else {}


def _service_name(labels: Mapping[str, Any]) -> str:
    if str(labels.get(_IS_SERVICE, "")).lower() != "true":
        return ""
    name = str(labels.get(_NAME) or labels.get(_CONTAINER_NAME) or "")
    return clean_line(name[:_LABEL_LIMIT]).strip() or "(no name)"


def _image(each: Mapping[str, Any]) -> str:
    image = clean_line(str(each.get("Image") or ""))
    return image[7:19] if image.startswith("sha256:") else image


def _ports(each: Mapping[str, Any]) -> tuple[str, ...]:
    shown = set()
    for port in each.get("Ports") or []:
        inner = f"{port.get('PrivatePort', '?')}/{port.get('Type', 'tcp')}"
        outer = port.get("PublicPort")
        address = str(port.get("IP") or "").replace("0.0.0.0", "*").replace("::", "*")  # noqa: S104
        shown.add(clean_line(f"{address}:{outer}->{inner}" if outer else inner))
    return tuple(sorted(shown, key=lambda port: (f"{_SCORING_PORT}/" not in port, port)))


def _scoring_port(each: Mapping[str, Any]) -> int:
    for port in each.get("Ports") or []:
        if port.get("PrivatePort") == _SCORING_PORT and port.get("PublicPort"):
            return int(port["PublicPort"])
    return 0


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _time(value: object) -> datetime | None:
    seconds = _number(value)
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds > 0 else None
