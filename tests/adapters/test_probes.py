"""Quick looks into a real container, and shells where there is none."""

from __future__ import annotations

import io
import socket
import tarfile
from pathlib import Path

import pytest

from amltui.adapters.docker import probes, shell, standin
from amltui.adapters.docker.execute import execute
from amltui.adapters.docker.stats import UsageStreams, usage
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.workbench import Usage
from tests.workers.box import APP, PREFIX, SCORE, Box, _image, box, wait_until

__all__ = ["_image", "box"]


@pytest.mark.engine
def test_files_and_models(box: Box) -> None:
    name = box.run()
    found = probes.app_files(box.access, name)
    assert [row[0] for row in found.rows][:2] == ["azureml-models/", "azureml-models/diabetes/"]
    assert ("score.py", f"{len(SCORE):,}", "644") in found.rows
    assert found.remarks == (f"Relative to {APP}.",)
    models = probes.model_path(box.access, name)
    path = "azureml-models/diabetes/3/model.json"
    assert models.rows == (("azureml-models/diabetes/3/", path),)
    assert models.remarks[:2] == (
        f"Absolute: {APP}/{path}",
        f"AZUREML_MODEL_DIR is {APP}/azureml-models/diabetes/3.",
    )
    missing = probes.model_path(box.access, name, "nothing")
    assert missing.failed
    assert any("no azureml-core" in remark for remark in missing.remarks)


@pytest.mark.engine
def test_packages_beside_a_conda_file(box: Box, tmp_path: Path) -> None:
    name = box.run()
    site = box.sh(name, "python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'")
    info = f"{site.strip()}/demo_pkg-1.2.dist-info"
    box.sh(name, f"mkdir -p {info}; printf 'Name: demo-pkg\\nVersion: 1.2\\n' > {info}/METADATA")
    conda = tmp_path / "conda.yml"
    conda.write_text("dependencies:\n- python=3.8\n- pip:\n  - demo_pkg==1.3\n")
    found = probes.packages(box.access, name, conda)
    assert found.rows[0] == ("demo-pkg", "1.2", "==1.3", "another version")
    conda.write_text("dependencies: [")
    with pytest.raises(AmltuiError, match="cannot be read"):
        probes.packages(box.access, name, conda)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("script", "limit", "failed", "said"),
    [
        ("def init():\n    print('fine')\n", 20.0, False, ["fine", "init() returned"]),
        ("def init():\n    return 1 / 0\n", 20.0, True, ["ZeroDivisionError", "line 2, in init"]),
        ("import time\ndef init():\n    time.sleep(60)\n", 0.5, True, ["Timeout", "in init"]),
        ("import nothing_like_it\n", 20.0, True, ["ModuleNotFoundError"]),
        ("def run(x): pass\n", 20.0, True, ["no init()"]),
    ],
)
def test_init_alone(box: Box, script: str, limit: float, failed: bool, said: list[str]) -> None:
    name = box.run()
    box.sh(name, f"cat > {APP}/score.py <<'EOF'\n{script}\nEOF")
    found = probes.run_init(box.access, name, limit)
    assert found.failed is failed
    for part in said:
        assert part in found.text
    assert len(box.processes(name)) <= 2


