"""Turn the seed data into the state that the server begins with."""

from __future__ import annotations

import uuid
from typing import Any

from amltui.demo import identity, payloads
from amltui.demo.artifacts import Artifacts
from amltui.demo.build_logs import conflict_log
from amltui.demo.clock import iso
from amltui.demo.environments import image_key
from amltui.demo.logs import Log
from amltui.demo.models import model_defaults
from amltui.demo.operations import Operation, Step
from amltui.demo.seed.computes import computes
from amltui.demo.seed.environments import environments
from amltui.demo.seed.failing import failing
from amltui.demo.seed.generated import generated
from amltui.demo.seed.healthy import HEALTHY
from amltui.demo.seed.legacy import IMAGE_ID, legacy_images
from amltui.demo.seed.models import MODELS
from amltui.demo.seed.spec import DAY, HOUR, LogSeed, ServiceSeed
from amltui.demo.seed.versions import endpoint_versions
from amltui.demo.state import Payload, Service, State

_SPACE = uuid.UUID("0de30000-0000-4000-8000-000000000000")


def fill(state: State, artifacts: Artifacts, extra: int) -> None:
    """Put everything into the state, and so many generated services."""
    now = state.clock.start
    state.computes = computes(now)
    state.environments = environments()
    for versions in state.environments.values():
        state.built.update(
            image_key(item) for item in versions if item["name"] != "returns-forecast"
        )
    _models(state, artifacts)
    log_path = "builds/returns-forecast/build.log"
    definition = state.environments["returns-forecast"][0]
    state.texts[log_path] = conflict_log(
        definition, "Image build failed: numpy=2.1: conflict", now - 5 * HOUR
    )
    build_log = f"{state.base}/texts/{log_path}"
    for seed in (*HEALTHY, *failing(now, build_log), *generated(extra)):
        state.services[seed.name] = service(state, seed)
    _endpoint(state)
    legacy = legacy_images(state.base, now)
    state.images = {image["id"]: image for image, _ in legacy}
    for image, text in legacy:
        path = image["imageBuildLogUri"].removeprefix(f"{state.base}/texts/").partition("?")[0]
        state.texts[path] = text
    old = state.services["pricing-rules"]
    old.payload["imageId"] = IMAGE_ID
    old.payload["imageDetails"] = state.images[IMAGE_ID]
    old.payload["environmentImageRequest"] = None


def service(state: State, seed: ServiceSeed) -> Service:
    """Return one seeded service."""
    now = state.clock.start
    payload = service_payload(state, seed)
    changes = [(now + after, patch) for after, patch in seed.later]
    if seed.operation and changes:
        # Half of it is over when the server starts; it ends with the first change.
        left = changes[0][0] - now
        steps = (Step(left, "Submitting deployment to compute."), Step(left, seed.operation))
        operation = Operation(str(uuid.uuid5(_SPACE, seed.name)), "Service", now - left, steps)
        operation.log_uri = f"{state.base}/operationlogs/{operation.id}"
        state.operations[operation.id] = operation
        payload["operationId"] = operation.id
    return Service(
        payload,
        keys_of(seed.name),
        log_of(seed.name, now, seed.log),
        log_of(seed.name, now, seed.init_log),
        seed.behaviour,
        changes,
        seed.curable,
    )


def service_payload(state: State, seed: ServiceSeed) -> Payload:
    """Return the raw payload of a seeded service."""
    now = state.clock.start
    created = now - seed.age
    failed = seed.state in ("Failed", "Unschedulable")
    models = [payloads.used_model(state.models[model_id]) for model_id in seed.models]
    changes: Payload = {
        "description": seed.description,
        "kvTags": seed.tags,
        "updatedTime": iso(now - (seed.age if seed.updated is None else seed.updated)),
        "state": seed.state,
        "error": seed.error,
        "models": models,
        "authEnabled": seed.auth == "keys",
        "sslEnabled": seed.tls,
        "cname": f"{seed.name}.contoso.invalid" if seed.tls else None,
        "properties": {"hasHttps": str(seed.tls)},
        "containerResourceRequirements": {"cpu": seed.cpu, "memoryInGB": seed.memory},
        "scoringUri": None
        if failed
        else payloads.scoring_uri(state.base, seed.name, seed.kind, seed.tls),
        "environmentImageRequest": _environment(state, seed),
    }
    if seed.kind == "ACI":
        changes["publicFqdn"] = f"{seed.name}-demo.{identity.LOCATION}.azurecontainer.invalid"
        payload = payloads.aci(seed.name, created, seed.owner, changes)
    else:
        changes |= _aks_changes(seed)
        payload = payloads.aks(seed.name, created, seed.owner, changes)
    return {**payload, **seed.changes}


