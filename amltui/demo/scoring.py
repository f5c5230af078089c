"""The scoring endpoints: the front end's limits, the server in the container, and run()."""

from __future__ import annotations

import hmac
import math
import threading
import time
import uuid
from dataclasses import dataclass, field

from amltui.demo.clock import stamp
from amltui.demo.router import Problem, Request, Response, Route, answer, text
from amltui.demo.scripts import ScriptError, compute
from amltui.demo.state import Payload, Service, State

_AKS = "/api/v1/service/{name}"
_ACI = "/aci/{name}"
_OLD_STATUS, _NEW_STATUS = 502, 500
_MOST_WAITING = 200


@dataclass
class Gate:
    """The request queue in front of the replicas; made anew for every service."""

    busy: int = 0
    waiting: int = 0
    scaled: float = 0.0
    condition: threading.Condition = field(default_factory=threading.Condition)

    def enter(self, slots: int, seconds: float) -> bool:
        """Wait for a free slot for so many seconds; tell whether there was one."""
        with self.condition:
            if self.waiting >= _MOST_WAITING:
                return False
            self.waiting += 1
            try:
                if not self.condition.wait_for(lambda: self.busy < slots, seconds):
                    return False
            finally:
                self.waiting -= 1
            self.busy += 1
            return True

    def leave(self) -> None:
        """Free the slot."""
        with self.condition:
            self.busy -= 1
            self.condition.notify()


