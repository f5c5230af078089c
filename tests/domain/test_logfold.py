"""Groups of lines: tracebacks, repeated lines, doubled prints."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amltui.domain.logbatch import Batch
from amltui.domain.logbuffer import LogBuffer, LogLine
from amltui.domain.logfold import CHUNK, FoldKind, Folds

TRACEBACK = [
    b"Traceback (most recent call last):",
    b'  File "score.py", line 3, in run',
    b"    return 1 / 0",
    b"ZeroDivisionError: division by zero",
]


def folds(*lines: bytes, sources: bytes | None = None) -> tuple[LogBuffer, Folds]:
    buffer = LogBuffer()
    buffer.append(Batch(0, lines, sources=sources))
    return buffer, Folds(buffer)


def test_a_traceback_ends_with_its_exception() -> None:
    _, found = folds(b"before", *TRACEBACK, b"after")
    fold = found.of(1)
    assert fold is not None
    assert (fold.head, fold.kind, fold.members) == (1, FoldKind.TRACEBACK, [2, 3, 4])
    assert found.of(0) is None
    assert found.of(4) is fold
    assert found.of(5) is None


def test_chained_tracebacks_are_two_groups() -> None:
    _, found = folds(
        *TRACEBACK, b"", b"During handling of the above exception ...", b"", *TRACEBACK
    )
    first, second = found.of(0), found.of(7)
    assert first is not None
    assert second is not None
    assert first.members == [1, 2, 3]
    assert second.members == [8, 9, 10]


def test_a_line_of_another_source_does_not_end_a_traceback() -> None:
    lines = [TRACEBACK[0], b"other", TRACEBACK[1], TRACEBACK[3]]
    _, found = folds(*lines, sources=bytes([0, 1, 0, 0]))
    fold = found.of(0)
    assert fold is not None
    assert fold.members == [2, 3]
    assert found.of(1) is None


def test_repeated_lines_are_one_group_and_different_ones_are_not() -> None:
    _, found = folds(b"same", b"same", b"same", b"other", b"same")
    fold = found.of(0)
    assert fold is not None
    assert (fold.kind, fold.members) == (FoldKind.REPEAT, [1, 2])
    assert found.of(3) is None
    assert found.of(4) is None


def test_a_doubled_print_goes_under_its_first_copy_also_when_others_stand_between() -> None:
    guid = b"00000000-0000-0000-0000-000000000000"
    _, found = folds(b"one", b"two", b"no request id,one", guid + b", two", b"three")
    assert [found.of(n) is not None and found.of(n).head for n in range(5)] == [  # type: ignore[union-attr]
        0,
        1,
        0,
        1,
        False,
    ]


def test_a_group_grows_with_the_log() -> None:
    buffer, found = folds(TRACEBACK[0], TRACEBACK[1])
    fold = found.of(0)
    assert fold is not None
    buffer.append(Batch(0, [TRACEBACK[2], TRACEBACK[3], b"after"]))
    assert found.of(4) is None
    assert fold.members == [1, 2, 3]


def test_older_lines_in_front_belong_to_the_same_group() -> None:
    buffer, found = folds(b"1", b"2", b"3", b"4")
    buffer.clear()
    buffer.append(Batch(0, [b"same", b"other"]))
    assert found.of(4) is None
    older = LogBuffer()
    older.append(Batch(0, [b"first", b"same"]))
    buffer.prepend(older)
    fold = found.of(4)
    assert fold is not None
    assert (fold.head, fold.members) == (3, [4])


def test_looking_at_the_end_of_a_long_log_reads_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer, found = folds(*(b"line %d" % n for n in range(20 * CHUNK)))
    asked: list[int] = []
    original = buffer.lines

    def lines(start: int, stop: int) -> list[LogLine]:
        asked.append(stop - start)
        return original(start, stop)

    monkeypatch.setattr(buffer, "lines", lines)
    assert found.of(buffer.stop - 1) is None
    assert sum(asked) <= CHUNK


ODD = st.sampled_from([b"", b"same", b"no request id, same", b"no request id,x", b"x", *TRACEBACK])


@given(
    st.lists(
        st.tuples(st.integers(0, 24), st.lists(st.tuples(ODD, st.booleans()), max_size=4)),
        max_size=5,
    )
)
@example([(0, [(TRACEBACK[0], False), (TRACEBACK[1], True)]), (24, [])])
def test_groups_are_the_same_however_many_lines_come_at_once(
    parts: list[tuple[int, list[tuple[bytes, bool]]]],
) -> None:
    """Plain lines between odd ones, and looked at behind some of these or only at the end."""
    one_by_one, together = LogBuffer(), LogBuffer()
    expected, found = Folds(one_by_one), Folds(together)
    for count, odd in parts:
        plain = [(b"line %d" % (together.stop + at), False) for at in range(count)]
        for line, look in plain + odd:
            one_by_one.append(Batch(0, [line]))
            together.append(Batch(0, [line]))
            expected.of(one_by_one.stop - 1)
            if look:
                found.of(together.stop - 1)
    found.of(together.stop - 1)
    numbers = range(together.stop)
    assert list(map(found.of, numbers)) == list(map(expected.of, numbers))