@pytest.mark.engine
def test_environment_and_ports(box: Box) -> None:
    name = box.run(
        Env=["ACCOUNT_KEY=abcdefgh", "COLOUR=\x1b]0;evil\x07green"],
        ExposedPorts={"9/tcp": {}},
        HostConfig={"PortBindings": {"9/tcp": [{"HostPort": ""}]}},
    )
    shown = {row[0]: row[1] for row in probes.environment(box.access, name).rows}
    assert shown["ACCOUNT_KEY"] == "•••"
    assert shown["COLOUR"] == "green"
    published = box.api.inspect_container(name)["NetworkSettings"]["Ports"]["9/tcp"]
    port = int(published[0]["HostPort"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = taken.getsockname()[1]
        found = probes.ports(box.access, [port, other])
    assert found.failed
    assert found.rows[0] == (str(port), f"taken by the container {name}")
    assert found.rows[1] == (str(other), "taken by a program of this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other = free.getsockname()[1]
    assert not probes.ports(box.access, [other]).failed


@pytest.fixture
def distroless(box: Box) -> str:
    """An image that holds one program, and no shell."""
    data = io.BytesIO()
    copy = box.run()
    pieces, _ = box.api.get_archive(copy, "/")
    wanted = ("usr/local/bin/python3", "usr/local/lib/python3", "lib/", "lib64/", "usr/lib/")
    whole = io.BytesIO(b"".join(pieces))
    with tarfile.open(fileobj=whole) as source, tarfile.open(fileobj=data, mode="w") as tar:
        for member in source:
            if member.name.lstrip("/").startswith(wanted):
                tar.addfile(member, source.extractfile(member) if member.isreg() else None)
    tag = f"{PREFIX}:distroless"
    box.api.import_image_from_data(data.getvalue(), repository=PREFIX, tag="distroless")
    return tag


@pytest.mark.engine
@pytest.mark.usefixtures("alone_with_copies")
def test_an_image_without_a_shell_says_so(box: Box, distroless: str) -> None:
    command = ["/usr/local/bin/python3", "-c", "import time; time.sleep(1000)"]
    name = box.run(command, image=distroless)
    with pytest.raises(AmltuiError) as caught:
        shell.open_shell(box.access, name)
    assert "no shell in this image" in str(caught.value)
    assert "distroless" in caught.value.message
    assert caught.value.problem is Problem.REFUSED
    with pytest.raises(AmltuiError, match="no shell"):
        standin.stand_in_for_image(box.access, distroless)
    with pytest.raises(AmltuiError, match="no shell"):
        standin.stand_in_for_container(box.access, name)
    assert not box.api.containers(all=True, filters={"label": "amltui.temporary"})
    assert not box.api.images("amltui-temporary")
    assert execute(box.access, name, ["ls"]).missing


@pytest.mark.engine
def test_a_shell_needs_a_running_container(box: Box) -> None:
    name = box.run()
    box.api.kill(name)
    with pytest.raises(AmltuiError, match="not running"):
        shell.open_shell(box.access, name)
    with pytest.raises(AmltuiError, match="gone"):
        shell.open_shell(box.access, f"{PREFIX}-none")
    with pytest.raises(AmltuiError, match="no such image"):
        standin.stand_in_for_image(box.access, f"{PREFIX}:none")


@pytest.mark.usefixtures("alone_with_copies")
@pytest.mark.engine
def test_stand_ins_of_dead_consoles_are_swept(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    name = box.run()
    monkeypatch.setattr(standin, "_owner", lambda: f"999999999@{socket.gethostname()}")
    dead = standin.stand_in_for_container(box.access, name)
    monkeypatch.setattr(standin, "_owner", lambda: "1@another-machine")
    other = standin.stand_in_for_container(box.access, name)
    try:
        assert standin.sweep(box.access) == 1
        ids = [each["Id"] for each in box.api.containers(all=True)]
        tags = [tag for each in box.api.images() for tag in each["RepoTags"] or []]
        assert dead.container_id not in ids
        assert dead.image not in tags
        assert other.container_id in ids
    finally:
        standin.remove(box.access, other)


@pytest.mark.engine
def test_usage_streams_come_and_go(box: Box) -> None:
    busy = box.run(
        ["/bin/sh", "-c", "while :; do :; done"],
        HostConfig={"NanoCpus": 100_000_000, "Memory": 48 << 20},
    )
    idle = box.run(HostConfig={"NanoCpus": 100_000_000})
    ids = [box.api.inspect_container(name)["Id"] for name in (busy, idle)]
    seen: list[Usage] = []
    streams = UsageStreams(box.access, seen.append)
    streams.show(ids)
    try:
        wait_until(
            lambda: any(u.container_id == ids[0] and (u.cpu_percent or 0) > 1 for u in seen), "it"
        )
        newest = next(u for u in reversed(seen) if u.container_id == ids[0])
        assert newest.memory_limit == 48 << 20
        assert 0 < newest.memory < 48 << 20
        streams.show([ids[0]])
        assert streams.shown == {ids[0]}
        box.api.remove_container(busy, force=True)
        wait_until(lambda: not streams.shown, "the end of a stream whose container is gone", 15)
    finally:
        streams.close()


def test_usage_is_what_docker_stats_shows() -> None:
    before = {"cpu_usage": {"total_usage": 1_000}, "system_cpu_usage": 10_000}
    sample = {
        "cpu_stats": {
            "cpu_usage": {"total_usage": 2_000}, "system_cpu_usage": 12_000, "online_cpus": 4
        },
        "memory_stats": {"usage": 1_000, "limit": 4_000, "stats": {"inactive_file": 300}},
        "pids_stats": {"current": 7},
    }  # fmt: skip
    assert usage("c", sample, before) == Usage("c", 200.0, 700, 4_000, 7)
    assert usage("c", sample, {}).cpu_percent is None
    assert usage("c", {}, {}) == Usage("c", None, 0, 0, 0)
