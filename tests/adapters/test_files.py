"""Files in and out of a real container: not a byte, name, link or mode lost, and nothing unsafe."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from amltui.adapters.docker import archive, files, images, sync
from amltui.domain.containerdiff import Direction, plan_sync
from amltui.domain.errors import AmltuiError, Problem
from tests.workers.box import APP, PREFIX, Box, _image, box, wait_until

__all__ = ["_image", "box"]

NAMES = ["plain", "with space", " lead", "new\nline", "ünï-✓-漢字", "-dash", "quo'te\"", "a" * 180]


def tree(root: Path) -> dict[str, tuple[str, int, str]]:
    """Kind, mode and content of all that is below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", 0, os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", path.stat().st_mode & 0o777, "")
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = ("file", path.stat().st_mode & 0o777, digest)
    return found


@pytest.fixture
def odd_folder(tmp_path: Path) -> Path:
    """Names, modes, links and sizes that copies get wrong."""
    root = tmp_path / "odd source"
    deep = root / "deep" / "er"
    deep.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (root / name).write_bytes(os.urandom(number * 700))
    (root / os.fsdecode(b"latin-\xe9")).write_text("bytes")
    (deep / "empty").touch()
    (deep / "zeros").write_bytes(bytes(1024))
    (deep / "block").write_bytes(b"x" * 512)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "secret").write_text("s")
    (root / "secret").chmod(0o600)
    (deep / "up").symlink_to("../../plain")
    (root / "nowhere").symlink_to("not/there")
    os.link(root / "with space", root / "hard")
    (root / "closed").mkdir(mode=0o700)
    return root


@pytest.mark.engine
def test_a_round_trip_loses_nothing(box: Box, odd_folder: Path, tmp_path: Path) -> None:
    name = box.run()
    files.copy_in(box.access, name, odd_folder, f"{APP}/odd target")
    result = files.copy_out(box.access, name, f"{APP}/odd target", tmp_path / "back")
    assert result.skipped == []
    assert tree(tmp_path / "back") == tree(odd_folder)
    back = tmp_path / "back"
    assert (back / "hard").stat().st_ino == (back / "with space").stat().st_ino
    assert box.sh(name, f"ls {APP} | grep amltui") == ""
    committed = f"{PREFIX}:odd"
    images.commit(box.access, name, committed)
    files.copy_out(box.access, box.run(image=committed), f"{APP}/odd target", tmp_path / "again")
    assert tree(tmp_path / "again") == tree(odd_folder)


