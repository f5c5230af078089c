"""The engine as a stream: batches, bounded state, line numbers, order, time."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.domain.diagnosis import Confidence, Diagnoser, Source, Target, diagnose, http_findings
from amltui.domain.diagnosis.matching import Matcher
from amltui.domain.diagnosis.normalise import encoding_of
from tests.bench.diagnosis_speed import LOGS
from tests.domain.diagnosis_samples import read

FAILURES = read("adversarial_failures.txt")

MISSING = """\
[2026-01-05 08:00:02 +0000] [12] [INFO] Booting worker with pid: 12
Traceback (most recent call last):
  File "/var/azureml-app/score.py", line 2, in <module>
    import lightgbm
ModuleNotFoundError: No module named 'lightgbm'
[2026-01-05 08:00:03 +0000] [7] [INFO] Reason: Worker failed to boot.
"""


def ids(text: str, source: Source = Source.AUTO, target: Target = Target.UNKNOWN) -> list[str]:
    return [finding.id for finding in diagnose(text, source, target)]


def test_a_finding_names_line_evidence_details_and_remedy() -> None:
    first, *rest = diagnose(MISSING)
    assert first.id == "entry-script-missing-module"
    assert first.line == 5
    assert first.evidence == "ModuleNotFoundError: No module named 'lightgbm'"
    assert first.details["module"] == "lightgbm"
    assert first.confidence is Confidence.CERTAIN
    assert first.config_field
    assert not first.umbrella
    assert [finding.id for finding in rest] == ["worker-failed-to-boot"]
    assert rest[0].umbrella


def test_evidence_is_cut() -> None:
    finding = diagnose("MemoryError: " + "x" * 5000)[0]
    assert len(finding.evidence) == 500


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_of_any_size_give_the_same_findings(size: int) -> None:
    for sample in FAILURES:
        lines = sample.text.split("\n")
        diagnoser = Diagnoser(Source(sample.words[1]))
        for start in range(0, len(lines), size):
            diagnoser.feed(lines[start : start + size])
        assert [f.id for f in diagnoser.finish()][:1] == [sample.words[0]], sample.place


def test_feed_returns_each_finding_once() -> None:
    diagnoser = Diagnoser()
    told = [finding.id for line in MISSING.splitlines() for finding in diagnoser.feed([line])]
    assert told.count("entry-script-missing-module") == 1
    assert told.count("worker-failed-to-boot") == 1
    assert diagnoser.feed([]) == []


def test_state_stays_small_whatever_the_log() -> None:
    diagnoser = Diagnoser()
    for number in range(40):
        diagnoser.feed(
            [
                f"[pod/svc-{number}-{i}/svc] MemoryError: pid {i} unique {number * 500 + i}"
                for i in range(500)
            ]
        )
    assert len(diagnoser._matcher.replicas) <= 257
    assert sum(map(len, diagnoser._matcher.hits.kept.values())) <= 257 * 6
    assert len(diagnoser._dull) <= 4096
    assert sys.getsizeof(diagnoser._tail) < 10_000
    assert diagnoser.findings()[0].id == "python-memory-error"


def test_a_sentence_wrapped_over_two_lines_and_two_batches_is_read() -> None:
    diagnoser = Diagnoser(Source.CONTAINER_LOG)
    diagnoser.feed(["[2026-01-05 08:00:03 +0000] [7] [INFO] Reason: Worker failed"])
    diagnoser.feed(["to boot."])
    assert [finding.id for finding in diagnoser.findings()] == ["worker-failed-to-boot"]


def test_a_lone_carriage_return_ends_a_line() -> None:
    text = "Downloading 10%\rDownloading 100%\rMemoryError: no room"
    assert [(f.id, f.line) for f in diagnose(text)] == [("python-memory-error", 3)]
    assert Diagnoser().feed([text])[0].id == "python-memory-error"


def test_the_same_crash_in_two_replicas_is_not_a_loop() -> None:
    text = "\n".join(
        f"[pod/svc-6b8f9c7d5-{name}/svc] [2026-01-05 08:0{minute}:00 +0000] [9] [INFO] "
        f"Booting worker with pid: {9 + minute}"
        for minute, name in enumerate(["aaaaa", "bbbbb", "ccccc", "ddddd"])
    )
    assert ids(text) == []


def test_schedule_resources_are_said_in_words() -> None:
    text = '"message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."'
    findings = diagnose(text, Source.DEPLOYMENT_PAYLOAD)
    assert [finding.id for finding in findings] == ["aks-insufficient-gpu", "aks-cannot-schedule"]
    assert findings[0].details["schedule"] == "wants GPU, 3 nodes, none free"


def test_the_resource_that_most_nodes_lack_comes_first() -> None:
    text = (
        '"message": "0/4 nodes are available: 1 node(s) had taint {a: b}, 3 Insufficient memory."'
    )
    assert ids(text, Source.DEPLOYMENT_PAYLOAD)[0] == "aks-insufficient-cpu-memory"


def test_the_target_orders_findings() -> None:
    text = "HTTP/1.1 429 Too Many Requests\nHTTP/1.1 401 Unauthorized\n"
    assert ids(text, Source.HTTP, Target.LOCAL)
    assert set(ids(text, Source.HTTP, Target.AKS)) == {"http-429-too-many", "http-401-unauthorized"}
    assert ids(text, Source.HTTP, Target.AKS)[0] == "http-401-unauthorized"


def test_numbers_in_a_container_log_are_no_statuses() -> None:
    text = "\n".join(LOGS["requests"](30_000))
    assert ids(text) == []
    assert ids(text, Source.CONTAINER_LOG) == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "target", "expected"),
    [
        (200, {}, "", Target.ACI, []),
        (502, {"X-Ms-Run-Function-Failed": "True"}, "", Target.ACI, ["http-502-run-failed"]),
        (500, {"x-ms-run-function-failed": "true"}, "", Target.AKS, ["http-500-run-failed"]),
        (
            503, {}, "No ready replicas for service churn", Target.AKS,
            ["no-ready-replicas", "http-503-autoscale"],
        ),
        (504, {}, "", Target.AKS, ["http-504-timeout"]),
        (
            424, {"ms-azureml-model-error-statuscode": "500"}, "", Target.V2,
            ["http-424-model-error"],
        ),
        (418, {}, "", Target.V2, []),
        (
            502,
            {"X-Ms-Run-Function-Failed": "True"},
            "run() got an unexpected keyword argument 'method'",
            Target.ACI,
            ["run-signature-mismatch", "http-502-run-failed"],
        ),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_a_whole(
    status: int, headers: dict[str, str], body: str, target: Target, expected: list[str]
) -> None:
    findings = http_findings(status, headers, body, target)
    assert [finding.id for finding in findings] == expected


def test_an_answer_says_how_sure_it_is() -> None:
    header = {"x-ms-run-function-failed": "True", "x-ms-server-version": "azmlinfsrv/0.8.4"}
    sure = http_findings(500, header, "", Target.AKS)[0]
    assert sure.confidence is Confidence.CERTAIN
    assert sure.details["server"] == "azmlinfsrv/0.8.4"
    assert http_findings(500, {}, "", Target.AKS)[0].confidence is Confidence.POSSIBLE


HOSTILE = {
    "letters": "a" * 1_000_000,
    "blanks": "x" + " " * 1_000_000 + "y",
    "quotes": "\"'" * 500_000,
    "brackets": "[" * 300_000 + "{" * 300_000 + "(" * 300_000,
    "backslashes": "\\" * 1_000_000,
    "escaped": '"' + '\\\\n\\"' * 200_000 + '"',
    "dots": "a." * 500_000 + "Error: ",
    "colons": "a: " * 300_000,
    "stamps": "2026-01-05 08:00:00 " * 50_000,
    "digits": "1" * 1_000_000,
    "words": "MemoryError worker with pid failed to " * 25_000,
    "ansi": "\x1b[" * 400_000,
    "json": '{"message":' * 80_000,
    "entities": "&#39;" * 200_000,
    "access": '"POST /score ' * 80_000,
    "advice": "If should OOMKilled in case " * 40_000,
    "metrics": '{code="503",' * 80_000 + "} x",
    "addresses": "POST https://score " * 50_000 + "-> x",
    "fences": "``` " * 250_000,
    "rows": "a 0/1 Running 0 pod/a " * 50_000,
    "groups": "  | + Exception Group " * 50_000,
    "remedies": "CrashLoopBackOff  ->  " * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_line_is_slow(name: str) -> None:
    """A hostile megabyte may cost some times what a harmless one does, never minutes."""
    harmless = "the quick brown fox jumps over the lazy dog 0123 " * 20_000
    diagnose(harmless[:1000])
    best = min(_seconds(harmless) for _ in range(3))
    assert _seconds(HOSTILE[name]) < 60 * best + 0.5


@pytest.mark.parametrize("name", HOSTILE)
def test_no_short_hostile_line_is_slow(name: str) -> None:
    lines = "\n".join([f"MemoryError worker with pid {HOSTILE[name][:6_000]}"] * 20)
    assert _seconds(lines) < 3


def _seconds(text: str) -> float:
    start = time.perf_counter()
    diagnose(text)
    return time.perf_counter() - start


def test_a_clean_log_is_fast() -> None:
    """A ratio to a plain scan on the same machine, so that a busy one does not fail it."""
    lines = LOGS["application"](40_000)
    diagnose("\n".join(lines[:1000]))
    start = time.perf_counter()
    for line in lines:
        line.lower().find("error")
    plain = time.perf_counter() - start
    best = min(_fed(lines) for _ in range(3))
    assert best < 60 * plain


def _fed(lines: list[str]) -> float:
    diagnoser = Diagnoser()
    start = time.perf_counter()
    for first in range(0, len(lines), 5000):
        diagnoser.feed(lines[first : first + 5000])
    return time.perf_counter() - start


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=400))
def test_any_bytes_are_accepted(data: bytes | str) -> None:
    diagnose(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_the_encoding_is_found_out(encoding: str) -> None:
    text = "MemoryError: Größe"
    assert text.encode(encoding).decode(encoding_of(text.encode(encoding)[:4])) == text


def test_zeros_do_not_make_a_text_utf_16() -> None:
    assert encoding_of(b"\0\0\0\0") == encoding_of(b"a\0\0\0") == encoding_of(b"") == "utf-8-sig"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(line for sample in FAILURES[:40] for line in sample.text.split("\n")),
                "Traceback (most recent call last):",
                "",
                "[pod/svc-6b8f9c7d5-aaaaa/svc] x",
            ]
        ),
        max_size=30,
    )
)
def test_any_order_of_known_lines_is_accepted_and_lines_are_in_range(lines: list[str]) -> None:
    findings = diagnose("\n".join(lines))
    assert all(1 <= finding.line <= len(lines) for finding in findings)
    assert len({finding.id for finding in findings}) == len(findings)


@pytest.mark.parametrize("kind", ["requests", "application", "json", "coloured"])
def test_lines_with_nothing_to_find_are_not_looked_at(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The speed rests on it: one word too common in the gate costs a factor of thirty."""
    looked = []
    monkeypatch.setattr(Matcher, "line", lambda self, line, *_: looked.append(line.text))
    diagnoser = Diagnoser()
    diagnoser.feed(LOGS[kind](2_000))
    assert len(looked) < 20, looked[:3]