def log_of(name: str, now: float, seed: LogSeed) -> Log:
    """Return the log that a seed describes."""
    start = None if seed.age is None else now - seed.age
    return Log(name, start, seed.script, seed.beat, seed.restarts_every)


def keys_of(name: str) -> dict[str, str]:
    """Return keys that nobody can take for real ones."""
    return {
        "primaryKey": f"demo-primary-{name}-0000",
        "secondaryKey": f"demo-secondary-{name}-0000",
        "token": f"demo-access-token-{name}.not.real",
    }


def _aks_changes(seed: ServiceSeed) -> Payload:
    available = seed.replicas if seed.available is None else seed.available
    changes: Payload = {
        "computeName": seed.compute,
        "aadAuthEnabled": seed.auth == "token",
        "numReplicas": seed.replicas,
        "deploymentStatus": {
            "desiredReplicas": seed.replicas,
            "updatedReplicas": seed.replicas,
            "availableReplicas": available,
        },
    }
    if seed.autoscale:
        minimum, maximum, target = seed.autoscale
        changes["autoScaler"] = {
            "autoscaleEnabled": True,
            "minReplicas": minimum,
            "maxReplicas": maximum,
            "targetUtilization": target,
        }
    return changes


def _environment(state: State, seed: ServiceSeed) -> Payload | None:
    if seed.environment is None:
        return None
    return {
        "driverProgram": "tmp0de3main.py",
        "assets": [],
        "modelIds": list(seed.models),
        "environment": state.environments[seed.environment][-1],
    }


def _models(state: State, artifacts: Artifacts) -> None:
    for seed in MODELS:
        prefix = f"LocalUpload/seed-{seed.name}-{seed.version}/{seed.file}"
        artifacts.add(prefix, seed.content())
        if seed.run:
            artifacts.add(f"ExperimentRun/dcid.{seed.run}/outputs/{seed.file}", seed.content())
        url = artifacts.add_asset(f"0de3{seed.name}{seed.version}", seed.name, [prefix])
        created = iso(state.clock.start - seed.age)
        state.models[seed.id] = {
            **model_defaults(),
            "id": seed.id,
            "name": seed.name,
            "version": seed.version,
            "url": url,
            "framework": seed.framework,
            "frameworkVersion": seed.framework_version,
            "description": seed.description,
            "kvTags": seed.tags,
            "runId": seed.run,
            "experimentName": seed.experiment,
            "createdTime": created,
            "modifiedTime": created,
            "createdBy": {"userObjectId": "0de30000", "userName": seed.owner},
        }


def _endpoint(state: State) -> None:
    now = state.clock.start
    base = state.base
    versions: dict[str, Any] = {}
    for seed, traffic, default in endpoint_versions():
        payload = service_payload(state, seed)
        payload["scoringUri"] = payloads.scoring_uri(base, "credit-risk", "AKS", False)
        kind = "Control" if default else "Treatment"
        versions[seed.name] = {
            **payload,
            "isDefault": default,
            "trafficPercentile": traffic,
            "type": kind,
        }
    blue = next(seed for seed, _, default in endpoint_versions() if default)
    payload = payloads.endpoint(
        "credit-risk",
        now - 380 * DAY,
        blue.owner,
        versions,
        {
            "description": "Two versions behind one address: blue takes 80 % of the calls",
            "kvTags": {"team": "risk", "release": "blue-green"},
            "computeName": blue.compute,
            "updatedTime": iso(now - 4 * DAY),
            "scoringUri": payloads.scoring_uri(base, "credit-risk", "AKS", False),
        },
    )
    state.services["credit-risk"] = Service(
        payload,
        keys_of("credit-risk"),
        log_of("credit-risk", now, blue.log),
        log_of("credit-risk", now, blue.init_log),
        blue.behaviour,
    )
