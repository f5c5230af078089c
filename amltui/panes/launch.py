"""What the console is given by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amltui.domain.errors import AmltuiError
    from amltui.domain.logsource import LogSource
    from amltui.domain.plan_report import PlanReport
    from amltui.panes.request_tools import RequestTools
    from amltui.settings import Choice, Settings
    from amltui.workers.containers import Containers
    from amltui.workers.deployments import Deployments
    from amltui.workers.operations import Operation
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
    source: LogSource | None = None  # a log to open at once
    problem: AmltuiError | None = None  # what is already wrong before the first frame
    banner: bool = True  # say what SDK v1's status is
    dismiss_banner: Callable[[], None] = lambda: None
    page: Callable[[Iterable[str]], None] | None = None  # shows lines in $PAGER
    ask: Callable[[Services], RequestTools] | None = None  # makes what asks the services
    deployments: Callable[[], Deployments] | None = None  # the runs of this user
    check_plan: Callable[[Path], Awaitable[PlanReport]] | None = None
    start_plan: Callable[[Path], Awaitable[str]] | None = None
