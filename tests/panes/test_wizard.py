"""The wizard: its pages, what is typed in them, what is kept, and what a run starts from."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from amltui.adapters.files.drafts import PlanFiles
from amltui.app import Console
from amltui.demo import launcher
from amltui.domain import returned_errors
from amltui.domain.drafts import Draft
from amltui.domain.findings import Level, apply
from amltui.domain.model_paths import ModelContent
from amltui.domain.plan import Plan
from amltui.domain.plan_form import Form
from amltui.panes import wizard_work
from amltui.panes.pane import WorkspaceSwitched
from amltui.panes.wizard import WizardPane
from amltui.panes.wizard_words import STEPS
from amltui.widgets.dialogs import ChoiceDialog, ConfirmDialog, ErrorDialog
from amltui.widgets.form import FormLine, FormPage
from amltui.widgets.path_dialog import PathDialog
from amltui.widgets.text_dialog import TextDialog
from amltui.workers.planning import Planning
from tests.golden import compare, screen_text

from .world import UNREACHABLE, World, believable, running, settled, until

Screen = tuple[Console, Pilot[int]]
SIZES = [(80, 24), (160, 48), (60, 16)]
PLAN: dict[str, Any] = {
    "name": "diabetes-new",
    "models": [{"file": "model.json", "name": "diabetes"}],
    "inference": {
        "entry_script": "score.py",
        "source_directory": ".",
        "environment": {"conda_file": "conda.yml"},
    },
    "target": {"kind": "aci", "cpu_cores": 1, "memory_gb": 1},
}


@dataclass
class WizardWorld(World):
    """A world with a project on disk, drafts, and a record of what was started."""

    folder: Path = Path()
    started: list[tuple[Plan, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.project = self.folder / "project"
        if not self.project.exists():
            shutil.copytree(Path(launcher.__file__).with_name("project"), self.project)
        self.drafts = self.folder / "drafts"
        self.planning = Planning(PlanFiles(self.drafts), self.clock, str(self.project))

    def console(self) -> Console:
        app = super().console()
        app.launch = replace(app.launch, planning=lambda: self.planning, start_plan=self._start)
        return app

    async def _start(self, plan: Plan, folder: str) -> str:
        self.started.append((plan, folder))
        return "run-1"


@pytest.fixture
def world(tmp_path: Path) -> WizardWorld:
    made = WizardWorld(folder=tmp_path)
    made.workspace.rows = believable()
    return made


@asynccontextmanager
async def wizard(
    world: WizardWorld, data: dict[str, Any] | None = None, page: str = "model",
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Screen]:  # fmt: skip
    """The wizard on a new draft, or one with this data."""
    wizard_work.TYPING_REST = wizard_work.KEEPING_REST = 0.001
    draft = replace(world.planning.new(), data=data or {})
    async with running(world, size) as (app, pilot):
        began: list[str] = []
        await app.push_screen(WizardPane(draft, world._start, began.append, page))
        await settled(pilot)
        yield app, pilot


def fill(app: Console, path: str, text: str) -> None:
    """Type a text into the field of a path, all at once."""
    line = shown(app).query_one(f"#{shown(app).page}", FormPage).line(path)
    assert line is not None
    line.put(text)


def shown(app: Console) -> WizardPane:
    return next(s for s in app.screen_stack if isinstance(s, WizardPane))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_pages_read_well(world: WizardWorld, size: tuple[int, int]) -> None:
    async with wizard(world, PLAN, size=size) as (app, pilot):
        for page in STEPS:
            await until(pilot, lambda page=page: shown(app).page == page, page)  # type: ignore[misc]
            await settled(pilot)
            compare(f"wizard-{page}-{size[0]}x{size[1]}", screen_text(app))
            await pilot.press("pagedown")


async def test_an_empty_plan_is_filled_in_and_started(world: WizardWorld) -> None:
    async with wizard(world) as (app, pilot):
        fill(app, "models[0].file", "model.json")
        fill(app, "models[0].name", "diabetes")
        await pilot.press("pagedown", "full_stop", "enter")
        fill(app, "inference.entry_script", "score.py")
        fill(app, "inference.environment.conda_file", "conda.yml")
        await pilot.press("pagedown")
        fill(app, "name", "my-service")
        await pilot.press("enter", "right", "right", "enter")
        await settled(pilot)
        await pilot.press("1", "enter", "1", "pagedown")
        await until(pilot, lambda: shown(app).page == "review", "the review")
        await settled(pilot)
        assert "no errors, no warnings" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        assert world.started == []
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(world.started), "the run")
        ((plan, folder),) = world.started
        assert plan == Plan.from_dict({**PLAN, "name": "my-service"})
        assert folder == str(world.project)
        await settled(pilot)
        assert await world.planning.drafts() == ()


async def test_errors_stand_beside_their_field_and_block_the_review(world: WizardWorld) -> None:
    async with wizard(world, {**PLAN, "name": "Big", "target": {"kind": "aci"}}) as (app, pilot):
        await pilot.press("pagedown", "pagedown", "down", "down")
        fill(app, "target.cpu_cores", "lots")
        await pilot.press("down")
        await settled(pilot)
        await until(pilot, lambda: "draft kept" in screen_text(app), "the draft")
        compare("wizard-errors-80x24", screen_text(app))
        await pilot.press("pagedown")
        await settled(pilot)
        compare("wizard-blocked-80x24", screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: shown(app).page == "target", "the field")
        line = shown(app).line
        assert line is not None
        assert line.path == "name"
        assert world.started == []


async def test_back_and_forth_loses_nothing(world: WizardWorld) -> None:
    async with wizard(world, PLAN, "target") as (app, pilot):
        await pilot.press("down", "down", "backspace", "4", "up", "right")
        await until(pilot, lambda: shown(app).form.text("target.kind") == "aks", "the target")
        await pilot.press("pageup", "pageup", "pagedown", "pagedown", "left")
        await until(pilot, lambda: "location" in screen_text(app), "the lines of ACI")
        assert shown(app).form.data() == {**PLAN, "target": {**PLAN["target"], "cpu_cores": 4}}


async def test_the_draft_is_kept_at_every_change_and_comes_back(world: WizardWorld) -> None:
    async with wizard(world) as (app, pilot):
        await pilot.press("enter", "m")
        await until(pilot, lambda: any(world.drafts.glob("*.yml")), "the draft")
        (path,) = world.drafts.glob("*.yml")
        assert path.stat().st_mode & 0o777 == 0o600
        fill(app, "models[0].file", "model.json")
        await pilot.press("escape")  # not waiting for anything
        await until(pilot, lambda: len(app.screen_stack) == 1, "the list")
    (draft,) = await world.planning.drafts()
    assert draft.data["models"] == [{"file": "model.json"}]
    async with wizard(world, dict(draft.data)) as (app, pilot):
        assert "model.json" in screen_text(app)
        assert "It is needed." in screen_text(app)


async def test_what_was_typed_last_is_kept_when_everything_ends(world: WizardWorld) -> None:
    async with wizard(world) as (app, pilot):
        fill(app, "models[0].file", "model.json")
        await pilot.pause()
    (draft,) = await world.planning.drafts()
    assert draft.data["models"] == [{"file": "model.json"}]


async def test_returned_errors_are_warned_of_and_taken_out(world: WizardWorld) -> None:
    script = world.project / "score.py"
    plain = "def init(): ...\n\n\ndef run(data):\n    return data  # all of it\n"
    edit = returned_errors.insert(plain)
    assert edit is not None
    script.write_text(apply(plain, edit))
    async with wizard(world, PLAN, "inference") as (app, pilot):
        await shown(app).go_to("inference", "inference.entry_script")
        await until(pilot, lambda: "Whatever goes wrong is returned" in screen_text(app), "words")
        assert "F4: Let run() raise its errors again." in " ".join(screen_text(app).split())
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the difference")
        assert "-    except Exception as e:" in screen_text(app)
        assert script.read_text() != plain
        await pilot.press("tab", "enter")
        await until(pilot, lambda: script.read_text() == plain, "the change")
        await until(pilot, lambda: "Whatever goes" not in screen_text(app), "the new checks")


async def test_a_fix_shows_its_diff_first_and_keeps_comments(world: WizardWorld) -> None:
    conda = world.project / "conda.yml"
    conda.write_text(
        conda.read_text().replace("      - azureml-defaults==1.61.0\n", "      - six\n")
    )
    async with wizard(world, PLAN, "review") as (app, pilot):
        await until(pilot, lambda: "F4:" in screen_text(app), "the fix")
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, (ConfirmDialog, ChoiceDialog)), "the fix")
        if isinstance(app.screen, ChoiceDialog):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the diff")
        compare("wizard-fix-80x24", screen_text(app))
        before = conda.read_text()
        await pilot.press("tab", "enter")
        await until(pilot, lambda: conda.read_text() != before, "the change")
        await settled(pilot)
        assert "azureml-defaults" in conda.read_text()
        assert "# The scoring server." in conda.read_text()
        await until(pilot, lambda: "Add azureml-defaults" not in screen_text(app), "the new checks")


async def test_a_plan_file_keeps_its_comments_when_saved(world: WizardWorld) -> None:
    path = world.project / "plan.yml"
    path.write_text("# ours\nname: svc-1  # the name\ninference:\n  entry_script: score.py\n"
                    "target:\n  kind: local\n")  # fmt: skip
    draft = await world.planning.open_file("plan.yml")
    async with running(world) as (app, pilot):
        await app.push_screen(WizardPane(draft, world._start, lambda run: None, "target"))
        await settled(pilot)
        await pilot.press("end", "0", "ctrl+s")
        await until(pilot, lambda: "Save the plan" in screen_text(app), "the path")
        await pilot.press("enter")
        await until(pilot, lambda: "svc-10" in path.read_text(), "the file")
    assert path.read_text().startswith("# ours\nname: svc-10 # the name\n")


async def test_the_workspace_s_models_are_offered(world: WizardWorld) -> None:
    world.workspace.registered = {"churn": (1, 2), "fraud": (7,)}
    data = {**PLAN, "models": [{"registered": "churn", "version": 3}]}
    async with wizard(world, data) as (app, pilot):
        await until(pilot, lambda: "churn has no version 3." in screen_text(app), "the check")
        await pilot.press("down", "ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the list")
        await pilot.press("down", "enter")
        await until(pilot, lambda: shown(app).form.text("models[0].registered") == "fraud", "it")


async def test_a_registered_model_says_what_is_in_it(world: WizardWorld) -> None:
    world.workspace.registered = {"churn": (1, 2)}
    data = {**PLAN, "models": [{"registered": "churn"}]}
    async with wizard(world, data, size=(160, 48)) as (app, pilot):
        await until(pilot, lambda: "churn:2: 2 files of 3.0 GB" in screen_text(app), "the files")
        text = screen_text(app)
        assert "/var/azureml-app/azureml-models/churn/2/bert" in text
        assert "bert/vocab.txt  2 kB" in text
        (told,) = (one for one in shown(app).picture.checks if "churn:2" in one.title)
        assert told.level is Level.WARNING
        fill(app, "models[0].version", "1")
        await until(pilot, lambda: "churn:1: 2 files" in screen_text(app), "the other version")
        fill(app, "models[0].version", "2")
        await until(pilot, lambda: "churn:2: 2 files" in screen_text(app), "the first again")
        assert world.workspace.asked.count("model_content") == 2
        app.screen.post_message(WorkspaceSwitched())  # whose churn:2 is another one
        asked = world.workspace.asked
        await until(pilot, lambda: asked.count("model_content") == 3, "the other workspace's")


async def test_a_model_that_cannot_be_looked_into_is_asked_again(world: WizardWorld) -> None:
    world.workspace.registered = {"churn": (1,)}
    asked: list[str] = []

    def fails(name: str, version: int) -> ModelContent:
        asked.append(name)
        raise UNREACHABLE

    answers, world.workspace.model_content = world.workspace.model_content, fails  # type: ignore[method-assign]
    data = {**PLAN, "models": [{"registered": "churn"}]}
    async with wizard(world, data, size=(160, 48)) as (app, pilot):
        await until(pilot, lambda: "churn:1: Azure cannot be" in screen_text(app), "the error")
        fill(app, "models[0].version", "1")
        await settled(pilot)
        assert asked == ["churn"]
        world.workspace.model_content = answers  # type: ignore[method-assign]
        await shown(app).go_to("review")
        await until(pilot, lambda: "churn:1: 2 files of 3.0 GB" in screen_text(app), "the files")


async def test_a_name_that_is_taken_blocks(world: WizardWorld) -> None:
    async with wizard(world, {**PLAN, "name": "fraud"}, "target") as (app, pilot):
        await until(pilot, lambda: "There is a service named" in screen_text(app), "the check")
        await pilot.press("end", "2")
        await until(pilot, lambda: "There is a service" not in screen_text(app), "the new name")


async def test_hostile_text_is_shown_and_harms_nothing(world: WizardWorld) -> None:
    from .world import HOSTILE

    name = HOSTILE.replace("/", "")
    (world.project / name).write_text("x")
    world.workspace.registered = {HOSTILE: (1,)}
    # The plan file's own words, also where they are edited in full.
    raw = f"{HOSTILE}\x1b]52;c;eA==\x07\x9b31m\u202e"
    environment = {"conda_file": "conda.yml", "variables": {"GREETING": raw, "PLAIN": "x"}}
    data = {
        **PLAN,
        "models": [{"registered": HOSTILE}],
        "inference": {"entry_script": raw, "environment": environment},
        "options": {"description": raw},
    }

    def harmless() -> None:
        found = {one for one in screen_text(app) if unicodedata.category(one) in ("Cc", "Cf")}
        assert found <= {"\n"}

    async with wizard(world, data) as (app, pilot):
        for key in ("pagedown", "pagedown", "pagedown", "pageup", "pageup", "f3", "f3"):
            await pilot.press(key)
            await settled(pilot)
            harmless()
        for page, path in (
            ("inference", "inference.entry_script"),
            ("inference", "inference.environment.variables"),
            ("target", "options.description"),
        ):
            await shown(app).go_to(page, path)
            await settled(pilot)
            harmless()
            if "entry_script" in path:
                continue
            await pilot.press("f5")
            await until(pilot, lambda: isinstance(app.screen, TextDialog), "the text")
            harmless()
            assert "too large or odd to type in: ctrl+z begins anew" in screen_text(app)
            await pilot.press("x", "escape")
            await settled(pilot)
        assert shown(app).form.data() == Form.of(data).data()
        assert not any(isinstance(widget, FormLine) and widget.is_running is False
                       for widget in app.screen.walk_children())  # fmt: skip


async def test_models_are_added_and_removed_by_keys(world: WizardWorld) -> None:
    async with wizard(world, PLAN) as (app, pilot):
        await pilot.press("f2")
        await settled(pilot)
        fill(app, "models[1].file", "model.json")
        fill(app, "models[1].name", "second")
        await settled(pilot)
        assert [one["name"] for one in shown(app).form.data()["models"]] == ["diabetes", "second"]
        assert "diabetes" in screen_text(app)
        await pilot.press("home", "f9")
        await settled(pilot)
        assert [one["name"] for one in shown(app).form.data()["models"]] == ["diabetes"]


async def test_texts_of_several_lines_are_edited_in_full_and_kept_at_once(
    world: WizardWorld,
) -> None:
    variables = {"GREETING": "first\nsecond", "PLAIN": "x"}
    inference = {
        **PLAN["inference"],
        "environment": {"conda_file": "c.yml", "variables": variables},
    }
    async with wizard(world, {**PLAN, "inference": inference}) as (app, pilot):
        await shown(app).go_to("inference", "inference.environment.variables")
        await settled(pilot)
        area = shown(app).focused
        assert isinstance(area, TextArea)
        assert area.text == 'GREETING="first\\nsecond"\nPLAIN=x'
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, TextDialog), "the text")
        assert "variables: GREETING" in screen_text(app)
        await pilot.press("enter", *"3=4")
        kept = {"GREETING": "first\nsecond\n3=4", "PLAIN": "x"}
        made = shown(app).form.data()["inference"]["environment"]["variables"]
        assert made == kept
        await pilot.press("escape")
        await until(pilot, lambda: r"second\n3=4" in area.text, "the line")
        assert shown(app).form.data()["inference"]["environment"]["variables"] == kept


OLD_SCRIPT = """
from azureml.core import Workspace
from azureml.core.webservice import AciWebservice, Webservice
from azureml.core.image import ContainerImage
ws = Workspace.from_config()
config = ContainerImage.image_configuration(
    execution_script="score.py", runtime="python", conda_file="conda.yml")
target = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=2)
service = Webservice.deploy_from_model(ws, "old-service", target, [], config)
"""


@pytest.mark.parametrize(
    ("words", "offered", "seen"),
    [("open", "plan.yml", "diabetes-new"), ("import", "deploy.py", "old-service")],
)
async def test_a_run_begins_with_a_file_too(
    world: WizardWorld, words: str, offered: str, seen: str
) -> None:
    await world.planning.save("plan.yml", Draft("x", str(world.project), PLAN))
    (world.project / "deploy.py").write_text(OLD_SCRIPT)
    world.pane = "deploy"
    async with running(world) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        await pilot.press(*words, "enter")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the path")
        assert offered in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WizardPane), "the wizard")
        await until(pilot, lambda: seen in screen_text(app), "the review")
        assert shown(app).page == "review"


async def test_a_draft_is_offered_first_and_can_be_thrown_away(world: WizardWorld) -> None:
    world.pane = "deploy"
    await world.planning.keep(Draft("20261121-115900", str(world.project), {"name": "later"}))
    async with running(world) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        assert "Draft of later" in screen_text(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, WizardPane), "the wizard")
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the question")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1, "the list")
        assert await world.planning.drafts() == ()


async def test_a_file_that_is_no_plan_is_told(world: WizardWorld) -> None:
    world.pane = "deploy"
    (world.project / "plan.yml").write_text("name: svc\nextra: 1\n")
    async with running(world) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        await pilot.press(*"open", "enter")
        await until(pilot, lambda: isinstance(app.screen, PathDialog), "the path")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog), "the error")
        assert "extra" in screen_text(app)
