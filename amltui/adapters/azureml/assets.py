"""The registered models of the workspace, and the pages of its lists."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, urlsplit

from amltui.domain.text import clean_line

from .management import Management

MOST_PAGES = 20  # of up to 255 models or 100 environments
MOST_FILES = 200  # of a model that are listed
MOST_SIZED = 20  # of them whose size is asked for, each with a request
_LIMITS = (5.0, 10.0)  # seconds to a connection and for an answer of the storage


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


def model_content(
    management: Management, workspace: Any, name: str, version: int
) -> dict[str, Any]:
    """The files of a registered model with their sizes, as arguments of `ModelContent`."""
    doing = f"looking into model {name}:{version}"
    model = management.fetch(f"{management.url}/models/{quote(f'{name}:{version}', '')}", doing, {})
    asset = str(model.get("url") or "").removeprefix("aml://asset/")
    held = management.fetch(f"{management.url}/assets/{quote(asset, '')}", doing, {})
    found: list[tuple[str, str]] = []
    for artifact in held.get("artifacts") or ():
        found += _files(management, workspace, artifact, doing)
    if model.get("unpack"):
        return {"problem": "It is packed into one archive.", "count": len(found)}
    shown = sorted(found)[:MOST_FILES]
    sizes = _sizes([uri for _, uri in shown[:MOST_SIZED]])
    files = [[path, size] for (path, _), size in zip_longest(shown, sizes)]
    return {"files": files, "count": len(found)}


def _files(
    management: Management, workspace: Any, artifact: Any, doing: str
) -> Iterator[tuple[str, str]]:
    """The files of a part of an asset, with the paths that the SDK gives them, and their links."""
    place = artifact.get("prefix") or artifact.get("id") if isinstance(artifact, dict) else None
    if not isinstance(place, str) or place.count("/") < 2:
        return
    context = workspace.service_context
    scope = f"{context._get_workspace_scope()}/artifacts/prefix/contentinfo"
    url = f"{context._get_artifacts_url()}/artifact/v2.0{scope}/{quote(place)}"
    above = posixpath.dirname(place.split("/", 2)[2].rstrip("/"))
    for page in pages(management, url, {}, doing):
        for row in page or ():
            path = clean_line(str(row.get("path") or "")).lstrip("/")
            if path:
                yield posixpath.relpath(path, above or "."), str(row.get("contentUri") or "")


def _sizes(uris: list[str]) -> list[int]:
    """The sizes up to the first that is not told: a storage that is closed stays so."""
    found: list[int] = []
    for uri in uris:
        size = _size(uri)
        if size is None:
            break
        found.append(size)
    return found


def _size(uri: str) -> int | None:
    """The size of a stored file in bytes, of which one is fetched; None where it is not told."""
    import requests

    try:
        headers = {"Range": "bytes=0-0"}
        with requests.get(uri, headers=headers, timeout=_LIMITS, stream=True) as answer:
            if answer.status_code == 416:  # not even one byte
                return 0
            told = answer.headers.get("Content-Range") if answer.ok else None
    except requests.RequestException:
        return None
    total = (told or "").rpartition("/")[2]
    return int(total) if total.isdecimal() else None


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
