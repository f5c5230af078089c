"""A local service for the cloud: its plan with another target, in the wizard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amltui.domain.changes import promote as promoted
from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Service
from amltui.domain.plan_lines import TARGET
from amltui.domain.plan_targets import AciTarget, AksTarget, Target
from amltui.widgets.dialogs import Choice, ChoiceDialog
from amltui.workers.local_services import LocalServices

if TYPE_CHECKING:
    from amltui.app import Console

ACI = ""  # the key of a choice; the others are the names of clusters
CORES, MEMORY_GB = 1, 1  # not the SDK's defaults, which are too small for nearly every model


async def promote(console: Console, service: Service, local: LocalServices) -> None:
    """Ask where to, then open the wizard on the plan for there; nothing is sent before its review.

    Raises:
        AmltuiError: it is not known what the service was deployed from, or plans cannot be made.
    """
    from .deploy import DeployPane

    found = await local.plan_of(service)
    planning = console.launch.planning
    if found is None or planning is None:
        raise AmltuiError(
            f"There is no plan of {service.name}",
            "amltui did not deploy it, or that is more than 20 runs ago; its container's labels "
            "hold it only as pickles, which are never opened.",
            "n in Deploy (3) makes a plan: also of the script that deployed it.",
            problem=Problem.NOT_FOUND,
        )
    plan, folder = found
    chosen = await console.push_screen_wait(
        ChoiceDialog(f"Promote {service.name} to", _options(await _clusters(console)), "TARGET")
    )
    if chosen is None:
        return
    target: Target = AciTarget(cpu_cores=CORES, memory_gb=MEMORY_GB)
    if chosen != ACI:
        target = AksTarget(cluster=chosen, cpu_cores=CORES, memory_gb=MEMORY_GB)
    data = promoted(plan, target).to_dict()
    draft = replace(planning().new(), folder=str(folder), data=data)
    await console.switch_mode("deploy")
    if isinstance(console.screen, DeployPane):
        console.screen.open_wizard(draft, TARGET)


async def _clusters(console: Console) -> tuple[Compute, ...]:
    """The clusters of the workspace; ACI is offered also when these cannot be listed."""
    try:
        return await console.services.computes()
    except AmltuiError as error:
        console.notify(error.message, title="The clusters cannot be listed", severity="warning")
        return ()


def _options(clusters: tuple[Compute, ...]) -> list[Choice]:
    options = [Choice(ACI, "ACI", "one container, for tests and small loads")]
    for one in clusters:
        if one.usable:
            nodes = f"{one.nodes} × {one.vm_size}" if one.nodes else one.vm_size
            options.append(Choice(one.name, f"AKS {one.name}", f"{nodes} {one.purpose}".strip()))
    return options
