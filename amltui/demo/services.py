"""The web services part of the model management service, and its operations."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.deployments import Deployments
from amltui.demo.faults import bad_rows
from amltui.demo.operations import Step
from amltui.demo.patching import apply_patch, needs_rollout
from amltui.demo.queries import has_pairs
from amltui.demo.router import Problem, Request, Response, Route, answer, ranged
from amltui.demo.state import Payload, Service, State

_PAGE = 100
_SERVICES = identity.MMS + "/services"
_KEYS = {"primary": "primaryKey", "secondary": "secondaryKey"}


class Services:
    """List, read, change, create and delete web services."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._deployments = Deployments(state)

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        one = _SERVICES + "/{name}"
        return [
            Route("GET", _SERVICES, self._list),
            Route("POST", _SERVICES, self._create),
            Route("POST", _SERVICES + "/validate/name/{name}", self._validate_name),
            Route("POST", _SERVICES + "/validate", self._validate),
            Route("POST", _SERVICES + "/validate/resource", self._validate),
            Route("GET", one, self._get),
            Route("PATCH", one, self._patch),
            Route("DELETE", one, self._delete),
            Route("GET", one + "/logs", self._logs),
            Route("POST", one + "/listkeys", self._list_keys),
            Route("POST", one + "/regenerateKeys", self._regenerate),
            Route("POST", one + "/token", self._token),
            Route("GET", identity.MMS + "/operations/{id}", self._operation),
            Route("GET", "/operationlogs/{id}", self._operation_log, anonymous=True),
        ]

    def _list(self, request: Request) -> Response:
        self._state.settle()
        with self._state.lock:
            rows = [service.payload for service in self._state.services.values()]
        rows = [row for row in rows if _matches(row, request.query)]
        rows.sort(key=lambda row: str(row["createdTime"]), reverse=True)
        try:
            first = max(0, int(request.query.get("$skipToken", "0")))
        except ValueError as error:
            raise Problem(400, "BadRequest", "The skip token is not valid.") from error
        page: Payload = {"value": rows[first : first + _PAGE]}
        if first + _PAGE < len(rows):
            query = urlencode({**request.query, "$skipToken": first + _PAGE})
            page["nextLink"] = f"{self._state.base}{_SERVICES}?{query}"
        if request.spoiled and first == 0:
            created = iso(self._state.clock.now() - 3600)
            page["value"] = bad_rows(self._state.base, created) + page["value"]
        return answer(page)

    def _get(self, request: Request) -> Response:
        return answer(self._service(request).payload)

    def _logs(self, request: Request) -> Response:
        service = self._service(request)
        try:
            tail = int(request.query.get("tail", "5000"))
        except ValueError as error:
            raise Problem(400, "BadRequest", "tail must be a number.") from error
        init = request.query.get("init", "").lower() == "true"
        log = service.init_log if init else service.log
        return answer({"content": log.content(self._state.clock.now(), tail)})

    def _list_keys(self, request: Request) -> Response:
        service = self._service(request)
        if not service.payload.get("authEnabled"):
            raise Problem(400, "BadRequest", "Key authentication is not enabled for this service.")
        return answer(service.keys)

    def _regenerate(self, request: Request) -> Response:
        service, body = self._service(request), request.object()
        kind = _KEYS.get(str(body.get("keyType", "")).lower())
        if kind is None:
            raise Problem(400, "BadRequest", "keyType must be Primary or Secondary.")
        fresh = body.get("keyValue") or f"demo{secrets.token_hex(14)}"
        operation = self._state.begin("Service", (Step(1, "Regenerating keys."),))
        operation.on_end = lambda: service.keys.update({kind: str(fresh)})
        return _accepted(operation.id)

    def _token(self, request: Request) -> Response:
        service = self._service(request)
        if not service.payload.get("aadAuthEnabled"):
            raise Problem(400, "BadRequest", "Token authentication is not enabled.")
        now = self._state.clock.now()
        return answer(
            {
                "accessToken": service.keys["token"],
                "tokenType": "Bearer",
                "refreshAfter": int(now + 43_200),
                "expiryOn": int(now + 86_400),
            }
        )

    def _validate_name(self, request: Request) -> Response:
        with self._state.lock:
            taken = request.params["name"] in self._state.services
        if taken:
            return answer({"error": {"message": _taken(request.params["name"])}})
        return answer({})

    def _validate(self, request: Request) -> Response:
        return answer({})

    def _create(self, request: Request) -> Response:
        self._state.settle()
        operation = self._deployments.create(request.object())
        return _accepted(operation.id)

    def _patch(self, request: Request) -> Response:
        service, patch = self._service(request), request.json()
        with self._state.lock:
            payload = apply_patch(service.payload, patch)
            payload["updatedTime"] = iso(self._state.clock.ticking())
            if not needs_rollout(patch):
                service.payload = payload
                return answer(payload)
            operation = self._deployments.roll_out(service, payload)
        return _accepted(operation.id)

    def _delete(self, request: Request) -> Response:
        self._state.settle()
        name = request.params["name"]
        with self._state.lock:
            service = self._state.services.get(name)
            if service is None:
                return Response(204)
            steps = (Step(6, f"Deleting service {name}."),)
            operation = self._state.begin("Service", steps)
            service.payload = {
                **service.payload,
                "state": "Transitioning",
                "operationId": operation.id,
            }

        def finish() -> None:
            if self._state.services.get(name) is service:
                del self._state.services[name]

        operation.on_end = finish
        return _accepted(operation.id)

    def _operation(self, request: Request) -> Response:
        self._state.settle()
        operation = self._state.operations.get(request.params["id"])
        if operation is None:
            raise Problem(404, "NotFound", f"Operation {request.params['id']} was not found.")
        try:
            offset = int(request.query.get("offset", "0"))
        except ValueError:
            offset = 0
        return answer(operation.payload(self._state.clock.ticking(), max(0, offset)))

    def _operation_log(self, request: Request) -> Response:
        operation = self._state.operations.get(request.params["id"])
        if operation is None:
            raise Problem(404, "BlobNotFound", "The log has expired.")
        return ranged(operation.text(self._state.clock.ticking()), request)

    def _service(self, request: Request) -> Service:
        return self._state.service(request.params["name"])


def _accepted(operation_id: str) -> Response:
    location = f"{identity.MMS}/operations/{operation_id}"
    return answer({}, 202, Operation_Location=location)


def _taken(name: str) -> str:
    return (
        f"Service {name} with the same name already exists, please use a different service name "
        "or delete the existing service."
    )


def _matches(row: Payload, query: Any) -> bool:
    """Tell whether a row passes the filters of a list request."""
    if query.get("computeType") and row["computeType"] != query["computeType"]:
        return False
    models = [model for model in _models(row) if isinstance(model, dict)]
    for key, field in (("modelName", "name"), ("modelId", "id")):
        if query.get(key) and all(model.get(field) != query[key] for model in models):
            return False
    for key, field in (("imageId", "imageId"), ("imageDigest", "imageDigest")):
        if query.get(key) and row.get(field) != query[key]:
            return False
    if query.get("imageName") and not str(row.get("imageId", "")).startswith(
        query["imageName"] + ":"
    ):
        return False
    return has_pairs(row.get("kvTags"), query.get("tags")) and has_pairs(
        row.get("properties"), query.get("properties")
    )


def _models(row: Payload) -> list[Any]:
    rows = [row, *(row.get("versions") or {}).values()]
    return [model for item in rows for model in item.get("models") or []]