class Scoring:
    """Answers scoring calls as the front end and the inference server would."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        routes = []
        for prefix in (_AKS, _ACI):
            routes += [
                Route("POST", prefix + "/score", self._score, anonymous=True),
                Route("GET", prefix + "/swagger.json", self._swagger, anonymous=True),
                Route("GET", prefix, self._health, anonymous=True),
            ]
        return routes

    def _health(self, request: Request) -> Response:
        service = self._ready(request)
        return text("Healthy" if service.behaviour.image == "new" else "Hello World!")

    def _swagger(self, request: Request) -> Response:
        service = self._ready(request)
        _check_key(service, request)
        rows = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
        name = service.payload["name"]
        return answer(
            {
                "swagger": "2.0",
                "info": {"title": name, "description": f"API of {name}", "version": "1.0"},
                "schemes": ["https" if service.payload.get("sslEnabled") else "http"],
                "consumes": ["application/json"],
                "produces": ["application/json"],
                "securityDefinitions": {
                    "Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}
                },
                "paths": {
                    "/score": {
                        "post": {
                            "operationId": "RunMLService",
                            "parameters": [
                                {
                                    "name": "serviceInputPayload",
                                    "in": "body",
                                    "schema": {"$ref": "#/definitions/ServiceInput"},
                                }
                            ],
                            "responses": {"200": {"schema": {"type": "object"}}},
                        }
                    }
                },
                "definitions": {
                    "ServiceInput": {
                        "type": "object",
                        "properties": {"data": rows},
                        "example": {"data": [[0.0] * 4]},
                    }
                },
            }
        )

    def _score(self, request: Request) -> Response:
        service = self._ready(request)
        _check_key(service, request)
        payload, gate = service.payload, _gate(service)
        self._autoscale(service, gate)
        # ACI has no front end that gives up: requests queue at the one container.
        wait = float(payload.get("maxQueueWaitMs") or 60_000) / 1000
        if not gate.enter(_slots(payload), wait):
            message = f"Too many requests for service {payload['name']} (overloaded)"
            return text(message, 503, Retry_After="1")
        try:
            return self._run(service, request)
        finally:
            gate.leave()

    def _run(self, service: Service, request: Request) -> Response:
        begin, behaviour = time.monotonic(), service.behaviour
        request_id = request.headers.get("x-request-id") or str(uuid.uuid4())
        headers = {
            "x-ms-request-id": request.headers.get("x-ms-client-request-id") or request_id,
            "x-request-id": request_id,
        }
        limit = float(service.payload.get("scoringTimeoutMs") or 60_000) / 1000
        seconds = math.inf if behaviour.failure == "hangs" else behaviour.seconds
        if seconds > limit:
            time.sleep(limit)
            self._log(service, 504, limit)
            return text("Timed out waiting for the replica's response", 504)
        time.sleep(seconds)
        try:
            result = compute(behaviour.compute, behaviour.failure, request.body)
        except ScriptError as error:
            return self._failed(service, error, time.monotonic() - begin, headers)
        elapsed = time.monotonic() - begin
        self._log(service, 200, elapsed)
        headers["x-ms-run-fn-exec-ms"] = f"{elapsed * 1000:.3f}"
        response = answer(result)
        return Response(200, response.body, {**response.headers, **headers})

    def _failed(
        self,
        service: Service,
        error: ScriptError,
        elapsed: float,
        headers: dict[str, str],
    ) -> Response:
        old = service.behaviour.image == "old"
        trace = [
            "Traceback (most recent call last):",
            '  File "/var/azureml-server/user_script.py", line 132, in invoke_run',
            "    run_output = self._wrapped_user_run(**run_parameters)",
            '  File "/var/azureml-app/score.py", line 31, in run',
            f"    {error.line}",
            str(error),
        ]
        status = _OLD_STATUS if old else _NEW_STATUS
        self._log(service, status, elapsed, trace)
        headers = {**headers, "x-ms-run-function-failed": "True"}
        if old:
            body = "\n".join(["Encountered Exception: " + trace[0], *trace[1:]])
            response = text(body, status)
        else:
            message = (
                "An unexpected error occurred in scoring script. Check the logs for more info."
            )
            response = answer({"message": message}, status)
        return Response(status, response.body, {**response.headers, **headers})

    def _log(
        self,
        service: Service,
        status: int,
        elapsed: float,
        trace: list[str] | None = None,
    ) -> None:
        """Write what the server in the container would write about this request."""
        now = self._state.clock.now()
        if service.behaviour.image == "old":
            day = stamp(now, "%Y-%m-%d %H:%M:%S")
            prefix = f"{day},{int(now % 1 * 1000):03d} | root |"
            lines = [f"{prefix} INFO | Scoring Timer is set to 60.0 seconds"]
            if trace:
                first = f"{prefix} ERROR | Encountered Exception: {trace[0]}"
                lines += [first, *trace[1:]]
            when = stamp(now, "%d/%b/%Y:%H:%M:%S +0000")
            lines.append(f'127.0.0.1 - - [{when}] "POST /score HTTP/1.0" {status} 64 "-" "python"')
        else:
            prefix = f"{stamp(now, '%Y-%m-%d %H:%M:%S')},{int(now % 1 * 1000):03d}"
            lines = []
            if trace:
                first = f"{prefix} E [31] azmlinfsrv - Encountered Exception: {trace[0]}"
                lines += [first, *trace[1:]]
            lines.append(
                f"{prefix} I [31] azmlinfsrv - POST /score {status} {elapsed * 1000:.3f}ms 64"
            )
        service.log.append(now, *lines)

    def _ready(self, request: Request) -> Service:
        service = self._state.service(request.params["name"])
        if service.payload.get("state") != "Healthy" or not service.behaviour.ready:
            raise Problem(
                503, "ServiceUnavailable", f"No ready replicas for service {request.params['name']}"
            )
        return service

    def _autoscale(self, service: Service, gate: Gate) -> None:
        """Add or drop one replica per refresh period, as the load of this moment suggests."""
        scaler = service.payload.get("autoScaler") or {}
        status = service.payload.get("deploymentStatus")
        if not scaler.get("autoscaleEnabled") or not status:
            return
        now = self._state.clock.ticking()
        if now - gate.scaled < float(scaler.get("refreshPeriodInSeconds") or 1):
            return
        load = 100 * (gate.busy + gate.waiting + 1) / max(1, _slots(service.payload))
        replicas = int(status["availableReplicas"])
        if load > scaler["targetUtilization"] and replicas < scaler["maxReplicas"]:
            replicas += 1
        elif load < scaler["targetUtilization"] / 2 and replicas > scaler["minReplicas"]:
            replicas -= 1
        else:
            return
        gate.scaled = now
        counts = dict.fromkeys(
            ("desiredReplicas", "updatedReplicas", "availableReplicas"), replicas
        )
        with self._state.lock:
            service.payload = {**service.payload, "deploymentStatus": {**status, **counts}}


_gates_lock = threading.Lock()


def _gate(service: Service) -> Gate:
    with _gates_lock:
        if service.gate is None:
            service.gate = Gate()
        gate: Gate = service.gate
        return gate


def _slots(payload: Payload) -> int:
    slots = 0
    for row in (payload.get("versions") or {"": payload}).values():
        status = row.get("deploymentStatus") or {}
        replicas = status.get("availableReplicas") or row.get("numReplicas") or 1
        slots += int(replicas) * int(row.get("maxConcurrentRequestsPerContainer") or 1)
    return slots


def _check_key(service: Service, request: Request) -> None:
    accepted = [
        service.keys[kind]
        for kind, flag in (
            ("primaryKey", "authEnabled"),
            ("secondaryKey", "authEnabled"),
            ("token", "aadAuthEnabled"),
        )
        if service.payload.get(flag)
    ]
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if accepted and not any(hmac.compare_digest(given.encode(), key.encode()) for key in accepted):
        raise Problem(401, "Unauthorized", "Unauthorized, no auth or wrong key.")
