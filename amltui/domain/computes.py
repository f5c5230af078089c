"""The clusters that are attached to a workspace, and what their nodes hold.

The workspace names a node's size and says nothing of its cores: they are in the name, and memory
and GPUs follow from the series (Microsoft, "Sizes for virtual machines in Azure"). What is not
known stays unknown, as a guess would be believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .replicas import Cluster


@dataclass(frozen=True)
class Compute:
    """A compute target of the workspace, as it was when it was attached: counts are not live."""

    name: str
    kind: str  # AKS, AmlCompute, ...
    state: str  # of its provisioning: Succeeded, Failed, ...
    vm_size: str = ""
    nodes: int | None = None
    purpose: str = ""  # FastProd, DenseProd or DevTest
    location: str = ""
    problem: str = ""  # why its provisioning failed

    @property
    def usable(self) -> bool:
        """Whether services can be deployed to it."""
        return self.kind.upper() == "AKS" and self.state == "Succeeded"


_SIZE = re.compile(
    r"(?:Standard_)?(?P<series>[A-Z]{1,2})(?P<cores>\d+)[a-z]*(?:_(?P<version>v\d))?"
)
# GB a core, of series and versions whose sizes all have the same.
_GB_PER_CORE: dict[tuple[str, str | None], float] = {
    ("D", "v3"): 4, ("D", "v4"): 4, ("D", "v5"): 4, ("D", "v6"): 4,
    ("E", "v3"): 8, ("E", "v4"): 8, ("E", "v5"): 8, ("E", "v6"): 8,
    ("F", None): 2, ("F", "v2"): 2, ("L", "v2"): 8, ("L", "v3"): 8,
    ("NC", None): 56 / 6, ("NC", "v2"): 112 / 6, ("NC", "v3"): 112 / 6, ("ND", None): 112 / 6,
    ("NV", None): 56 / 6,
}  # fmt: skip
# Sizes that follow no rule: (cores, GB), and those with GPUs: (cores, GB, GPUs).
_ODD: dict[str, tuple[int, float]] = {
    "B1MS": (1, 2), "B2S": (2, 4), "B2MS": (2, 8), "B4MS": (4, 16), "B8MS": (8, 32),
    "A2_V2": (2, 4), "A4_V2": (4, 8), "A8_V2": (8, 16),
    "D1_V2": (1, 3.5), "D2_V2": (2, 7), "D3_V2": (4, 14), "D4_V2": (8, 28), "D5_V2": (16, 56),
    "DS1_V2": (1, 3.5), "DS2_V2": (2, 7), "DS3_V2": (4, 14), "DS4_V2": (8, 28),
    "DS5_V2": (16, 56), "D11_V2": (2, 14), "D12_V2": (4, 28), "D13_V2": (8, 56),
    "DS11_V2": (2, 14), "DS12_V2": (4, 28), "DS13_V2": (8, 56),
}  # fmt: skip
_GPU: dict[str, tuple[int, float, int]] = {
    "NC4AS_T4_V3": (4, 28, 1), "NC8AS_T4_V3": (8, 56, 1), "NC16AS_T4_V3": (16, 110, 1),
    "NC64AS_T4_V3": (64, 440, 4), "NC24ADS_A100_V4": (24, 220, 1),
    "NC48ADS_A100_V4": (48, 440, 2), "NC96ADS_A100_V4": (96, 880, 4),
}  # fmt: skip


def node_of(vm_size: str) -> tuple[int, float, int] | None:
    """Cores, GB and GPUs of a node of that size; None where they are not known."""
    short = vm_size.upper().removeprefix("STANDARD_")
    if short in _GPU:
        return _GPU[short]
    if short in _ODD:
        return (*_ODD[short], 0)
    match = _SIZE.fullmatch(vm_size)
    per_core = _GB_PER_CORE.get((match["series"], match["version"])) if match else None
    if match is None or per_core is None:
        return None
    cores = int(match["cores"])
    gpus = cores // 6 if match["series"].startswith("N") else 0
    return cores, round(cores * per_core, 1), gpus


def cluster_of(compute: Compute | None) -> Cluster | None:
    """The room that a cluster has for replicas; None where its nodes are not known."""
    node = node_of(compute.vm_size) if compute is not None else None
    if compute is None or node is None or not compute.nodes:
        return None
    cores, memory, gpus = node
    return Cluster(compute.nodes, cores, memory, gpus)
