"""The environments of the workspace, and the builds of their images, as the SDK asks for them.

The workspace keeps no list of builds. `Environment.build` starts one, or finds the image that is
there, and answers with the address at which it can be watched, log and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask

from . import fields
from .assets import pages
from .management import Management


def environments(management: Management, workspace: Any) -> list[dict[str, Any]] | None:
    """Every environment at its newest version, by name, curated ones too, JSON-ready.

    None where they are too many to list.
    """
    found: dict[str, dict[str, Any]] = {}
    for page in pages(management, f"{_url(workspace)}/", {}, "listing the environments"):
        if page is None:
            return None
        found |= {row["name"]: row for row in map(_parse, page) if row["name"]}
    return [found[name] for name in sorted(found)]


def _parse(payload: Mapping[str, Any]) -> dict[str, Any]:
    docker, python = (_mapping(payload.get(name)) for name in ("docker", "python"))
    conda = _mapping(python.get("condaDependencies"))
    packages: list[str] = []
    for item in conda.get("dependencies") or ():
        of_pip = item.get("pip") if isinstance(item, Mapping) else [item]
        packages += [clean_line(str(one)) for one in of_pip or ()]
    base = fields.line(docker, "baseImage")
    if docker.get("baseDockerfile"):
        base = "its own Dockerfile"
    name, version = fields.line(payload, "name"), fields.line(payload, "version")
    return {"name": name, "version": version, "base": base, "packages": packages}


def image(management: Management, workspace: Any, name: str, version: str) -> dict[str, Any]:
    """Whether an environment's image is in the registry, and its Dockerfile, JSON-ready."""
    url = f"{_url(workspace)}/{quote(name, '')}/versions/{quote(version, '')}/image"
    found = management.fetch(url, f"asking for the image of {name}:{version}", {})
    held, made = (_mapping(found.get(key)) for key in ("dockerImage", "ingredients"))
    address = fields.line(_mapping(held.get("registry")), "address")
    return {
        "built": bool(found.get("imageExistsInRegistry")),
        "location": "/".join(filter(None, (address, fields.line(held, "name")))),
        "dockerfile": mask(clean(fields.string(made, "dockerfile")))[:20_000],
    }


def build(management: Management, workspace: Any, name: str, version: str) -> str:
    """Have the image built unless it is there; returns the address at which that is watched."""
    doing = f"building the image of {name}:{version}"
    root = _url(workspace, "v2.0")
    url = f"{root}/{quote(name, '')}/versions/{quote(version, '')}/image"
    location = str(management.send(url, doing, {}).get("location") or "")
    if urlsplit(location)[:2] != urlsplit(root)[:2]:
        # The token is sent there.
        raise AmltuiError(
            "The build cannot be watched",
            "The workspace named an address of somebody else for it.",
            "Look at the environment in the studio.",
            problem=Problem.SERVER,
        )
    return location


def _url(workspace: Any, version: str = "v1.0") -> str:
    context = workspace.service_context
    scope = context._get_workspace_scope()
    return f"{context._get_environment_url()}/environment/{version}{scope}/environments"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
