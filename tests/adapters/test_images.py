"""Commit, the next tag, and the new image run in the old one's place: on the real engine."""

from __future__ import annotations

import json
import urllib.request

import pytest

from amltui.adapters.docker import images, lifecycle, standin
from amltui.domain.containerdiff import ChangeKind
from amltui.domain.errors import AmltuiError, Problem
from tests.workers.box import APP, PREFIX, Box, _image, box, wait_until

__all__ = ["_image", "box"]
pytestmark = pytest.mark.engine
SERVE = ["python3", "-u", "-m", "http.server", "5001", "--directory", APP]


def test_changes_have_sizes_and_kinds(box: Box) -> None:
    name = box.run()
    box.sh(
        name, f"cd {APP}; echo 12345 >> score.py; echo n > new.py; rm -r azureml-models/diabetes"
    )
    box.sh(name, f"mkdir -p {APP}/__pycache__ /tmp/x; echo c > {APP}/__pycache__/score.pyc")
    found = {change.path: change for change in images.changes(box.access, name)}
    assert found[f"{APP}/score.py"].kind is ChangeKind.CHANGED
    assert found[f"{APP}/score.py"].size == int(box.sh(name, f"wc -c < {APP}/score.py"))
    assert (found[f"{APP}/new.py"].kind, found[f"{APP}/new.py"].size) == (ChangeKind.ADDED, 2)
    assert found[f"{APP}/azureml-models/diabetes"].kind is ChangeKind.DELETED
    assert [change.path for change in images.dirty(box.access, name)] == [
        f"{APP}/azureml-models/diabetes", f"{APP}/new.py", f"{APP}/score.py"
    ]  # fmt: skip


def test_edits_are_dirty_until_they_are_committed(box: Box) -> None:
    name = box.run(HostConfig={"AutoRemove": True})
    assert images.dirty(box.access, name) == ()
    box.sh(name, f"echo '# edited' >> {APP}/score.py")
    assert [change.path for change in images.dirty(box.access, name)] == [f"{APP}/score.py"]
    plan = images.plan_commit(box.access, name)
    assert plan.image == f"{PREFIX}:2"
    assert any("--rm" in remark for remark in plan.remarks)
    identity = images.commit(box.access, name, plan.image, message="try", author="A. Person")
    assert images.dirty(box.access, name) == ()
    box.sh(name, f"sed -i s/edited/EDITED/ {APP}/score.py")
    assert [change.path for change in images.dirty(box.access, name)] == [f"{APP}/score.py"]
    assert images.plan_commit(box.access, name).image == f"{PREFIX}:3"
    made = box.api.inspect_image(identity)
    assert (made["Comment"], made["Author"]) == ("try", "A. Person")
    assert made["Config"]["Labels"]["who"] == "a-test"
    assert box.api.inspect_container(name)["State"]["Running"]
    with pytest.raises(AmltuiError, match="There is an image"):
        images.plan_commit(box.access, name, plan.image)


def test_the_new_image_runs_in_the_old_ones_place(box: Box) -> None:
    name = box.run(
        SERVE,
        Env=["COLOUR=green"],
        Labels={"mine": "yes"},
        ExposedPorts={"5001/tcp": {}},
        HostConfig={"PortBindings": {"5001/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
                    "Memory": 64 << 20},
        Volumes={"/data": {}},
    )  # fmt: skip
    box.sh(name, f"echo kept > {APP}/state; echo volume > /data/v")
    before = box.api.inspect_container(name)
    port = before["NetworkSettings"]["Ports"]["5001/tcp"][0]["HostPort"]
    image = images.plan_commit(box.access, name).image
    images.commit(box.access, name, image)
    steps: list[str] = []
    made = images.replace(box.access, name, image, settle=0.3, grace=0, on_step=steps.append)
    assert (made.name, made.ports) == (name, (("5001/tcp", port),))
    after = box.api.inspect_container(name)
    assert after["Id"] != before["Id"]
    assert after["Config"]["Image"] == image
    assert "COLOUR=green" in after["Config"]["Env"]
    assert after["Config"]["Labels"]["mine"] == "yes"
    assert after["HostConfig"]["Memory"] == 64 << 20
    assert box.sh(name, f"cat {APP}/state /data/v") == "kept\nvolume\n"

    def answer() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=2) as response:
                return str(response.read().decode())
        except OSError:
            return ""

    assert wait_until(answer, "an answer") == "kept\n"
    assert len(steps) == 3
    names = json.dumps([each["Names"] for each in box.api.containers(all=True)])
    assert f"{name}-before" not in names
    assert f"{name}-next" not in names


