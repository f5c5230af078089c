"""What the console is given by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amltui.domain.errors import AmltuiError
    from amltui.domain.logsource import LogSource
    from amltui.domain.plan import Plan
    from amltui.panes.request_tools import RequestTools
    from amltui.settings import Choice, Settings
    from amltui.workers.containers import Containers
    from amltui.workers.debugging import Debugging
    from amltui.workers.deployments import Deployments
    from amltui.workers.doctor import Doctor
    from amltui.workers.local_services import LocalServices
    from amltui.workers.operations import Operation
    from amltui.workers.planning import Planning
    from amltui.workers.services import Services
    from amltui.workers.workbench import Workbench


def utc_now() -> datetime:
    """The wall clock; a test or a screenshot hands in another one."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Launch:
    """All that the console needs of the composition root."""

    settings: Settings
    containers: Containers
    bench: Callable[[], Workbench]  # made when it is first needed, as importing takes its time
    open_services: Callable[[Choice | None], Services]
    operations: tuple[Operation, ...] = ()
    clock: Callable[[], datetime] = utc_now
    pane: str = "services"
    begin: bool = False  # ask at once what to deploy
    source: LogSource | None = None  # a log to open at once
    problem: AmltuiError | None = None  # what is already wrong before the first frame
    banner: bool = True  # say what SDK v1's status is
    dismiss_banner: Callable[[], None] = lambda: None
    page: Callable[[Iterable[str]], None] | None = None  # shows lines in $PAGER
    ask: Callable[[Services], RequestTools] | None = None  # makes what asks the services
    deployments: Callable[[], Deployments] | None = None  # the runs of this user
    local_services: Callable[[], LocalServices] | None = None  # reload, promote, leftovers
    doctor: Callable[[], Doctor] | None = None  # the checks of this machine and the workspace
    planning: Callable[[], Planning] | None = None  # plans that are being written
    debug: Callable[[Plan, str], Debugging] | None = None  # of a plan whose paths begin at a folder
    # Starts the run of a plan whose paths begin at a folder; returns the run's id.
    start_plan: Callable[[Plan, str], Awaitable[str]] | None = None
