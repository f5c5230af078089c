"""What the request pane is given to work with, and the columns of its history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amltui.widgets.table_model import Column
from amltui.workers.load import LoadCheck
from amltui.workers.requests import Requests

# Columns of what was sent before.
HISTORY = (
    Column("number", "#", "right", priority=9),
    Column("at", "UTC", priority=5),
    Column("words", "ANSWER", priority=8, min_width=16),
    Column("time", "SERVER", "right", priority=7),
)


@dataclass(frozen=True)
class RequestTools:
    """What the pane works with; `read_body` and `edit_body` block."""

    requests: Requests
    load: LoadCheck
    read_body: Callable[[str], str]
    edit_body: Callable[[str], str]
