"""A run as a row of the table and as the sections of its detail, in words and glyphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from amltui.domain.errors import AmltuiError
from amltui.domain.failures import innermost
from amltui.domain.offers import Offers
from amltui.domain.run import TITLES
from amltui.domain.run_view import RunState, RunView, StepState, StepView
from amltui.widgets.detail import Field, Item, Paragraph, Section
from amltui.widgets.table_model import Cell, CellStyle, Column, TableRow, age_cell
from amltui.widgets.words import moment
from amltui.workers.deployments import RunSummary

from .finding_items import finding_items
from .service_rows import failure_node

Remark = tuple[datetime, str, str]  # when, of which operation, what


@dataclass(frozen=True)
class Aid:
    """What a run most probably failed of, in labelled sentences, and what can be done."""

    sentences: tuple[tuple[str, str], ...] = ()
    offers: Offers = field(default_factory=Offers)


COLUMNS = (
    Column("name", "NAME", priority=9, min_width=12, max_width=34),
    Column("target", "TARGET", priority=5),
    Column("state", "STATE", priority=8, min_width=12, max_width=14),
    Column("step", "STEP", priority=6, max_width=13),
    Column("elapsed", "ELAPSED", "right", priority=4),
    Column("started", "STARTED", "right", priority=3),
)
STATES: dict[RunState, tuple[str, CellStyle]] = {
    RunState.STARTING: ("◌", "pending"),
    RunState.RUNNING: ("◔", "pending"),
    RunState.HEALTHY: ("●", "ok"),
    RunState.SUBMITTED: ("✓", "ok"),
    RunState.STOPPED: ("■", "degraded"),
    RunState.FAILED: ("✗", "failed"),
    RunState.CANCELLED: ("■", "stopped"),
    RunState.BROKEN_OFF: ("✗", "degraded"),
}
STEPS: dict[StepState, tuple[str, CellStyle]] = {
    StepState.WAITING: ("○", "muted"),
    StepState.RUNNING: ("◔", "pending"),
    StepState.DONE: ("✓", "ok"),
    StepState.REUSED: ("↺", "ok"),
    StepState.FAILED: ("✗", "failed"),
    StepState.BROKEN_OFF: ("■", "degraded"),
}
TARGETS = {"local": "Local", "aci": "ACI", "aks": "AKS"}
LITTLE_LEFT = 60.0  # seconds of a limit; from here on it stands out
STATE_ORDER = (
    RunState.RUNNING, RunState.STARTING, RunState.FAILED, RunState.BROKEN_OFF, RunState.STOPPED,
    RunState.CANCELLED, RunState.SUBMITTED, RunState.HEALTHY,
)  # fmt: skip


def stopwatch(seconds: float | None) -> str:
    """A length of time as clocks show it: "0:07", "12:40", "1:02:03"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def elapsed(view: RunView, now: float) -> float | None:
    """Seconds since the run began, up to its end; None where that is not known."""
    if view.began_at is None:
        return None
    return max(0.0, (view.ended_at if view.ended_at is not None else now) - view.began_at)


def run_row(run: RunSummary, view: RunView, now: datetime) -> TableRow:
    """The run's row."""
    glyph, style = STATES[view.state]
    seconds = elapsed(view, now.timestamp())
    current = view.current
    step = current.step if current and view.state is not RunState.SUBMITTED else ""
    began = datetime.fromtimestamp(run.created_at, timezone.utc)
    cells = (
        Cell(run.name),
        Cell(TARGETS.get(view.target, view.target)),
        Cell(f"{glyph} {view.state.value}", style, STATE_ORDER.index(view.state)),
        Cell(step),
        Cell(stopwatch(seconds), "", seconds),
        age_cell(began, now),
    )
    return TableRow(f"run:{run.id}", cells, haystack=f"{run.id} {run.workspace}")


def operation_rows(
    history: Sequence[Remark], running: Mapping[str, str], now: datetime
) -> list[tuple[datetime, TableRow]]:
    """What the console itself does in this session, each with its begin."""
    said: dict[str, list[Remark]] = {}
    for remark in history:
        said.setdefault(remark[1], []).append(remark)
    found = []
    for name, remarks in said.items():
        began, last = remarks[0][0], remarks[-1]
        state, style = operation_state(name, last[2], running)
        seconds = ((now if name in running else last[0]) - began).total_seconds()
        cells = (
            Cell(name),
            Cell("console", "muted"),
            Cell(state, style),
            Cell(""),
            Cell(stopwatch(seconds), "", seconds),
            age_cell(began, now),
        )
        found.append((began, TableRow(f"operation:{name}", cells)))
    return found


def operation_state(name: str, last: str, running: Mapping[str, str]) -> tuple[str, CellStyle]:
    """How an operation is doing, by what it said last."""
    if name in running:
        return "◔ running", "pending"
    if last.startswith("failed: "):
        return "✗ failed", "failed"
    return "✓ done", "ok"


def operation_sections(name: str, history: Sequence[Remark]) -> list[Section]:
    """All that an operation said."""
    lines = tuple(Field(f"{at:%H:%M:%S}", text) for at, said_by, text in history if said_by == name)
    return [Section(f"{name}, in this session", lines)]


