"""Logs while an engine ends, is killed and rotates its files: every line once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.log_resume import SIZE_OF_A_TEST, Bench, Result, engine_restart, rotation
from tests.engine import containers
from tests.second_engine import SecondEngine, lacking

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(lacking()), reason=lacking() or "there is an engine"),
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with SecondEngine(live_restore=True) as engine, containers(engine.url) as made:
        yield Bench(engine, made)


def every_line_once(result: Result) -> bool:
    return (result.lost, result.doubled, result.engine_lost) == (0, 0, 0)


@pytest.mark.parametrize(("killed", "tty"), [(False, False), (True, False), (False, True)])
async def test_an_engine_that_ends_and_comes_back(bench: Bench, killed: bool, tty: bool) -> None:
    count = SIZE_OF_A_TEST
    result = await engine_restart(bench, count, 2, killed=killed, live=True, tty=tty, times=1)
    # What an engine has in its hands when it ends is nobody's any more; the marker says so.
    assert (result.lost, result.doubled) == (0, 0), result
    assert not result.engine_lost or any("are lost" in marker for marker in result.markers), result
    assert result.breaks, result


async def test_rotation_and_disconnects(bench: Bench) -> None:
    result = await rotation(bench, 2 * SIZE_OF_A_TEST, 3, cuts=4)
    assert every_line_once(result), result


async def test_what_the_engine_removed_unread_is_told(bench: Bench) -> None:
    """The writer is faster than 20 kB of files can be read: what is lost is not kept silent."""
    result = await rotation(bench, 10 * SIZE_OF_A_TEST, 0, size="20k")
    assert (result.lost, result.doubled) == (0, 0), result
    assert result.engine_lost > 0
    assert any("may be missing here" in marker for marker in result.markers)
