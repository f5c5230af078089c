"""What mends a failure, from wherever it is shown: offered, shown as a change, then done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from amltui.domain.checks import script_path
from amltui.domain.conda import want
from amltui.domain.errors import AmltuiError
from amltui.domain.facts import Fix
from amltui.domain.models import Can, Service
from amltui.domain.plan import Plan
from amltui.domain.remedies import Remedy, RemedyKind, remedies
from amltui.widgets.dialogs import Choice, ChoiceDialog, ConfirmDialog, ErrorDialog
from amltui.widgets.path_dialog import PathDialog
from amltui.workers.explain import Explanation

from .report import Report, ReportDialog

if TYPE_CHECKING:
    from amltui.app import Console
    from amltui.domain.diagnosis import Finding

HARMLESS = (RemedyKind.TEXT, RemedyKind.PROBE, RemedyKind.CALCULATOR)  # for read-only mode
CONDA_FILE = "conda.yml"
NEXT_TIME = "It counts from the next deployment on, or from an update with the plan (u, 1)."
RELOAD = "R in Services reloads the service with it."


@dataclass(frozen=True)
class Patient:
    """What failed, and what was recognised: seen on a service, in a container here, or both."""

    name: str
    known: Explanation
    service: Service | None = None
    container: str = ""  # its id

    @classmethod
    def of(cls, service: Service | None, findings: Iterable[Finding]) -> Patient:
        """What a service, or an address of one's own, is said to suffer from."""
        known = Explanation(tuple(findings))
        if service is None:
            return cls("it", known)
        return cls(service.name, known, service, service.container_id)


@dataclass(frozen=True)
class _Origin:
    """What a service was deployed from: its newest run's plan and the texts of its files."""

    plan: Plan | None = None
    folder: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def conda(self) -> str:
        """The text of the conda file, empty where it is not known."""
        file = self.plan.inference.environment.conda_file if self.plan else None
        return self.texts.get(file or "", "")

    @property
    def script(self) -> str:
        """The text of the entry script, empty where it is not known."""
        return self.texts.get(script_path(self.plan), "") if self.plan else ""


async def mend(console: Console, patient: Patient) -> None:
    """Offer what can be done, show what it changes, and do it once that is agreed to.

    To be awaited in a worker.
    """
    try:
        origin = await _origin(console, patient.service)
        found = _offers(console, patient, origin)
        options = [Choice(one.key, one.title, "; ".join(one.lines)) for one in found]
        dialog = ChoiceDialog(f"What to do about {patient.name}?", options, "REMEDY")
        key = await console.push_screen_wait(dialog)
        chosen = next((one for one in found if one.key == key), None)
        if chosen is not None:
            await _apply(console, patient, origin, chosen)
    except AmltuiError as error:
        await console.push_screen_wait(ErrorDialog(error))


def _offers(console: Console, patient: Patient, origin: _Origin) -> tuple[Remedy, ...]:
    """What can be done from here; last, what the catalogue says."""
    known = patient.known
    found = remedies(
        known.ids,
        origin.plan,
        patient.service,
        conda=origin.conda,
        script=origin.script,
        details=known.details,
        container=patient.container,
    )
    if console.settings.read_only:
        found = tuple(one for one in found if one.kind in HARMLESS)
    advice = tuple(
        Remedy("advice", f"Read: {one.title}", RemedyKind.TEXT, (one.fix,))
        for one in known.findings[:1]
    )
    return (*found, *advice)


async def _origin(console: Console, service: Service | None) -> _Origin:
    """What is known of the service's deployment; one that amltui did not make has no plan."""
    deployments, planning = console.launch.deployments, console.launch.planning
    if service is None or deployments is None:
        return _Origin()
    kind = service.kind.value.lower()
    runs = await deployments().runs()
    run = next(
        (one for one in runs if one.name == service.name and one.plan.target.kind == kind), None
    )  # fmt: skip
    if run is None:
        return _Origin()
    texts: dict[str, str] = {}
    if planning is not None:
        with contextlib.suppress(AmltuiError):  # they may be gone since
            files = (await planning().gather(run.plan, run.folder)).files
            texts = {path: fact.text for path, fact in files.items() if fact.text is not None}
    return _Origin(run.plan, run.folder, texts)


