"""Any number of services, for lists that are longer than anybody reads."""

from __future__ import annotations

from amltui.demo.seed.logtext import NEW_HEALTHY, new_traffic
from amltui.demo.seed.people import ADA, BEN, CHLOE, DEV
from amltui.demo.seed.spec import HOUR, LogSeed, ServiceSeed

_STATES = ("Healthy",) * 6 + ("Transitioning", "Unhealthy", "Failed", "Unschedulable")
_TEAMS = ("pricing", "logistics", "claims", "search", "support")


def generated(count: int) -> list[ServiceSeed]:
    """Return so many services, `gen-0001` and on."""
    return [_seed(number) for number in range(1, count + 1)]


def _seed(number: int) -> ServiceSeed:
    team = _TEAMS[number % len(_TEAMS)]
    state = _STATES[number * 7 % len(_STATES)]
    return ServiceSeed(
        name=f"gen-{number:04d}",
        kind="ACI" if number % 3 else "AKS",
        story="one of many",
        age=number * 1.7 * HOUR,
        owner=(ADA, BEN, CHLOE, DEV)[number % 4],
        description=f"Generated service {number} of team {team}",
        state=state,
        cpu=(0.1, 0.5, 1.0, 2.0)[number % 4],
        memory=(0.5, 1.0, 2.0, 4.0)[number % 4],
        auth=("none", "keys")[number % 2],
        tags={"team": team, "number": str(number)},
        models=("diabetes-progression:2",) if number % 5 == 0 else (),
        log=LogSeed(HOUR, NEW_HEALTHY, new_traffic(10)) if state == "Healthy" else LogSeed(),
    )
