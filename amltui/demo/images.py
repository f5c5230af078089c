"""The demo's image registry: serves, on loopback, images that it assembles from this machine.

The engine accepts a registry on 127.0.0.0/8 without TLS, and the SDK's local builds insist on
pulling their base image: so the demo brings its own registry and needs no other one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

from amltui.demo.distributions import SERVER, closure, package_layer
from amltui.demo.interpreter import PREFIX, VERSION, base_layer
from amltui.demo.layers import MTIME, Layer

PYTHON_IMAGE = "amltui-demo/python"
INFERENCE_IMAGE = "amltui-demo/inference"
LABEL = "amltui.demo"
"""Its value, the registry's address, tells the demo that made an image or a container."""
KEEP_LABEL = "amltui.demo.keep"
PUBLIC_BASE = "python:3.11-slim-bookworm"
APP_ROOT = "/var/azureml-app"
SERVE = [
    "/bin/sh",
    "-c",
    f'exec azmlinfsrv --entry_script "{APP_ROOT}/$AZUREML_ENTRY_SCRIPT" --port 5001',
]
"""Starts the scoring server; the SDK names the entry script in that variable."""

SEARCH_PATH = f"PATH={PREFIX}/bin:/usr/bin:/bin"

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"  # not compressed: it never leaves loopback
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_ROUTE = re.compile(r"/v2/(?P<name>[a-z0-9/._-]+)/(?P<kind>manifests|blobs)/(?P<ref>[\w.:-]+)")
_CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(MTIME))
_VERSION_HEADER = {"Docker-Distribution-Api-Version": "registry/2.0"}

Answer = tuple[int, dict[str, str], "bytes | Path"]


def uses_public_base() -> bool:
    """Whether images stand on a public Python image: asked for, or not on Linux.

    Elsewhere the engine runs in a virtual machine, which can neither run this interpreter nor
    reach this machine's loopback.
    """
    return sys.platform != "linux" or os.environ.get("AMLTUI_DEMO_BASE") == "public"


def is_kept() -> bool:
    """Whether what comes of the demo's images is to outlive it."""
    return os.environ.get("AMLTUI_DEMO_KEEP") == "1"


def missing() -> str | None:
    """Say in one sentence what the images lack on this machine, or None when nothing does."""
    if uses_public_base():
        return None
    if shutil.which("ldd") is None:
        return "The demo's images need the command ldd; set AMLTUI_DEMO_BASE=public to do without."
    try:
        importlib.metadata.distribution(SERVER)
        distributions = closure()
    except (importlib.metadata.PackageNotFoundError, ModuleNotFoundError) as error:
        lacking = error.name or SERVER
        return f"The local service needs {lacking}; install it: pip install 'amltui[demo]'."
    unrecorded = [name for name, found in distributions.items() if found.files is None]
    if unrecorded:
        return (
            f"The installer of {unrecorded[0]} recorded no list of its files: "
            "install amltui[demo] with pip in a virtual environment."
        )
    return None


def dockerfile(registry_host: str) -> str:
    """Write the Dockerfile of a Model.package build context for this demo's registry.

    The SDK copies the source directory into AML_APP_ROOT and names the entry script, relative to
    it, in AZUREML_ENTRY_SCRIPT; models are in the context's ``azureml-app``. With AMLTUI_DEMO_KEEP
    set to 1 in the environment, a mark tells later demos not to sweep what comes of it.
    """
    if uses_public_base():
        start = f"FROM {PUBLIC_BASE}\nRUN pip install --no-cache-dir '{SERVER}>=1.4,<2'\n"
    else:
        start = f"FROM {registry_host}/{INFERENCE_IMAGE}:{VERSION}\n"
    kept = f' {KEEP_LABEL}="true"' if is_kept() else ""
    return (
        f"{start}"
        f'LABEL {LABEL}="{registry_host}"{kept}\n'
        f"ENV AML_APP_ROOT={APP_ROOT} PYTHONUNBUFFERED=1\n"
        f"WORKDIR {APP_ROOT}\n"
        f"COPY azureml-app {APP_ROOT}\n"
        "EXPOSE 5001\n"
        f"CMD {json.dumps(SERVE)}\n"
    )


