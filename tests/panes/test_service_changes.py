"""Living services: what is changed is shown first, and what cannot be says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from textual.widgets import Input

from amltui.adapters.files.drafts import PlanFiles
from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import (
    AuthMode,
    Can,
    Failure,
    Kind,
    Leftover,
    OperationState,
    Ref,
    Service,
    State,
)  # fmt: skip
from amltui.domain.plan import Plan
from amltui.panes.services import ServicesPane
from amltui.panes.wizard import WizardPane
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.deployments import RunSummary
from amltui.workers.local_services import LocalServices
from amltui.workers.planning import Planning
from amltui.workers.services import Services
from tests.golden import compare, screen_text

from .world import MemoryEngine, MemoryWorkspace, Screen, World, believable, cloud, running, until

LOCAL = Service(
    Ref("docker", "churn"), "churn", Kind.LOCAL, State.OK, "running",
    Can.LOGS | Can.RELOAD | Can.UPDATE | Can.DELETE | Can.INVOKE,
    target="this machine", image="churn:latest", container_id="0123456789abcdef",
)  # fmt: skip
IMAGE = Leftover("image", "churn:latest", "image churn:latest, 900 MB with what it shares")


@dataclass
class MemoryTools:
    """As much of `ports.LocalTools` as is needed; `saved` counts up when a file is saved."""

    saved: int = 0
    looks: int = 0
    reloaded: list[tuple[str, Path]] = field(default_factory=list)
    removed: list[Leftover] = field(default_factory=list)
    error: AmltuiError | None = None

    def reload(self, container_id: str, source: Path) -> None:
        if self.error is not None:
            raise self.error
        self.reloaded.append((container_id, source))

    def stamp(self, source: Path) -> object:
        self.looks += 1
        return self.saved

    def leftovers(self, container_id: str) -> tuple[Leftover, ...]:
        return (IMAGE,)

    def remove(self, leftover: Leftover) -> None:
        self.removed.append(leftover)


class NoRuns:
    """The deployments of somebody who has not deployed with amltui."""

    async def runs(self) -> tuple[RunSummary, ...]:
        return ()


@dataclass
class Changed:
    """The pane, and what it works with."""

    app: Screen
    world: World
    tools: MemoryTools

    @property
    def text(self) -> str:
        return screen_text(self.app[0])

    async def press(self, *keys: str) -> None:
        await self.app[1].press(*keys)

    async def wait_for(self, text: str) -> None:
        await until(self.app[1], lambda: text in self.text, text)

    async def form(self, *keys: str) -> None:
        """Open the form, then press keys."""
        await self.press("u")
        await self.wait_for("esc leave")
        await self.press(*keys)

    def toast(self, text: str) -> bool:
        return any(text in toast.message for toast in self.app[0]._notifications)

    async def wait_for_toast(self, text: str) -> None:
        await until(self.app[1], lambda: self.toast(text), text)


@asynccontextmanager
async def changing(
    name: str, size: tuple[int, int] = (80, 24), *, read_only: bool = False
) -> AsyncIterator[Changed]:
    rows = tuple(
        replace(row, can=row.can | Can.UPDATE) if row.kind in (Kind.ACI, Kind.AKS) else row
        for row in (
            *believable(),
            cloud("tokens", kind=Kind.AKS, auth=AuthMode.TOKEN, can=Can.TOKEN),
        )
    )
    tools = MemoryTools()
    local = LocalServices(tools, lambda: NoRuns(), read_only=read_only)  # type: ignore[arg-type,return-value]
    world = World(
        MemoryWorkspace(rows),
        MemoryEngine(local=(LOCAL,)),
        settings=replace(World().settings, read_only=read_only),
        local_services=lambda: local,
    )
    async with running(world, size) as (app, pilot):
        app.screen.query_one(ResourceTable).highlight(name)
        await pilot.pause()
        yield Changed((app, pilot), world, tools)


# Update


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16)], ids=str)
async def test_the_form_reads_well_at_every_size(size: tuple[int, int]) -> None:
    async with changing("azureml:fraud", size) as changed:
        await changed.form(*["down"] * 5, "backspace", "1", "6")
        await changed.wait_for("memory_gb_limit 8 → 16")
        compare(f"update-{size[0]}x{size[1]}", changed.text)


async def test_an_update_is_reviewed_then_run_then_told() -> None:
    async with changing("azureml:fraud") as changed:
        changed.world.workspace.progress = [
            OperationState("Running", ("Submitting deployment to compute.",), 10),
            OperationState("Succeeded"),
        ]
        await changed.form(*["down"] * 5, "backspace", "6", "f5")
        await changed.wait_for("Update fraud?")
        compare("update-review-80x24", changed.text)
        assert changed.world.workspace.updated == []
        await changed.press("right", "enter")
        await changed.wait_for_toast("fraud is changed: memory_gb 6.")
        ((ref, changes),) = changed.world.workspace.updated
        assert (ref.endpoint, changes.settings) == ("fraud", {"memory_gb": 6.0})
        told = [text for _, name, text in changed.app[0].history if name == "update fraud"]
        assert "Submitting deployment to compute." in told


async def test_a_failed_update_says_why_behind_e() -> None:
    async with changing("azureml:fraud") as changed:
        failure = Failure("KubernetesError", "", "400", (Failure("Unschedulable", "No room."),))
        changed.world.workspace.progress = [OperationState("Failed", failure=failure)]
        await changed.form(*["down"] * 5, "backspace", "6", "f5")
        await changed.wait_for("Update fraud?")
        await changed.press("right", "enter")
        await changed.wait_for_toast("Unschedulable: No room.")


async def test_what_was_typed_is_still_there_after_leaving_and_after_no() -> None:
    async with changing("azureml:fraud") as changed:
        await changed.form(*["down"] * 5, "backspace", "6", "escape")
        await changed.form()
        await changed.wait_for("memory_gb 4 → 6")
        await changed.press("f5")
        await changed.wait_for("Update fraud?")
        await changed.press("escape")
        await changed.wait_for("memory_gb 4 → 6")
        assert changed.world.workspace.updated == []


async def test_what_cannot_be_read_or_cannot_be_says_so_while_it_is_typed() -> None:
    async with changing("azureml:fraud") as changed:
        await changed.form(*["down"] * 5, "x")
        await changed.wait_for("is not a number")
        await changed.press("ctrl+u")
        await changed.wait_for("Nothing is changed yet")
        await changed.press(*["down"] * 3, "backspace", "9")  # num_replicas
        await changed.wait_for("autoscaler's to decide")


async def test_an_aci_service_offers_only_what_it_can_change() -> None:
    async with changing("azureml:diabetes", (80, 30)) as changed:
        await changed.form()
        await changed.wait_for("enable_app_insights")
        assert "memory_gb" not in changed.text
        assert "models" in changed.text


async def test_models_need_a_plan() -> None:
    async with changing("azureml:diabetes") as changed:
        await changed.form("up", *"diabetes", "colon", "4")
        await changed.wait_for("New models need the plan")


# What says why


@pytest.mark.parametrize(
    ("name", "key", "why"),
    [
        ("azureml:fraud", "R", "Reload is for local services only"),
        ("azureml:fraud", "w", "Reload is for local services only"),
        ("azureml:fraud", "P", "is in the cloud already"),
        ("azureml:tiny", "N", "called without a key"),
        ("azureml:tokens", "N", "takes tokens"),
        ("docker:churn", "u", "reloaded, or deployed again"),
        ("docker:churn", "N", "called without a key"),
        ("docker:churn", "i", "Only ACI and AKS"),
        ("azureml:tokens", "D", "does not say enough"),
    ],
)
async def test_what_cannot_be_done_says_why(name: str, key: str, why: str) -> None:
    async with changing(name) as changed:
        await changed.press(key)
        await changed.wait_for_toast(why)
        assert isinstance(changed.app[0].screen, ServicesPane)


async def test_read_only_mode_has_none_of_these_keys() -> None:
    for name in ("azureml:fraud", "docker:churn"):
        async with changing(name, read_only=True) as changed:
            await changed.press("u", "N", "R", "w", "P", "D")
            assert isinstance(changed.app[0].screen, ServicesPane)
            assert changed.tools.reloaded == []


# Keys


async def test_a_new_key_is_confirmed_by_name_and_shown_masked() -> None:
    async with changing("azureml:fraud") as changed:
        await changed.press("N")
        await changed.wait_for("Replace which key")
        await changed.press("enter")
        await changed.wait_for("refused from then on")
        await changed.press(*"fraud", "enter")
        await changed.wait_for_toast("The new secondary key is NE…00")
        assert not changed.toast("NEW-Secondary")


# Local services


async def test_a_local_service_is_reloaded_from_the_folder_that_is_named_once() -> None:
    async with changing("docker:churn") as changed:
        await changed.press("R")
        await changed.wait_for("What does churn run?")
        await changed.press(*"src", "enter")
        await changed.wait_for_toast("Packages stay as they are")
        await changed.press("R")
        await until(changed.app[1], lambda: len(changed.tools.reloaded) == 2, "the second")
        assert {source for _, source in changed.tools.reloaded} == {Path.cwd() / "src"}


async def test_a_wrong_source_says_so() -> None:
    async with changing("docker:churn") as changed:
        changed.tools.error = AmltuiError(
            "That is not this service's source", "It runs src/score.py.", problem=Problem.USAGE
        )
        await changed.press("R")
        await changed.wait_for("What does churn run?")
        await changed.press(*"other", "enter")
        await changed.wait_for("It runs src/score.py")


async def test_saving_a_file_reloads_while_it_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amltui.workers.local_services.LOOK", 0.01)
    async with changing("docker:churn") as changed:
        await changed.press("w")
        await changed.wait_for("What does churn run?")
        await changed.press(*"src", "enter")
        await changed.wait_for("reloads on save")
        await until(changed.app[1], lambda: changed.tools.looks > 0, "the first look")
        changed.tools.saved += 1
        await until(changed.app[1], lambda: len(changed.tools.reloaded) == 1, "the reload")
        await changed.press("w")
        await changed.wait_for_toast("no longer reloaded")
        await until(changed.app[1], lambda: "reloads on save" not in changed.text, "its end")


async def test_promotion_without_a_plan_says_where_to_get_one() -> None:
    async with changing("docker:churn") as changed:
        await changed.press("P")
        await changed.wait_for("There is no plan of churn")


async def test_deleting_a_local_service_lists_what_goes_first() -> None:
    deleted: list[Ref] = []
    async with changing("docker:churn") as changed:
        changed.world.engine.delete = deleted.append  # type: ignore[attr-defined]
        await changed.press("D")
        await changed.wait_for("Delete what of churn?")
        await changed.press("enter")
        await changed.wait_for("image churn:latest, 900 MB")
        compare("delete-local-80x24", changed.text)
        await changed.press(*"churn", "enter")
        await until(changed.app[1], lambda: changed.tools.removed == [IMAGE], "the image's end")
        assert deleted == [LOCAL.ref]


async def test_only_the_container_may_go() -> None:
    async with changing("docker:churn") as changed:
        await changed.press("D")
        await changed.wait_for("Delete what of churn?")
        await changed.press("down", "enter")
        await changed.wait_for("type churn")
        assert "900 MB" not in changed.text
        assert isinstance(changed.app[0].focused, Input)


async def test_deleting_in_the_cloud_says_what_stays() -> None:
    async with changing("azureml:diabetes") as changed:
        await changed.press("D")
        await changed.wait_for("stay in the workspace")
        assert isinstance(changed.app[0].services, Services)


async def test_a_local_service_is_promoted_in_the_wizard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = Plan.from_dict(
        {
            "name": "churn",
            "inference": {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}},
            "target": {"kind": "local"},
        }
    )

    async def plan_of(self: LocalServices, service: Service) -> tuple[Plan, Path]:
        return plan, tmp_path

    monkeypatch.setattr(LocalServices, "plan_of", plan_of)
    async with changing("docker:churn") as changed:
        app, _ = changed.app
        planning = Planning(PlanFiles(tmp_path / "drafts"), changed.world.clock, str(tmp_path))

        async def start(plan: Plan, folder: str) -> str:
            raise AssertionError("nothing is started before its review")

        app.launch = replace(app.launch, planning=lambda: planning, start_plan=start)
        changed.world.workspace.clusters = (
            Compute("aks-1", "AKS", "Succeeded", "Standard_D4s_v3", 3, "FastProd"),
            Compute("broken", "AKS", "Failed"),
        )
        await changed.press("P")
        await changed.wait_for("AKS aks-1")
        assert "3 × Standard_D4s_v3" in changed.text
        assert "broken" not in changed.text
        await changed.press("down", "enter")
        await until(changed.app[1], lambda: isinstance(app.screen, WizardPane), "the wizard")
        assert isinstance(app.screen, WizardPane)
        target = app.screen.draft.data["target"]
        assert (target["kind"], target["cluster"], target["memory_gb"]) == ("aks", "aks-1", 1)
        assert app.screen.draft.data["inference"]["entry_script"] == "score.py"
