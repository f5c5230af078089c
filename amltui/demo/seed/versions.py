"""The two versions behind the one endpoint."""

from __future__ import annotations

from amltui.demo.seed.logtext import INIT_LOG, NEW_HEALTHY, new_traffic
from amltui.demo.seed.people import DEV
from amltui.demo.seed.spec import DAY, HOUR, LogSeed, ServiceSeed
from amltui.demo.state import Behaviour


def endpoint_versions() -> list[tuple[ServiceSeed, int, bool]]:
    """Return (version, share of the traffic in percent, whether it is the default)."""
    return [(_version("blue", 5, 120 * DAY), 80, True), (_version("green", 6, 4 * DAY), 20, False)]


def _version(name: str, model: int, age: float) -> ServiceSeed:
    return ServiceSeed(
        name=name,
        kind="AKS",
        story="one version of an endpoint",
        age=age,
        owner=DEV,
        description=f"credit-risk {model}",
        cpu=0.5,
        memory=1.0,
        auth="keys",
        environment="sklearn-scoring",
        models=(f"credit-risk:{model}",),
        replicas=2,
        log=LogSeed(3 * HOUR, NEW_HEALTHY, new_traffic(4)),
        init_log=LogSeed(3 * HOUR + 10, INIT_LOG),
        behaviour=Behaviour(compute="probability"),
    )