class Registry:
    """The pull half of the registry HTTP API v2 over images made of this machine's Python.

    Two are always there: Python, and the scoring server on it; packages of models are added.
    """

    def __init__(self, registry_host: str, cache: Path) -> None:
        """Serve as *registry_host* (``127.0.0.1:port``), keeping the layers in *cache*."""
        self.registry_host = registry_host
        self._cache = cache
        self._lock = threading.Lock()
        self._manifests: dict[tuple[str, str], bytes] = {}
        self._blobs: dict[str, bytes | Path] = {}

    def is_public(self, path: str) -> bool:
        """Whether a path is one of the two images that anybody may pull."""
        return any(path.startswith(f"/v2/{name}/") for name in (PYTHON_IMAGE, INFERENCE_IMAGE))

    def handle(self, method: str, path: str) -> Answer:
        """Answer one request with status, headers (Content-Length among them) and body.

        A body that is a path is a file to be sent as it is; it is empty for HEAD.
        """
        status, headers, body = self._answer(method, path.partition("?")[0])
        length = body.stat().st_size if isinstance(body, Path) else len(body)
        headers = {**_VERSION_HEADER, "Content-Length": str(length), **headers}
        return status, headers, b"" if method == "HEAD" else body

    def build(self) -> None:
        """Assemble the images unless that is done; about a second the first time."""
        with self._lock:
            if self._manifests:
                return
            self._cache.mkdir(parents=True, exist_ok=True)
            base = base_layer()
            layers = [self._layer(base)]
            images = {PYTHON_IMAGE: layers}
            if missing() is None:
                packages = package_layer(closure().values(), base.entries)
                images[INFERENCE_IMAGE] = [*layers, self._layer(packages)]
            for name, stack in images.items():
                self._image(name, stack)

    def package(self, name: str, tag: str, more: list[Layer], config: dict[str, Any]) -> None:
        """Add an image: the inference image with layers on top, and its configuration."""
        self.build()
        with self._lock:
            below = json.loads(self._manifests[INFERENCE_IMAGE, "latest"])["layers"]
            layers = [*below, *(self._layer(layer) for layer in more)]
            self._image(name, layers, config, (tag,))

    def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return _error(405, "UNSUPPORTED", "this registry is read-only")
        if path.rstrip("/") == "/v2":
            return 200, {"Content-Type": "application/json"}, b"{}"
        route = _ROUTE.fullmatch(path)
        if route is None:
            return _error(404, "NAME_UNKNOWN", "no such repository")
        self.build()
        if route["kind"] == "manifests":
            manifest = self._manifests.get((route["name"], route["ref"]))
            if manifest is None:
                return _error(404, "MANIFEST_UNKNOWN", missing() or "no such image")
            headers = {"Content-Type": _MANIFEST, "Docker-Content-Digest": _digest(manifest)}
            return 200, headers, manifest
        blob = self._blobs.get(route["ref"])
        if blob is None:
            return _error(404, "BLOB_UNKNOWN", "no such blob")
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": route["ref"],
        }
        return 200, headers, blob

    def _layer(self, layer: Layer) -> dict[str, Any]:
        """Write a layer unless the cache has one of the very same files; describe it."""
        stem = layer.fingerprint()[:32]
        written = next(iter(self._cache.glob(f"{stem}-*.tar")), None)
        if written is None:
            # Two demos may share the cache: write aside, then move in one step.
            partial = self._cache / f"{stem}.{os.getpid()}.partial"
            digest = layer.save(partial)
            written = partial.rename(self._cache / f"{stem}-{digest.removeprefix('sha256:')}.tar")
        digest = f"sha256:{written.stem.rpartition('-')[2]}"
        self._blobs[digest] = written
        return {"mediaType": _LAYER, "size": written.stat().st_size, "digest": digest}

    def _image(
        self,
        name: str,
        layers: list[dict[str, Any]],
        settings: dict[str, Any] | None = None,
        tags: tuple[str, ...] = (VERSION, "latest"),
    ) -> None:
        config = _document(
            {
                "architecture": _MACHINES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "created": _CREATED,
                "config": {"Env": [SEARCH_PATH], "Cmd": ["/bin/sh"], **(settings or {})},
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
            }
        )
        self._blobs[_digest(config)] = config
        manifest = _document(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
                "layers": layers,
            }
        )
        for reference in (*tags, _digest(manifest)):
            self._manifests[name, reference] = manifest


def _document(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _error(status: int, code: str, message: str) -> Answer:
    document = _document({"errors": [{"code": code, "message": message}]})
    return status, {"Content-Type": "application/json"}, document