@pytest.mark.parametrize("temporary", [False, True])
def test_a_new_image_that_does_not_start_is_rolled_back(box: Box, temporary: bool) -> None:
    name = box.run(
        ["/bin/sh", "-c", f"[ -e {APP}/broken ] && {{ echo no model; exit 3; }}; sleep 1000"],
        ExposedPorts={"5001/tcp": {}},
        HostConfig={"PortBindings": {"5001/tcp": [{"HostPort": ""}]}, "AutoRemove": temporary},
    )
    broken = f"{PREFIX}:broken-{temporary}".lower()
    other = box.run()
    box.sh(other, f"touch {APP}/broken")
    images.commit(box.access, other, broken)
    box.sh(name, f"echo mine > {APP}/edit")
    with pytest.raises(AmltuiError) as caught:
        images.replace(box.access, name, broken, settle=0.5, grace=0)
    assert "exit code 3" in caught.value.message
    assert f"{name} runs as before" in caught.value.hint
    assert "no model" in caught.value.detail
    assert ("is saved as" in caught.value.hint) is temporary
    names = [name for each in box.api.containers(all=True) for name in each["Names"]]
    assert not [each for each in names if each in (f"/{name}-before", f"/{name}-next")]
    assert box.sh(name, f"cat {APP}/edit") == "mine\n"
    assert box.api.inspect_container(name)["HostConfig"]["AutoRemove"] is temporary


def test_a_container_that_goes_with_its_stop_is_saved_before(box: Box) -> None:
    name = box.run(HostConfig={"AutoRemove": True})
    box.sh(name, f"echo mine > {APP}/edit")
    made = images.replace(box.access, name, box.image, settle=0.1, grace=0)
    assert box.sh(name, f"ls {APP}").split() == ["azureml-models", "score.py"]
    check = box.run(image=made.saved_as)
    assert box.sh(check, f"cat {APP}/edit") == "mine\n"


@pytest.mark.usefixtures("alone_with_copies")
def test_a_standin_is_committed_as_what_it_stands_in_for(box: Box) -> None:
    name = box.run(["/bin/sh", "-c", "exit 3"], Labels={"amlIsService": "True", "mine": "yes"})
    wait_until(lambda: not box.api.inspect_container(name)["State"]["Running"], "its end")
    copy = standin.stand_in_for_container(box.access, name)
    try:
        labels = box.api.inspect_container(copy.container_id)["Config"]["Labels"]
        assert labels["amlIsService"] == ""  # the list of services does not show it
        box.sh(copy.container_id, f"echo fixed > {APP}/score.py")
        planned = images.plan_commit(box.access, copy.container_id).image
        assert planned.startswith(f"{PREFIX}:")  # and not called as the copy is
        image = images.plan_commit(box.access, copy.container_id, f"{PREFIX}:fixed").image
        images.commit(box.access, copy.container_id, image)
    finally:
        standin.remove(box.access, copy)
    made = box.api.inspect_image(image)["Config"]
    assert made["Cmd"] == ["/bin/sh", "-c", "exit 3"]
    assert not made["Entrypoint"]
    assert made["Labels"]["amltui.temporary"] == ""
    standin.remove(box.access, copy)  # twice is no error


def test_what_is_no_name_for_an_image_is_said(box: Box) -> None:
    name = box.run()
    for image in ("Bad Name!", "x:", "x:y z", "-x:1", "x/", "UPPER/x:1", f"x:{'y' * 129}"):
        with pytest.raises(AmltuiError, match="no name for an image") as caught:
            images.plan_commit(box.access, name, image)
        assert caught.value.problem is Problem.USAGE
    for image in ("localhost:5000/a/b-c__d:V1.2_x", "Host.example.org/x:1", "x"):
        assert images.plan_commit(box.access, name, image).image.startswith(image)


def test_detail_and_life(box: Box) -> None:
    name = box.run(
        Env=["API_KEY=abcdefgh"],
        HostConfig={"Memory": 32 << 20, "NanoCpus": 500_000_000, "Binds": ["/tmp:/mnt:ro"]},
    )
    found = lifecycle.detail(box.access, name)
    assert (found.name, found.state, found.memory_limit, found.cpus) == (
        name, "running", 32 << 20, 0.5
    )  # fmt: skip
    assert found.running
    assert found.ending is None
    assert [(m.target, m.writable) for m in found.mounts] == [("/mnt", False)]
    assert "abcdefgh" not in repr(found)
    lifecycle.stop(box.access, name, grace=30)
    found = lifecycle.detail(box.access, name)
    assert found.ending is not None
    assert str(found.ending).startswith("exit code 0")
    lifecycle.start(box.access, name)
    box.api.pause(name)
    lifecycle.start(box.access, name)
    assert lifecycle.detail(box.access, name).state == "running"
    lifecycle.restart(box.access, name, grace=1)
    with pytest.raises(AmltuiError):
        lifecycle.remove(box.access, name)
    lifecycle.remove(box.access, name, force=True)
    with pytest.raises(AmltuiError, match="gone"):
        lifecycle.detail(box.access, name)
