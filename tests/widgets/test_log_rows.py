"""Places in a log: walking, wrapping, folding, filtering."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from amltui.domain.logsearch import Search
from amltui.domain.text import clean_line
from amltui.widgets.log_rows import LogRows, Place, fit

from .log_app import filled, numbered

TEXTS = st.text(
    st.sampled_from("ab \u00e9\u65e5\U0001f600\u0301") | st.characters(codec="utf-8"), max_size=60
)


def rows_of(lines: list[bytes], width: int = 10, wrap: bool = True) -> LogRows:
    rows = LogRows(filled(lines))
    rows.width, rows.wrap = width, wrap
    return rows


@given(TEXTS, st.integers(1, 20), st.integers(0, 40))
def test_a_piece_fits_and_nothing_more_would(text: str, cells: int, start: int) -> None:
    text = clean_line(text)
    start = min(start, len(text))
    end = fit(text, start, cells)
    assert start <= end <= len(text)
    assert cell_len(text[start:end]) <= cells
    if end < len(text):
        assert cell_len(text[start : end + 1]) > cells


@given(TEXTS, st.integers(2, 20))
def test_wrapped_rows_are_the_line_in_pieces_that_fit(text: str, width: int) -> None:
    raw = text.replace("\n", "").replace("\r", "").encode("utf-8", "replace")
    rows = rows_of([raw], width)
    shown = rows.shown(rows.line(0))
    parts = [shown.part(row) for row in range(shown.rows)]
    assert "".join(shown.text[a:b] for a, b in parts) == shown.text
    assert all(cell_len(shown.text[a:b]) <= width for a, b in parts)
    for at in range(len(shown.text)):
        a, b = shown.part(shown.row_at(at))
        assert a <= at < b


def test_walking_forward_and_back_is_the_same_way() -> None:
    rows = rows_of([b"x" * (n * 7 % 43) for n in range(60)])
    place = Place(0, 0)
    seen = [place]
    while (after := rows.forward(place, 1)) != place:
        place = after
        seen.append(place)
    assert seen == rows.fill(Place(0, 0), 10_000)
    assert rows.end() == seen[-1]
    for steps in (1, 3, 17, 100):
        assert rows.forward(seen[0], steps) == seen[min(steps, len(seen) - 1)]
        assert rows.backward(seen[-1], steps) == seen[max(0, len(seen) - 1 - steps)]


def test_a_megabyte_on_one_line_is_walked_without_a_list() -> None:
    rows = rows_of([b"first", b"y" * 1_000_000, b"last"], 80)
    assert rows.rows_of(1) == 12_500
    assert rows.backward(Place(2, 0), 12_501) == Place(0, 0)
    assert rows.forward(Place(0, 0), 6_000) == Place(1, 5_999)


def test_a_filter_shows_its_hits_and_the_end_of_them() -> None:
    rows = rows_of(numbered(5_000), wrap=False)
    search = Search(rows.buffer, "99")
    search.step()
    rows.filtered = search
    assert rows.first() == 99
    assert rows.last() == 4_999
    assert rows.nearest(250) == 199
    assert rows.previous(199) == 99
    assert rows.count() == len(search.hits)
    assert not rows.passes(100)


def test_lines_that_were_dropped_are_no_places() -> None:
    rows = LogRows(filled(numbered(50_000), limit=100_000))
    first = rows.first()
    assert first == rows.buffer.start > 0
    assert rows.settle(Place(0, 0)) == Place(first, 0)
    assert rows.backward(Place(first + 2, 0), 10) == Place(first, 0)


def test_folding_hides_all_but_the_head_and_says_what_is_hidden() -> None:
    lines = [
        b"one", b"Traceback (most recent call last):", b"  File", b"KeyError: 'model'", b"two",
        b"two", b"no request id,two", b"three",
    ]  # fmt: skip
    rows = rows_of(lines, 60, wrap=False)

    def texts() -> list[str]:
        return [rows.shown(rows.line(p.number)).text for p in rows.fill(Place(0, 0), 20)]

    assert texts()[4:] == ["two  ×3", "three"]
    rows.tracebacks_folded = True
    assert texts() == [
        "one",
        "Traceback ⋯ KeyError: 'model' (+2 lines)",
        "two  ×3",
        "three",
    ]
    assert rows.turn(1)
    assert texts()[1:4] == [line.decode() for line in lines[1:4]]
    assert rows.turn(2)  # from inside
    assert len(texts()) == 4
    rows.reveal(3)
    assert texts()[3] == "KeyError: 'model'"
    assert not rows.turn(0)


def test_json_unfolds_into_rows_without_a_control_character() -> None:
    line = rb'INFO {"a": [1, 2], "evil": "\u001b]52;c;eA==\u0007\u009b2J\u202e"}'
    rows = rows_of([line, b"not {json}", b"{}"], 60, wrap=False)
    assert rows.turn(0)
    shown = rows.shown(rows.line(0))
    assert shown.rows == 8
    assert shown.text.split("\n")[:3] == ["INFO ", "{", '  "a": [']
    assert all(c == "\n" or c.isprintable() for c in shown.text)
    assert not rows.turn(1)
    assert not rows.turn(2)
    assert rows.turn(0)
    assert rows.rows_of(0) == 1
