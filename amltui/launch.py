"""Open the console: hands the workers to the app and puts the terminal back at the end."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from .backends import SAMPLE, Backends
from .domain.errors import AmltuiError, Problem
from .prepaint import first_frame
from .settings import Settings, state_path

if TYPE_CHECKING:
    from .domain.logsource import LogSource

BANNER_MARK = "sdk-v1-banner-dismissed"


def open_file(settings: Settings, file: str, tail: int) -> int:
    """Open the log view on a file ("-": standard input); where there is no terminal, print it.

    Raises:
        AmltuiError: the file cannot be read.
    """
    from .domain.logsource import LogSource

    if not sys.stdout.isatty():
        from .plain import print_file

        return print_file(file, tail)
    if file == "-":
        # The lines come from standard input, so the keys must come from the terminal itself.
        lines = os.dup(0)
        os.dup2(os.open("/dev/tty", os.O_RDONLY), 0)
        file = f"/dev/fd/{lines}"
    elif os.path.isdir(file) or not os.access(file, os.R_OK):
        raise AmltuiError(
            "The file cannot be read",
            f"{file} is a folder, is not there, or is not yours to read.",
            "Name a file, or - for standard input.",
            problem=Problem.USAGE,
        )
    settings = replace(settings, log_tail=tail)
    source = LogSource.of_file(file)
    return open_console(settings, demo=False, keep=False, pane="logs", source=source)


def open_console(
    settings: Settings,
    *,
    demo: bool,
    keep: bool,
    pane: str,
    source: LogSource | None = None,
    begin: bool = False,
) -> int:
    """Run the console until it is left; returns the exit code. `begin` asks for a deployment.

    Raises:
        AmltuiError: when there is no terminal to draw on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AmltuiError(
            "The console needs a terminal",
            "Standard input or output is not one.",
            "Over SSH use `ssh -t`; in scripts use `amltui services --json` and the like.",
            problem=Problem.USAGE,
        )
    workspace = settings.workspace.workspace_name if settings.workspace else ""
    with first_frame("starting the demo…" if demo else f"{workspace} starting…".strip()):
        backends = Backends(settings, demo=demo, keep=keep)
        try:
            code = _run(backends, settings, demo=demo, pane=pane, source=source, begin=begin)
        finally:
            backends.close()
    if names := backends.ended_with_demo:
        import click

        told = "Under way in the demo, and ended with it"
        click.echo(f"{told}: {', '.join(names)}", err=True)
    return code


def _run(
    backends: Backends,
    settings: Settings,
    *,
    demo: bool,
    pane: str,
    source: LogSource | None,
    begin: bool = False,
) -> int:
    from .adapters.pager import page
    from .app import Console
    from .doctor_commands import open_doctor
    from .panes.launch import Launch
    from .workers.operations import Operation

    launch = Launch(
        settings=backends.settings,
        containers=backends.containers,
        bench=lambda: backends.bench,
        open_services=backends.open_services,
        operations=(Operation(SAMPLE, backends.deploy_sample),) if demo else (),
        pane=pane,
        begin=begin,
        source=source,
        problem=None if demo or source else _unconfigured(settings),
        banner=not (state_path() / BANNER_MARK).exists(),
        dismiss_banner=_dismiss_banner,
        page=page,
        ask=backends.request_tools,
        deployments=lambda: backends.deployments,
        local_services=lambda: backends.local_services,
        planning=lambda: backends.planning,
        doctor=lambda: open_doctor(backends, demo=demo),
        start_plan=backends.start_plan,
        debug=backends.debugging,
    )
    return Console(launch).run() or 0


def _unconfigured(settings: Settings) -> AmltuiError | None:
    if settings.workspace is not None or settings.choices:
        return None
    return AmltuiError(
        "No workspace is configured",
        "Neither flags, environment, a config.json nor the settings file name one.",
        "See `amltui config`. Local containers work without one.",
        problem=Problem.CONFIGURATION,
    )


def _dismiss_banner() -> None:
    state_path().mkdir(parents=True, exist_ok=True)
    (state_path() / BANNER_MARK).touch()
