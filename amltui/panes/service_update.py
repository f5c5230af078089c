"""Change a living service: what would be different is shown and agreed to, then it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amltui.domain.changes import Changes, consequences, diff, fitting, refusals
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Service
from amltui.widgets.dialogs import ConfirmDialog, ErrorDialog

if TYPE_CHECKING:
    from textual.worker import Worker

    from amltui.app import Console


async def review_update(
    console: Console, service: Service, proposed: Changes, folder: Path | None = None
) -> Worker[None] | None:
    """Show what would be different, ask, and start it; the worker that it runs in, if it does.

    To be awaited in a worker. What the changes take along (a maximum that the new minimum exceeds,
    a limit) is added; what cannot be is told. Paths of their plan begin at `folder`. The update
    runs as an operation of the console: steps in the bar, its end in a toast, errors behind `e`.
    """
    changes = fitting(service, proposed)
    try:
        operation = console.services.update(service, changes, folder or Path())
        _possible(service, changes)
    except AmltuiError as error:
        await console.push_screen_wait(ErrorDialog(error))
        return None
    if not diff(service, changes):
        console.notify("It is like that already: nothing is sent.", title=service.name)
        return None
    dialog = ConfirmDialog(f"Update {service.name}?", review(service, changes), "Update")
    if not await console.push_screen_wait(dialog):
        return None
    return console.run_operation(operation)


def review(service: Service, changes: Changes) -> str:
    """The changes and what they mean, in lines."""
    differences = diff(service, changes)
    width = max((len(one.name) for one in differences), default=0)
    lines = [
        f"{one.name:<{width}}  {one.before or 'nothing'} → {one.after or 'nothing'}"
        for one in differences
    ]
    return "\n".join([*lines, "", *consequences(service, differences)])


def _possible(service: Service, changes: Changes) -> None:
    if refused := refusals(service, changes):
        raise AmltuiError(
            f"{service.name} cannot be changed like that",
            "\n".join(refused),
            "Nothing was sent.",
            problem=Problem.REFUSED,
        )
