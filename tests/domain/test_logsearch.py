"""Searching, against the same done line by line."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer
from amltui.domain.loglines import Level, continues, level
from amltui.domain.logregex import branches
from amltui.domain.logsearch import Search
from amltui.domain.text import clean_log

PIECES = ["error", "Error", "ERROR", "a", "b", "ab", "\\d", "\\s", "\\w", "\\W", "\\S", "\\b", "^",
          "$", ".", "x", "[a-c]", "[A-C]", "[^a]", "[^\\s]", "[A-z]", "[-a]", "[@-_]", "(a|bc)",
          "(?:ab)", "(?!a)", "(?<=a)", "(?i:x)", "(?P<n>a)", "a*", "a+", "b?", "a{2}", "é",
          "\u212a", "\\.", "\\n", "\\x41", "\\A", "\\Z", "|", "-",
          "\\D", "[\\s-]", "[^\\S]", "ror", "err", "an ", "b|a",
          "()", "(|b)", "{,2}", "\\|"]  # fmt: skip
LINES = st.lists(
    st.one_of(
        st.text("aAbBcCxX19 .-_[]@é\u212aſ漢", max_size=12).map(lambda text: text.encode()),
        st.sampled_from([b"an error", b"ERROR: x", b"\x1b[31merr\x1b[0mor", b"old\rnew", b"a\tb"]),
        st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"")),
    ),
    max_size=40,
)


def buffer_of(lines: list[bytes]) -> LogBuffer:
    """A buffer with these lines in it."""
    buffer = LogBuffer()
    buffer.append(Batch(0, lines))
    return buffer


def naive(lines: list[bytes], pattern: str, regex: bool, ignore_case: bool | None) -> list[int]:
    """The same, simply."""
    source = pattern if regex else re.escape(pattern)
    if ignore_case is None:
        bare = re.sub(r"\\.", "", pattern) if regex else pattern
        ignore_case = bare == bare.lower()
    expression = re.compile(source, re.IGNORECASE if ignore_case else 0)
    return [at for at, raw in enumerate(lines) if expression.search(clean_log(raw))]


@given(
    LINES,
    st.lists(st.sampled_from(PIECES), max_size=5),
    st.booleans(),
    st.sampled_from([None, False, True]),
)
@example([b"A", b""], ["[@-_]"], True, None)
@example([b"_"], ["[A-z]"], True, True)
@example(["\u212a".encode()], ["k"], True, True)
@example([b"a", b"b"], ["\\s"], True, None)
@example([b"", b""], ["a*"], True, None)
@settings(max_examples=60, deadline=None)
def test_it_finds_what_one_finds_line_by_line(
    lines: list[bytes], pieces: list[str], regex: bool, ignore_case: bool | None
) -> None:
    pattern = "".join(pieces)
    search = Search(buffer_of(lines), pattern, regex=regex, ignore_case=ignore_case)
    try:
        wanted = naive(lines, pattern, regex, ignore_case)
    except re.error:
        assert search.error.startswith("not a regular expression: ")
        assert search.step()
        assert list(search.hits) == []
        return
    assert not search.error
    assert search.step()
    assert list(search.hits) == wanted
    opposite = Search(search.buffer, pattern, regex=regex, ignore_case=ignore_case, invert=True)
    opposite.step()
    assert sorted([*search.hits, *opposite.hits]) == list(range(len(lines)))


def numbered(count: int) -> LogBuffer:
    """Numbered lines, several blocks of them."""
    return buffer_of([b"line %d of module %d" % (at, at % 7) for at in range(count)])


@pytest.mark.parametrize("regex", [False, True])
@pytest.mark.parametrize("near", [None, 0, 2_500, 9_999])
def test_hits_are_in_order_wherever_it_starts(near: int | None, regex: bool) -> None:
    search = Search(numbered(10_000), "module 3", regex=regex, near=near)
    slices = 0
    while not search.step(0):
        slices += 1
        found = list(search.hits)
        assert found == sorted(found)
        assert search.count == len(found)
        assert 0 <= search.progress <= 1
    assert slices >= 9
    assert list(search.hits) == list(range(3, 10_000, 7))
    assert search.progress == 1


def test_the_nearest_lines_come_first() -> None:
    search = Search(numbered(10_000), "line", near=5_000)
    search.step(0)
    while not search.count:
        search.step(0)
    assert all(abs(hit - 5_000) <= 1_024 for hit in search.hits)


def test_new_lines_are_looked_at_and_dropped_ones_forgotten() -> None:
    buffer = LogBuffer(20_000)
    search = Search(buffer, "hit")
    assert search.step()
    total = 0
    for _ in range(40):
        buffer.append(
            Batch(0, [b"%07d hit %s" % (at, b"%x" % (at * 7919 << 99)) for at in range(200)])
        )
        total += 200
        assert search.update()
        assert not search.done
        assert search.step()
    assert buffer.dropped
    assert list(search.hits) == list(range(buffer.start, total))
    buffer.clear()
    assert not search.update()
    assert list(search.hits) == []


def test_lines_put_in_front_are_looked_at() -> None:
    buffer = numbered(100)
    search = Search(buffer, "module 3")
    search.step()
    before = len(search.hits)
    buffer.prepend(numbered(5_000))
    assert search.update()
    search.step()
    assert search.hits[0] == -5_000 + 3
    assert len(search.hits) == before + 714


def test_where_a_line_matches() -> None:
    search = Search(LogBuffer(), "err|$", regex=True)
    assert search.matches("an Error, err") == [(3, 6), (10, 13)]
    assert search.matches("err" * 10, limit=2) == [(0, 3), (3, 6)]
    assert Search(LogBuffer(), "", regex=False).matches("abc") == []


def test_a_bad_regex_says_where() -> None:
    search = Search(numbered(3), "a(b", regex=True)
    assert (
        search.error
        == "not a regular expression: missing ), unterminated subpattern (at character 2)"
    )
    assert search.done
    assert search.progress == 1


def test_stopping_keeps_what_was_found() -> None:
    search = Search(numbered(10_000), "line", near=0)
    while not search.count:
        search.step(0)
    found = search.count
    search.stop("enough")
    assert search.step()
    assert search.count == found
    assert not search.update()


LEVELS = [
    (b"2021-03-03 17:04:05,123 | root | INFO | 200", Level.INFO),
    (b"2022-01-24 10:21:04,855 W [70] azmlinfsrv.user_script - slow", Level.WARNING),
    (b"2022-01-24 10:21:04,855 E [70] azmlinfsrv - broken", Level.ERROR),
    (b"[2026-11-21 06:01:02 +0000] [7] [INFO] Listening at: http://0.0.0.0:31311", Level.INFO),
    (b"[2026-11-21 06:01:02 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:8)", Level.ERROR),
    (b"WARNING:root:low memory", Level.WARNING),
    (b"DEBUG - x", Level.DEBUG),
    (b'{"time": "x", "level": "error", "msg": "INFO"}', Level.ERROR),
    (b'{"severity":"WARNING","message":"x"}', Level.WARNING),
    (b"ts=1 level=warn msg=ERROR", Level.WARNING),
    (b"E1121 06:01:02.123456       1 file.go:12] x", Level.ERROR),
    (b"I1121 06:01:02.123456       1 file.go:12] x", Level.INFO),
    (b"Traceback (most recent call last):", Level.ERROR),
    (b"azureml.exceptions._azureml_exception.WebserviceException:", Level.ERROR),
    (b"ModuleNotFoundError: No module named 'lightgbm'", Level.ERROR),
    (b"KeyError", Level.ERROR),
    (b"error: could not find x", Level.ERROR),
    (b"/opt/x.py:3: UserWarning: old pickle", Level.WARNING),
    (
        b'127.0.0.1 - - [21/Nov/2026:06:01:02 +0000] "POST /score HTTP/1.0" 502 12 "-" "x"',
        Level.ERROR,
    ),
    (b'127.0.0.1 - - [21/Nov/2026:06:01:02 +0000] "GET / HTTP/1.0" 404 - "-" "x"', Level.WARNING),
    (b'127.0.0.1 - - [21/Nov/2026:06:01:02 +0000] "GET / HTTP/1.0" 200 7 "-" "x"', Level.INFO),
    (b"\x1b[31mERROR\x1b[0m x", Level.ERROR),
    (b"[error] nginx said so", Level.ERROR),
    (b"INFO: 0 ERROR lines", Level.INFO),
    (b"no errors were found", Level.NONE),
    (b"Error handling is fine", Level.NONE),
    (b"PINFO my-ERROR-name", Level.NONE),
    (b"", Level.NONE),
    (b"\xff\x00\x1b[", Level.NONE),
]


@pytest.mark.parametrize(("raw", "wanted"), LEVELS, ids=lambda value: repr(value)[:30])
def test_levels(raw: bytes, wanted: Level) -> None:
    assert level(raw) is wanted


def test_a_level_takes_its_traceback_along() -> None:
    lines = [
        b"INFO start",
        b"Traceback (most recent call last):",
        b'  File "score.py", line 3, in run',
        b"    raise ValueError",
        b"ValueError: no",
        b"INFO next",
        b"  continued",
    ]
    assert continues(lines[2])
    search = Search(buffer_of(lines), "", level=Level.ERROR)
    search.step()
    assert list(search.hits) == [1, 2, 3, 4]
    search = Search(buffer_of([b"x"] * 1_022 + lines), "raise", level=Level.ERROR)
    search.step()
    assert list(search.hits) == [1_025]  # its traceback begins in the block before


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("error|failed|status 201", ["error", "failed", "status 201"]),
        (r"took (13|17) ms|v12,", ["took ", "v12,"]),
        ("(?:timed out|refused)", ["timed out", "refused"]),
        (r".*\d+ timed out.*", [" timed out"]),
        (r"ab?cd*ef\.py", ["ef.py"]),
        (r"a|\d", [""]),
        (r"\d+|error", [""]),
    ],
)
def test_what_a_match_must_hold(pattern: str, texts: list[str]) -> None:
    assert [branch.text for branch in branches(pattern)] == texts
