"""Model packages, legacy images with their build logs, and the registry that local builds use."""

from __future__ import annotations

import base64
import hmac
import threading
import uuid
from typing import TYPE_CHECKING

from amltui.demo import identity
from amltui.demo.artifacts import blob_error
from amltui.demo.clock import iso
from amltui.demo.operations import Step
from amltui.demo.router import Problem, Request, Response, Route, answer, ranged, text
from amltui.demo.seed.legacy import PRIVATE
from amltui.demo.state import Payload, State, bound

if TYPE_CHECKING:
    from amltui.demo.artifacts import Artifacts
    from amltui.demo.images import Registry

_IMAGES = identity.MMS + "/images"
_DOCKERFILE = "DockerBuildContext"


class ModelPackages:
    """Turns models and an environment into a build context or an image."""

    def __init__(self, state: State, artifacts: Artifacts, *, images: bool) -> None:
        self._state = state
        self._artifacts = artifacts
        self._images = images
        self._manifests: dict[str, Payload] = {}
        self._registry: Registry | None = None
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("POST", identity.MMS + "/packages", self._create),
            Route("GET", "/packages/{id}/manifest.json", self._manifest, anonymous=True),
            Route("GET", _IMAGES, self._list_images),
            Route("POST", _IMAGES, self._create_image),
            Route("GET", _IMAGES + "/{id}", self._get_image),
            Route("DELETE", _IMAGES + "/{id}", self._delete_image),
            Route("GET", "/texts/{name*}", self._text, anonymous=True),
            Route("GET", "/v2", self._pull, anonymous=True),
            Route("GET", "/v2/{path*}", self._pull, anonymous=True),
        ]

    def _create(self, request: Request) -> Response:
        body = request.object()
        wanted = body.get("imageRequest") or {}
        dockerfile = body.get("packageType") == _DOCKERFILE
        for model_id in wanted.get("modelIds") or []:
            if model_id not in self._state.models:
                raise Problem(404, "ModelNotFound", f"Model with id {model_id} was not found.")
        steps = (
            Step(1, "Preparing the build context.", "BuildImage"),
            Step(1 if dockerfile else 12, "Creating the package.", "BuildImage"),
        )
        kind = "PackageDockerBuildContext" if dockerfile else "PackageDockerImage"
        operation = self._state.begin(kind, steps)
        if dockerfile:
            with self._state.lock:
                bound(self._manifests)
                self._manifests[operation.id] = self._build_context(wanted)
            operation.resource = f"{self._state.base}/packages/{operation.id}/manifest.json"
        else:
            name = body.get("imageName") or f"package-{operation.id[:8]}"
            tag = body.get("imageLabel") or operation.id[:8]
            operation.resource = f"{self._push(wanted, name, tag)}/{name}:{tag}"
        location = f"{identity.MMS}/operations/{operation.id}"
        return answer({}, 202, Operation_Location=location)

    def _push(self, wanted: Payload, name: str, tag: str) -> str:
        """Put the image of a package into the registry; return the registry's address."""
        from amltui.demo.images import missing, uses_public_base

        registry = self._open_registry()
        if registry is None or missing() or uses_public_base():
            return identity.REGISTRY
        from amltui.demo.package_images import add_package

        context = self._build_context(wanted)["context"]
        add_package(registry, name, tag, context, wanted, self._artifacts.below)
        return registry.registry_host

    def _build_context(self, wanted: Payload) -> Payload:
        """Return the manifest that the SDK turns into a folder for `docker build`."""
        content = base64.b64encode(self._dockerfile().encode()).decode()
        context: list[Payload] = [
            {
                "entryType": "inline",
                "encoding": "base64",
                "path": "Dockerfile",
                "content": content,
            }
        ]
        for asset in wanted.get("assets") or []:
            context.append(
                {
                    "entryType": "remote",
                    "uri": asset.get("url"),
                    "path": "azureml-app",
                    "unpack": bool(asset.get("unpack")),
                }
            )
        for model_id in wanted.get("modelIds") or []:
            context += self._model_entries(model_id)
        definition = wanted.get("environment") or {}
        manifest: Payload = {"context": context}
        if definition.get("name") and definition.get("version"):
            manifest["environment"] = {
                "name": definition["name"],
                "version": definition["version"],
            }
        return manifest

    def _model_entries(self, model_id: str) -> list[Payload]:
        model = self._state.models[model_id]
        asset = self._state.assets.get(str(model["url"]).removeprefix("aml://asset/"), {})
        folder = f"azureml-app/azureml-models/{model['name']}/{model['version']}"
        return [
            {
                "entryType": "remote",
                "uri": f"aml://artifact/{artifact.get('prefix') or artifact.get('id')}",
                "path": folder,
                "unpack": bool(model.get("unpack")),
            }
            for artifact in asset.get("artifacts", [])
        ]

    def _dockerfile(self) -> str:
        if not self._images:
            return "FROM scratch\nCOPY azureml-app /var/azureml-app\n"
        from amltui.demo.images import dockerfile

        return dockerfile(self._host())

    def _manifest(self, request: Request) -> Response:
        manifest = self._manifests.get(request.params["id"])
        if manifest is None:
            raise Problem(404, "NotFound", "There is no such package.")
        return answer(manifest)

    def _list_images(self, request: Request) -> Response:
        rows = list(self._state.images.values())
        wanted = request.query.get("imageName") or request.query.get("name")
        if wanted:
            rows = [row for row in rows if row["name"] == wanted]
        rows.sort(key=lambda row: str(row["createdTime"]), reverse=True)
        return answer({"value": rows})

    def _create_image(self, request: Request) -> Response:
        body = request.object()
        name = str(body.get("name") or f"image-{uuid.uuid4().hex[:8]}")
        with self._state.lock:
            bound(self._state.images)
            versions = [
                row["version"] for row in self._state.images.values() if row["name"] == name
            ]
            version = max(versions, default=0) + 1
            image_id = f"{name}:{version}"
            log = f"images/{name}/{version}/build.log"
            self._state.texts[log] = (
                f"Image {image_id}\nSending build context to Docker daemon  12.29kB\n"
                "Step 1/3 : FROM mcr.example.invalid/azureml/base:latest\n"
                "Successfully built 0f1e2d3c4b5a\n"
            )
            image: Payload = {
                "id": image_id,
                "name": name,
                "version": version,
                "createdTime": iso(self._state.clock.ticking()),
                "creationState": "Running",
                "description": body.get("description"),
                "imageFlavor": body.get("imageFlavor", "WebApiContainer"),
                "imageType": body.get("imageType", "Docker"),
                "imageLocation": f"{identity.REGISTRY}/{name}:{version}",
                "imageBuildLogUri": f"{self._state.base}/texts/{log}",
                "modelIds": body.get("modelIds") or [],
                "modelDetails": [],
                "assets": [
                    {"mimeType": "application/octet-stream", "unpack": False, **asset}
                    for asset in body.get("assets") or []
                ],
                "driverProgram": body.get("driverProgram"),
                "targetRuntime": body.get("targetRuntime")
                or {"runtimeType": "Python", "properties": {}},
                "kvTags": body.get("kvTags") or {},
                "properties": body.get("properties") or {},
            }
            self._state.images[image_id] = image
        operation = self._state.begin("Image", (Step(10, "Building image..", "BuildImage"),))
        operation.resource = f"{self._state.base}{_IMAGES}/{image_id}"
        operation.on_end = lambda: image.update(creationState="Succeeded")
        location = f"{identity.MMS}/operations/{operation.id}"
        return answer({"id": image_id}, 202, Operation_Location=location)

    def _get_image(self, request: Request) -> Response:
        self._state.settle()
        image = self._state.images.get(request.params["id"])
        if image is None:
            raise Problem(404, "NotFound", f"Image {request.params['id']} was not found.")
        return answer(image)

    def _delete_image(self, request: Request) -> Response:
        image_id = request.params["id"]
        with self._state.lock:
            users = [
                name
                for name, service in self._state.services.items()
                if service.payload.get("imageId") == image_id
            ]
            if users:
                message = f"Image {image_id} is used by {', '.join(users)}."
                raise Problem(412, "DeletionRequired", message)
            found = self._state.images.pop(image_id, None)
        return Response(204 if found is None else 200)

    def _text(self, request: Request) -> Response:
        """A log behind a signed link, refused as the storage refuses it."""
        end = request.query.get("se", "")
        if end and end < iso(self._state.clock.now()):
            said = "Server failed to authenticate the request: the signature is not valid now."
            return blob_error(403, "AuthenticationFailed", said)
        if request.params["name"].startswith(PRIVATE):
            said = "Public access is not permitted on this storage account."
            return blob_error(409, "PublicAccessNotPermitted", said)
        content = self._state.texts.get(request.params["name"])
        if content is None:
            raise Problem(404, "BlobNotFound", "The log has expired.")
        return ranged(content, request)

    def _pull(self, request: Request) -> Response:
        registry = self._open_registry()
        if registry is None:
            return text("", 404)
        if not registry.is_public(request.path) and not self._may_pull(request):
            challenge = {"WWW-Authenticate": 'Basic realm="demo"'}
            errors = [{"code": "UNAUTHORIZED", "message": "authentication required"}]
            return answer({"errors": errors}, 401, **challenge)
        status, headers, body = registry.handle(request.method, request.path)
        return Response(status, body, headers)

    def _may_pull(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        login = f"{identity.REGISTRY.partition('.')[0]}:{self._state.registry_password}"
        wanted = base64.b64encode(login.encode())
        return hmac.compare_digest(given.encode(), wanted)

    def _open_registry(self) -> Registry | None:
        """Return the registry, made at first use: most runs of the demo need no image."""
        with self._lock:
            if self._registry is None and self._images:
                from amltui.demo.images import Registry

                cache = self._state.folder / "images"
                cache.mkdir(exist_ok=True)
                self._registry = Registry(self._host(), cache)
            return self._registry

    def _host(self) -> str:
        return self._state.base.removeprefix("http://")
