"""The environment service: definitions, versions, and the build of their images."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

from amltui.demo import identity
from amltui.demo.build_logs import build_steps, conflict_log, success_log, unsolvable
from amltui.demo.operations import Operation
from amltui.demo.router import Problem, Request, Response, Route, answer, ranged
from amltui.demo.state import Payload, State, bound

_ONE = "/environments/{name}"
_VERSION = _ONE + "/versions/{version}"
_PAGE = 100
# What the SDK sends in Pascal case and expects back in camel case; keys below are the user's own.
_FREE_KEYS = ("environmentVariables", "condaDependencies", "baseConda")


class Environments:
    """Register, list and build environments."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._builds: dict[str, tuple[Operation, str]] = {}
        self._newest: dict[str, str] = {}  # the last build of an image, by the image's key

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        v1, v2 = identity.ENVIRONMENTS_V1, identity.ENVIRONMENTS_V2
        return [
            Route("GET", v1 + "/environments", self._list),
            Route("PUT", v1 + _ONE, self._register),
            Route("PUT", v1 + _VERSION, self._register),
            Route("GET", v1 + _ONE, self._get),
            Route("GET", v1 + _VERSION, self._get),
            Route("GET", v1 + _ONE + "/labels/{label}", self._get),
            Route("GET", v1 + _VERSION + "/image", self._image),
            Route("POST", v2 + _VERSION + "/image", self._build),
            Route("GET", v2 + "/builds/{id}", self._build_state),
            Route("GET", "/buildlogs/{id}", self._build_log, anonymous=True),
        ]

    def _list(self, request: Request) -> Response:
        with self._state.lock:
            newest = [versions[-1] for versions in self._state.environments.values()]
        try:
            first = int(
                request.query.get("continuation") or request.query.get("continuationToken") or 0
            )
        except ValueError as error:
            raise Problem(400, "BadRequest", "The continuation token is not valid.") from error
        more = str(first + _PAGE) if first + _PAGE < len(newest) else None
        return answer({"value": newest[first : first + _PAGE], "continuationToken": more})

    def _register(self, request: Request) -> Response:
        definition = _camel(request.object())
        name = request.params["name"]
        if name.startswith("AzureML-"):
            raise Problem(400, "BadRequest", "Names that begin with AzureML- are reserved.")
        with self._state.lock:
            bound(self._state.environments)
            versions = self._state.environments.setdefault(name, [])
            definition = {**definition, "name": name, "version": ""}
            asked = request.params.get("version")
            if asked:
                versions[:] = [item for item in versions if item["version"] != asked]
            elif versions and {**versions[-1], "version": ""} == definition:
                # The real service keeps the version when nothing has changed.
                return answer(versions[-1])
            definition["version"] = asked or str(len(versions) + 1)
            versions.append(definition)
            del versions[:-50]
        return answer(definition)

    def _get(self, request: Request) -> Response:
        return answer(self._definition(request))

    def _image(self, request: Request) -> Response:
        definition = self._definition(request)
        key = image_key(definition)
        exists = definition["name"].startswith("AzureML-") or key in self._state.built
        return answer(
            {
                "imageExistsInRegistry": exists,
                "dockerImage": {
                    "name": f"azureml/azureml_{key}",
                    "registry": {
                        # The one registry there is: local builds log in to this address.
                        "address": self._state.base.removeprefix("http://"),
                        "username": "contosodemoml",
                        "password": self._state.registry_password,
                    },
                },
                "pythonEnvironment": {
                    "interpreterPath": f"/azureml-envs/azureml_{key}/bin/python",
                    "condaEnvironmentName": f"azureml_{key}",
                    "condaEnvironmentPath": f"/azureml-envs/azureml_{key}",
                },
                "ingredients": {"dockerfile": "FROM mcr.example.invalid/azureml/base:latest\n"},
            }
        )

    def _build(self, request: Request) -> Response:
        definition = self._definition(request)
        failed, key = unsolvable(definition), image_key(definition)
        newest = self._newest.get(key)
        if newest and newest in self._builds and not failed:  # an image is built once
            return self._watched_at(newest)
        exists = definition["name"].startswith("AzureML-") or key in self._state.built
        operation = self._state.begin("BuildImage", () if exists else build_steps())
        now = self._state.clock.ticking()
        log = conflict_log(definition, failed, now) if failed else success_log(definition, key, now)
        if failed:
            operation.error = {"code": "ImageBuildFailure", "message": failed}
        else:
            operation.on_end = lambda: self._state.built.add(key)
        build_id = uuid.uuid4().hex
        with self._state.lock:
            bound(self._builds)
            self._builds[build_id] = (operation, log)
            bound(self._newest)
            self._newest[key] = build_id
        return self._watched_at(build_id)

    def _watched_at(self, build_id: str) -> Response:
        location = f"{self._state.base}{identity.ENVIRONMENTS_V2}/builds/{build_id}"
        return answer({"location": location}, 202)

    def _build_state(self, request: Request) -> Response:
        self._state.settle()
        operation, _ = self._known_build(request)
        now = self._state.clock.ticking()
        state = operation.payload(now, 0)["state"]
        if state == "Running" and now - operation.begin < 1 / self._state.clock.speed:
            state = "GettingOrProvisioningACR"
        log_url = f"{self._state.base}/buildlogs/{request.params['id']}"
        return answer({"status": state, "logUrl": log_url, "errorMessages": operation.error})

    def _build_log(self, request: Request) -> Response:
        operation, log = self._known_build(request)
        span = max(operation.end - operation.begin, 0.001)
        part = min(1.0, (self._state.clock.ticking() - operation.begin) / span)
        lines = log.splitlines(keepends=True)
        return ranged("".join(lines[: int(part * len(lines))]), request)

    def _known_build(self, request: Request) -> tuple[Operation, str]:
        found = self._builds.get(request.params["id"])
        if found is None:
            raise Problem(404, "NotFound", "There is no such image build.")
        return found

    def _definition(self, request: Request) -> Payload:
        name = request.params["name"]
        wanted = request.params.get("version")
        with self._state.lock:
            versions = self._state.environments.get(name, [])
            for definition in reversed(versions):
                if wanted in (None, definition["version"]):
                    return definition
        raise Problem(
            404, "EnvironmentNotFound", f"No environment {name}, version {wanted or 'any'}, exists."
        )


def image_key(definition: Payload) -> str:
    """Return the hash that names an environment's image: equal definitions share one."""
    parts = {key: definition.get(key) for key in ("python", "docker", "inferencingStackVersion")}
    return uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(parts, sort_keys=True, default=str)).hex


def _camel(value: Any) -> Any:
    """Return the definition with every key of the service's own in camel case."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {}
    for key, item in value.items():
        name = key[:1].lower() + key[1:]
        changed[name] = copy.deepcopy(item) if name in _FREE_KEYS else _camel(item)
    return changed
