"""What reaches the screen of outside text: nothing that a terminal would obey."""

from __future__ import annotations

import timeit
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amltui.domain.text import (
    MASK,
    Sgr,
    Span,
    clean,
    clean_line,
    clean_log,
    clean_log_block,
    mask,
    parse_log,
)

from .hostile import CASES

MISCHIEF = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b[]PX^_\\;?0123456789mhlJHqc\x07\x18\x9b\x9c\x9d\x90\r\t ab\u202eé漢"),
        st.characters(),
    )
)


def obeyed(text: str, *kept: str) -> list[str]:
    """The characters of a text that a terminal would not simply draw."""
    return [
        char
        for char in text
        if char not in kept
        and (
            unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            or 0xFE00 <= ord(char) < 0xFE10
        )
    ]


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("raw", CASES.values(), ids=CASES)
def test_hostile_bytes_are_tamed(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    assert not obeyed(clean(text), "\n")
    assert not obeyed(clean_line(text))
    assert not obeyed(clean_log(raw))
    assert not obeyed(clean_log_block(raw), "\n")


@pytest.mark.parametrize("name", [name for name in CASES if b"owned" in CASES[name]])
def test_the_string_of_a_sequence_goes_with_it(name: str) -> None:
    shown = clean_log(CASES[name])
    assert shown.startswith("a")
    assert ("owned" in shown) == (name == "osc-raw-c1")  # there it is not UTF-8: no sequence


@given(st.binary())
@example(b"\x1b]")
def test_any_bytes_as_a_log_line(raw: bytes) -> None:
    text, spans = parse_log(raw)
    assert not obeyed(text)
    at = 0
    for span in spans:
        assert at <= span.start < span.end <= len(text)
        assert span.sgr != Sgr()
        at = span.end


@given(MISCHIEF)
def test_any_text(text: str) -> None:
    assert not obeyed(clean(text), "\n")
    assert not obeyed(clean_line(text))


@given(MISCHIEF)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(st.lists(MISCHIEF.map(lambda text: text.replace("\n", "").encode("utf-8", "replace"))))
@example([b"a\rb", b"\r", b"\x1b[31ma\r\x1b[0m", b"\t\tx"])
def test_a_block_is_cleaned_as_its_lines_are(lines: list[bytes]) -> None:
    if any(mark in line.decode("utf-8", "replace") for line in lines for mark in "\u200d\ufe0f"):
        return  # what joins two emoji is looked at with both
    lines = [line for line in lines if not _stacks(line)]
    block = clean_log_block(b"\n".join(lines))
    assert block.split("\n") == ([clean_log(line) for line in lines] or [""])


def _stacks(line: bytes) -> bool:
    return any(unicodedata.combining(char) for char in line.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (CASES["title"], "ab"),
        (CASES["link"], "aclickb"),
        (CASES["nul"], "a␀b"),
        (CASES["delete"], "a␡b"),
        (CASES["esc-then-multibyte"], "aé"),
        (CASES["carriage-return"], "progress 99%"),
        (CASES["tty-crlf"], "terminal line"),
        (CASES["tabs"], "a       b       c"),
        (CASES["family"], "👩👩👧 ok"),
        (CASES["variation"], "\u2764 \u2764"),
        (CASES["joiner"], "a\ufffdb"),
        (CASES["bidi-override"], "invoice\ufffdfdp.exe"),
        (CASES["wide"], "模型 한국어 🚀 ｆｕｌｌ"),
        (CASES["markup"], CASES["markup"].decode()),
        (CASES["sgr-conceal"], "hidden shown"),
        (b"50%\r\x1b[K", "50%"),
    ],
)
def test_what_is_shown_of_a_log_line(raw: bytes, shown: str) -> None:
    assert clean_log(raw) == shown


def test_every_character_of_unicode() -> None:
    for first in range(0, 0x110000, 0x1000):
        for code in range(first, first + 0x1000):
            assert not obeyed(clean(chr(code)), "\n"), hex(code)


def test_newlines_are_kept_or_shown() -> None:
    assert clean("a\r\nb\rc\td") == "a\nb\nc       d"
    assert clean_line("a\r\nb\tc\n") == "a⏎ b c"


def test_a_sequence_never_hides_another_line() -> None:
    assert clean("a\x1b]0;x\nb") == "a\nb"


