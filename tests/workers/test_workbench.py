"""The workbench on the real engine: an edit from end to end, and what read-only forbids."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from amltui.adapters.docker.shell import ContainerShell
from amltui.adapters.docker.tools import ContainerTools
from amltui.domain.containerdiff import Direction
from amltui.domain.errors import AmltuiError, Problem
from amltui.workers.workbench import Workbench
from tests.workers.box import APP, PREFIX, Box, _image, box

__all__ = ["_image", "box"]
pytestmark = pytest.mark.engine


async def test_an_edit_from_end_to_end(box: Box) -> None:
    name = box.run()
    opened: list[Path] = []

    def editor(path: Path) -> None:
        opened.append(path)
        path.write_text(path.read_text() + "# edited\n")
        path.with_name("score.py~").touch()

    bench = Workbench(box.tools, editor=editor)
    checkout = await bench.check_out(name, f"{APP}/score.py")
    assert checkout.path.name == "score.py"
    assert checkout.path.stat().st_mode & 0o077 == 0
    bench.run_editor(checkout)
    assert await bench.check_in(checkout) is True
    assert not checkout.path.parent.exists()
    assert (await bench.read_file(name, f"{APP}/score.py")).endswith(b"# edited\n")
    assert [change.path for change in await bench.dirty(name)] == [f"{APP}/score.py"]


async def test_an_edit_that_cannot_be_written_is_kept(box: Box) -> None:
    name = box.run()

    def editor(path: Path) -> None:
        path.write_text("mine")

    bench = Workbench(box.tools, editor=editor)
    checkout = await bench.check_out(name, f"{APP}/score.py")
    bench.run_editor(checkout)
    box.sh(name, f"echo theirs > {APP}/score.py")
    with pytest.raises(AmltuiError, match="has changed in the container"):
        await bench.check_in(checkout)
    assert checkout.path.read_text() == "mine"
    checkout.path.unlink()
    with pytest.raises(AmltuiError, match="cannot be read any more"):
        await bench.check_in(checkout)
    bench.discard(checkout)
    assert not checkout.path.parent.exists()


async def test_edit_commit_replace(box: Box, tmp_path: Path) -> None:
    """What a person does: change a file, commit, run the new image in the old one's place."""
    name = box.run()
    bench = Workbench(box.tools)
    source = tmp_path / "source"
    source.mkdir()
    (source / "score.py").write_text("# from here\n")
    root, found = await bench.compare(name, source)
    assert root == APP
    plan = bench.plan_sync(found, Direction.INTO)
    assert await bench.apply_sync(name, root, source, plan) == ()
    commit = await bench.plan_commit(name)
    assert [change.path for change in commit.changes] == [f"{APP}/score.py"]
    await bench.commit(name, commit.image)
    steps: list[str] = []
    made = await bench.replace(name, commit.image, steps.append)
    assert made.name == name
    assert steps[-1] == f"starting {name} from {commit.image}"
    assert await bench.read_file(name, f"{APP}/score.py") == b"# from here\n"
    assert (await bench.detail(name)).image == commit.image
    assert await bench.dirty(name) == ()


async def test_a_shell_nobody_waits_for_any_more_is_ended(box: Box) -> None:
    name = box.run()
    opened = threading.Event()
    go_on = threading.Event()
    ended = threading.Event()

    class Slow(ContainerTools):
        def open_shell(self, container: str, columns: int, rows: int, term: str) -> ContainerShell:
            session = super().open_shell(container, columns, rows, term)
            opened.set()
            go_on.wait(10)
            hang_up = session.hang_up

            def ending() -> None:
                hang_up()
                ended.set()

            session.hang_up = ending  # type: ignore[method-assign]
            return session

    attempt = asyncio.ensure_future(Workbench(Slow()).open_shell(name, 80, 24))
    await asyncio.to_thread(opened.wait, 10)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert not [each for each in box.processes(name) if each == "/bin/sh"]


@pytest.mark.usefixtures("alone_with_copies")
async def test_read_only_changes_nothing(box: Box, tmp_path: Path) -> None:
    name = box.run()
    bench = Workbench(box.tools, read_only=True)
    forbidden = [
        bench.open_shell(name, 80, 24),
        bench.stand_in(container=name),
        bench.copy_in(name, tmp_path, "/tmp/x"),
        bench.check_out(name, f"{APP}/score.py"),
        bench.commit(name, f"{PREFIX}:never"),
        bench.replace(name, box.image),
        bench.stop(name),
        bench.start(name),
        bench.restart(name),
        bench.remove(name, force=True),
        bench.run_init(name),
    ]
    for attempt in forbidden:
        with pytest.raises(AmltuiError) as caught:
            await attempt
        assert caught.value.problem is Problem.REFUSED
        assert "read-only" in str(caught.value)
    assert (await bench.list_folder(name, APP))[0].name == "azureml-models"
    assert box.api.inspect_container(name)["State"]["Running"]


async def test_usage_follows_what_is_shown(box: Box) -> None:
    name = box.run()
    identity = box.api.inspect_container(name)["Id"]
    bench = Workbench(box.tools)
    shown: list[str] = [identity]
    seen = 0
    stream = bench.watch.usage(lambda: shown, {}, every=0.05)
    async for usage in stream:
        seen += 1
        assert set(usage) <= {identity}
        if identity in usage:
            shown.clear()
        if not shown and not usage:
            break
        assert seen < 200
    await stream.aclose()  # type: ignore[attr-defined]
