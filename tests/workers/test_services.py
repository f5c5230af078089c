"""The facade over workspace and engine: snapshots, back-off, guards and followed logs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import (
    Container,
    EngineInfo,
    Keys,
    Kind,
    Progress,
    Ref,
    Service,
    State,
    Token,
    WorkspaceInfo,
)
from amltui.ports import Engine, Workspace
from amltui.workers.polled import LogUpdate
from amltui.workers.services import Services

BEGIN = datetime(2026, 11, 21, tzinfo=timezone.utc)
CLOUD = Ref("azureml", "churn")
LOCAL = Ref("docker", "iris")
DOWN = AmltuiError("Azure cannot be reached", problem=Problem.NETWORK)
GONE = AmltuiError("Not found", problem=Problem.NOT_FOUND)


def service(ref: Ref, state: State = State.OK) -> Service:
    return Service(ref, ref.endpoint, Kind.ACI, state, state.value)


class MemoryWorkspace:
    """As much of a workspace as is asked here; of the answers in `script` the last one stays."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls: list[Any] = []
        self.threads: set[int] = set()

    def _next(self, *call: Any) -> Any:
        self.calls.append(call)
        self.threads.add(threading.get_ident())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, AmltuiError):
            raise answer
        return answer

    def connect(self, on_progress: Callable[[Progress], None]) -> WorkspaceInfo:
        on_progress(Progress("sign-in", "type it", "https://example.org", "ABC"))
        info: WorkspaceInfo = self._next("connect")
        return info

    def services(self) -> tuple[Service, ...]:
        rows: tuple[Service, ...] = self._next("services")
        return rows

    def service(self, ref: Ref) -> Service:
        row: Service = self._next("service", ref)
        return row

    def logs(self, ref: Ref, tail: int, init: bool = False) -> str | None:
        text: str | None = self._next("logs", ref, tail, init)
        return text

    def build_log(self, ref: Ref) -> str | None:
        text: str | None = self._next("build_log", ref)
        return text

    def keys(self, ref: Ref) -> Keys:
        keys: Keys = self._next("keys", ref)
        return keys

    def token(self, ref: Ref) -> Token:
        token: Token = self._next("token", ref)
        return token

    def delete(self, ref: Ref) -> None:
        self._next("delete", ref)

    def close(self) -> None:
        self.calls.append(("close",))


class MemoryEngine:
    """As much of an engine as the services need: one local service."""

    def __init__(self) -> None:
        self.deleted: list[Ref] = []

    def info(self) -> EngineInfo:
        return EngineInfo("docker", "20.10", "1.41", "unix:///run/docker.sock")

    def containers(self) -> tuple[Container, ...]:
        return ()

    def services(self) -> tuple[Service, ...]:
        return (service(LOCAL),)

    def delete(self, ref: Ref) -> None:
        self.deleted.append(ref)

    def close(self) -> None:
        return


def ticking() -> Iterator[datetime]:
    moment = BEGIN
    while True:
        yield moment
        moment += timedelta(seconds=1)


def services(workspace: MemoryWorkspace | None, **more: Any) -> Services:
    times = ticking()
    held = cast("Workspace | None", workspace)
    return Services(held, cast(Engine, MemoryEngine()), lambda: next(times), **more)


async def test_rows_of_both_worlds_are_merged() -> None:
    worker = services(MemoryWorkspace((service(CLOUD),)))
    assert worker.rows == ()
    snapshot = await worker.refresh_cloud()
    assert snapshot.taken_at == BEGIN
    await worker.refresh_local()
    assert [row.ref for row in worker.rows] == [CLOUD, LOCAL]


async def test_after_an_error_the_last_rows_stay_and_the_back_off_grows() -> None:
    rows = (service(CLOUD),)
    worker = services(MemoryWorkspace(rows, *[DOWN] * 7, rows))
    await worker.refresh_cloud()
    waits = []
    for _ in range(7):
        snapshot = await worker.refresh_cloud()
        assert snapshot.rows == rows
        assert snapshot.taken_at == BEGIN
        assert snapshot.error is DOWN
        waits.append(snapshot.retry_in)
    assert waits == [2, 4, 8, 16, 32, 60, 60]
    snapshot = await worker.refresh_cloud()
    assert (snapshot.error, snapshot.retry_in) == (None, None)
    assert snapshot.taken_at == BEGIN + timedelta(seconds=1)


async def test_refreshes_at_the_same_time_share_one_request() -> None:
    workspace = MemoryWorkspace((service(CLOUD),))
    worker = services(workspace)
    first = asyncio.ensure_future(worker.refresh_cloud())
    second = asyncio.ensure_future(worker.refresh_cloud())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).rows == (service(CLOUD),)
    assert workspace.calls == [("services",)]


