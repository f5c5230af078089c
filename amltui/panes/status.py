"""What the bar on top of every pane says of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amltui.widgets.status_bar import Status
from amltui.widgets.words import age, ago

if TYPE_CHECKING:
    from amltui.app import Console


def status_of(console: Console) -> Status:
    """Put together what the bar on top says."""
    info, engine = console.workspace_info, console.engine_info
    last = console.troubles.last
    problem = last[1].title.rstrip(".") if last else ""
    name = info.name if info else (console.choice.workspace_name if console.choice else "")
    taken_at = console.services.cloud.taken_at
    old = age(taken_at, console.now)
    if console.troubles.at("workspace") and old not in ("", "now"):
        problem = f"{problem} · data {old} old"
    if console.current_mode == "containers":
        taken_at = console.containers.taken_at
    connecting = console.choice is not None and info is None and not problem
    return Status(
        workspace=name or "no workspace",
        identity="connecting…" if connecting else (info.identity if info else ""),
        engine=f"{engine.name} {engine.version}" if engine else "no engine",
        age=f"updated {ago(taken_at, console.now)}" if taken_at else "",
        running=_running(console.running),
        problem=problem,
        read_only=console.settings.read_only,
    )


def _running(running: dict[str, str]) -> str:
    if not running:
        return ""
    name, text = list(running.items())[-1]
    more = f" (+{len(running) - 1})" if len(running) > 1 else ""
    return f"⟳ {name}: {text}{more}" if text else f"⟳ {name}{more}"
