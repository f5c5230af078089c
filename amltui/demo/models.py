"""The models part of the model management service."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.patching import apply_patch
from amltui.demo.queries import has_pairs
from amltui.demo.router import Problem, Request, Response, Route, answer
from amltui.demo.state import Payload, State, bound

_MODELS = identity.MMS + "/models"


class Models:
    """Register, list, read, change and delete models."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("GET", _MODELS, self._list),
            Route("POST", _MODELS, self._register),
            Route("GET", _MODELS + "/{id}", self._get),
            Route("PATCH", _MODELS + "/{id}", self._patch),
            Route("DELETE", _MODELS + "/{id}", self._delete),
        ]

    def _list(self, request: Request) -> Response:
        query = request.query
        with self._state.lock:
            rows = list(self._state.models.values())
        rows.sort(key=lambda row: (row["createdTime"], row["version"]), reverse=True)
        wanted = (("name", "name"), ("runId", "runId"), ("framework", "framework"))
        for key, field in wanted:
            if query.get(key):
                rows = [row for row in rows if row.get(field) == query[key]]
        rows = [
            row
            for row in rows
            if has_pairs(row["kvTags"], query.get("tags"))
            and has_pairs(row["properties"], query.get("properties"))
        ]
        if query.get("latestVersionOnly", "").lower() == "true":
            newest: dict[str, Payload] = {}
            for row in rows:
                newest.setdefault(row["name"], row)
            rows = list(newest.values())
        try:
            count = max(1, min(int(query.get("count", "255")), 255))
            first = max(0, int(query.get("$skipToken", "0")))
        except ValueError as error:
            raise Problem(400, "BadRequest", "count and $skipToken must be numbers.") from error
        page: Payload = {"value": rows[first : first + count]}
        if first + count < len(rows):
            following = urlencode({**query, "$skipToken": first + count})
            page["nextLink"] = f"{self._state.base}{_MODELS}?{following}"
        return answer(page)

    def _register(self, request: Request) -> Response:
        body = request.object()
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise Problem(400, "BadRequest", "A model needs a name.")
        asset = str(body.get("url", "")).removeprefix("aml://asset/")
        if asset not in self._state.assets:
            raise Problem(404, "NotFound", f"Asset {asset} was not found.")
        now = iso(self._state.clock.ticking())
        with self._state.lock:
            bound(self._state.models)
            versions = [
                row["version"] for row in self._state.models.values() if row["name"] == name
            ]
            version = max(versions, default=0) + 1
            model = {
                **model_defaults(),
                **{key: value for key, value in body.items() if value is not None},
                "id": f"{name}:{version}",
                "version": version,
                "createdTime": now,
                "modifiedTime": now,
                "createdBy": {"userObjectId": uuid.uuid4().hex, "userName": "You (demo)"},
            }
            self._state.models[f"{name}:{version}"] = model
        return answer(model)

    def _get(self, request: Request) -> Response:
        return answer(self._model(request))

    def _patch(self, request: Request) -> Response:
        with self._state.lock:
            model = apply_patch(self._model(request), request.json())
            model["modifiedTime"] = iso(self._state.clock.ticking())
            self._state.models[model["id"]] = model
        return answer(model)

    def _delete(self, request: Request) -> Response:
        with self._state.lock:
            model = self._state.models.get(request.params["id"])
            if model is None:
                return Response(204)
            users = [
                name
                for name, service in self._state.services.items()
                if any(
                    used.get("id") == model["id"]
                    for used in service.payload.get("models") or []
                    if isinstance(used, dict)
                )
            ]
            if users:
                raise Problem(
                    412,
                    "DeletionRequired",
                    f"Model {model['id']} cannot be deleted while it is in use.",
                    Service=f"Delete the services that use it first: {', '.join(users)}.",
                )
            del self._state.models[model["id"]]
        return Response(200)

    def _model(self, request: Request) -> Payload:
        model_id = request.params["id"]
        model = self._state.models.get(model_id)
        if model is None:
            raise Problem(404, "ModelNotFound", f"Model with id {model_id} was not found.")
        return model


def model_defaults() -> Payload:
    """Return the keys that every model payload carries; the SDK fails without some of them."""
    return {
        "framework": "Custom",
        "frameworkVersion": None,
        "mimeType": "application/json",
        "kvTags": {},
        "properties": {},
        "datasets": [],
        "description": None,
        "unpack": False,
        "runId": None,
        "experimentName": None,
        "parentModelId": None,
        "derivedModelIds": [],
        "resourceRequirements": None,
        "sampleInputData": None,
        "sampleOutputData": None,
    }