async def test_without_a_workspace_the_local_services_remain() -> None:
    worker = services(None)
    assert (await worker.refresh_cloud()).rows == ()
    assert (await worker.refresh_local()).rows == (service(LOCAL),)
    with pytest.raises(AmltuiError) as caught:
        await worker.keys(CLOUD)
    assert caught.value.problem is Problem.CONFIGURATION


async def test_progress_of_connecting_comes_on_the_event_loop() -> None:
    info = WorkspaceInfo("ws", "rg", "sub")
    seen: list[tuple[str, int]] = []
    worker = services(MemoryWorkspace(info))
    assert await worker.connect(lambda p: seen.append((p.code, threading.get_ident()))) == info
    assert seen == [("ABC", threading.get_ident())]


async def test_calls_block_no_event_loop() -> None:
    workspace = MemoryWorkspace(Keys("one", "two"))
    assert (await services(workspace).keys(CLOUD)).primary == "one"
    assert threading.get_ident() not in workspace.threads


async def test_read_only_deletes_nothing() -> None:
    workspace = MemoryWorkspace(None)
    worker = services(workspace, read_only=True)
    for ref in (CLOUD, LOCAL):
        with pytest.raises(AmltuiError) as caught:
            await worker.delete(ref)
        assert caught.value.problem is Problem.REFUSED
    assert workspace.calls == []


async def test_a_deleted_service_is_marked_until_it_is_gone() -> None:
    rows = (service(CLOUD, State.PENDING),)
    worker = services(MemoryWorkspace(rows, None, rows, ()))
    await worker.refresh_cloud()
    await worker.delete(CLOUD)
    assert [row.state for row in worker.rows] == [State.DELETING]
    assert [row.state for row in (await worker.refresh_cloud()).rows] == [State.DELETING]
    assert (await worker.refresh_cloud()).rows == ()


async def test_local_services_go_to_the_engine() -> None:
    engine = MemoryEngine()
    worker = Services(None, cast(Engine, engine))
    await worker.delete(LOCAL)
    assert engine.deleted == [LOCAL]
    with pytest.raises(AmltuiError) as caught:
        await worker.keys(LOCAL)
    assert caught.value.problem is Problem.REFUSED
    with pytest.raises(AmltuiError) as caught:
        await Services(None, None).delete(LOCAL)
    assert caught.value.problem is Problem.ENGINE


class Pauses:
    """Remembers the pauses and makes none; stops the follower after so many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) >= self.most:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


async def followed(workspace: MemoryWorkspace, pauses: Pauses) -> list[LogUpdate]:
    updates: list[LogUpdate] = []
    try:
        async for update in services(workspace).follow(CLOUD, 100, source=3, sleep=pauses):
            updates.append(update)
    except asyncio.CancelledError:
        pass
    return updates


def lines(updates: list[LogUpdate]) -> list[bytes]:
    return [line for update in updates for line in update.batch.lines]


async def test_following_gives_each_line_once_and_slows_down() -> None:
    pauses = Pauses(9)
    updates = await followed(MemoryWorkspace("a\n", "a\nb\nc\n"), pauses)
    assert lines(updates) == [b"a", b"b", b"c"]
    assert {update.batch.source for update in updates} == {3}
    assert len(updates) == 2
    assert pauses.taken[:3] == [2, 2, 3]
    assert pauses.taken[-1] == 10


async def test_waiting_for_the_container_is_told_once() -> None:
    updates = await followed(MemoryWorkspace(None, None, "boot\n"), Pauses(5))
    assert [(update.waiting, len(update.batch.lines)) for update in updates] == [
        (True, 0),
        (False, 1),
    ]


async def test_errors_are_told_in_band_with_age_and_back_off() -> None:
    pauses = Pauses(6)
    updates = await followed(MemoryWorkspace("a\n", DOWN, DOWN, "a\nb\n"), pauses)
    assert [(update.error, update.retry_in) for update in updates] == [
        (None, None),
        (DOWN, 2),
        (DOWN, 4),
        (None, None),
    ]
    assert updates[2].taken_at == BEGIN
    assert lines(updates) == [b"a", b"b"]


async def test_following_ends_when_the_service_is_gone() -> None:
    updates = await followed(MemoryWorkspace("a\n", GONE), Pauses(50))
    assert updates[-1].error is GONE
    assert updates[-1].retry_in is None


async def test_a_restart_is_marked() -> None:
    updates = await followed(MemoryWorkspace("a\nb\nc\n", "new\n"), Pauses(4))
    assert updates[1].batch.marker
    assert updates[1].batch.lines == (b"new",)
