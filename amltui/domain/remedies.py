"""What can be done at once about a failure that was recognised, shown before it is done.

A remedy holds the plan, the changes of a service or the edit of a file that it would make, and says
in lines what would be different. Nothing is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from . import returned_errors
from .changes import Changes, in_words, refusals
from .changes import now as present
from .checks import script_path
from .conda import apply, lint, want
from .findings import Edit
from .models import Kind, Service
from .plan import Plan
from .plan_fields import fields_of, number
from .plan_targets import AciTarget, AksTarget, LocalTarget
from .remedy_tables import (
    BUSY,
    CONDA_PINS,
    CRASHES,
    DEBUGGING_ONLY,
    DISTRIBUTIONS,
    HINTS,
    MEMORY,
    MODEL_PATHS,
    OVERLOAD,
    RUN_FAILED,
    TOO_LARGE,
)  # fmt: skip

DEFAULT_MEMORY_GB = 0.5  # azureml-core 1.61
DEFAULT_SCORING_TIMEOUT_MS, MOST_SCORING_TIMEOUT_MS = 60_000, 300_000
DEFAULT_WORKER_TIMEOUT_S = 300
LARGEST_ACI_GB = 16.0


class RemedyKind(str, Enum):
    """How a remedy is applied."""

    SETTINGS = "settings"  # `plan` and `changes` hold the new values
    FILE = "file"  # `edit` changes a file of the plan
    LOCAL = "local"  # `plan` is the same deployment on this machine
    CALCULATOR = "calculator"  # the replica calculator, with the service's values
    PROBE = "probe"  # look for the model's files in the container
    SHELL = "shell"  # open one in the container
    TEXT = "text"  # something to do elsewhere


@dataclass(frozen=True)
class Remedy:
    """One offer; `lines` show what would be different, or what is to be done elsewhere."""

    key: str  # stable name: "memory", "conda", ...
    title: str
    kind: RemedyKind
    lines: tuple[str, ...]
    plan: Plan | None = None
    changes: Changes | None = None
    edit: Edit | None = None
    file: str = ""  # that `edit` is for, from the folder of the plan
    entry: str = ""  # what pip is to be asked for in a conda file that is not known here


@dataclass(frozen=True)
class _Case:
    """What is there to be changed; `conda` and `script` are the texts of the plan's files."""

    plan: Plan | None
    service: Service | None
    conda: str
    script: str
    details: Mapping[str, str] = field(default_factory=dict)
    container: str = ""

    def value(self, name: str) -> Any:
        """A setting's value in the plan, else in the service; None where nothing is said."""
        if self.plan is not None:
            return getattr(self.plan.target, name, None)
        return present(self.service, name) if self.service is not None else None

    @property
    def local(self) -> bool:
        """Whether it runs, or is to run, on this machine; so does what is no service."""
        if self.plan is not None:
            return isinstance(self.plan.target, LocalTarget)
        return self.service is None or self.service.kind is Kind.LOCAL

    @property
    def aks(self) -> bool:
        """Whether it runs, or is to run, on AKS."""
        if self.plan is not None:
            return isinstance(self.plan.target, AksTarget)
        return self.service is not None and self.service.kind is Kind.AKS


def remedies(
    ids: Iterable[str],
    plan: Plan | None = None,
    service: Service | None = None,
    *,
    conda: str = "",
    script: str = "",
    details: Mapping[str, str] | None = None,
    container: str = "",
) -> tuple[Remedy, ...]:
    """What can be done about the failures of the catalogue named by `ids`, root cause first.

    `conda` and `script` are the texts of the plan's conda file and entry script, needed to edit
    them; `details` are those of the findings, which name the package that is missing; `container`
    is where it was seen, if that is here. Each remedy is offered once.
    """
    case = _Case(plan, service, conda, script, dict(details or {}), container)
    found: dict[str, Remedy] = {}
    for name in ids:
        for makes, make in _MAKERS:
            if name in makes:
                for remedy in make(case, name):
                    found.setdefault(remedy.key, remedy)
    return (*found.values(), *((_SHELL,) if container else ()))