def run_sections(
    run: RunSummary,
    view: RunView,
    now: datetime,
    output: Sequence[str] = (),
    aid: Aid | None = None,
) -> list[Section]:
    """The stage bar, what went wrong and what helps, what is known, and what its tools printed."""
    seconds = now.timestamp()
    glyph, style = STATES[view.state]
    taken = stopwatch(elapsed(view, seconds))
    head = f"{glyph} {view.state.value}{f' after {taken}' if taken and view.over else ''}"
    target = TARGETS.get(view.target, view.target)
    top: list[Item] = [Paragraph(head, style), *_stage_bar(view, seconds)]
    if uri := view.facts.get("scoring_uri"):
        top.append(Field("Scoring URI", uri, "strong"))
    found = [Section(f"{run.name} to {target}", tuple(top))]
    if view.error is not None:
        sentences = aid.sentences if aid is not None else ()
        found.append(Section("What failed", tuple(_trouble(view, view.error, sentences))))
    if view.stranded:
        lines = (Paragraph(view.stranded), Paragraph("n deploys again, in a run of its own."))
        found.append(Section("It cannot be resumed", lines))
    if aid is not None:
        found += _ways(aid.offers)
    if view.failure is not None and view.failure.details:
        found.append(Section("What the workspace said", (failure_node(view.failure),)))
    if output:
        found.append(Section("Last output", tuple(Paragraph(line, "muted") for line in output)))
    found.append(Section("Run", tuple(_facts(run, view, now))))
    return found


def _stage_bar(view: RunView, now: float) -> list[Item]:
    items: list[Item] = []
    for step in view.steps:
        items.append(_step(step, now))
        if step.state is StepState.RUNNING:
            for countdown in view.countdowns(now):
                left = (
                    f"{stopwatch(countdown.left)} left" if countdown.left >= 0
                    else f"over for {stopwatch(-countdown.left)}"
                )  # fmt: skip
                look: CellStyle = "degraded" if countdown.left < LITTLE_LEFT else "muted"
                text = f"└ {countdown.limit.name}: {left}. {countdown.limit.meaning}"
                items.append(Field("", text, look))
    return items


def _step(step: StepView, now: float) -> Field:
    glyph, style = STEPS[step.state]
    title = TITLES[step.step]
    text = step.text or ("" if step.state is StepState.WAITING else title)
    if step.state is StepState.REUSED:
        text = f"reused: {step.text}" if step.text else "reused"
    elif step.state is StepState.BROKEN_OFF:
        text = f"broken off: {text}"
    parts = (glyph, f"{stopwatch(step.seconds(now)):>5}", text)
    return Field(step.step, " ".join(parts).rstrip(), style)


def _trouble(
    view: RunView, error: AmltuiError, sentences: Sequence[tuple[str, str]]
) -> Iterator[Item]:
    """The step, the error, the innermost cause, and what is known of it."""
    failure = view.failure
    yield Paragraph(error.title, "failed")
    if view.failed_step:
        yield Field("Step", f"{view.failed_step}: {TITLES[view.failed_step]}")
    if failure is not None:
        cause = innermost(failure)
        text = ": ".join(part for part in (cause.code, cause.message) if part)
        if text not in f"{error.title} {error.message}":
            yield Field("Cause", text, "failed")
    if error.message:
        yield Paragraph(error.message)
    if error.hint:
        yield Paragraph(error.hint, "strong")
    yield from finding_items(sentences)


def _ways(offers: Offers) -> list[Section]:
    """What can be done from here with `u`, and what only elsewhere."""
    found = []
    if offers.ways:
        ways = tuple(Paragraph(f"· {way.title}: {way.note}") for way in offers.ways)
        found.append(Section("What can be done (u)", ways))
    for title, lines in offers.hints:
        found.append(Section(title, tuple(Paragraph(line) for line in lines)))
    return found


def _facts(run: RunSummary, view: RunView, now: datetime) -> list[Item]:
    items: list[Item] = []
    began = datetime.fromtimestamp(run.created_at, timezone.utc)
    items.append(Field("Started", moment(began, now)))
    if run.workspace:
        items.append(Field("Workspace", run.workspace))
    items.append(Field("Plan's folder", run.folder))
    items.append(Field("Run", run.id, "muted"))
    if view.logs:
        titles = ", ".join(log.title for log in view.logs)
        items.append(Field("Logs (l)", titles))
    return items


def left_behind(run: RunSummary, view: RunView) -> str:
    """What stays when the run is ended now."""
    facts = view.facts
    made = [known for name, known in facts.items() if f"{name}.made" in facts]
    stays = [f"registered {', '.join(made)}"] if made else []
    if view.target == "local":
        stays += [f"the {kind}" for kind in ("image", "container") if facts.get(kind)]
    elif facts.get("operation") or facts.get("submitting"):
        stays.append(f"the service {run.name}, which Azure ML goes on creating")
    if not stays:
        return "It has made nothing yet that would stay."
    return f"What it has made so far stays: {'; '.join(stays)}."


def ended(run: RunSummary, now: datetime) -> str:
    """The end of a run in one sentence."""
    view = run.view
    taken = stopwatch(elapsed(view, now.timestamp()))
    text = f"{view.state.value.capitalize()} after {taken}." if taken else view.state.value
    if view.error is not None:
        return f"{text} {view.error.title}"
    return f"{text} {view.facts.get('scoring_uri', '')}".rstrip()
