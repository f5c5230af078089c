"""Test requests: keys added, renewed and kept at home; what happened kept in memory only."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.latency import Timing
from amltui.domain.logbatch import Batch
from amltui.domain.logsource import LogSource
from amltui.domain.models import AuthMode, Can, Keys, Kind, Ref, Scale, Service
from amltui.domain.request import SAMPLE, Answer, Request
from amltui.ports import Workspace
from amltui.workers.request_log import lines_between
from amltui.workers.requests import (
    MOST_ATTEMPTS,
    MOST_KEPT,
    RENEWED,
    Requests,
    Series,
    key_words,
    same_origin,
)
from amltui.workers.services import Services
from tests.panes.world import NOW, MemoryWorkspace, cloud

URL = "http://diabetes.example.org/score"
TOKEN = Can.INVOKE | Can.TOKEN | Can.LOGS


def answer(status: int = 200, body: str = '{"result": [1]}', **headers: str) -> Answer:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, "", pairs, body, len(body), Timing(0.001, 0, 0.1, 0.001))


@dataclass
class MemoryExchange:
    """An exchange that ends as the client says."""

    client: MemoryClient
    request: Request
    authorization: str
    cancelled: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Answer:
        self.client.sent.append((self.request, self.authorization))
        if self.client.hangs:
            self.cancelled.wait(5)
        found = self.client.respond(self.request, self.authorization)
        if isinstance(found, AmltuiError):
            raise found
        return found

    def cancel(self) -> None:
        self.cancelled.set()


@dataclass
class MemoryClient:
    """Answers by a function of the request and the key."""

    respond: Callable[[Request, str], Answer | AmltuiError] = lambda _request, _key: answer()
    hangs: bool = False
    sent: list[tuple[Request, str]] = field(default_factory=list)
    exchanges: list[MemoryExchange] = field(default_factory=list)

    def open(self, request: Request, authorization: str = "") -> MemoryExchange:
        self.exchanges.append(MemoryExchange(self, request, authorization))
        return self.exchanges[-1]


@dataclass
class Made:
    client: MemoryClient
    workspace: MemoryWorkspace
    requests: Requests
    now: list[float]


def make(
    respond: Callable[[Request, str], Answer | AmltuiError] = lambda _request, _key: answer(),
    log: bytes = b"",
) -> Made:
    client, workspace, seconds = MemoryClient(respond), MemoryWorkspace(), [0.0]

    async def read_log(source: LogSource, tail: int) -> AsyncGenerator[Batch, None]:
        yield Batch(0, log.split(b"\n"))

    services = Services(cast(Workspace, workspace), None)
    requests = Requests(services, client, lambda: NOW + timedelta(seconds=seconds[0]), read_log)
    return Made(client, workspace, requests, seconds)


def service(**fields: object) -> Service:
    return cloud("diabetes", **fields)


async def test_the_key_is_added_fetched_once_and_kept_out_of_the_history() -> None:
    made = make()
    for _ in range(2):
        await made.requests.send(Request(URL), service())
    assert [key for _, key in made.client.sent] == ["PRIMARY-0000"] * 2
    assert made.workspace.asked.count("keys") == 1
    assert "PRIMARY" not in repr(made.requests.history)


async def test_a_service_without_auth_is_asked_without_a_key() -> None:
    made = make()
    await made.requests.send(Request(URL), service(auth=AuthMode.NONE, can=Can.INVOKE))
    await made.requests.send(Request(URL))
    assert [key for _, key in made.client.sent] == ["", ""]
    assert made.workspace.asked == []


async def test_a_refused_key_is_fetched_again_once_and_that_is_said() -> None:
    keys = iter(["OLD", "NEW"])
    made = make(lambda _, key: answer(200 if key == "NEW" else 401))

    def fetched(ref: Ref) -> Keys:
        return Keys(next(keys), "")

    made.workspace.keys = fetched  # type: ignore[method-assign]
    attempt = await made.requests.send(Request(URL), service())
    assert [key for _, key in made.client.sent] == ["OLD", "NEW"]
    assert attempt.note == RENEWED
    assert attempt.answer is not None
    assert attempt.answer.status == 200


async def test_the_same_key_is_not_tried_twice() -> None:
    made = make(lambda _, key: answer(401))
    attempt = await made.requests.send(Request(URL), service())
    assert len(made.client.sent) == 1
    assert made.workspace.asked.count("keys") == 2
    assert attempt.answer is not None
    assert attempt.answer.status == 401


async def test_a_token_is_renewed_when_its_time_has_come() -> None:
    made = make()
    about = service(auth=AuthMode.TOKEN, can=TOKEN)
    for seconds in (0, 3599, 3601):
        made.now[0] = seconds
        await made.requests.send(Request(URL), about)
    assert made.workspace.asked.count("token") == 2


@pytest.mark.parametrize(
    "url",
    ["http://evil.example.org/score", "https://diabetes.example.org/score",
     "http://diabetes.example.org:8080/score", "http://diabetes.example.org.evil.com/"],
)  # fmt: skip
async def test_the_key_goes_to_no_other_host(url: str) -> None:
    made = make()
    await made.requests.send(Request(url), service())
    assert made.client.sent[0][1] == ""
    assert made.workspace.asked == []
    assert not same_origin(url, service())
    assert "its key stays here" in key_words(url, service())


@pytest.mark.parametrize("typed", ["http://[", "http://diabetes.example.org:99999/x", "http://:/"])
def test_half_typed_addresses_get_no_key_either(typed: str) -> None:
    assert "its key stays here" in key_words(typed, service())


async def test_an_authorisation_of_ones_own_is_left_alone() -> None:
    made = make()
    request = Request(URL, headers=(("authorization", "Bearer mine"),))
    await made.requests.send(request, service())
    assert made.client.sent == [(request, "")]


async def test_errors_and_failures_are_attempts_and_nothing_is_sent_again() -> None:
    for status in (500, 502, 503, 504):
        made = make(lambda _, key, status=status: answer(status))  # type: ignore[misc]
        attempt = await made.requests.send(Request(URL), service())
        assert len(made.client.sent) == 1
        assert attempt.words.startswith(str(status))
    made = make(lambda *_: AmltuiError("Nobody answers", problem=Problem.NETWORK))
    attempt = await made.requests.send(Request(URL), service())
    assert attempt.answer is None
    assert attempt.words == "Nobody answers"
    assert len(made.client.sent) == 1


async def test_trouble_with_the_key_is_raised_and_nothing_is_sent() -> None:
    made = make()
    made.workspace.error = AmltuiError("No permission", problem=Problem.PERMISSION)
    with pytest.raises(AmltuiError):
        await made.requests.send(Request(URL), service())
    assert made.client.sent == []


async def test_cancelling_ends_the_exchange_and_keeps_no_attempt() -> None:
    made = make()
    made.client.hangs = True
    task = asyncio.ensure_future(made.requests.send(Request(URL), service()))
    while not made.client.sent:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made.client.exchanges[0].cancelled.is_set()
    assert not made.requests.history


async def test_the_history_is_bounded() -> None:
    made = make(lambda *_: answer(body="x" * (MOST_KEPT + 5)))
    shown = await made.requests.send(Request(URL), service())
    assert shown.answer is not None
    assert len(shown.answer.body) == MOST_KEPT + 5
    kept = made.requests.history[0].answer
    assert kept is not None
    assert len(kept.body) == MOST_KEPT
    assert "history" in kept.cut
    for _ in range(MOST_ATTEMPTS + 3):
        await made.requests.send(Request(URL, "{}"), service())
    assert len(made.requests.history) == MOST_ATTEMPTS
    for _ in range(5):
        await made.requests.send(Request(URL, "x" * 10_000_000), service())
    assert sum(len(one.request.body) for one in made.requests.history) <= 32_000_000


async def test_attempts_are_told_by_service() -> None:
    made = make()
    await made.requests.send(Request(URL), service())
    await made.requests.send(Request("http://b.example.org/score"), cloud("b"))
    assert [one.number for one in made.requests.attempts(cloud("b"))] == [2]
    assert made.requests.attempts(None) == []


# Reports


async def test_a_report_tells_the_root_cause_the_settings_and_the_headers() -> None:
    body = "Encountered Exception: Traceback (most recent call last):\nKeyError: 'data'"
    found = answer(502, body, x_ms_run_function_failed="True")
    made = make(lambda *_: found)
    attempt = await made.requests.send(Request(URL), service())
    report = await made.requests.report(attempt, service())
    assert report.findings
    parts = report.parts(service())
    assert parts[0].title.startswith("502")
    text = "\n".join(value for part in parts for _, value in part.rows)
    assert [label for label, _ in parts[1].rows][:4] == [
        "Diagnosis",
        "Shown by",
        "Why",
        "What to do",
    ]
    assert "KeyError" in text
    assert "x-ms-run-function-failed: True" in text


@pytest.mark.parametrize(
    ("status", "told"), [(503, "2 to 4; R calculates"), (504, "scoring_timeout_ms is 1500")]
)
async def test_503_and_504_show_the_setting_that_decides(status: int, told: str) -> None:
    scale = Scale(autoscale=True, min_replicas=2, max_replicas=4, scoring_timeout_ms=1500)
    about = service(kind=Kind.AKS, scale=scale)
    made = make(lambda *_: answer(status, "busy"))
    report = await made.requests.report(await made.requests.send(Request(URL), about), about)
    text = "\n".join(value for part in report.parts(about) for _, value in part.rows)
    assert told in text


async def test_a_report_without_an_answer_tells_why() -> None:
    made = make(lambda *_: AmltuiError("Nobody answers", "It refused.", "Check it."))
    attempt = await made.requests.send(Request(URL), service())
    parts = (await made.requests.report(attempt, service())).parts(service())
    assert parts[0].title == "Nobody answers"
    assert ("", "It refused.") in parts[0].rows


# The log of the same second

LOG = b"""2026-11-21 11:59:58,000 | root | INFO | before
2026-11-21 12:00:00,123 I [31] azmlinfsrv - POST /score 502 20.1ms
Traceback (most recent call last):
ValueError: \x1b[31mbad
127.0.0.1 - - [21/Nov/2026:12:00:00 +0000] "POST /score HTTP/1.0" 502 74
2026-11-21T12:00:09Z after
not a time 2026-99-99 99:99:99"""


async def test_the_log_lines_of_that_second_with_their_traceback() -> None:
    made = make(log=LOG)
    attempt = await made.requests.send(Request(URL), service())
    lines = await made.requests.log_lines(attempt, service())
    assert [line[:9] for line in lines] == ["2026-11-2", "Traceback", "ValueErro", "127.0.0.1"]
    assert "\x1b" not in "".join(lines)


async def test_the_servers_own_clock_decides_where_it_is_told() -> None:
    made = make(lambda *_: answer(Date="Sat, 21 Nov 2026 12:00:09 GMT"), log=LOG)
    attempt = await made.requests.send(Request(URL), service())
    lines = await made.requests.log_lines(attempt, service())
    assert lines[0].endswith("after")
    made = make(lambda *_: answer(Date="nonsense"), log=LOG)
    attempt = await made.requests.send(Request(URL), service())
    assert len(await made.requests.log_lines(attempt, service())) == 4


async def test_a_log_that_cannot_be_read_costs_nothing() -> None:
    made = make()
    attempt = await made.requests.send(Request(URL), service())

    async def broken(source: LogSource, tail: int) -> AsyncGenerator[Batch, None]:
        raise AmltuiError("no log")
        yield Batch(0)

    made.requests._read_log = broken
    assert await made.requests.log_lines(attempt, service()) == []


async def test_the_stamps_of_an_engine_count() -> None:
    made = make()

    async def stamped(source: LogSource, tail: int) -> AsyncGenerator[Batch, None]:
        stamps = [b"2026-11-21T12:00:00.123456789Z", b"2026-11-21T12:00:30.123456789Z"]
        yield Batch(0, [b"now", b"later"], stamps)

    made.requests._read_log = stamped
    attempt = await made.requests.send(Request(URL), service())
    lines = await made.requests.log_lines(attempt, service())
    assert [line.split()[-1] for line in lines] == ["now"]


def test_a_flood_of_lines_is_bounded() -> None:
    lines = ["2026-11-21 12:00:00,1 x"] * 500
    assert len(list(lines_between(lines, NOW, NOW))) == 40


# Swagger and measuring


async def test_the_swagger_is_read_with_the_key() -> None:
    schema = {"in": "body", "schema": {"example": {"data": [[7]]}}}
    document = json.dumps({"paths": {"/score": {"post": {"parameters": [schema]}}}})
    made = make(lambda request, _: answer(200, document))
    assert await made.requests.swagger_sample(service(), Request(URL)) == '{"data": [[7]]}'
    ((request, key),) = made.client.sent
    assert (request.method, request.url, key) == (
        "GET", "http://diabetes.example.org/swagger.json", "PRIMARY-0000",
    )  # fmt: skip
    assert not made.requests.history


async def test_an_address_of_ones_own_has_its_swagger_beside_it_and_keeps_no_header() -> None:
    schema = {"in": "body", "schema": {"example": {"data": [[7]]}}}
    document = json.dumps({"paths": {"/score": {"post": {"parameters": [schema]}}}})
    made = make(lambda request, _: answer(200, document))
    secret = (("Authorization", "Bearer MINE-0000"), ("X-Trace", "1"))
    asked = Request("http://mine.example.org/api/score?v=1", headers=secret)
    assert await made.requests.swagger_sample(None, asked) == '{"data": [[7]]}'
    await made.requests.send(asked)
    (first, _), (second, _) = made.client.sent
    assert (first.url, first.headers) == ("http://mine.example.org/api/swagger.json", secret)
    assert second.headers == secret
    (kept,) = made.requests.history
    assert kept.request.headers == (("X-Trace", "1"),)


async def test_a_service_without_swagger_says_so() -> None:
    made = make(lambda *_: answer(404))
    with pytest.raises(AmltuiError, match=r"shows no swagger.json"):
        await made.requests.swagger_sample(service(), Request(URL))


async def test_measuring_is_bounded_in_number_and_tells_the_errors() -> None:
    turn = iter(range(100))
    made = make(lambda *_: answer(503 if next(turn) % 4 == 0 else 200))
    seen: list[int] = []
    series = Series(0)
    async for series in made.requests.measure(Request(URL, SAMPLE), service(), 8):
        seen.append(series.done)
    assert seen == list(range(1, 9))
    assert len(made.client.sent) == 8
    assert series.error_rate == 0.25
    assert series.time.mean_s == pytest.approx(0.101)  # without the connection
    text = "\n".join(series.summary())
    assert "25 % without a good answer" in text
    assert "status 503: 2" in text
    assert not made.requests.history


async def test_measuring_is_bounded_in_time() -> None:
    made = make()

    def slow(request: Request, key: str) -> Answer:
        made.now[0] += 10
        return answer()

    made.client.respond = slow
    done = [one.done async for one in made.requests.measure(Request(URL), service(), 100, 35)]
    assert done[-1] == 4


async def test_measuring_can_be_stopped() -> None:
    made = make()
    async with aclosing(made.requests.measure(Request(URL), service(), 100)) as steps:
        async for series in steps:
            if series.done == 3:
                break
    assert len(made.client.sent) == 3