def _settings(case: _Case, key: str, title: str, values: Mapping[str, Any]) -> Iterator[Remedy]:
    """New values in the plan, and in the service where it can be changed while it lives."""
    plan, changes = None, None
    lines: list[str] = []
    if case.plan is not None:
        target: Any = case.plan.target
        known = {one.name: one for one in fields_of(type(target))}
        values = {name: value for name, value in values.items() if name in known}
        plan = replace(case.plan, target=replace(target, **values))
        for name, value in values.items():
            said = getattr(target, name)
            before = f"{known[name].default} (the default)" if said is None else in_words(said)
            lines.append(f"{name}: {before} → {in_words(value)}")
    if case.service is not None:
        wanted = Changes(settings=dict(values))
        if values and not refusals(case.service, wanted):
            changes = wanted
        if not lines:
            lines = [
                f"{name}: {in_words(present(case.service, name))} → {in_words(value)}"
                for name, value in values.items()
            ]
    if not values:
        return
    if plan is None and changes is None:
        lines.append("It cannot be changed while the service lives: deploy it anew with this.")
        yield Remedy(key, title, RemedyKind.TEXT, tuple(lines))
    else:
        yield Remedy(key, title, RemedyKind.SETTINGS, tuple(lines), plan, changes)


def _more_memory(case: _Case, name: str) -> Iterator[Remedy]:
    """Twice the memory, and a limit that allows it; on this machine the engine has the say."""
    if case.local:
        if name in MEMORY:
            yield _hint("docker-memory")
        return
    now = case.value("memory_gb") or DEFAULT_MEMORY_GB
    if name in CRASHES and now > DEFAULT_MEMORY_GB:
        return  # a crash may have any cause; only the tiny default makes memory a likely one
    wanted = max(1.0, 2 * now)
    if not case.aks:
        wanted = min(wanted, LARGEST_ACI_GB)
    if wanted <= now:
        return
    values = {"memory_gb": wanted}
    limit = case.value("memory_gb_limit")
    if limit is not None and limit < wanted:
        values["memory_gb_limit"] = wanted
    yield from _settings(case, "memory", f"Raise memory_gb to {number(wanted)}", values)


def _ask_less(case: _Case, name: str) -> Iterator[Remedy]:
    """Half of what no node has room for."""
    for setting, least in (("cpu_cores", 0.1), ("memory_gb", DEFAULT_MEMORY_GB)):
        now = case.value(setting)
        if now and now / 2 >= least:
            title = f"Ask for {setting} {number(now / 2)} only"
            yield from _settings(case, f"less-{setting}", title, {setting: now / 2})
    if name == "aks-insufficient-gpu" and case.value("gpu_cores"):
        yield from _settings(case, "no-gpu", "Run without a GPU", {"gpu_cores": 0})


def _longer_scoring(case: _Case, name: str) -> Iterator[Remedy]:
    if not case.aks:
        return  # ACI's front end has a limit that nobody can set
    now = case.value("scoring_timeout_ms") or DEFAULT_SCORING_TIMEOUT_MS
    wanted = min(2 * now, MOST_SCORING_TIMEOUT_MS)
    if wanted > now:
        title = f"Raise scoring_timeout_ms to {wanted}"
        yield from _settings(case, "scoring-timeout", title, {"scoring_timeout_ms": wanted})


