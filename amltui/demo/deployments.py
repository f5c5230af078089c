"""What happens to a new service: the stages of its deployment, and whether it will run."""

from __future__ import annotations

import re
from typing import Any

from amltui.demo import payloads
from amltui.demo.build_logs import conflict_log, unsolvable
from amltui.demo.environments import image_key
from amltui.demo.logs import Log
from amltui.demo.operations import Operation, Step
from amltui.demo.outcomes import Outcome, foresee
from amltui.demo.router import Problem
from amltui.demo.seed import errors
from amltui.demo.seed.build import keys_of
from amltui.demo.seed.logtext import INIT_LOG
from amltui.demo.state import Payload, Service, State, bound

_NAME = re.compile(r"[a-z]([-a-z0-9]{1,30}[a-z0-9])\Z")
_YOU = "You (demo)"
_ROLLOUT = (
    Step(1, "Generating deployment configuration."),
    Step(3, "Submitting deployment to compute."),
    Step(8, "Checking the status of deployment {name}.."),
    Step(2, "Checking the status of inference endpoint {name}."),
)


class Deployments:
    """Creates services and lets their operations run."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, body: Payload) -> Operation:
        """Start the deployment of a create request; raise Problem when it is refused at once."""
        name, kind = body.get("name"), body.get("computeType")
        if not isinstance(name, str) or not _NAME.match(name):
            raise Problem(400, "BadRequest", f"The service name {name!r} is not valid.")
        if kind not in ("ACI", "AKS", "AKSENDPOINT"):
            raise Problem(400, "BadRequest", f"The compute type {kind!r} is not supported.")
        with self._state.lock:
            if name in self._state.services and not body.get("overwrite"):
                raise Problem(
                    409, "ServiceExists", f"Service {name} with the same name already exists."
                )
            request = _image_request(body)
            models = self._models(request)
            if kind != "ACI":
                self._check_compute(body.get("computeName"))
            payload = self._payload(name, str(kind), body, models)
            return self._begin(name, payload, request.get("environment") or {}, models)

    def roll_out(self, service: Service, payload: Payload) -> Operation:
        """Replace the replicas of a service by new ones with the changed configuration."""
        name, before = payload["name"], service.payload.get("state")
        if payload["computeType"] == "AKSENDPOINT":
            state = str(before)
            versions = self._versions(payload["versions"], payload["computeName"], state)
            payload = {**payload, "versions": versions}
        if before == "Transitioning":
            raise Problem(409, "Conflict", f"Another operation on service {name} is in progress.")
        steps = tuple(Step(step.seconds, step.text.format(name=name)) for step in _ROLLOUT)
        operation = self._state.begin("Service", steps)
        service.payload = {**payload, "state": "Transitioning", "operationId": operation.id}

        def finish() -> None:
            final: Payload = {**service.payload, "state": before}
            environment = _image_request(final).get("environment") or {}
            if service.curable:
                # What was too small may be large enough now; other faults no rollout mends.
                outcome = foresee(self._state, name, final, environment, final["models"])
                final |= {"state": outcome.state, "error": outcome.error}
                starts = self._container_start(operation, outcome)
                service.log = Log(name, starts, outcome.script, outcome.beat)
            service.payload = self._serving(final) if final["state"] == "Healthy" else final

        operation.on_end = finish
        return operation

    def _serving(self, payload: Payload) -> Payload:
        """Return the payload with what only a running service has: its address and replicas."""
        kind, tls = payload["computeType"], bool(payload.get("sslEnabled"))
        uri = payloads.scoring_uri(self._state.base, payload["name"], kind, tls)
        served = {**payload, "scoringUri": uri}
        if versions := payload.get("versions"):
            running = {"state": "Healthy", "scoringUri": uri}
            served["versions"] = {key: {**item, **running} for key, item in versions.items()}
        if status := payload.get("deploymentStatus"):
            counts = ("desiredReplicas", "updatedReplicas", "availableReplicas")
            served["deploymentStatus"] = {**status, **dict.fromkeys(counts, _replicas(payload))}
        return served

    def _models(self, request: Payload) -> list[Payload]:
        models = []
        for model_id in request.get("modelIds") or []:
            if model_id not in self._state.models:
                raise Problem(404, "ModelNotFound", f"Model with id {model_id} was not found.")
            models.append(payloads.used_model(self._state.models[model_id]))
        return models

    def _check_compute(self, name: Any) -> None:
        cluster = next((item for item in self._state.computes if item["name"] == name), None)
        if cluster is None:
            raise Problem(404, "ComputeNotFound", f"Compute target {name!r} was not found.")
        state = cluster["properties"]["provisioningState"]
        if state != "Succeeded":
            raise Problem(
                400,
                "ComputeResourceNotCreated",
                f"Compute {name} is not in Succeeded state. Compute provisioning state: {state}.",
            )

    def _payload(self, name: str, kind: str, body: Payload, models: list[Payload]) -> Payload:
        now = self._state.clock.ticking()
        ignored = ("keys", "overwrite", "sslCertificate", "sslKey", "dnsNameLabel", "tags")
        changes = {key: value for key, value in body.items() if key not in ignored}
        changes["kvTags"] = body.get("kvTags") or body.get("tags") or {}
        changes |= {"models": models, "state": "Transitioning"}
        if kind == "ACI":
            return payloads.aci(name, now, _YOU, changes)
        replicas = int(body.get("numReplicas") or 1)
        counts = dict.fromkeys(("desiredReplicas", "updatedReplicas"), replicas)
        changes["deploymentStatus"] = {**counts, "availableReplicas": 0}
        if kind == "AKS":
            return payloads.aks(name, now, _YOU, changes)
        del changes["models"], changes["versions"]
        versions = self._versions(body.get("versions") or {}, body.get("computeName"))
        return payloads.endpoint(name, now, _YOU, versions, changes)

    def _versions(self, versions: Payload, compute: Any, state: str = "Transitioning") -> Payload:
        """Return the versions of an endpoint, each with every key that the SDK insists on."""
        now, complete = self._state.clock.ticking(), {}
        for name, version in versions.items():
            models = self._models(version.get("environmentImageRequest") or {})
            known = {"models": models} if models else {}
            changes = {**version, **known, "computeType": "AKS", "computeName": compute}
            complete[name] = payloads.aks(name, now, _YOU, {**changes, "state": state})
        return complete

    def _begin(
        self, name: str, payload: Payload, environment: Payload, models: list[Payload]
    ) -> Operation:
        outcome = foresee(self._state, name, payload, environment, models)
        steps = self._steps(name, environment, outcome)
        operation = self._state.begin("Service", steps, error=outcome.error)
        if outcome.build_fails:
            path = f"builds/{operation.id}/build.log"
            bound(self._state.texts)
            self._state.texts[path] = conflict_log(
                environment, unsolvable(environment) or "", operation.begin
            )
            operation.log_uri = f"{self._state.base}/texts/{path}"
            outcome = self._named_log(outcome, operation, environment)
        payload["operationId"] = operation.id
        starts = self._container_start(operation, outcome)
        keys = keys_of(name)
        service = Service(
            payload,
            keys,
            Log(name, starts, outcome.script, outcome.beat),
            Log(name, None if starts is None else starts - 4.5, INIT_LOG),
            curable=not outcome.build_fails,
        )
        bound(self._state.services)
        self._state.services[name] = service

        def finish() -> None:
            if image := image_key(environment) if environment and not outcome.build_fails else None:
                self._state.built.add(image)
            final: Payload = {**service.payload, "state": outcome.state, "error": outcome.error}
            service.payload = self._serving(final) if outcome.state == "Healthy" else final

        operation.on_end = finish
        return operation

    def _container_start(self, operation: Operation, outcome: Outcome) -> float | None:
        """Return when the container starts: its log is complete when the operation ends."""
        if not outcome.container:
            return None
        clock = self._state.clock
        ends = clock.now() if clock.is_frozen else operation.end
        return ends - outcome.patience - 2

    def _named_log(self, outcome: Outcome, operation: Operation, environment: Payload) -> Outcome:
        blamed = (unsolvable(environment) or "").removeprefix("Image build failed: ")
        operation.error = errors.image_build(str(operation.log_uri), blamed)
        return Outcome("Failed", operation.error, container=False, build_fails=True)

    def _steps(self, name: str, environment: Payload, outcome: Outcome) -> tuple[Step, ...]:
        build = "BuildImage"
        steps = [
            Step(1, "Creating Container Registry if not exists.", "BuildEnvironment"),
            Step(1, "Registering the environment.", "BuildEnvironment"),
        ]
        if outcome.build_fails:
            return (*steps, Step(12, "Building image..", build))
        known = not environment or image_key(environment) in self._state.built
        curated = str(environment.get("name", "")).startswith("AzureML-")
        if known or curated:
            steps.append(Step(1, "Use the existing image.", build))
        else:
            steps.append(Step(14, "Building image..", build))
        return (
            *steps,
            Step(1, "Generating deployment configuration."),
            Step(2, "Submitting deployment to compute."),
            Step(outcome.patience, f"Checking the status of deployment {name}.."),
            Step(2, f"Checking the status of inference endpoint {name}."),
        )


def _image_request(body: Payload) -> Payload:
    request: Payload = body.get("environmentImageRequest") or {}
    for version in (body.get("versions") or {}).values():
        request = version.get("environmentImageRequest") or request
    return request


def _replicas(payload: Payload) -> int:
    """Return how many replicas a service has once it runs."""
    scaler = payload.get("autoScaler") or {}
    if not scaler.get("autoscaleEnabled"):
        return int(payload.get("numReplicas") or 1)
    running = int(payload["deploymentStatus"]["availableReplicas"] or 1)
    return int(min(max(running, scaler["minReplicas"]), scaler["maxReplicas"]))
