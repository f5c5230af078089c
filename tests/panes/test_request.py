"""The request pane: one request, its answer taken apart, nothing of it lost or leaked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from amltui.app import Console
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.logbatch import Batch
from amltui.domain.models import AuthMode, Can, Kind, Scale, Service
from amltui.domain.request import SAMPLE, Answer, Request
from amltui.panes.replicas import ReplicasPane
from amltui.panes.request import RequestPane
from amltui.panes.request_tools import RequestTools
from amltui.panes.services import ServicesPane
from amltui.widgets.detail import DetailPanel
from amltui.widgets.dialogs import ChoiceDialog
from amltui.widgets.resource_table import ResourceTable
from amltui.workers.load import LoadCheck
from amltui.workers.requests import Requests
from amltui.workers.services import Services
from tests.golden import compare, screen_text
from tests.workers.test_load import MemoryGenerator
from tests.workers.test_requests import LOG, MemoryClient, answer

from .world import HOSTILE, NOW, MemoryWorkspace, World, believable, cloud, running, settled, until

TRACE = (
    "Encountered Exception: Traceback (most recent call last):\n"
    '  File "/var/azureml-app/score.py", line 31, in run\n'
    "ValueError: 9 columns passed, passed data had 4 columns"
)


@dataclass
class Asked:
    """The pane on a console, and what it sends to."""

    app: Console
    pilot: Pilot[int]
    pane: RequestPane
    client: MemoryClient
    tools: RequestTools
    copied: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.pane.query_one("#answer", DetailPanel).text

    @property
    def body(self) -> TextArea:
        return self.pane.query_one("#body", TextArea)

    async def send(self, wanted: str = "Headers") -> None:
        await self.pilot.press("f5")
        await until(self.pilot, lambda: wanted in self.text, wanted)
        await settled(self.pilot)


@asynccontextmanager
async def asking(
    respond: Callable[[Request, str], Answer | AmltuiError] = lambda _request, _key: answer(),
    service: Service | None = None,
    size: tuple[int, int] = (80, 24),
    log: str = "",
) -> AsyncIterator[Asked]:
    world = World(MemoryWorkspace(believable(), text=log))
    async with running(world, size) as (app, pilot):
        client, generator = MemoryClient(respond), MemoryGenerator()

        async def read_log(source: Any, tail: int) -> AsyncIterator[Any]:
            yield Batch(0, log.encode().split(b"\n"))

        requests = Requests(app.services, client, world.clock, read_log)  # type: ignore[arg-type]
        tools = RequestTools(
            requests, LoadCheck(requests, generator), lambda path: f'"{path}"', lambda text: text
        )
        await app.switch_mode("request")
        pane = app.screen
        assert isinstance(pane, RequestPane)
        pane.open(service or cloud("diabetes"), tools)
        await pilot.pause()
        asked = Asked(app, pilot, pane, client, tools)
        app.copy_to_clipboard = asked.copied.append  # type: ignore[method-assign,assignment]
        yield asked


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 16)], ids=str)
async def test_a_502_reads_well_at_every_size(size: tuple[int, int]) -> None:
    found = answer(502, TRACE, x_ms_run_function_failed="True", x_ms_request_id="7f3a")
    async with asking(lambda *_: found, size=size, log=LOG.decode()) as asked:
        compare(f"request-new-{size[0]}x{size[1]}", screen_text(asked.app))
        await asked.send()
        compare(f"request-502-{size[0]}x{size[1]}", screen_text(asked.app))


async def test_what_can_be_done_about_an_error_is_offered() -> None:
    slow = cloud("diabetes", kind=Kind.AKS, scale=Scale(scoring_timeout_ms=60_000))
    async with asking(lambda *_: answer(504, "timeout"), service=slow) as asked:
        await asked.pilot.press("escape", "F")
        assert not isinstance(asked.app.screen, ChoiceDialog)
        await asked.send()
        await asked.pilot.press("F")
        await until(asked.pilot, lambda: isinstance(asked.app.screen, ChoiceDialog), "the offers")
        assert "Raise scoring_timeout_ms to 120000" in screen_text(asked.app)


async def test_one_key_sends_one_request_with_the_key_and_shows_what_came() -> None:
    async with asking(log=LOG.decode()) as asked:
        assert asked.body.text == SAMPLE
        assert asked.body.has_focus
        await asked.send()
        ((request, key),) = asked.client.sent
        assert (request.url, request.body, key) == (
            "http://diabetes.example.org/score", SAMPLE, "PRIMARY-0000",
        )  # fmt: skip
        assert "PRIMARY" not in screen_text(asked.app)
        for part in ("200", "connect 1.00 ms · server 100 ms", '"result": [1]', "azmlinfsrv"):
            assert part in asked.text


async def test_what_is_typed_just_before_the_key_is_sent_too() -> None:
    async with asking() as asked:
        asked.body.text = ""
        for key in ("1", "2", "3"):
            asked.app.post_message(events.Key(key, key))
        asked.app.post_message(events.Key("f5", None))
        await until(asked.pilot, lambda: bool(asked.client.sent), "the request")
        assert asked.client.sent[0][0].body == "123"


async def test_ctrl_r_sends_too_and_not_twice_at_the_same_time() -> None:
    async with asking() as asked:
        asked.client.hangs = True
        await asked.pilot.press("ctrl+r")
        await until(asked.pilot, lambda: bool(asked.client.sent), "the request")
        await asked.pilot.press("ctrl+r", "f5")
        assert "Waiting for the answer" in asked.text
        asked.client.hangs = False
        asked.client.exchanges[0].cancel()
        await until(asked.pilot, lambda: "Headers" in asked.text, "the answer")
        assert len(asked.client.sent) == 1


async def test_esc_stops_at_once_then_leaves_then_goes_back() -> None:
    async with asking() as asked:
        asked.client.hangs = True
        await asked.pilot.press("f5")
        await until(asked.pilot, lambda: bool(asked.client.sent), "the request")
        await asked.pilot.press("escape")
        await until(asked.pilot, lambda: "was stopped" in asked.text, "the stop")
        assert asked.client.exchanges[0].cancelled.is_set()
        assert asked.app.screen is asked.pane
        await asked.pilot.press("enter", "escape")
        assert not asked.body.has_focus
        await asked.pilot.press("escape")
        assert isinstance(asked.app.screen, ServicesPane)


async def test_letters_are_text_in_the_body_and_keys_outside_it() -> None:
    async with asking() as asked:
        asked.body.text = ""
        await asked.pilot.press("h", "c", "y", "f")
        assert asked.body.text == "hcyf"
        await asked.pilot.press("escape", "h")
        assert asked.pane.has_class("-history")


async def test_no_answer_is_told_with_its_reason_and_kept_in_the_history() -> None:
    error = AmltuiError(
        "No answer within 5 s", "while waiting", "Raise it", problem=Problem.TIMEOUT
    )
    async with asking(lambda *_: error, log=LOG.decode()) as asked:
        await asked.send("The log of that second")
        assert "while waiting" in asked.text
        await asked.pilot.press("h")
        assert asked.pane.query_one(ResourceTable).total == 1


async def test_a_workspace_without_the_key_is_told() -> None:
    async with asking() as asked:
        workspace = asked.app.services._workspace
        workspace.error = AmltuiError("No permission", "You may not.")  # type: ignore[union-attr]
        await asked.pilot.press("f5")
        await until(asked.pilot, lambda: "No permission" in asked.text, "the error")
        assert asked.client.sent == []


async def test_what_cannot_be_sent_is_told_while_typing() -> None:
    async with asking() as asked:
        asked.pane.query_one("#limit", Input).value = "soon"
        asked.body.text = "{"
        await asked.pilot.pause()
        assert "Time limit in seconds" in screen_text(asked.app)
        await asked.pilot.press("f5")
        await settled(asked.pilot)
        assert asked.client.sent == []
        asked.pane.query_one("#limit", Input).value = "5"
        await asked.pilot.pause()
        assert "not JSON" in screen_text(asked.app)
        await asked.send()
        assert asked.client.sent[0][0].body == "{"
        assert asked.client.sent[0][0].limit_s == 5


@pytest.mark.parametrize("size", [(80, 24), (60, 16)], ids=str)
async def test_half_an_address_is_a_sentence_that_can_be_read(size: tuple[int, int]) -> None:
    async with asking(size=size) as asked:
        asked.pane.open(None, asked.tools)
        await asked.pilot.press(*"http://[")
        assert "Invalid IPv6 URL." in screen_text(asked.app)
        await asked.pilot.press("f5", "escape", "y", "s")
        await settled(asked.pilot)
        assert asked.client.sent == []


async def test_a_large_body_is_sent_whole_and_not_typed_in() -> None:
    async with asking() as asked:
        large = json.dumps({"data": list(range(9_000))})
        asked.pane.tools = replace(asked.tools, read_body=lambda _: large)
        await asked.pilot.press("escape", "o", "x", "enter")
        await until(asked.pilot, lambda: asked.body.read_only, "the file")
        await asked.pilot.pause()
        assert "E edits all of it" in screen_text(asked.app)
        await asked.send()
        assert asked.client.sent[0][0].body == large
        await asked.pilot.press("enter", "ctrl+z")
        assert asked.body.text == SAMPLE


async def test_another_host_does_not_get_the_key() -> None:
    async with asking() as asked:
        asked.pane.query_one("#url", Input).value = "http://elsewhere.example.org/score"
        await asked.pilot.pause()
        assert "its key stays here" in screen_text(asked.app)
        await asked.send()
        assert asked.client.sent[0][1] == ""


async def test_hostile_answers_stay_text() -> None:
    found = answer(500, f'{{"message": "{HOSTILE}"}}', X_Evil=HOSTILE, Server=HOSTILE)
    async with asking(lambda *_: replace(found, reason=HOSTILE), log=HOSTILE) as asked:
        await asked.send()
        await asked.pilot.press("h", "enter", "f", "G")
        await settled(asked.pilot)
        shown = screen_text(asked.app)
        assert not set(shown) & {"\x1b", "\x9b", "\x07", "‮"}
        assert "[/foo]" in asked.text


async def test_long_answers_are_folded_until_asked() -> None:
    long = '{"result": [' + ", ".join(map(str, range(500))) + "]}"
    async with asking(lambda *_: answer(200, long)) as asked:
        await asked.send()
        assert "480 more" in asked.text
        assert "f shows all of it" in asked.text
        await asked.pilot.press("f")
        await until(asked.pilot, lambda: "499" in asked.text, "the rest")
        assert "more" not in asked.text.replace("no more", "")


async def test_the_history_brings_a_request_back_and_compares() -> None:
    answers = iter([answer(200, '{"result": [1]}'), answer(200, '{"result": [2]}')])
    async with asking(lambda *_: next(answers)) as asked:
        await asked.send()
        await asked.pilot.press("enter")
        asked.body.text = '{"data": []}'
        await asked.send('"result": [2]')
        await asked.pilot.press("c")
        await until(asked.pilot, lambda: "#1 compared with #2" in asked.text, "the comparison")
        assert '+  "result": [2]' in asked.text
        assert "request: differs" in asked.text
        await asked.pilot.press("h", "j", "enter")
        await until(asked.pilot, lambda: '"result": [1]' in asked.text, "the first answer")
        assert asked.body.text == SAMPLE
        await asked.pilot.press("c")
        await until(asked.pilot, lambda: "#1 compared with #2" in asked.text, "the comparison")


async def test_comparing_needs_two() -> None:
    async with asking() as asked:
        await asked.pilot.press("escape", "c")
        await asked.send()
        await asked.pilot.press("c")
        await settled(asked.pilot)
        assert "compared with" not in asked.text


async def test_bodies_from_a_file_the_swagger_and_the_sample() -> None:
    body = {"in": "body", "schema": {"example": 7}}
    schema = json.dumps({"paths": {"/score": {"post": {"parameters": [body]}}}})
    async with asking(lambda *_: answer(200, schema)) as asked:
        await asked.pilot.press("escape", "o", "x", "1", "enter")
        await until(asked.pilot, lambda: asked.body.text == '"x1"', "the file")
        assert asked.body.has_focus
        await asked.pilot.press("escape", "s")
        await until(asked.pilot, lambda: asked.body.text == "7", "the swagger")
        await asked.pilot.press("d")
        assert asked.body.text == SAMPLE
        await asked.pilot.press("enter", "ctrl+z")
        assert asked.body.text == "7"


async def test_a_file_that_cannot_be_read_keeps_what_is_typed() -> None:
    def fail(path: str) -> str:
        raise AmltuiError("The body cannot be read", path)

    async with asking() as asked:
        asked.pane.tools = replace(asked.tools, read_body=fail)
        await asked.pilot.press("escape", "o", "x", "enter")
        await settled(asked.pilot)
        assert asked.body.text == SAMPLE
        assert asked.pane.query_one("#file", Input).has_focus


async def test_copies_hold_a_placeholder_instead_of_the_key() -> None:
    async with asking() as asked:
        await asked.send()
        await asked.pilot.press("y", "Y")
        curl, python = asked.copied
        assert curl.startswith("curl ")
        assert "$AMLTUI_KEY" in curl
        assert "os.environ['AMLTUI_KEY']" in python
        assert "PRIMARY" not in curl + python


async def test_what_is_typed_for_a_service_is_still_there_later() -> None:
    async with asking() as asked:
        asked.body.text = "mine"
        await asked.pilot.pause()
        asked.pane.open(cloud("other", auth=AuthMode.NONE, can=Can.INVOKE), asked.tools)
        await asked.pilot.pause()
        assert asked.body.text == SAMPLE
        assert "no key needed" in screen_text(asked.app)
        asked.pane.open(cloud("diabetes"), asked.tools)
        await asked.pilot.pause()
        assert asked.body.text == "mine"
        moved = "http://moved.example.org/score"
        asked.pane.open(cloud("diabetes", scoring_uri=moved), asked.tools)
        await asked.pilot.pause()
        assert (asked.pane.url.value, asked.body.text) == (moved, "mine")


async def test_a_service_without_an_address_cannot_be_asked() -> None:
    async with asking(service=cloud("churn", scoring_uri="")) as asked:
        await asked.pilot.press("f5")
        await settled(asked.pilot)
        assert asked.client.sent == []
        assert "not an address" in screen_text(asked.app)


async def test_a_503_leads_to_the_calculator_with_the_services_values() -> None:
    scale = Scale(2, 2, 2, True, 2, 4, 70, 1, 3, 100, 60000)
    service = cloud("recommender", kind=Kind.AKS, scale=scale)
    async with asking(lambda *_: answer(503, "overloaded"), service) as asked:
        await asked.send()
        assert "2 to 4; R calculates" in asked.text
        await asked.pilot.press("R")
        await settled(asked.pilot)
        assert isinstance(asked.app.screen, ReplicasPane)
        assert asked.app.screen.query_one("#max_concurrent", Input).value == "3"
        assert "Against recommender: 2 to 4 replicas" in screen_text(asked.app)


async def test_another_workspace_forgets_the_service() -> None:
    from amltui.panes.pane import WorkspaceSwitched

    async with asking() as asked:
        await asked.send()
        asked.pane.post_message(WorkspaceSwitched())
        await asked.pilot.pause()
        assert "choose a service" in asked.text
        await asked.pilot.press("f5", "h", "c", "s", "y", "R")
        await settled(asked.pilot)
        assert len(asked.client.sent) == 1


async def test_another_workspace_has_bodies_of_its_own() -> None:
    from amltui.panes.pane import WorkspaceSwitched

    async with asking() as asked:
        asked.body.text = "of the first"
        await asked.pilot.pause()
        asked.pane.post_message(WorkspaceSwitched())
        await asked.pilot.pause()
        asked.pane.open(cloud("diabetes"), asked.tools)
        assert asked.body.text == SAMPLE


async def test_the_time_is_the_consoles_clock() -> None:
    async with asking() as asked:
        await asked.send()
        assert f"sent {NOW:%H:%M:%S} UTC" in asked.text


async def test_an_address_of_ones_own_is_asked_with_a_header_that_is_not_shown() -> None:
    async with asking() as asked:
        asked.pane.open(None, asked.tools)
        await asked.pilot.pause()
        url = asked.pane.query_one("#url", Input)
        assert url.has_focus
        url.value = "http://127.0.0.1:9/score"
        await asked.pilot.press("escape", "a", *"Authorization: Bearer S3CRET")
        assert "S3CRET" not in screen_text(asked.app)
        await asked.pilot.press("enter")
        await asked.send()
        ((request, key),) = asked.client.sent
        assert (request.url, key) == ("http://127.0.0.1:9/score", "")
        assert request.headers == (("Authorization", "Bearer S3CRET"),)
        await asked.pilot.press("y")
        assert "S3CRET" not in asked.copied[0]
        asked.pane.open(cloud("diabetes"), asked.tools)
        assert asked.pane.query_one("#header", Input).value == ""


async def test_any_address_can_be_asked_from_the_services() -> None:
    def ask(services: Services) -> RequestTools:
        requests = Requests(services, MemoryClient(lambda *_: answer()))
        return RequestTools(requests, LoadCheck(requests, MemoryGenerator()), str, str)

    world = World(MemoryWorkspace(believable()), ask=ask)
    async with running(world) as (app, pilot):
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, RequestPane), "the pane")
        await until(pilot, lambda: "Your own address" in screen_text(app), "what it is")
        assert app.screen.query_one("#url", Input).has_focus
