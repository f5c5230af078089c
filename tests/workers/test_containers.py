"""Snapshots of containers: the last good rows stay, with their age and what is wrong."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from amltui.adapters.docker.engine import DockerEngine
from amltui.domain.errors import AmltuiError
from amltui.domain.models import Ref
from amltui.workers.containers import Containers
from tests.engine import Proxy, containers

NOW = datetime(2026, 11, 21, 6, 1, 2, tzinfo=timezone.utc)
LABELS = {"amlIsService": "True", "amlServiceName": "fraud-logtest"}


@pytest.mark.engine
async def test_rows_stay_when_the_engine_goes(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "engine.sock")
    with containers() as made:
        container = made.run("import time; time.sleep(600)", labels=LABELS, stop_signal="SIGKILL")
        worker = Containers(DockerEngine(proxy.url), lambda: NOW)
        assert (await worker.info()).version
        snapshot = await worker.refresh()
        assert container.id in [row.id for row in snapshot.rows]
        assert (snapshot.taken_at, snapshot.error, snapshot.retry_in) == (NOW, None, None)
        proxy.go_away()
        for wait in (2.0, 4.0, 8.0):
            broken = await worker.refresh()
            assert broken.rows == snapshot.rows
            assert broken.taken_at == NOW
            assert broken.error is not None
            assert broken.error.title == "The Docker engine is not running"
            assert broken.retry_in == wait
        proxy.come_back()
        assert (await worker.refresh()).error is None
        await worker.delete(Ref("docker", "fraud-logtest"))
        assert container.id not in [row.id for row in (await worker.refresh()).rows]
        with pytest.raises(AmltuiError):
            await worker.delete(Ref("docker", "fraud-logtest"))
        made.forget(container)
        proxy.go_away()
