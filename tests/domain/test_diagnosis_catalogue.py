"""The catalogue is data: every entry is complete, compiles and has samples of both signs."""

from __future__ import annotations

import configparser

import pytest

from amltui.domain.diagnosis import Source, Target, catalogue, diagnose
from amltui.domain.diagnosis.catalogue import parse
from amltui.domain.diagnosis.model import Form
from amltui.domain.diagnosis.pattern import gate, gate_word, loosen
from amltui.domain.diagnosis.rules import rule_set
from tests.domain.diagnosis_samples import Sample, read

ENTRIES = catalogue()
SAMPLES = read("[a-f]_*.txt")
POSITIVE = [sample for sample in SAMPLES if sample.words[0] == "+"]
NEGATIVE = [sample for sample in SAMPLES if sample.words[0] == "-"]
SEEDS = {
    "worker-reboot-loop-memory", "init-exception", "azureml-defaults-missing", "run-exception",
    "model-path-not-found", "debugger-package-missing", "debugger-wait-hang",
    "container-crash-loop",
    "aks-cannot-schedule", "aks-insufficient-cpu-memory", "aks-insufficient-gpu",
    "key-vault-policy-cleared", "local-reload-on-remote", "image-build-failed",
    "docker-not-running",
    "docker-registry-login-expired", "docker-image-missing", "docker-no-such-container",
    "http-502-run-failed", "http-503-autoscale", "http-504-timeout",
}  # fmt: skip
# Only a container log makes an interactive login wrong: the text alone cannot tell.
NEEDS_ITS_SOURCE = {"interactive-login-in-container"}


def test_every_failure_is_there_and_the_seeds_are_marked() -> None:
    assert len(ENTRIES) == 145
    assert {entry.id for entry in ENTRIES.values() if entry.seed} == SEEDS


def test_entries_are_complete() -> None:
    targets = {target.value for target in Target} | {"all"}
    for entry in ENTRIES.values():
        assert entry.signatures or entry.statuses or entry.rule, entry.id
        assert entry.title, entry.id
        assert entry.cause.endswith("."), entry.id
        assert entry.fix.endswith("."), entry.id
        assert entry.config_field, entry.id
        assert entry.severity in {"error", "warning", "info"}, entry.id
        assert entry.where, entry.id
        assert Source.AUTO not in entry.where, entry.id
        assert set(entry.applies_to) <= targets, entry.id
        assert set(entry.yields_to) <= set(ENTRIES) - {entry.id}, entry.id


def test_every_signature_compiles_and_has_a_word_that_the_gate_finds() -> None:
    rules = rule_set()
    for rule in rules.rules:
        assert rule.pattern, rule.entry.id
        assert rules.gate.search(rule.word), (rule.entry.id, rule.word)
        if rule.signature.form is not Form.CODE:
            assert rule.word == gate_word(rule.signature.pattern)


@pytest.mark.parametrize("sign", ["+", "-"])
def test_every_entry_has_a_sample(sign: str) -> None:
    sampled = {sample.words[1] for sample in SAMPLES if sample.words[0] == sign}
    assert sampled == set(ENTRIES)


@pytest.mark.parametrize("sample", POSITIVE, ids=str)
def test_a_positive_sample_is_recognised_first(sample: Sample) -> None:
    _, name, source = sample.words
    assert [finding.id for finding in diagnose(sample.text, Source(source))][:1] == [name]
    if name not in NEEDS_ITS_SOURCE:
        assert [finding.id for finding in diagnose(sample.text)][:1] == [name]


@pytest.mark.parametrize("sample", NEGATIVE, ids=str)
def test_a_negative_sample_is_not_that_failure(sample: Sample) -> None:
    _, name, source = sample.words
    for given in (Source(source), Source.AUTO):
        assert name not in {finding.id for finding in diagnose(sample.text, given)}


def test_a_malformed_catalogue_is_refused() -> None:
    with pytest.raises(configparser.Error):
        parse("title = no section")
    with pytest.raises(KeyError):
        parse("[x]\ntitle = only a title")
    with pytest.raises(ValueError, match="no plain word"):
        gate_word(r"\b424\b")
    with pytest.raises(ValueError, match="alternation"):
        gate_word("this|that")


def test_blanks_and_quotes_of_a_signature_are_loose() -> None:
    assert loosen("a b's [^' ]") == r"a\s+b" + "[\"'`]" + r"s\s+[^' ]"


def test_the_gate_finds_words_over_wrapped_and_escaped_blanks() -> None:
    words = gate(["worker failed to boot"])
    for text in ("worker failed to boot", "worker\nfailed  to boot", r"worker\nfailed\\n to\tboot"):
        assert words.search(text), text
