"""`amltui doctor`: whether this machine, its engine and the workspace are fit, and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from .backends import Backends
from .domain.doctor import Check, Checked, Mark, Verdict, fails, not_tried

if TYPE_CHECKING:
    from .settings import Settings
    from .workers.doctor import Doctor

QUICK, CALLED, NETWORK, ENGINE, SIGN_IN = 3.0, 9.0, 6.0, 15.0, 15.0  # seconds
DEPENDENT = SIGN_IN + NETWORK  # what waits for the sign-in must not be given up before it
PUBLIC = (
    ("login", "Sign-in endpoint", "https://login.microsoftonline.com"),
    ("arm", "Resource manager", "https://management.azure.com"),
    ("mcr", "Registry of base images", "https://mcr.microsoft.com"),
)
GLYPHS = {Mark.OK: "✓", Mark.WARNING: "!", Mark.FAILED: "✗", Mark.NOT_TRIED: "-"}


def run(settings: Settings, *, demo: bool, as_json: bool) -> int:
    """Make all checks at once and print them; 1 if any failed."""
    backends = Backends(settings, demo=demo)
    try:
        checked = asyncio.run(_all(open_doctor(backends, demo=demo)))
    finally:
        backends.close()
    if as_json:
        click.echo(json.dumps([_to_json(one) for one in checked], indent=2, ensure_ascii=False))
    else:
        _print(checked)
    return 1 if fails(checked) else 0


def open_doctor(backends: Backends, *, demo: bool) -> Doctor:
    """Everything there is to look at, in the order in which it is read."""
    from .adapters.doctor import machine
    from .adapters.doctor.hello import Engine
    from .workers.doctor import Doctor

    az, engine = machine.AzureCli(), Engine(backends.settings.engine or None)
    here = (
        ("python", "Python", machine.python, QUICK),
        ("sdk", "Azure ML SDK v1", machine.sdk, QUICK),
        ("az", "Azure CLI", az.cli, CALLED),
        ("az-ml", "Its extension for ML", az.extension, CALLED),
        ("disk", "Disk", machine.disk, QUICK),
        ("terminal", "Terminal", machine.terminal, QUICK),
        ("code", "Visual Studio Code", machine.editor, QUICK),
        ("debugpy", "Debugger", machine.debugger, QUICK),
    )
    hello = _read_only if backends.settings.read_only else engine.hello
    docker = (
        ("docker", "Docker command", engine.installed, QUICK),
        ("engine", "Container engine", engine.running, ENGINE),
        ("hello", "A container runs", hello, ENGINE),
    )
    found = [Check(key, "This machine", title, limit, look) for key, title, look, limit in here]
    found += [Check(key, "Containers", title, limit, look) for key, title, look, limit in docker]
    found += _network(backends, demo=demo)
    workspace, closing = _workspace(backends)
    return Doctor([*found, *workspace], [engine.close, *closing])


def _network(backends: Backends, *, demo: bool) -> list[Check]:
    from .adapters.doctor import machine
    from .adapters.doctor.network import Endpoint

    places: list[tuple[str, str, Endpoint]] = []
    if demo:
        places.append(("demo", "The demo's server", Endpoint(backends.demo_address)))
    else:
        places += [(key, title, Endpoint(partial(_public, url))) for key, title, url in PUBLIC]
    group = "Network"
    found = [Check("proxy", group, "Proxy variables", QUICK, machine.proxies)]
    found += [Check(key, group, title, NETWORK, one.reachable) for key, title, one in places]
    return [*found, Check("clock", group, "Clock", NETWORK, places[0][2].clock)]


def _public(url: str) -> tuple[str, str]:
    return url, ""  # by the usual authorities


def _workspace(backends: Backends) -> tuple[list[Check], list[Callable[[], None]]]:
    from .adapters.azureml.client import HostWorkspace, Limits
    from .adapters.doctor.workspace import Standing

    group, choice = "Workspace", backends.settings.workspace
    names = (
        ("token", "Sign-in"),
        ("role", "Role"),
        ("address", "Workspace's address"),
        ("registry", "Registry's admin user"),
        ("registry_address", "Registry's address"),
    )
    looks: tuple[Callable[[], Verdict], ...] = (_no_workspace,) * len(names)
    closing: list[Callable[[], None]] = []
    if choice is not None:
        host = HostWorkspace(lambda: backends.connection(choice), limits=Limits(connect=SIGN_IN))
        standing = Standing(host, backends.ca_for)
        closing.append(standing.close)
        address, registry = (
            partial(standing.reachable, name) for name in ("address", "registry_address")
        )
        looks = (standing.token, standing.role, address, standing.registry, registry)
    found = [
        Check(key, group, title, DEPENDENT, look)
        for (key, title), look in zip(names, looks, strict=True)
    ]
    return found, closing


def _read_only() -> Verdict:
    return not_tried("It starts a container, which read-only mode does not.", "Switch that off.")


def _no_workspace() -> Verdict:
    return not_tried("No workspace is chosen.", "Name one with --workspace-name, or a config.json.")


async def _all(doctor: Doctor) -> list[Checked]:
    found = [one async for one in doctor.examine()]
    return sorted(found, key=lambda one: doctor.checks.index(one.check))


def _to_json(checked: Checked) -> dict[str, Any]:
    check, verdict = checked.check, checked.verdict
    return {
        "key": check.key,
        "group": check.group,
        "title": check.title,
        "mark": verdict.mark.value,
        "text": verdict.text,
        "remedy": verdict.remedy,
        "seconds": round(checked.seconds, 3),
    }


def _print(checked: list[Checked]) -> None:
    width = max(len(one.check.title) for one in checked)
    group = ""
    for one in checked:
        if one.check.group != group:
            group = one.check.group
            click.echo(group)
        verdict = one.verdict
        told = f"{GLYPHS[verdict.mark]} {one.check.title:<{width}}  {one.seconds:4.1f} s"
        click.echo(f"  {told}  {verdict.text}")
        if verdict.remedy:
            click.echo(f"{'':{width + 14}}→ {verdict.remedy}")
    counts = {mark: sum(one.verdict.mark is mark for one in checked) for mark in Mark}
    click.echo(", ".join(f"{count} {mark.value}" for mark, count in counts.items() if count))
