"""The commands on plans: init, check, import, schema, python. They need no workspace."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .adapters.files import plans, source_dir
from .adapters.files.template import commented_template
from .domain.checks import blocks, check
from .domain.equivalent import python
from .domain.facts import Check
from .domain.findings import Level
from .domain.model_paths import model_paths
from .domain.old_scripts import import_script
from .domain.plan import Plan, plan_errors
from .domain.plan_schema import json_schema
from .domain.text import clean, clean_line

OK, BLOCKED, UNREADABLE = 0, 1, 2


def init(path: Path) -> int:
    """Write a commented plan; a file that is there is never replaced."""
    plans.write_new(path, commented_template(clean_line(path.name)))
    click.echo(f"{path} is written. Edit it, then: amltui plan check {path}")
    return OK


def check_plan(path: Path, *, as_json: bool) -> int:
    """Print what would go wrong; 0 when nothing blocks, 1 when something does, 2 if unreadable."""
    try:
        plan = plans.load(path)
    except plans.PlanFileError as error:
        if as_json:
            click.echo(json.dumps(_invalid(error), indent=2, ensure_ascii=False))
        else:
            click.echo(error.message, err=True)
        return UNREADABLE
    checks = check(plan, source_dir.gather(plan, path.parent))
    if as_json:
        click.echo(json.dumps(_report(plan, path, checks), indent=2, ensure_ascii=False))
    else:
        _print(plan, checks)
    return BLOCKED if blocks(checks) else OK


def import_plan(script: Path, output: Path | None, service: str) -> int:
    """Print or write the plan of an old script; 0 when it is whole, 1 when something is missing."""
    if output is not None:
        plans.refuse_existing(output)  # before anything is said of what would be in it
    data, remarks = import_script(plans.read_text(script), service)
    shown = clean_line(str(script))
    for remark in remarks:
        click.echo(clean_line(f"{shown}:{remark.line}: {remark.message}"), err=True)
    if not data:
        return BLOCKED
    told = [f"line {remark.line}: {remark.message}" for remark in remarks]
    text = plans.to_text(data, [f"Made of {shown}.", *told])
    errors = plan_errors(data)
    for error in errors:
        click.echo(clean(f"still to do: {error}"), err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        plans.write_new(output, text)
        click.echo(f"{output} is written. See what it would do: amltui plan check {output}")
    return BLOCKED if errors else OK


def schema() -> int:
    """Print the JSON Schema of plans, for editors."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return OK


def print_python(path: Path) -> int:
    """Print the equivalent Python (SDK v1)."""
    click.echo(python(plans.load(path)), nl=False)
    return OK


def _invalid(error: plans.PlanFileError) -> dict[str, object]:
    return {
        "ok": False,
        "errors": [
            {
                "field": one.error.field,
                "line": one.line,
                "column": one.column,
                "message": one.error.message,
                "hint": one.error.hint,
            }
            for one in error.errors
        ],
    }


def _report(plan: Plan, path: Path, checks: tuple[Check, ...]) -> dict[str, object]:
    paths = model_paths(plan)
    return {
        "ok": not blocks(checks),
        "plan": str(path),
        "service": plan.name,
        "target": plan.target.kind,
        "model_paths": [one.path for one in paths.models],
        "model_dir": paths.model_dir,
        "checks": [
            {
                "level": one.level.value,
                "field": one.field,
                "title": clean(one.title),
                "message": clean(one.message),
                "hint": clean(one.hint),
                "file": one.path,
                "line": one.line,
                "fix": one.fix.edit.label if one.fix else "",
            }
            for one in checks
        ],
    }


def _print(plan: Plan, checks: tuple[Check, ...]) -> None:
    paths = model_paths(plan)
    click.echo(f"{plan.name} on {plan.target.title}")
    for one in paths.models:
        click.echo(f"  model {one.name}: {one.path}")
    if paths.model_dir:
        click.echo(f"  AZUREML_MODEL_DIR: {paths.model_dir}")
    for told in checks:
        at = f"{told.path}:{told.line}: " if told.path and told.line else ""
        # Line numbers lead into the file that is meant, field names into the plan.
        click.echo(clean_line(f"{told.level.value}: {at or f'{told.field}: '}{told.title}"))
        for more in (told.message, told.hint):
            if more:
                click.echo(f"    {clean_line(more)}")
        if told.fix is not None:
            click.echo(clean_line(f"    Fix: {told.fix.edit.label}"))
    counts = [(level, sum(one.level is level for one in checks)) for level in Level]
    errors, warnings = (count for level, count in counts if level is not Level.INFO)
    verdict = "It would not be deployed." if errors else "Nothing blocks it."
    click.echo(f"{errors} errors, {warnings} warnings. {verdict}")
