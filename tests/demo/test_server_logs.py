"""The demo's logs by themselves: whoever reads them twice sees a log that only grew."""

from __future__ import annotations

import pytest

from amltui.demo.logs import Log
from amltui.demo.seed.failing import failing
from amltui.demo.seed.healthy import HEALTHY
from amltui.demo.seed.spec import ServiceSeed

NOW = 1_790_000_000.0
SEEDS = [seed for seed in (*HEALTHY, *failing(NOW, "log")) if seed.log.age is not None]


def log(seed: ServiceSeed) -> Log:
    assert seed.log.age is not None
    return Log(seed.name, NOW - min(seed.log.age, 1800), seed.log.script, seed.log.beat)


def read(source: Log, now: float, tail: int = 50_000) -> str:
    content = source.content(now, tail)
    assert content is not None
    return content


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_log_only_grows(seed: ServiceSeed) -> None:
    source, before = log(seed), ""
    for step in range(40):
        content = read(source, NOW + 60 + step * 1.7)
        assert content.startswith(before)
        before = content


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_tail_is_the_end_of_the_whole(seed: ServiceSeed) -> None:
    source, now = log(seed), NOW + 77
    lines = read(source, now).split("\n")[:-1]
    for tail in (0, 1, 2, 7, 40, 333):
        expected = lines[max(0, len(lines) - tail) :]
        assert read(source, now, tail).split("\n")[:-1] == expected


def test_lines_that_arrive_late_still_come_last() -> None:
    source = log(HEALTHY[0])
    before = read(source, NOW)
    source.append(NOW - 5, "late")
    assert read(source, NOW) == before + "late\n"


def test_there_is_no_log_before_the_container() -> None:
    assert Log("name", None).content(NOW, 10) is None
    assert Log("name", NOW + 1).content(NOW, 10) is None


def test_a_restart_begins_the_log_again_and_keeps_no_line() -> None:
    seed = next(seed for seed in HEALTHY if seed.log.restarts_every)
    source = log(seed)
    source.restarts_every = seed.log.restarts_every
    assert source.start is not None
    first = source.start + 239.9
    assert len(read(source, first)) > len(read(source, first + 1))
    assert "image information" in read(source, first + 1)