@pytest.mark.parametrize(
    ("raw", "sgr"),
    [
        (b"\x1b[1mx", Sgr(bold=True)),
        (b"\x1b[2;3;4;7mx", Sgr(dim=True, italic=True, underline=True, reverse=True)),
        (b"\x1b[1;4mx"[:-1] + b"\x1b[22;24;31mx", Sgr(fg=1)),
        (b"\x1b[97;104mx", Sgr(fg=15, bg=12)),
        (b"\x1b[38;5;200;48;5;17mx", Sgr(fg=200, bg=17)),
        (b"\x1b[38;2;1;2;3mx", Sgr(fg=(1, 2, 3))),
        (b"\x1b[38:2::10:20:30mx", Sgr(fg=(10, 20, 30))),
        (b"\x1b[48:5:9mx", Sgr(bg=9)),
        (b"\x1b[4:3mx", Sgr(underline=True)),
        (b"\x1b[58;5;9;1mx", Sgr(bold=True)),
        (b"\x1b[31m\x1b[999mx", Sgr(fg=1)),
    ],
)
def test_colours(raw: bytes, sgr: Sgr) -> None:
    text, spans = parse_log(raw)
    assert text == "x"
    assert spans == (Span(0, 1, sgr),)


def test_colours_keep_their_place() -> None:
    text, spans = parse_log(b"a\t\x1b[31mred\x1b[32m\x1b[31mder\x1b[m plain\x1b[1m")
    assert text == "a       redder plain"
    assert spans == (Span(8, 14, Sgr(fg=1)),)


def test_a_flood_of_colours_is_bounded() -> None:
    text, spans = parse_log(b"\x1b[31ma\x1b[32mb" * 60_000 + b"\x00\x1b[2J\rend")
    assert text == "end"
    text, spans = parse_log(b"\x1b[31ma\x1b[32mb" * 60_000)
    assert len(text) == 120_000
    assert len(spans) <= 2_000


def test_a_plain_line_costs_nothing() -> None:
    raw = b"2026-11-21 06:01:02,123 INFO scoring request 17 took 8 ms, payload ok ".ljust(120, b".")
    best = min(timeit.repeat(lambda: parse_log(raw), number=2_000, repeat=7)) / 2_000
    assert best < 3e-6  # 0.4 us on an idle machine


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://a.blob.example/x?sv=2&sig=Zm9v%2Bc3D&se=1", "Zm9v"),
        ("Authorization: Bearer abcDEF123.456", "abcDEF"),
        ('{"Authorization": "Basic dXNlcjpwdw=="}', "dXNlcjpwdw"),
        ("authorization=SharedKey acct:c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("got Bearer abcdefgh12345 back", "abcdefgh12345"),
        ("token eyJhbGciOiJub25l.eyJzdWIiOiJub2JvZHki.c2lnbmF0dXJl", "eyJ"),
        ("AccountName=x;AccountKey=Zm9vYmFy==;Endpoint=y", "Zm9vYmFy"),
        ("SharedAccessKey=Zm9vYmFy", "Zm9vYmFy"),
        ('{"primaryKey": "not-a-real-key-1"}', "not-a-real-key-1"),
        ('{\\"secondaryKey\\": \\"not-a-real-key-2\\"}', "not-a-real-key-2"),
        ("password=hunter2", "hunter2"),
        ("DB_PASSWORD: hunter22", "hunter22"),
        ("client_secret='hunter2'", "hunter2"),
        ("AZUREML_SERVICE_PRINCIPAL_PASSWORD=hunter2", "hunter2"),
        ("postgres://user:hunter2@db.example/x", "hunter2"),
        ("GET /?code=hunter2&x=1", "hunter2"),
        ("?key=hunter2", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----", "hunter2"),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret not in mask(text)
    assert MASK in mask(text)
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'feature_1'",
        "Unexpected token < in JSON",
        "the key is missing",
        "http://localhost:5001/score",
        "sort keys: name, age",
        "2026-11-21 06:01:02 INFO design=flat signature ok",
    ],
)
def test_plain_text_is_not_masked(text: str) -> None:
    assert mask(text) == text


def test_masking_takes_time_in_proportion_to_the_text() -> None:
    def best(text: str) -> float:
        return min(timeit.repeat(lambda: mask(text), number=1, repeat=5))

    word = "aGVsbG8gd29ybGQ"
    assert best(word * 160) < 30 * best(word * 20)  # as the square of it: 64 times
