"""What debugging needs, in memory: each thing can be made to fail, and what was asked is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from amltui.domain.debugcopy import DebugCopy, debug_copy
from amltui.domain.debugpull import PullProgress, refusal
from amltui.domain.debugwait import Look, Stage
from amltui.domain.debugwish import LaunchChange, Package, Wish
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Progress
from amltui.domain.plan import Plan

SCRIPT = "import json\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return json.loads(data)\n"
LOCATION = "registry.example.org/diabetes-debug:1"
SECRET = "s3cret-of-the-registry"
UP = (
    Look(Stage.STARTING),
    Look(Stage.WAITING),
    Look(Stage.ATTACHED),
    Look(Stage.ATTACHED, answers=True),
)


def wish(**more: object) -> Wish:
    """A plan whose source is /project/src."""
    plan = Plan.from_dict(
        {
            "name": "diabetes",
            "models": [{"registered": "diabetes"}],
            "inference": {
                "entry_script": "score.py",
                "source_directory": "src",
                "environment": {"conda_file": "conda.yml"},
            },
            "target": {"kind": "local"},
        }
    )
    return Wish(plan, "/project", **more)  # type: ignore[arg-type]


@dataclass
class MemoryDebugTools:
    """Everything goes well unless it is told otherwise."""

    asked: list[str] = field(default_factory=list)
    errors: dict[str, list[AmltuiError]] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    void: set[str] = field(default_factory=set)  # passwords that the registry refuses
    version: str = "1.8.22"
    launch: str = ""
    looks: list[Look] = field(default_factory=lambda: list(UP))
    local: bool = True
    program: tuple[str, bool] = ("code", True)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.errors.get(what):
            raise self.errors[what].pop(0)

    def describe(self, wish: Wish) -> DebugCopy:
        self._ask("describe")
        return debug_copy(wish.plan, SCRIPT, ["score.py"], wait=wish.wait)

    def package(self, wish: Wish, on_progress: Callable[[Progress], None]) -> Package:
        self._ask("package")
        on_progress(Progress("package", "Building the image", is_step=True))
        on_progress(Progress("package", "Step 1/3 : FROM base"))
        return Package(LOCATION, {"username": "registry", "password": SECRET})

    def login(self) -> dict[str, str]:
        self._ask("login")
        return {"username": "registry", "password": f"{SECRET}-new"}

    def cancel(self) -> None:
        self.asked.append("cancel")

    def engine(self) -> str:
        self._ask("engine")
        return "the engine answers: 20.10"

    def is_local(self) -> bool:
        return self.local

    def free_port(self, wanted: int) -> tuple[int, str]:
        free = next(port for port in range(wanted, wanted + 9) if port not in self.taken)
        return free, self.taken.get(wanted, "")

    def pull(
        self, location: str, login: dict[str, str], on_progress: Callable[[PullProgress], None]
    ) -> None:
        self._ask("pull")
        if login["password"] in self.void:
            raise refusal(location, "unauthorized: authentication required")
        progress = PullProgress()
        sizes = {"current": 5 << 20, "total": 10 << 20}
        progress.take({"id": "a1", "status": "Downloading", "progressDetail": sizes})
        on_progress(progress)
        progress.take({"id": "a1", "status": "Pull complete"})
        on_progress(progress)

    def tag(self, location: str) -> str:
        self._ask("tag")
        return "debug:1"

    def debugger_in(self, image: str) -> str:
        self._ask("debugger_in")
        return self.version

    def run(self, image: str, service: str, http: int, debug: int) -> tuple[str, str]:
        self._ask("run")
        return "c0ffee", "debug"

    def source_root(self, image: str, entry_script: str) -> str:
        return "/var/azureml-app/src"

    def look(self, container: str, http: int) -> Look:
        self._ask("look")
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def project_of(self, source: str, folder: str) -> str:
        return folder

    def read_launch(self, project: str) -> str:
        return self.launch

    def write_launch(self, change: LaunchChange) -> None:
        self._ask("write")
        self.launch = change.after

    def editor(self) -> tuple[str, bool]:
        return self.program
