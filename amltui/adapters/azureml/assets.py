"""What a plan may name in the workspace: registered models and environments, names only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from amltui.domain.text import clean_line

from .management import Management

MOST_PAGES = 20  # of up to 255 models or 100 environments


def models(management: Management) -> dict[str, list[int]] | None:
    """The versions of every registered model by its name; None where they are too many to list."""
    found: dict[str, list[int]] = {}
    url: str = f"{management.url}/models"
    for page in pages(management, url, {"count": "255"}, "listing the models"):
        if page is None:
            return None
        for row in page:
            name, version = row.get("name"), row.get("version")
            if isinstance(name, str) and isinstance(version, int):
                found.setdefault(clean_line(name), []).append(version)
    return found


def environments(management: Management, workspace: Any) -> list[str] | None:
    """The names of all environments, curated ones too; None where they are too many to list."""
    context = workspace.service_context
    scope = context._get_workspace_scope()
    url = f"{context._get_environment_url()}/environment/v1.0{scope}/environments/"
    found: set[str] = set()
    for page in pages(management, url, {}, "listing the environments"):
        if page is None:
            return None
        found |= {clean_line(row["name"]) for row in page if isinstance(row.get("name"), str)}
    return sorted(found)


def pages(
    management: Management, url: str, params: dict[str, str], doing: str
) -> Iterator[list[dict[str, Any]] | None]:
    """The rows of each page; None in the end where there is more than was asked for."""
    first = url
    for _ in range(MOST_PAGES):
        page = management.fetch(url, doing, params)
        yield [row for row in page.get("value") or () if isinstance(row, dict)]
        link, token = page.get("nextLink"), page.get("continuationToken")
        if isinstance(token, str) and token:
            url, params = first, {"continuation": token}
        elif isinstance(link, str) and link and urlsplit(link).scheme == urlsplit(first).scheme:
            url, params = link, {}  # the token must not leave on a worse line than it came
        else:
            return
    yield None