async def _apply(console: Console, patient: Patient, origin: _Origin, chosen: Remedy) -> None:
    service = patient.service
    if chosen.kind is RemedyKind.CALCULATOR and service is not None:
        await _calculate(console, service)
    elif chosen.kind is RemedyKind.PROBE:
        found = await console.launch.bench().model_path(patient.container)
        await console.push_screen_wait(ReportDialog(Report.of(found, patient.name)))
    elif chosen.kind is RemedyKind.SHELL:
        await _shell(console, patient.container)
    elif chosen.kind is RemedyKind.FILE and chosen.edit is not None:
        fix = Fix(chosen.file, chosen.edit)
        if chosen.key == "errors":
            reload = service is not None and Can.RELOAD in service.can
            counts = RELOAD if reload else NEXT_TIME
            await _edit(console, fix, origin, about=chosen.lines[0], counts=counts)
        else:
            await _edit(console, fix, origin)
    elif chosen.entry and not console.settings.read_only and console.launch.planning is not None:
        await _edit_another(console, chosen)
    elif chosen.changes is not None and service is not None and Can.UPDATE in service.can:
        from .service_update import review_update

        await review_update(console, service, chosen.changes)
    elif chosen.plan is not None:
        await _deploy(console, origin, chosen, chosen.plan)
    else:
        report = Report(chosen.title, "\n".join(chosen.lines))
        await console.push_screen_wait(ReportDialog(report))


async def _calculate(console: Console, service: Service) -> None:
    """Open the replica calculator with the service's own values."""
    from .replicas import ReplicasPane

    if console.launch.ask is None:
        return
    tools = console.launch.ask(console.services)
    await console.switch_mode("replicas")
    if isinstance(console.screen, ReplicasPane):
        console.screen.load_service(service, tools.requests, tools.load)


async def _shell(console: Console, container: str) -> None:
    """Open a shell in the container, in the pane where its other keys are."""
    from .container_shell import ContainerShell

    await console.switch_mode("containers")
    if isinstance(console.screen, ContainerShell):
        console.screen.shell_of(container)


async def _edit_another(console: Console, chosen: Remedy) -> None:
    """Ask for the conda file, as amltui has no plan of the service, and change that."""
    assert console.launch.planning is not None
    planning = console.launch.planning()
    about = f"It gets the line `- {chosen.entry}` below `- pip:`, once you have agreed to that."
    asking = PathDialog(chosen.title, CONDA_FILE, about, "show the change", planning.suggest)
    if not (typed := await console.push_screen_wait(asking)):
        return
    path = planning.path(typed)
    text = await planning.text(path)
    if (edit := want(text, chosen.entry)) is None:
        told = f"It asks for {chosen.entry} already, or cannot be read: nothing is written."
        console.notify(told, title=path.name, severity="warning")
    else:
        await _edit(console, Fix(str(path), edit), _Origin(texts={str(path): text}))


async def _edit(
    console: Console, fix: Fix, origin: _Origin, *, about: str = "", counts: str = NEXT_TIME
) -> None:
    """Change a file of the service's, once its difference was read; then say when it counts."""
    if (planning := console.launch.planning) is None:
        return
    mending = await planning().mend(fix, origin.folder, origin.texts[fix.path])
    body = "\n".join((*filter(None, (about,)), mending.path, *mending.diff))
    title = f"{fix.edit.label}?"
    if await console.push_screen_wait(ConfirmDialog(title, body, "Change the file")):
        await planning().apply(mending)
        console.notify(counts, title=f"{fix.path} is changed")


async def _deploy(console: Console, origin: _Origin, chosen: Remedy, plan: Plan) -> None:
    """Go on in the wizard with the changed plan: nothing is sent before it is reviewed there."""
    from .deploy import DeployPane
    from .wizard_words import REVIEW

    planning = console.launch.planning
    if planning is None or origin.plan is None:
        return
    lines = list(chosen.lines)
    if plan.target.kind == origin.plan.target.kind and not plan.options.overwrite:
        plan = replace(plan, options=replace(plan.options, overwrite=True))
        lines.append(f"overwrite: false → true: the service {plan.name} that is there is replaced")
    body = "\n".join((*lines, "", "The plan is opened, checked; nothing is sent before you agree."))
    if not await console.push_screen_wait(ConfirmDialog(f"{chosen.title}?", body, "Open the plan")):
        return
    draft = replace(planning().new(), folder=origin.folder, data=plan.to_dict())
    await console.switch_mode("deploy")
    if isinstance(console.screen, DeployPane):
        console.screen.open_wizard(draft, REVIEW)
