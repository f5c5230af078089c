"""Files as logs: their tail, their growth, cuts and rotations; pipes."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from amltui.domain.errors import AmltuiError
from amltui.domain.logbatch import Batch
from amltui.workers.feed import Feed, Follow, LogEvent
from amltui.workers.filelog import FileFollower, follow_file

LIMIT = 10.0


async def take(feed: FileFollower, count: int) -> list[str]:
    """So many lines and markers, as they come."""
    found: list[str] = []

    async def read() -> None:
        async for item in feed:
            if isinstance(item, Batch):
                found.extend([f"-- {item.marker}"] if item.marker else [])
                found.extend(line.decode() for line in item.lines)
            if len(found) >= count:
                return

    await asyncio.wait_for(read(), LIMIT)
    return found


async def test_a_file_is_read_from_its_tail_and_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {n}\n" for n in range(50_000)) + "unfinished")
    async with aclosing(follow_file(str(path), tail=3)) as feed:
        assert await take(feed, 2) == ["line 49998", "line 49999"]
        with path.open("a") as file:
            file.write(" now it is\nnext\n")
        assert await take(feed, 2) == ["unfinished now it is", "next"]


@pytest.mark.parametrize(
    ("text", "tail", "lines"),
    [("a\nb\nc\n", 2, ["b", "c"]), ("a\nb\n", 9, ["a", "b"]), ("\n\n\n", 2, ["", ""])],
)
async def test_the_tail_of_small_files(
    tmp_path: Path, text: str, tail: int, lines: list[str]
) -> None:
    path = tmp_path / "a.log"
    path.write_text(text)
    async with aclosing(follow_file(str(path), tail=tail)) as feed:
        assert await take(feed, len(lines)) == lines


async def test_what_came_before_the_tail(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {n}\n" for n in range(100_000)))
    async with aclosing(follow_file(str(path), tail=3)) as feed:
        assert await take(feed, 3) == ["line 99997", "line 99998", "line 99999"]
        assert await to_end(feed.older()) == [f"line {n}" for n in range(99_997)]
        path.write_text("cut\n")
        assert (await take(feed, 2))[1] == "cut"
        assert await to_end(feed.older()) == []
    async with aclosing(follow_file(str(path), tail=1)) as feed:
        path.write_text("one\ntwo\n")
        assert await take(feed, 1) == ["two"]
        path.rename(tmp_path / "a.log.1")
        path.write_text("another\n")
        with pytest.raises(AmltuiError, match="another file"):
            await to_end(feed.older())


async def to_end(feed: Feed) -> list[str]:
    """All lines of a log that ends."""
    async with aclosing(feed):
        return [
            line.decode() async for item in feed if isinstance(item, Batch) for line in item.lines
        ]


async def test_every_line_of_a_large_file_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"{n} {'x' * (n % 200)}\n" for n in range(60_000)))
    async with aclosing(follow_file(str(path))) as feed:
        found = await take(feed, 60_000)
    assert [int(line.split(" ")[0]) for line in found] == list(range(60_000))


async def test_a_file_that_is_cut_short_or_replaced_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    async with aclosing(follow_file(str(path))) as feed:
        assert await take(feed, 2) == ["one", "two"]
        path.write_text("new\n")
        found = await take(feed, 2)
        assert "cut short" in found[0]
        assert found[1] == "new"
        (tmp_path / "b").write_text("rotated\n")
        (tmp_path / "b").rename(path)
        found = await take(feed, 2)
        assert "replaced" in found[0]
        assert found[1] == "rotated"


async def test_a_pipe_is_read_to_its_end() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"one\ntwo")
    os.close(writer)
    items = [item async for item in follow_file(f"/dev/fd/{reader}", tail=1)]
    os.close(reader)
    assert items[0] == LogEvent(Follow.LIVE)
    lines = [line for item in items if isinstance(item, Batch) for line in item.lines]
    assert lines == [b"one", b"two"]


async def test_a_file_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(AmltuiError, match="No such file"):
        async for _ in follow_file(str(tmp_path / "none")):
            pass