def _longer_worker(case: _Case, name: str) -> Iterator[Remedy]:
    """WORKER_TIMEOUT is a variable of the environment: the image stays, the container is new."""
    if case.plan is None:
        yield _hint("worker-timeout")
        return
    environment = case.plan.inference.environment
    there = dict(environment.variables)
    said = there.get("WORKER_TIMEOUT", "")
    now = int(said) if said.isascii() and said.isdigit() else DEFAULT_WORKER_TIMEOUT_S
    there["WORKER_TIMEOUT"] = str(2 * now)
    inference = replace(
        case.plan.inference, environment=replace(environment, variables=tuple(there.items()))
    )
    yield Remedy(
        "worker-timeout",
        f"Raise WORKER_TIMEOUT to {2 * now} s",
        RemedyKind.SETTINGS,
        (f"WORKER_TIMEOUT: {said or f'{now} (the default)'} → {2 * now}",),
        replace(case.plan, inference=inference),
    )


def _later_probe(case: _Case, name: str) -> Iterator[Remedy]:
    values = {"initial_delay_seconds": 620, "timeout_seconds": 10}
    if case.aks:
        yield from _settings(case, "probes", "Probe later, and wait longer for an answer", values)


def _no_insights(case: _Case, name: str) -> Iterator[Remedy]:
    if case.plan is not None or case.service is not None:
        title = "Switch Application Insights off"
        yield from _settings(case, "insights", title, {"enable_app_insights": False})


def _free_port(case: _Case, name: str) -> Iterator[Remedy]:
    if case.plan is not None and isinstance(case.plan.target, LocalTarget):
        port = case.plan.target.port
        plan = replace(case.plan, target=LocalTarget())
        lines = (f"port: {port or 'a free one'} → a free one",)
        yield Remedy("port", "Take a free port", RemedyKind.SETTINGS, lines, plan)


def _overwrite(case: _Case, name: str) -> Iterator[Remedy]:
    if case.plan is not None and not case.plan.options.overwrite:
        plan = replace(case.plan, options=replace(case.plan.options, overwrite=True))
        lines = ("overwrite: false → true", f"The service {plan.name} that is there is replaced.")
        yield Remedy("overwrite", "Replace that service", RemedyKind.SETTINGS, lines, plan)


def _packages(case: _Case, name: str) -> Iterator[Remedy]:
    """The lines of the conda file that bring a package or hold its version."""
    entries = CONDA_PINS.get(name, ())
    missing = (case.details.get("module") or "").partition(".")[0]
    if name == "entry-script-missing-module" and missing:
        entries = (DISTRIBUTIONS.get(missing, missing),)
    if name == "pip-build-failed" and case.details.get("package", "").lower() == "pynacl":
        entries = ("pynacl==1.2.1",)
    for entry in entries:
        yield from _conda_edit(case, entry, want(case.conda, entry) if case.conda else None)


def _headless(case: _Case, name: str) -> Iterator[Remedy]:
    """opencv-python needs libGL; the headless build does without."""
    fixes = {one.code: one.fix for one in lint(case.conda)} if case.conda else {}
    if fixes.get("needs-libgl") is not None:
        yield from _conda_edit(case, "opencv-python-headless", fixes["needs-libgl"])
    else:
        yield _hint("base-dockerfile")


def _python_pin(case: _Case, name: str) -> Iterator[Remedy]:
    fixes = {one.code: one.fix for one in lint(case.conda)} if case.conda else {}
    if fixes.get("no-python") is not None:
        yield from _conda_edit(case, "python", fixes["no-python"])


def _conda_edit(case: _Case, entry: str, edit: Edit | None) -> Iterator[Remedy]:
    file = (case.plan.inference.environment.conda_file if case.plan else None) or ""
    if case.conda and edit is not None:
        lines = tuple(diff_lines(case.conda, apply(case.conda, edit)))
        yield Remedy(
            f"conda {entry}", edit.label, RemedyKind.FILE, lines, case.plan, edit=edit, file=file
        )
    elif not case.conda:
        lines = ("In the conda file, below `- pip:`", f"+ - {entry}", "then deploy it again.")
        title = f"Ask pip for {entry}"
        yield Remedy(f"conda {entry}", title, RemedyKind.TEXT, lines, entry=entry)


