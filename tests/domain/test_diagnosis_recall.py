"""Recall and false alarms over adversarial samples, each also wrapped as logs are in the wild."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from amltui.domain.diagnosis import Source, diagnose
from tests.domain.diagnosis_samples import Sample, read

SAMPLES = read("adversarial_*.txt") + read("unseen_*.txt")
HEALTHY = [sample for sample in SAMPLES if sample.words[0] == "healthy"]
FAILURES = [sample for sample in SAMPLES if sample.words[0] != "healthy"]
RECALL = 0.95


def _lines(text: str, wrap: Callable[[str], str]) -> str:
    return "\n".join(wrap(line) for line in text.split("\n"))


def _colour(line: str) -> str:
    middle = len(line) // 2
    return f"\x1b[31m{line[:middle]}\x1b[1;4m{line[middle:]}\x1b[0m"


WRAPS: dict[str, Callable[[str], str | bytes]] = {
    "plain": lambda text: text,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "ansi": lambda text: _lines(text, _colour),
    "ci": lambda text: _lines(text, lambda line: f"2021-08-04T11:48:49.8246123Z {line}"),
    "runtime": lambda text: _lines(
        text, lambda line: f"2021-08-04T11:48:49.824612345Z stderr F {line}"
    ),
    "json-lines": lambda text: _lines(
        text, lambda line: json.dumps({"log": f"{line}\n", "stream": "stdout"})
    ),
    "json-string": json.dumps,
    "json-twice": lambda text: json.dumps(json.dumps(text)),
    "utf-16": lambda text: text.encode("utf-16"),
    "bad-bytes": lambda text: b"\xff\xfe\xfa start\n" + text.encode() + b"\n\xc3",
}


def _verdict(sample: Sample, wrap: str, source: Source) -> list[str]:
    text = WRAPS[wrap](sample.text)
    if wrap == "bad-bytes" and isinstance(text, bytes):
        text = text[3:]
    return [f.id for f in diagnose(text, source) if f.severity != "info"]


def test_the_set_is_large_and_a_third_of_it_is_healthy() -> None:
    assert len(SAMPLES) >= 80
    assert len(HEALTHY) >= len(SAMPLES) / 3


@pytest.mark.parametrize("given", ["told", "auto"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_the_root_cause_comes_first(wrap: str, given: str) -> None:
    missed = [
        (str(sample), said)
        for sample in FAILURES
        for source in [Source(sample.words[1]) if given == "told" else Source.AUTO]
        if (said := _verdict(sample, wrap, source))[:1] != [sample.words[0]]
    ]
    assert len(missed) <= (1 - RECALL) * len(FAILURES), missed
    if wrap == "plain":
        assert not missed


@pytest.mark.parametrize("given", ["told", "auto"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_healthy_log_raises_no_alarm(wrap: str, given: str) -> None:
    alarms = {
        str(sample): said
        for sample in HEALTHY
        for source in [Source(sample.words[1]) if given == "told" else Source.AUTO]
        if (said := _verdict(sample, wrap, source))
    }
    assert not alarms
