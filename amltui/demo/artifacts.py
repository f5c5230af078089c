"""The artifact service, its assets, and the blob storage behind it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import secrets
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from amltui.demo import identity
from amltui.demo.clock import iso, stamp
from amltui.demo.router import Problem, Request, Response, Route, answer
from amltui.demo.state import Payload, State, bound

CONTAINER = "azureml"
_MOST_BYTES = 4 * 1024**3
_BLOB = f"/{CONTAINER}/{{blob*}}"


@dataclass
class Blob:
    """One stored file."""

    path: Path
    size: int
    etag: str
    modified: float


class Artifacts:
    """Files by their artifact id, which is `{origin}/{container}/{path}`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._folder = state.folder / "blobs"
        self._folder.mkdir(exist_ok=True)
        self._blobs: dict[str, Blob] = {}
        self._blocks: dict[tuple[str, str], Path] = {}
        self._stored = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._signature = secrets.token_urlsafe(12)

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        art = identity.ARTIFACTS
        return [
            Route("POST", art + "/batch/metadata/{origin}/{container}", self._create_batch),
            Route("GET", art + "/prefix/contentinfo/{prefix*}", self._content_infos),
            Route("GET", art + "/contentinfo/{prefix*}", self._content_info),
            Route("GET", art + "/metadata/{prefix*}", self._metadata),
            Route("GET", art + "/{origin}/{container}", self._list),
            Route("POST", identity.MMS + "/assets", self._create_asset),
            Route("GET", identity.MMS + "/assets/{id}", self._get_asset),
            Route("PUT", _BLOB, self._put_blob, anonymous=True),
            Route("GET", _BLOB, self._get_blob, anonymous=True),
        ]

    def add(self, artifact_id: str, content: bytes) -> None:
        """Store a file under an artifact id."""
        with self._lock:
            self._store(artifact_id, self._write(content))

    def add_asset(self, asset_id: str, name: str, prefixes: list[str]) -> str:
        """Register an asset that is made of artifacts; return its `aml://` address."""
        self._state.assets[asset_id] = {
            "id": asset_id,
            "name": name,
            "artifacts": [{"prefix": prefix} for prefix in prefixes],
            "createdTime": iso(self._state.clock.ticking()),
            "kvTags": {},
            "properties": {},
        }
        return f"aml://asset/{asset_id}"

    def read(self, artifact_id: str) -> bytes | None:
        """Return the content of an artifact, or None when nothing was stored under this id."""
        blob = self._blobs.get(artifact_id)
        return None if blob is None else blob.path.read_bytes()

    def below(self, prefix: str) -> dict[str, bytes]:
        """Return the content of an artifact, or of all below a folder of them, by artifact id."""
        wanted = prefix.rstrip("/")
        with self._lock:
            found = {
                name: blob.path
                for name, blob in self._blobs.items()
                if name == wanted or name.startswith(wanted + "/")
            }
        return {name: path.read_bytes() for name, path in sorted(found.items())}

    def _create_batch(self, request: Request) -> Response:
        origin, container = request.params["origin"], request.params["container"]
        paths = [item.get("path") for item in request.object().get("paths", [])]
        if not paths or not all(isinstance(path, str) and path for path in paths):
            raise Problem(400, "BadRequest", "The batch names no paths.")
        ids = {path: f"{origin}/{container}/{path}" for path in paths}
        artifacts = {
            path: {
                "artifactId": artifact_id,
                "origin": origin,
                "container": container,
                "path": path,
                "createdTime": iso(self._state.clock.ticking()),
            }
            for path, artifact_id in ids.items()
        }
        infos = {
            path: self._info(artifact_id, self._upload_uri(artifact_id))
            for path, artifact_id in ids.items()
        }
        return answer({"artifacts": artifacts, "artifactContentInformation": infos, "errors": {}})

    def _content_infos(self, request: Request) -> Response:
        prefix = request.params["prefix"].rstrip("/")
        with self._lock:
            found = sorted(
                name for name in self._blobs if name == prefix or name.startswith(prefix + "/")
            )
        return answer({"value": [self._info(name, self._download_uri(name)) for name in found]})

    def _content_info(self, request: Request) -> Response:
        name = self._known(request).rstrip("/")
        return answer(self._info(name, self._download_uri(name)))

    def _list(self, request: Request) -> Response:
        """Everything in a container: of a run, all that it has written."""
        prefix = f"{request.params['origin']}/{request.params['container']}/"
        with self._lock:
            found = sorted(name for name in self._blobs if name.startswith(prefix))
        return answer({"value": [self._info(name, self._download_uri(name)) for name in found]})

    def _metadata(self, request: Request) -> Response:
        name = self._known(request)
        origin, container, path = name.split("/", 2)
        return answer({"artifactId": name, "origin": origin, "container": container, "path": path})

    def _known(self, request: Request) -> str:
        # Some callers name the path in the query.
        name = request.params["prefix"]
        if request.query.get("path"):
            name = f"{name}/{request.query['path']}"
        if name.rstrip("/") not in self._blobs:
            raise Problem(404, "NotFound", f"Artifact {name} was not found.")
        return name

    def _create_asset(self, request: Request) -> Response:
        body = request.object()
        if not isinstance(body.get("artifacts"), list):
            raise Problem(400, "BadRequest", "An asset needs a list of artifacts.")
        asset_id = uuid.uuid4().hex
        asset = {
            "kvTags": {},
            "properties": {},
            **body,
            "id": asset_id,
            "createdTime": iso(self._state.clock.ticking()),
        }
        with self._state.lock:
            bound(self._state.assets)
            self._state.assets[asset_id] = asset
        return answer(asset)

    def _get_asset(self, request: Request) -> Response:
        asset = self._state.assets.get(request.params["id"])
        if asset is None:
            raise Problem(404, "NotFound", f"Asset {request.params['id']} was not found.")
        return answer(asset)

    def _put_blob(self, request: Request) -> Response:
        name = request.params["blob"]
        if request.query.get("sig") != self._signature:
            return blob_error(403, "AuthenticationFailed", "The signature is missing or wrong.")
        if self._stored + len(request.body) > _MOST_BYTES:
            return blob_error(507, "InsufficientAccountCapacity", "The demo's storage is full.")
        digest = base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest())
        claimed = request.headers.get("content-md5")
        if claimed and claimed.encode() != digest:
            return blob_error(400, "Md5Mismatch", "The content does not match its checksum.")
        action = request.query.get("comp")
        with self._lock:
            if action == "block":
                self._blocks[name, request.query.get("blockid", "")] = self._write(request.body)
                return Response(201, b"", {"Content-MD5": digest.decode()})
            if action == "blocklist":
                return self._join(name, request.body)
            if name in self._blobs and request.headers.get("if-none-match") == "*":
                return blob_error(409, "BlobAlreadyExists", "The specified blob already exists.")
            blob = self._store(name, self._write(request.body))
        return Response(201, b"", _headers(blob))

    def _join(self, name: str, listing: bytes) -> Response:
        """Make a blob of uploaded blocks, in the order that the list gives."""
        ids = re.findall(rb"<(?:Latest|Uncommitted|Committed)>([^<]*)<", listing)
        target = self._folder / f"{next(self._numbers)}"
        with target.open("wb") as joined:
            for block in (item.decode("ascii", "replace") for item in ids):
                part = self._blocks.pop((name, block), None)
                if part is None:
                    target.unlink()
                    return blob_error(400, "InvalidBlockList", "A block of the list is missing.")
                joined.write(part.read_bytes())
                part.unlink()
        return Response(201, b"", _headers(self._store(name, target)))

    def _get_blob(self, request: Request) -> Response:
        blob = self._blobs.get(request.params["blob"])
        if blob is None:
            return blob_error(404, "BlobNotFound", "The specified blob does not exist.")
        headers = {**_headers(blob), "Content-Type": "application/octet-stream"}
        span = request.headers.get("x-ms-range") or request.headers.get("range")
        if not span:
            return Response(200, blob.path, headers)
        first, last = _span(span, blob.size)
        if first >= blob.size:
            return blob_error(416, "InvalidRange", "The range lies beyond the end of the blob.")
        with blob.path.open("rb") as file:
            file.seek(first)
            content = file.read(last - first + 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{blob.size}"
        return Response(206, content, headers)

    def _write(self, content: bytes) -> Path:
        path = self._folder / f"{next(self._numbers)}"
        path.write_bytes(content)
        self._stored += len(content)
        return path

    def _store(self, name: str, path: Path) -> Blob:
        bound(self._blobs)
        number = path.name
        blob = Blob(path, path.stat().st_size, f'"0x8D{number:0>12}"', self._state.clock.ticking())
        self._blobs[name] = blob
        return blob

    def _info(self, artifact_id: str, uri: str) -> Payload:
        origin, container, path = artifact_id.split("/", 2)
        return {
            "contentUri": uri,
            "origin": origin,
            "container": container,
            "path": path,
            "artifactId": artifact_id,
        }

    def _upload_uri(self, name: str) -> str:
        # User information plus loopback host: the SDK rebuilds the address as https from the
        # host's first two labels, and this is the one form that survives it without DNS.
        host = self._state.base.removeprefix("http://")
        return f"https://emulatorstore.blob.local@{host}/{CONTAINER}/{quote(name)}?sig={self._signature}"

    def _download_uri(self, name: str) -> str:
        return f"{self._state.base}/{CONTAINER}/{quote(name)}?sig={self._signature}"


def _headers(blob: Blob) -> dict[str, str]:
    return {
        "ETag": blob.etag,
        "Last-Modified": stamp(blob.modified, "%a, %d %b %Y %H:%M:%S GMT"),
        "x-ms-blob-type": "BlockBlob",
        "Accept-Ranges": "bytes",
    }


def _span(header: str, size: int) -> tuple[int, int]:
    first, _, last = header.removeprefix("bytes=").partition("-")
    try:
        return int(first or 0), min(int(last) if last else size - 1, size - 1)
    except ValueError:
        return 0, size - 1


def blob_error(status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
    body += f"<Message>{escape(message)}</Message></Error>"
    headers: dict[str, Any] = {"Content-Type": "application/xml", "x-ms-error-code": code}
    return Response(status, body.encode(), headers)
