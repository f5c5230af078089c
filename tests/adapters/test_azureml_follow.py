"""Following the log of a cloud service: the real host and demo server under the real worker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Ref
from amltui.workers.polled import LogUpdate
from amltui.workers.services import Services

from .conftest import Demo

NAME = "supplier-feedback"
REF = Ref("azureml", NAME)


async def until(updates: Any, wanted: bytes) -> list[LogUpdate]:
    seen = []

    async def read() -> None:
        async for update in updates:
            seen.append(update)
            if any(wanted in line for line in update.batch.lines):
                return

    await asyncio.wait_for(read(), 10)
    return seen


def ours(updates: list[LogUpdate]) -> list[bytes]:
    return [line for update in updates for line in update.batch.lines if b"ours" in line]


async def test_a_log_that_grows_fails_and_restarts(demo: Demo, workspace: HostWorkspace) -> None:
    def log(**change: Any) -> None:
        demo.control("POST", f"services/{NAME}", {"log": change})

    log(append=["ours 0"])
    updates = Services(workspace, None).follow(REF, 20, quick=0.01, idle=0.01)
    assert ours(await until(updates, b"ours 0")) == [b"ours 0"]
    log(append=[f"ours {number}" for number in range(1, 400)])
    assert ours(await until(updates, b"ours 399")) == [b"ours %d" % n for n in range(1, 400)]

    demo.fault("status", f"/{NAME}/logs", status=503)
    failed = await asyncio.wait_for(updates.__anext__(), 10)
    while failed.error is None:
        failed = await asyncio.wait_for(updates.__anext__(), 10)
    assert failed.retry_in == 2
    assert failed.taken_at is not None
    demo.calm()
    log(append=["ours after"])
    assert ours(await until(updates, b"ours after")) == [b"ours after"]

    log(restart=True)
    log(append=["ours again"])
    seen = await until(updates, b"ours again")
    assert ours(seen) == [b"ours again"]
    assert any("restarted" in update.batch.marker for update in seen)


def test_build_logs_of_an_operation_a_legacy_image_and_an_error(
    demo: Demo, workspace: HostWorkspace
) -> None:
    failed = workspace.build_log(Ref("azureml", "returns-forecast")) or ""
    assert "UnsatisfiableError" in failed
    legacy = workspace.build_log(Ref("azureml", "pricing-rules")) or ""
    assert "Successfully tagged pricing-rules:3" in legacy
    assert workspace.build_log(Ref("azureml", "diabetes-progression")) is None


@pytest.mark.parametrize(("status", "why"), [(403, "expired"), (409, "Public access")])
def test_a_build_log_that_may_not_be_read_says_why_and_hides_its_link(
    demo: Demo, workspace: HostWorkspace, status: int, why: str
) -> None:
    demo.fault("status", "/texts/builds", status=status)
    with pytest.raises(AmltuiError, match=why) as caught:
        workspace.build_log(Ref("azureml", "returns-forecast"))
    assert "http" not in f"{caught.value} {caught.value.detail}"
