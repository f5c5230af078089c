"""Checks of where the service runs: the SDK's rules on its settings, names, ports, clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import Check, Facts
from .findings import Level
from .models import Resources
from .plan import Plan
from .plan_fields import number
from .plan_targets import AciTarget, AksTarget, LocalTarget
from .replicas import Cluster

DEFAULT_CORES, DEFAULT_MEMORY_GB = 0.1, 0.5
ACI_CORES, ACI_MEMORY_GB = 4, 16  # of one container group in most regions


def target(plan: Plan, facts: Facts) -> Iterator[Check]:
    """What the SDK or the service would refuse, and what is likely to fail."""
    yield from _name(plan, facts)
    where = plan.target
    if isinstance(where, LocalTarget):
        yield from _local(plan, where, facts)
        return
    yield from _tiny(where)
    if isinstance(where, AciTarget):
        yield from _aci(where)
    else:
        yield from _together(where)
        yield from _autoscale(where)
        yield from _cluster(where, facts)


def _name(plan: Plan, facts: Facts) -> Iterator[Check]:
    taken = facts.services is not None and plan.name in facts.services
    if taken and not plan.options.overwrite:
        yield Check(
            Level.ERROR, "name", f"There is a service named {plan.name} already.", "",
            "Choose another name, update that service, or say overwrite: true.",
        )  # fmt: skip
    elif taken:
        yield Check(
            Level.WARNING, "options.overwrite", f"The service {plan.name} is replaced.",
            "Its address stays; what it serves does not.",
        )  # fmt: skip


def _local(plan: Plan, target: LocalTarget, facts: Facts) -> Iterator[Check]:
    if target.port is not None and facts.port_free is False:
        yield Check(
            Level.ERROR, "target.port", f"Port {target.port} is in use.",
            "Another program of this machine listens on it.",
            "Choose another, or say none to get a free one.",
        )  # fmt: skip
    elif target.port is not None and target.port < 1024:
        yield Check(Level.WARNING, "target.port", "Ports below 1024 often need root's rights.")
    if plan.options.tags or plan.options.properties or plan.options.description:
        yield Check(
            Level.INFO, "options",
            "A local service keeps no tags, properties or description.",
        )  # fmt: skip
    yield Check(Level.INFO, "target.kind", "Local services are for tests, not for production.")


def _tiny(target: AciTarget | AksTarget) -> Iterator[Check]:
    tiny = [
        f"{number(default)} {unit}"
        for said, default, unit in (
            (target.cpu_cores, DEFAULT_CORES, "core"),
            (target.memory_gb, DEFAULT_MEMORY_GB, "GB"),
        )
        if said is None or said <= default
    ]
    if tiny:
        field = (
            "memory_gb" if target.cpu_cores and target.cpu_cores > DEFAULT_CORES else "cpu_cores"
        )
        yield Check(
            Level.WARNING, f"target.{field}", f"The container gets {' and '.join(tiny)} only.",
            "That is the SDK's default, and behind many deployments that never get healthy.",
            "1 core and 1 GB is what Microsoft's examples use.",
        )  # fmt: skip


def _aci(target: AciTarget) -> Iterator[Check]:
    ssl = (target.ssl_cert_pem_file, target.ssl_key_pem_file, target.ssl_cname)
    if target.ssl_enabled and not all(ssl):
        yield Check(
            Level.ERROR, "target.ssl_enabled",
            "HTTPS needs a certificate, its key and a host name.", "",
            "Say ssl_cert_pem_file, ssl_key_pem_file and ssl_cname.",
        )  # fmt: skip
    elif any(ssl) and not target.ssl_enabled:
        title = "The certificate is not used: ssl_enabled is not true."
        yield Check(Level.WARNING, "target.ssl_enabled", title)
    yield from _all_or_none(target, ("vnet_name", "subnet_name"))
    yield from _all_or_none(target, ("cmk_vault_base_url", "cmk_key_name", "cmk_key_version"))
    if target.vnet_name and target.dns_name_label:
        title = "A service in a virtual network has no public host name."
        yield Check(Level.WARNING, "target.dns_name_label", title)
    for name, most, unit in (("cpu_cores", ACI_CORES, "cores"), ("memory_gb", ACI_MEMORY_GB, "GB")):
        if (getattr(target, name) or 0) > most:
            title = f"Most regions give one container at most {most} {unit}."
            yield Check(Level.WARNING, f"target.{name}", title)
    if not target.auth_enabled:
        named = [
            n for n in ("primary_key_variable", "secondary_key_variable") if getattr(target, n)
        ]
        if named:
            yield Check(
                Level.WARNING, f"target.{named[0]}", "A key is of no use without auth_enabled."
            )
        if not target.vnet_name:
            yield Check(
                Level.INFO, "target.auth_enabled", "Everybody who knows the address can call it.",
                "Without auth_enabled a service in ACI asks for no key.",
            )  # fmt: skip


def _all_or_none(target: Any, names: tuple[str, ...]) -> Iterator[Check]:
    said = [name for name in names if getattr(target, name)]
    if said and len(said) < len(names):
        title = f"{', '.join(names[:-1])} and {names[-1]} go together."
        yield Check(Level.ERROR, f"target.{said[0]}", title, f"Said is {' and '.join(said)}.")


def _together(target: AksTarget) -> Iterator[Check]:
    for limit, request in (("cpu_cores_limit", "cpu_cores"), ("memory_gb_limit", "memory_gb")):
        most, asked = getattr(target, limit), getattr(target, request)
        if most is None:
            continue
        if asked is not None and most < asked:
            yield Check(
                Level.ERROR, f"target.{limit}", f"{limit} is below {request}.",
                f"{number(most)} is less than {number(asked)}.",
            )  # fmt: skip
    if target.auth_enabled and target.token_auth_enabled:
        yield Check(
            Level.ERROR, "target.token_auth_enabled",
            "Callers send a key or a token, not both.", "", "Say auth_enabled: false for tokens.",
        )  # fmt: skip
    if (target.replica_max_concurrent_requests or 1) > 1:
        yield Check(
            Level.WARNING, "target.replica_max_concurrent_requests",
            "Microsoft says to leave it at 1 unless its support asks for more.",
        )  # fmt: skip


def _autoscale(target: AksTarget) -> Iterator[Check]:
    low, high = target.autoscale_min_replicas, target.autoscale_max_replicas
    settings = [
        name
        for name in (
            "autoscale_min_replicas",
            "autoscale_max_replicas",
            "autoscale_refresh_seconds",
            "autoscale_target_utilization",
        )
        if getattr(target, name) is not None
    ]
    if target.autoscale_enabled and target.num_replicas is not None:
        yield Check(
            Level.ERROR, "target.num_replicas", "The autoscaler decides how many containers run.",
            "", "Remove num_replicas, or say autoscale_enabled: false.",
        )  # fmt: skip
    if target.autoscale_enabled is False and target.num_replicas is None:
        yield Check(
            Level.ERROR, "target.num_replicas", "Without the autoscaler it must be said.", "",
            "How many containers are to run?",
        )  # fmt: skip
    if settings and not target.autoscale_enabled:
        yield Check(
            Level.ERROR, f"target.{settings[0]}", "It has no effect without the autoscaler.",
            "The SDK refuses it unless autoscale_enabled is said, though that is the default.",
            "Say autoscale_enabled: true.",
        )  # fmt: skip
    if low is not None and high is not None and low > high:
        yield Check(
            Level.ERROR, "target.autoscale_min_replicas",
            "The fewest containers are more than the most.", f"{low} is more than {high}.",
        )  # fmt: skip
    elif low is not None and high is None and low > 10:
        yield Check(
            Level.ERROR, "target.autoscale_min_replicas",
            "The fewest containers are more than the most.",
            f"{low} is more than 10, the default of autoscale_max_replicas.",
        )  # fmt: skip


def _cluster(target: AksTarget, facts: Facts) -> Iterator[Check]:
    if facts.clusters is None:
        return
    if target.cluster not in facts.clusters:
        known = ", ".join(sorted(facts.clusters)) or "none"
        yield Check(
            Level.ERROR, "target.cluster", f"The workspace has no cluster {target.cluster}.",
            f"It has {known}.",
        )  # fmt: skip
        return
    cluster = facts.clusters[target.cluster]
    if cluster is not None:
        yield from _room(target, cluster)


def _room(target: AksTarget, cluster: Cluster) -> Iterator[Check]:
    if target.gpu_cores and cluster.gpus < target.gpu_cores:
        has = f"{cluster.gpus} each" if cluster.gpus else "none"
        yield Check(
            Level.ERROR, "target.gpu_cores",
            f"No node of {target.cluster} has {target.gpu_cores} GPUs: they have {has}.", "",
            "Ask for fewer, or add nodes with GPUs.",
        )  # fmt: skip
        return
    cores, memory = target.cpu_cores or DEFAULT_CORES, target.memory_gb or DEFAULT_MEMORY_GB
    room = cluster.room_for(Resources(cpu=cores, memory_gb=memory, gpu=target.gpu_cores))
    fewest = target.num_replicas or target.autoscale_min_replicas or 1
    if room is None:
        return
    asks = f"{number(cores)} cores and {number(memory)} GB"
    if room < fewest:
        yield Check(
            Level.ERROR, "target.cpu_cores" if cores > cluster.cores else "target.memory_gb",
            f"{target.cluster} has room for {room} of {fewest} containers.",
            f"Each asks for {asks}; its {cluster.nodes} nodes have {number(cluster.cores)} cores "
            f"and {number(cluster.memory_gb)} GB each.",
            "Ask for less, or add nodes first: Azure ML gives up after 5 minutes.",
        )  # fmt: skip
    elif room == fewest:
        yield Check(
            Level.WARNING, "target.cluster", f"{target.cluster} has just enough room.",
            "What other pods of the cluster take is not counted.",
        )  # fmt: skip