@pytest.mark.engine
def test_a_big_file_takes_no_memory(box: Box, tmp_path: Path) -> None:
    import tracemalloc

    big = tmp_path / "big"
    size = 200 << 20
    with open(big, "wb") as file:
        file.write(b"start")
        file.seek(size // 2)
        file.write(b"middle")
        file.truncate(size)
    name = box.run(HostConfig={"Tmpfs": {"/big": ""}})
    tracemalloc.start()
    files.copy_in(box.access, name, big, "/tmp/big")
    files.copy_out(box.access, name, "/tmp/big", tmp_path / "back")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20
    back = tmp_path / "back"
    with open(back, "rb") as one, open(big, "rb") as other:
        assert digest(one) == digest(other)
    assert back.stat().st_blocks * 512 < 10 << 20  # runs of zeros are holes again


@pytest.mark.engine
def test_nothing_is_overwritten_or_left_half(box: Box, tmp_path: Path) -> None:
    name = box.run()
    (tmp_path / "there").write_text("mine")
    with pytest.raises(AmltuiError, match="exists already"):
        files.copy_out(box.access, name, f"{APP}/score.py", tmp_path / "there")
    with pytest.raises(AmltuiError, match="exists already in the container"):
        files.copy_in(box.access, name, tmp_path / "there", f"{APP}/score.py")
    with pytest.raises(AmltuiError) as caught:
        files.copy_out(box.access, name, f"{APP}/none.py", tmp_path / "none")
    assert caught.value.problem is Problem.NOT_FOUND
    with pytest.raises(AmltuiError, match="cannot be used"):
        files.copy_out(box.access, name, f"{APP}/score.py", tmp_path / "no" / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there", "xdg"] or sorted(
        path.name for path in tmp_path.iterdir()
    ) == ["there"]
    files.copy_in(box.access, name, tmp_path / "there", f"{APP}/score.py", overwrite=True)
    assert files.read_file(box.access, name, f"{APP}/score.py")[0] == b"mine"


def digest(file: BinaryIO) -> str:
    """The digest of a file that is too big to hold."""
    found = hashlib.sha256()
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


def evil(*members: tuple[str, bytes, str]) -> tarfile.TarFile:
    """An archive as a hostile container could send it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, kind, extra in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = extra
                tar.addfile(info)
            else:
                info.size = len(extra)
                tar.addfile(info, io.BytesIO(extra.encode()))
    data.seek(0)
    return tarfile.open(fileobj=data, mode="r|")


DIR = ("x", tarfile.DIRTYPE, "")


@pytest.mark.parametrize(
    "members",
    [
        [("x/../../escaped", tarfile.REGTYPE, "evil")],
        [("/escaped", tarfile.REGTYPE, "evil")],
        [DIR, ("x/up", tarfile.SYMTYPE, "../.."), ("x/up/escaped", tarfile.REGTYPE, "e")],
        [DIR, ("x/abs", tarfile.SYMTYPE, "/etc/passwd")],
        [DIR, ("x/dot", tarfile.SYMTYPE, "."), ("x/l", tarfile.SYMTYPE, "dot/../../up")],
        [DIR, ("x/hard", tarfile.LNKTYPE, "../escaped-source")],
        [DIR, ("x/dev", tarfile.CHRTYPE, "")],
        [DIR, ("x/pipe", tarfile.FIFOTYPE, "")],
    ],
)  # fmt: skip
def test_what_comes_out_stays_inside(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    (tmp_path / "escaped-source").write_text("secret")
    inside = tmp_path / "a" / "b"
    inside.parent.mkdir()
    with evil(*members) as tar:
        result = archive.extract(tar, inside)
    assert result.skipped or not (tmp_path / "a" / "escaped").exists()
    assert not list(tmp_path.glob("**/escaped")) or (inside / "up" / "escaped").exists()
    for path in inside.rglob("*") if inside.is_dir() else []:
        assert path.resolve().is_relative_to(inside.resolve())
        assert path.is_file() or path.is_dir()


@pytest.mark.engine
def test_folders_are_listed_running_or_not(box: Box) -> None:
    name = box.run()
    box.sh(name, f"cd {APP}; ln -s score.py link; touch 'a b' \"$(printf 'new\\nline')\"; mkdir z")
    running = files.list_folder(box.access, name, APP)
    assert [(entry.name, entry.kind) for entry in running] == [
        ("azureml-models", "folder"),
        ("z", "folder"),
        ("a b", "file"),
        ("link", "link"),
        ("new\nline", "file"),
        ("score.py", "file"),
    ]
    box.api.kill(name)
    stopped = files.list_folder(box.access, name, APP)
    assert [(e.name, e.kind) for e in stopped] == [(e.name, e.kind) for e in running]
    score = {entry.name: entry for entry in stopped}["score.py"]
    assert score == {entry.name: entry for entry in running}["score.py"]


@pytest.mark.engine
@pytest.mark.parametrize("running", [True, False])
def test_an_edit_goes_back_in_one_step(box: Box, running: bool) -> None:
    name = box.run()
    box.sh(name, f"cd {APP}; chmod 751 score.py; chown 12:34 score.py; ln -s score.py link")
    if not running:
        box.api.kill(name)
    data, original = files.read_file(box.access, name, f"{APP}/link")
    assert original.path == f"{APP}/score.py"
    assert files.write_back(box.access, original, data) is False
    assert files.write_back(box.access, original, data + b"# edited\n") is True
    new, now = files.read_file(box.access, name, f"{APP}/score.py")
    assert new == data + b"# edited\n"
    assert (now.mode, now.uid, now.gid) == (0o751, 12, 34)
    assert [entry.name for entry in files.list_folder(box.access, name, APP)] == [
        "azureml-models", "link", "score.py"
    ]  # fmt: skip


@pytest.mark.engine
def test_an_edit_does_not_undo_somebody_elses(box: Box) -> None:
    name = box.run()
    data, original = files.read_file(box.access, name, f"{APP}/score.py")
    box.sh(name, f"echo theirs > {APP}/score.py")
    with pytest.raises(AmltuiError, match="has changed in the container"):
        files.write_back(box.access, original, data + b"mine")
    assert box.sh(name, f"cat {APP}/score.py") == "theirs\n"


@pytest.mark.engine
def test_a_mounted_file_is_written_in_place(box: Box, tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("old\n")
    name = box.run(HostConfig={"Binds": [f"{tmp_path}/score.py:{APP}/score.py"]})
    _, original = files.read_file(box.access, name, f"{APP}/score.py")
    assert files.write_back(box.access, original, b"new\n")
    assert (tmp_path / "score.py").read_text() == "new\n"
    assert box.sh(name, f"ls -A {APP}").split() == ["azureml-models", "score.py"]


@pytest.mark.engine
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("running", [True, False])
def test_sync_makes_both_sides_the_same(
    box: Box, odd_folder: Path, tmp_path: Path, direction: Direction, running: bool
) -> None:
    name = box.run()
    (odd_folder / "score.py").write_text("local\n")
    (odd_folder / "hard").unlink()
    box.sh(name, f"cd {APP}; touch \"$(printf 'latin-\\351-inside')\"")
    box.sh(name, f"cd {APP}; echo h > /tmp/h; mkdir azureml-models/x; echo h > azureml-models/x/h")
    box.sh(name, f"cd {APP}; ln azureml-models/x/h twin")
    box.sh(name, f"cd {APP}; mkdir inner; echo i > inner/only; echo '#!' > x.sh; chmod +x x.sh")
    if not running:
        box.api.kill(name)
    differences = sync.compare_with(box.access, name, APP, odd_folder)
    assert {d.words for d in differences} == {"only here", "only in the container", "differs"}
    plan = plan_sync(differences, direction)
    assert plan.left_alone
    assert sync.apply(box.access, name, APP, odd_folder, plan) == ()
    left = sync.compare_with(box.access, name, APP, odd_folder)
    assert {d.path for d in left} == set(plan.left_alone)
    if running:
        box.sh(name, f"cd {APP}; rm -f *-inside")  # what no command can name
        left = sync.compare_with(box.access, name, APP, odd_folder)
        plan = plan_sync(left, direction, delete=True)
        assert sync.apply(box.access, name, APP, odd_folder, plan) == ()
        assert sync.compare_with(box.access, name, APP, odd_folder) == ()
        assert box.sh(name, f"ls -A {APP} | grep amltui") == ""


@pytest.mark.engine
def test_sync_leaves_out_what_changed_since_the_plan(box: Box, tmp_path: Path) -> None:
    name = box.run()
    local = tmp_path / "source"
    local.mkdir()
    (local / "score.py").write_text("local\n")
    (local / "new.py").write_text("new\n")
    plan = plan_sync(sync.compare_with(box.access, name, APP, local), Direction.INTO)
    box.sh(name, f"echo theirs > {APP}/score.py")
    assert sync.apply(box.access, name, APP, local, plan) == ("score.py",)
    assert box.sh(name, f"cat {APP}/score.py {APP}/new.py") == "theirs\nnew\n"


@pytest.mark.engine
def test_a_copy_out_that_breaks_off_leaves_nothing(box: Box, tmp_path: Path) -> None:
    name = box.run(
        ["/bin/sh", "-c", "head -c 300000000 /dev/zero > /tmp/big; touch /tmp/done; sleep 99"]
    )
    wait_until(lambda: box.sh(name, "ls /tmp/done 2>/dev/null"), "the file", 60)
    import threading

    timer = threading.Timer(0.1, lambda: box.api.remove_container(name, force=True))
    timer.start()
    try:
        files.copy_out(box.access, name, "/tmp/big", tmp_path / "big")
    except AmltuiError:
        assert not (tmp_path / "big").exists()
        assert not list(tmp_path.glob(".big*"))
    else:  # it was faster than the removal: then it is whole
        assert (tmp_path / "big").stat().st_size == 300_000_000
    finally:
        timer.join()