def _return_errors(case: _Case, name: str) -> Iterator[Remedy]:
    """The answer to a request says what went wrong, for as long as it is debugged."""
    edit = returned_errors.insert(case.script) if case.script else None
    if case.plan is not None and edit is not None:
        yield Remedy(
            "errors", edit.label, RemedyKind.FILE, (DEBUGGING_ONLY,), case.plan, edit=edit,
            file=script_path(case.plan),
        )  # fmt: skip


def diff_lines(before: str, after: str) -> Iterator[str]:
    """The lines that differ, `-` and `+` in front, and one line around them."""
    from difflib import unified_diff

    found = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    yield from (line for line in found if not line.startswith(("---", "+++", "@@")))


def _calculator(case: _Case, name: str) -> Iterator[Remedy]:
    if case.service is not None and case.service.kind is Kind.AKS:
        lines = ("How many replicas the load needs, beside what this service has.",)
        yield Remedy("calculator", "Open the replica calculator", RemedyKind.CALCULATOR, lines)


def _probe(case: _Case, name: str) -> Iterator[Remedy]:
    if case.container:
        lines = ("What lies below azureml-models, and what get_model_path() finds.",)
        yield Remedy("probe", "Look for the model in the container", RemedyKind.PROBE, lines)


def _locally(case: _Case, name: str) -> Iterator[Remedy]:
    if case.local:
        return
    if case.plan is None:
        yield _hint("deploy-locally")
    else:
        plan = replace(case.plan, target=LocalTarget())
        lines = (f"target: {case.plan.target.kind} → local", "On this machine's engine, to debug.")
        yield Remedy("local", "Deploy the same on this machine", RemedyKind.LOCAL, lines, plan)


def _aci_instead(case: _Case, name: str) -> Iterator[Remedy]:
    """One container tells an error of the service from one of the cluster."""
    if case.plan is not None and isinstance(case.plan.target, AksTarget):
        now = case.plan.target
        target = AciTarget(cpu_cores=now.cpu_cores or 1.0, memory_gb=now.memory_gb or 1.0)
        lines = (f"target: aks {now.cluster} → aci", "One container, to see if the cluster is it.")
        plan = replace(case.plan, target=target)
        yield Remedy("aci", "Try it on ACI", RemedyKind.SETTINGS, lines, plan)


def _hint(key: str) -> Remedy:
    title, lines = HINTS[key]
    return Remedy(key, title, RemedyKind.TEXT, lines)


def _hints(case: _Case, name: str) -> Iterator[Remedy]:
    yield _hint(name)


_SHELL = Remedy(
    "shell",
    "Open a shell in the container",
    RemedyKind.SHELL,
    ("In Containers (4); where it does not run, in a copy of it. p looks for files and packages.",),
)
_Maker = Callable[[_Case, str], Iterator[Remedy]]
# In the order in which they are offered for one failure.
_MAKERS: tuple[tuple[Iterable[str], _Maker], ...] = (
    ({*MEMORY, *CRASHES}, _more_memory),
    ((*CONDA_PINS, "entry-script-missing-module", "pip-build-failed"), _packages),
    (("shared-library-missing",), _headless),
    (("conda-link-failed", "pip-python-version"), _python_pin),
    (("http-504-timeout",), _longer_scoring),
    (("gunicorn-worker-timeout",), _longer_worker),
    (("probe-failed",), _later_probe),
    (TOO_LARGE, _ask_less),
    (OVERLOAD, _calculator),
    (MODEL_PATHS, _probe),
    (RUN_FAILED, _return_errors),
    (BUSY, _free_port),
    (("service-name-exists",), _overwrite),
    (("app-insights-init-failed",), _no_insights),
    (CRASHES, _locally),
    (("deployment-timed-out", "aks-cannot-schedule", "container-crash-loop"), _aci_instead),
    (HINTS, _hints),
)
