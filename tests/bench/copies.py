"""A big file through a container and back: `python -m tests.bench.copies [MEGABYTES]`.

It is copied in and out, committed and copied out of the new image, and compared with a folder here
and fetched: the digests must be the same, and the memory must not grow with the file.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from amltui.adapters.docker import files, images, sync
from amltui.domain.containerdiff import Direction, plan_sync
from tests.workers.box import APP, PREFIX, Box, build

PIECE = 1 << 20


def make(path: Path, megabytes: int) -> str:
    """A file that does not compress; its digest."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(megabytes):
            piece = os.urandom(PIECE)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """The digest of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def main(megabytes: int = 1024) -> None:
    """Print what each way takes and whether a byte was lost."""
    box = Box(build())

    def timed(what: str, work: Callable[[], object]) -> None:
        begin = time.monotonic()
        work()
        seconds = time.monotonic() - begin
        print(f"{what:<28}{seconds:>7.1f} s {megabytes / seconds:>7.0f} MB/s", flush=True)

    def fetch() -> None:
        found = sync.compare_with(box.access, name, f"{APP}/data", here)
        sync.apply(box.access, name, f"{APP}/data", here, plan_sync(found, Direction.OUT))

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "data").mkdir()
        here = root / "here"
        here.mkdir()
        wanted = make(root / "data" / "big ünï", megabytes)
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        try:
            name = box.run()
            at = f"{APP}/data"
            timed("in", lambda: files.copy_in(box.access, name, root / "data", at))
            timed("out", lambda: files.copy_out(box.access, name, at, root / "back"))
            timed("commit", lambda: images.commit(box.access, name, f"{PREFIX}:big"))
            new = box.run(image=f"{PREFIX}:big")
            timed("out of the committed", lambda: files.copy_out(box.access, new, at, root / "new"))
            timed("compare and fetch", fetch)
        finally:
            box.clean()
        status = Path("/proc/self/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        copies = [path / "big ünï" for path in (root / "back", root / "new", here)]
        same = all(digest_of(path) == wanted for path in copies)
    print(f"{'the same' if same else 'BYTES WERE LOST'}; at most {peak / 1000:.0f} MB of memory")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
