"""The table's promises, tried by the thousand without a screen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amltui.widgets.table_model import (
    GAP,
    Cell,
    Column,
    KeptRows,
    TableModel,
    TableRow,
    cut,
    fit_columns,
    natural_widths,
    sort_value,
    width_of,
)

COLUMNS = (Column("name", "NAME"), Column("age", "AGE", "right"))


def row(
    key: str, name: str | None = None, age: float | None = None, haystack: str = ""
) -> TableRow:
    cells = (Cell(key if name is None else name), Cell("" if age is None else f"{age} h", sort=age))
    return TableRow(key, cells, haystack=haystack)


def model_of(*rows: TableRow) -> TableModel:
    model = TableModel(COLUMNS)
    model.set_rows(rows)
    return model


def keys(model: TableModel) -> list[str]:
    return [shown.key for shown in model.shown]


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("abcdefghij"),
        st.text("aAbB1é日", max_size=4),
        st.none() | st.floats(0, 9) | st.just(math.nan),
    ),
    unique_by=lambda made: made.key,
    max_size=10,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), ROWS),
        st.tuples(st.just("filter"), st.sampled_from(["", "a", "A", "!a", "1", "zz", "!"])),
        st.tuples(
            st.just("sort"),
            st.tuples(st.sampled_from([None, "name", "age"]), st.booleans()),
        ),
        st.tuples(st.just("move"), st.integers(-2, 12)),
    ),
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_the_cursor_keeps_its_key_through_anything(steps: list[tuple[str, object]]) -> None:
    model = TableModel(COLUMNS)
    for what, value in steps:
        key, index = model.key, model.index
        if what == "rows":
            assert isinstance(value, list)
            model.set_rows(value)
        elif what == "filter":
            model.filter(str(value))
        elif what == "sort":
            assert isinstance(value, tuple)
            model.sort(*value)
        else:
            assert isinstance(value, int)
            model.move_to(value)
            if model.shown:
                assert model.index == max(0, min(value, len(model.shown) - 1))
        shown = keys(model)
        assert set(shown) <= {known.key for known in model.rows}
        if not shown:
            assert model.highlighted is None
            continue
        assert model.highlighted == shown[model.index]
        if what != "move" and key in shown:
            assert model.highlighted == key, "the row is still shown, so the cursor is on it"
        elif what != "move":
            assert model.index == min(index, len(shown) - 1), "the row went, the place stays"


@given(ROWS, st.booleans())
def test_sorting_loses_nothing_keeps_ties_as_given_and_puts_nothing_last(
    rows: list[TableRow], reverse: bool
) -> None:
    model = model_of(*rows)
    model.sort("age", reverse)
    assert sorted(keys(model)) == sorted(given.key for given in rows)
    given = {known.key: at for at, known in enumerate(rows)}
    values = [sort_value(known.cells[1]) for known in model.shown]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == sorted(known, reverse=reverse)
    for first, second in zip(model.shown, model.shown[1:], strict=False):
        if sort_value(first.cells[1]) == sort_value(second.cells[1]):
            assert given[first.key] < given[second.key]


def test_numbers_come_before_texts_and_capitals_do_not_matter() -> None:
    cells = [Cell("b"), Cell("A"), Cell("x", sort=2.5), Cell("")]
    assert sorted(filter(None, map(sort_value, cells))) == [(False, 2.5), (True, "a"), (True, "b")]


def test_the_filter_is_smart_about_capitals_and_can_be_inverted() -> None:
    model = model_of(row("Fraud"), row("fraud-2"), row("churn", haystack="team=Fraud"))
    for needle, expected in {
        "fraud": ["Fraud", "fraud-2", "churn"],
        "Fraud": ["Fraud", "churn"],
        "!Fraud": ["fraud-2"],
        "!": ["Fraud", "fraud-2", "churn"],
        "fraud 2": [],
        "": ["Fraud", "fraud-2", "churn"],
    }.items():
        model.filter(needle)
        assert keys(model) == expected, needle


def test_the_filter_does_not_match_across_cells() -> None:
    model = model_of(row("a", "left", 1))
    model.filter("left1")
    assert keys(model) == []


def test_a_cursor_hidden_by_a_filter_that_matches_nothing_comes_back() -> None:
    model = model_of(row("a"), row("b"), row("c"))
    model.move_to_key("c")
    model.filter("nothing like it")
    assert model.highlighted is None
    model.filter("")
    assert model.highlighted == "c"


def test_equal_rows_are_no_change_and_wrong_rows_are_refused() -> None:
    model = model_of(row("a"), row("b"))
    assert not model.set_rows([row("a"), row("b")])
    assert model.set_rows([row("b"), row("a")])
    with pytest.raises(ValueError, match="same key"):
        model.set_rows([row("a"), row("a", "other")])
    with pytest.raises(ValueError, match="2 cells"):
        model.set_rows([TableRow("a", (Cell("only one"),))])
    assert keys(model) == ["b", "a"], "a refused set leaves the rows alone"
    with pytest.raises(KeyError):
        model.sort("no such column")


def test_every_column_is_reached_by_sorting_on() -> None:
    model = model_of(row("a"))
    reached = []
    for _ in range(3):
        model.sort(model.next_sort_column())
        reached.append(model.sort_column)
    assert reached == ["name", "age", "name"]


COLUMN = st.builds(
    Column,
    st.just("k"),
    st.text("TITLE", max_size=8),
    priority=st.integers(0, 3),
    min_width=st.none() | st.integers(1, 10),
    max_width=st.none() | st.integers(10, 30),
)


@given(st.lists(COLUMN, min_size=1, max_size=8), st.data(), st.integers(0, 100))
def test_columns_fit_or_vanish_by_priority(
    columns: list[Column], data: st.DataObject, available: int
) -> None:
    cells = tuple(Cell(data.draw(st.text("x日", max_size=20))) for _ in columns)
    wanted = natural_widths(columns, [TableRow("k", cells)])
    layout = fit_columns(columns, wanted, available)
    assert sum(width for _, width in layout) + GAP * (len(layout) - 1) <= max(0, available)
    shown = [at for at, _ in layout]
    assert shown[0] == 0
    assert shown == sorted(shown)
    gone = set(range(len(columns))) - set(shown)
    for at in shown[1:]:
        assert all(columns[at].priority >= columns[other].priority for other in gone)
    if gone == set() and sum(wanted) + GAP * (len(columns) - 1) <= available:
        assert [width for _, width in layout] == wanted


@given(st.text("ab日é👍", max_size=20), st.integers(1, 20))
def test_cut_text_fits_its_cells(text: str, width: int) -> None:
    short = cut(text, width)
    assert width_of(short) <= width
    assert (short == text) == (width_of(text) <= width)
    assert short == text or short.endswith("…")


def test_a_row_whose_facts_are_the_same_is_not_made_again() -> None:
    rows = KeptRows()

    def make(name: str, count: int) -> TableRow:
        return TableRow(name, (Cell(name), Cell(str(count))))

    before = rows.of({"a": ("a", 1), "b": ("b", 1), "c": ("c", 1)}, make)
    after = rows.of({"c": ("c", 1), "a": ("a", 2)}, make)
    assert [row.cells[1].text for row in after] == ["1", "2"]
    assert after[0] is before[2]
