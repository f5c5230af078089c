"""The replica calculator: live, exact, against a service, and measured at one."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from amltui.app import Console
from amltui.domain.computes import Compute
from amltui.domain.errors import AmltuiError
from amltui.domain.loadplan import Sample
from amltui.domain.models import Can, Kind, Resources, Scale, Service
from amltui.domain.request import Answer, Request
from amltui.panes.pane import WorkspaceSwitched
from amltui.panes.replica_asking import MEASURED
from amltui.panes.replicas import ReplicasPane
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import ConfirmDialog, TypeNameDialog
from amltui.workers.load import LoadCheck
from amltui.workers.requests import Requests
from tests.golden import compare, screen_text
from tests.workers.test_load import MemoryGenerator
from tests.workers.test_requests import MemoryClient, answer

from .world import HOSTILE, NOW, World, cloud, running, settled, until

SCALE = Scale(2, 2, 2, True, 2, 4, 70, 1, 1, 100, 60000)
AKS = cloud("recommender", kind=Kind.AKS, target="aks", scale=SCALE)


AKS_2 = replace(AKS, resources=Resources(1, 2), can=AKS.can | Can.UPDATE)


def aks_world(service: Service = AKS_2, *, read_only: bool = False) -> World:
    """A workspace with a service and its cluster of 3 nodes with 4 cores and 16 GB each."""
    made = World(pane="replicas", settings=replace(World().settings, read_only=read_only))
    made.workspace.rows = (service,)
    made.workspace.clusters = (Compute("aks", "AKS", "Succeeded", "Standard_D4s_v3", 3),)
    return made


@dataclass
class Calculator:
    """The pane, and what it measures with."""

    app: Console
    pilot: Pilot[int]
    pane: ReplicasPane
    client: MemoryClient
    generator: MemoryGenerator
    requests: Requests

    @property
    def text(self) -> str:
        return self.pane.query_one("#result", DetailPanel).text

    def field(self, name: str) -> Input:
        return self.pane.query_one(f"#{name}", Input)

    async def wait_for(self, text: str) -> None:
        await until(self.pilot, lambda: text in self.text, text)

    async def load(self, service: Service = AKS) -> None:
        check = LoadCheck(self.requests, self.generator)
        self.pane.load_service(service, self.requests, check)
        await self.wait_for("as calculated")


@asynccontextmanager
async def calculating(
    respond: Callable[[Request, str], Answer | AmltuiError] = lambda _request, _key: answer(),
    size: tuple[int, int] = (80, 24),
    world: World | None = None,
) -> AsyncIterator[Calculator]:
    async with running(world or aks_world(AKS), size) as (app, pilot):
        pane = app.screen
        assert isinstance(pane, ReplicasPane)
        client, generator = MemoryClient(respond), MemoryGenerator()
        requests = Requests(app.services, client)
        yield Calculator(app, pilot, pane, client, generator, requests)


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16)], ids=str)
async def test_the_articles_example_reads_well_at_every_size(size: tuple[int, int]) -> None:
    async with calculating(size=size) as made:
        await made.wait_for("as calculated")
        compare(f"replicas-{size[0]}x{size[1]}", screen_text(made.app))
        assert "286 replicas" in made.text


async def test_a_service_reads_well() -> None:
    async with calculating(size=(160, 48)) as made:
        made.field("request_time_s").value = "0.4"
        await made.load()
        compare("replicas-service-160x48", screen_text(made.app))


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [("rps", "7", "100 replicas"), ("utilization", "0.5", "400 replicas"),
     ("utilization", "50", "400 replicas"), ("max_concurrent", "2", "143 replicas"),
     ("request_time_s", "100ms", "3 replicas"), ("replicas", "7", "7 replicas can carry 0.49"),
     ("burst", "2", "as calculated")],
)  # fmt: skip
async def test_every_field_counts_while_typing(name: str, typed: str, told: str) -> None:
    async with calculating() as made:
        made.field(name).value = typed
        await made.wait_for(told)


@pytest.mark.parametrize("name", ["rps", "request_time_s", "utilization", "max_concurrent"])
async def test_absurd_input_is_a_sentence_and_no_number(name: str) -> None:
    async with calculating() as made:
        for typed in ("0", "-3", "1e99", "", "many", "1,5", HOSTILE):
            made.field(name).value = "1%" if name == "utilization" else "1"
            await made.wait_for("replicas can carry")
            made.field(name).value = typed
            await made.wait_for("can be read")
            assert "replicas can carry" not in made.text
            shown = screen_text(made.app)
            assert re.search(r"(cannot be “|nothing given)", shown)
            assert any(word in shown for word in ("It must be", "For example", "says", "comma"))


async def test_a_number_of_replicas_that_cannot_be_read_spoils_only_its_line() -> None:
    async with calculating() as made:
        made.field("replicas").value = "x"
        made.field("burst").value = "y"
        await made.wait_for("Number of replicas cannot be “x”. It is not a number")
        await made.wait_for("The burst cannot be read.")
        assert "286 replicas" in made.text


async def test_a_burst_too_large_says_so_and_the_rest_stands() -> None:
    async with calculating() as made:
        made.field("rps").value = "5000"
        await made.wait_for("too many to simulate")
        assert "71,429 replicas" in made.text


async def test_the_services_settings_are_taken_and_compared() -> None:
    async with calculating(size=(160, 24)) as made:
        scale = Scale(3, 3, 3, True, 3, 5, 60, 1, 2, 500, 60000)
        await made.load(cloud("fraud", kind=Kind.AKS, scale=scale))
        assert made.field("max_concurrent").value == "2"
        assert made.field("utilization").value == "60%"
        assert made.field("replicas").value == "3"
        assert "as it is, 3 to 5 replicas" in made.text
        assert "raise autoscale_max_replicas from 5 to 167" in made.text


async def test_a_service_without_replicas_is_told() -> None:
    async with calculating() as made:
        await made.load(cloud("aci"))
        assert "only AKS has replicas" in screen_text(made.app)


async def test_the_update_call_is_copied() -> None:
    async with calculating() as made:
        copied: list[str] = []
        made.app.copy_to_clipboard = copied.append  # type: ignore[method-assign,assignment]
        await made.load()
        await made.pilot.press("escape", "y")
        assert copied == ["service.update(autoscale_max_replicas=286, autoscale_min_replicas=286)"]


async def test_without_a_service_nothing_is_measured() -> None:
    async with calculating() as made:
        await made.pilot.press("escape", "m", "t")
        assert made.app.screen is made.pane
        assert made.client.sent == []


async def test_measuring_asks_first() -> None:
    async with calculating() as made:
        await made.load()
        await made.pilot.press("escape", "m")
        assert isinstance(made.app.screen, ConfirmDialog)
        await made.pilot.press("enter")  # "no" has the focus
        await settled(made.pilot)
        assert made.client.sent == []


async def test_measuring_puts_the_mean_into_the_field() -> None:
    turn = iter(range(100))
    async with calculating(lambda *_: answer(503 if next(turn) % 10 == 0 else 200)) as made:
        await made.load()
        await made.pilot.press("escape", "m", "tab", "enter")
        await made.wait_for(f"{MEASURED} of {MEASURED} requests, 10 % without a good answer")
        await until(made.pilot, lambda: made.field("request_time_s").value == "101 ms", "the mean")
        await made.wait_for("3 replicas")
        assert "p50 101 ms" in made.text
        assert len(made.client.sent) == MEASURED
        assert made.client.sent[0][1] == "PRIMARY-0000"


async def test_measuring_stays_with_the_service_whatever_was_asked_before() -> None:
    async with calculating() as made:
        await made.load()
        elsewhere = Request("http://elsewhere.example.org/x", '"mine"')
        assert made.pane._requests is not None
        await made.pane._requests.send(elsewhere, made.pane.picture.service)
        await made.pilot.press("escape", "m", "tab", "enter")
        await made.wait_for(f"{MEASURED} of {MEASURED} requests")
        ((_, first), *rest) = [(one.url, one.body) for one, _ in made.client.sent]
        assert first == '"mine"'
        assert set(rest) == {("http://recommender.example.org/score", '"mine"')}


async def test_measuring_can_be_stopped() -> None:
    async with calculating() as made:
        await made.load()
        made.client.hangs = True
        await made.pilot.press("escape", "m", "tab", "enter")
        await until(made.pilot, lambda: bool(made.client.sent), "the first request")
        await made.pilot.press("escape")
        await until(
            made.pilot, lambda: made.client.exchanges[0].cancelled.is_set(), "the end of it"
        )
        await settled(made.pilot)
        assert len(made.client.sent) == 1
        assert made.field("request_time_s").value == "10 s"


async def test_a_measurement_without_a_good_answer_changes_nothing() -> None:
    async with calculating(lambda *_: AmltuiError("Nobody answers", "It refused.")) as made:
        await made.load()
        await made.pilot.press("escape", "m", "tab", "enter")
        await made.wait_for("100 % without a good answer")
        await made.wait_for("Nobody answers")
        assert made.field("request_time_s").value == "10 s"


async def test_a_load_on_a_cloud_service_needs_its_name() -> None:
    async with calculating() as made:
        made.generator.batches = [(Sample(0, 200, 0.1), Sample(0, 503, 0.1), Sample(1, 200, 0.1))]
        await made.load()
        await made.pilot.press("escape", "t")
        assert isinstance(made.app.screen, TypeNameDialog)
        await made.pilot.press("enter")
        assert made.generator.started == []
        await made.pilot.press(*"recommender", "enter")
        await made.wait_for("status 200: 2, 503: 1")
        await made.wait_for("a column is one second")
        ((plan, request, key),) = made.generator.started
        assert (plan.rps, request.url, key) == (20, AKS.scoring_uri, "PRIMARY-0000")
        await settled(made.pilot)
        assert made.generator.runs[0].closed == 1


async def test_a_stopped_load_shows_what_was_counted() -> None:
    stopped = threading.Event()

    def batches() -> Iterator[tuple[Sample, ...]]:
        yield (Sample(0, 200, 0.1), Sample(0, 503, 0.1))
        stopped.wait(20)

    async with calculating() as made:
        made.generator.batches = batches()  # type: ignore[assignment]
        await made.load()
        await made.pilot.press("escape", "t", *"recommender", "enter")
        await made.wait_for("status 200: 1, 503: 1")
        await made.pilot.press("escape")
        await made.wait_for("Load check, stopped")
        await made.wait_for("a column is one second")
        assert made.generator.runs[0].closed == 1
        stopped.set()


async def test_a_load_beyond_all_bounds_is_refused() -> None:
    async with calculating() as made:
        await made.load()
        made.field("rps").value = "50000"
        await made.pilot.pause()
        await made.pilot.press("escape", "t")
        await settled(made.pilot)
        assert made.app.screen is made.pane
        assert made.generator.started == []


async def test_another_workspace_forgets_the_service() -> None:
    async with calculating() as made:
        await made.load()
        made.pane.post_message(WorkspaceSwitched())
        await made.pilot.pause()
        assert "SDK's defaults" in screen_text(made.app)
        await made.pilot.press("escape", "m")
        assert made.app.screen is made.pane


async def test_keys_scroll_the_result_after_the_form_is_left() -> None:
    async with calculating() as made:
        await made.wait_for("as calculated")
        await made.pilot.press("down", "escape", "G")
        assert "Replicas over requests/s" in screen_text(made.app)
        await made.pilot.press("enter")
        assert made.field("rps").has_focus


async def test_the_result_is_applied_after_a_review_that_raises_the_maximum_too() -> None:
    world = aks_world()
    async with calculating(world=world) as made:
        made.field("request_time_s").value = "0.2"
        await made.load(AKS_2)
        await made.pilot.press("escape", "u")
        await until(made.pilot, lambda: "Update recommender?" in screen_text(made.app), "review")
        shown = screen_text(made.app)
        assert "autoscale_min_replicas  2 → 6" in shown
        assert "autoscale_max_replicas  4 → 6" in shown
        assert "goes on answering" in shown
        applied = replace(SCALE, min_replicas=6, max_replicas=6)
        world.workspace.rows = (replace(AKS_2, scale=applied),)
        await made.pilot.press("right", "enter")
        await until(made.pilot, lambda: "6 to 6 replicas" in screen_text(made.app), "the new pool")
        ((ref, sent),) = world.workspace.updated
        assert ref == AKS_2.ref
        assert sent.settings == {"autoscale_min_replicas": 6, "autoscale_max_replicas": 6}


async def test_the_cluster_is_compared_with_what_the_replicas_ask_for() -> None:
    async with calculating(world=aks_world(), size=(160, 48)) as made:
        await made.load(AKS_2)
        await made.wait_for("room for at most 12 replicas")
        assert "286 replicas of 1 core, 2 GB do not fit" in made.text


async def test_settings_that_changed_meanwhile_are_read_again() -> None:
    world = aks_world()
    async with calculating(world=world) as made:
        world.workspace.rows = (replace(AKS_2, scale=replace(SCALE, max_replicas=300)),)
        await made.load(AKS_2)
        await until(made.pilot, lambda: "2 to 300 replicas" in screen_text(made.app), "the new")
        assert f"read {NOW:%H:%M:%S} UTC" in screen_text(made.app)
        world.workspace.error = AmltuiError("Azure cannot be reached", "There is no connection.")
        await made.pilot.press("escape", "r")
        await until(made.pilot, lambda: bool(made.app._notifications), "the reason")
        assert "2 to 300 replicas" in screen_text(made.app)


async def test_nothing_is_applied_in_read_only_mode_or_to_aci() -> None:
    async with calculating(world=aks_world(read_only=True)) as made:
        await made.load(AKS_2)
        await made.pilot.press("escape", "u")
        assert made.app.screen is made.pane
    async with calculating() as made:
        await made.load(cloud("aci", can=AKS_2.can))
        await made.pilot.press("escape", "u")
        await made.pilot.pause()
        assert any("Only AKS" in toast.message for toast in made.app._notifications)
