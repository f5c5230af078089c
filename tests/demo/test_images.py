"""The images that the demo makes of this machine's Python, and the registry that serves them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from amltui.demo import images
from amltui.demo.distributions import closure, package_layer
from amltui.demo.images import INFERENCE_IMAGE, PYTHON_IMAGE, Registry, dockerfile, missing
from amltui.demo.interpreter import SITE_PACKAGES, VERSION, base_layer
from amltui.demo.layers import MTIME, Layer, shared_libraries

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1:5999"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(HOST, tmp_path_factory.mktemp("cache"))


def get(registry: Registry, path: str) -> Any:
    status, _, body = registry.handle("GET", path)
    assert status == 200
    assert isinstance(body, bytes)
    return json.loads(body)


def manifest(registry: Registry, name: str) -> Any:
    return get(registry, f"/v2/{name}/manifests/{VERSION}")


def layer_file(registry: Registry, name: str, number: int) -> Path:
    digest = manifest(registry, name)["layers"][number]["digest"]
    _, _, body = registry.handle("GET", f"/v2/{name}/blobs/{digest}")
    assert isinstance(body, Path)
    return body


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as archive:
        return {member.name: member for member in archive}


# -- the registry's side of the protocol


def test_it_says_that_it_is_a_registry(registry: Registry) -> None:
    status, headers, _ = registry.handle("GET", "/v2/")
    assert status == 200
    assert headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("name", [PYTHON_IMAGE, INFERENCE_IMAGE])
def test_every_blob_is_what_its_digest_says(registry: Registry, name: str) -> None:
    document = manifest(registry, name)
    for described in [document["config"], *document["layers"]]:
        path = f"/v2/{name}/blobs/{described['digest']}"
        _, headers, body = registry.handle("GET", path)
        data = body.read_bytes() if isinstance(body, Path) else body
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == described["digest"]
        assert len(data) == described["size"] == int(headers["Content-Length"])


def test_a_manifest_is_found_by_tag_and_by_digest(registry: Registry) -> None:
    path = f"/v2/{PYTHON_IMAGE}/manifests"
    status, headers, by_tag = registry.handle("GET", f"{path}/{VERSION}")
    assert status == 200
    assert registry.handle("GET", f"{path}/{headers['Docker-Content-Digest']}")[2] == by_tag


def test_head_answers_like_get_without_a_body(registry: Registry) -> None:
    path = f"/v2/{PYTHON_IMAGE}/manifests/{VERSION}"
    _, headers, _ = registry.handle("GET", path)
    assert registry.handle("HEAD", path) == (200, headers, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nobody/manifests/latest", 404, "MANIFEST_UNKNOWN"),
        ("GET", f"/v2/{PYTHON_IMAGE}/manifests/2.7", 404, "MANIFEST_UNKNOWN"),
        ("GET", f"/v2/{PYTHON_IMAGE}/blobs/sha256:00", 404, "BLOB_UNKNOWN"),
        ("GET", f"/v2/{PYTHON_IMAGE}/blobs/../../../etc/passwd", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/_catalog", 404, "NAME_UNKNOWN"),
        ("POST", f"/v2/{PYTHON_IMAGE}/blobs/uploads/", 405, "UNSUPPORTED"),
    ],
)
def test_the_rest_is_refused(
    registry: Registry, method: str, path: str, status: int, code: str
) -> None:
    found, _, body = registry.handle(method, path)
    assert isinstance(body, bytes)
    assert (found, json.loads(body)["errors"][0]["code"]) == (status, code)


def test_it_is_built_once_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Layer] = []

    def small_layer() -> Layer:
        layer = Layer()
        layer.write("/etc/motd", "hello")
        built.append(layer)
        return layer

    monkeypatch.setattr(images, "base_layer", small_layer)
    registry = Registry(HOST, tmp_path)
    asking = [threading.Thread(target=registry.build) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(built) == 1


# -- the layers


def test_two_demos_make_the_same_image(tmp_path: Path) -> None:
    one, other = Registry(HOST, tmp_path / "one"), Registry("127.0.0.1:1", tmp_path / "other")
    assert manifest(one, INFERENCE_IMAGE) == manifest(other, INFERENCE_IMAGE)


def test_a_layer_in_the_cache_is_not_written_again(tmp_path: Path) -> None:
    layer = Layer()
    layer.write("/etc/motd", "hello")
    registry = Registry(HOST, tmp_path)
    registry._layer(layer)
    (written,) = tmp_path.iterdir()
    before = written.stat()
    registry._layer(layer)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [before.st_mtime_ns]


def test_a_changed_file_makes_another_layer(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    prints = []
    for text in ("a = 1", "a = 22"):
        file.write_text(text)
        layer = Layer()
        layer.copy(file, "/file.py")
        prints.append(layer.fingerprint())
    assert prints[0] != prints[1]


def test_the_base_is_small_sorted_timeless_and_nobodys(registry: Registry) -> None:
    path = layer_file(registry, PYTHON_IMAGE, 0)
    found = members(path)
    assert 30e6 < path.stat().st_size < 90e6
    assert {member.mtime for member in found.values()} == {MTIME}
    assert {(member.uid, member.gid, member.uname) for member in found.values()} == {(0, 0, "")}
    assert found["tmp"].mode == 0o1777
    assert not [name for name in found if "/idlelib/" in name or "/test/" in name]
    assert not [name for name in found if str(Path.home()).lstrip("/") + "/" in name]


def test_byte_code_is_valid_for_the_time_that_the_image_gives_its_source(
    registry: Registry,
) -> None:
    path = layer_file(registry, PYTHON_IMAGE, 0)
    code = [name for name in members(path) if name.endswith(".pyc") and "/json/" in name]
    assert code
    with tarfile.open(path) as archive:
        for name in code:
            folder, _, file = name.rpartition("/__pycache__/")
            source = archive.getmember(f"{folder}/{file.partition('.')[0]}.py")
            header = archive.extractfile(name)
            assert header is not None
            stamp = header.read(16)[8:]
            assert stamp == MTIME.to_bytes(4, "little") + source.size.to_bytes(4, "little")


def test_stale_byte_code_stays_out(tmp_path: Path) -> None:
    import py_compile

    source = tmp_path / "module.py"
    source.write_text("a = 1")
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    fresh, stale = Layer(), Layer()
    fresh.copy_python(source, "/module.py")
    os.utime(source, (1, 1))
    stale.copy_python(source, "/module.py")
    assert (len(fresh.entries), len(stale.entries)) == (2, 1)


def test_the_loader_is_among_the_libraries() -> None:
    found = list(shared_libraries([Path(os.path.realpath(sys.executable))]))
    assert any(library.soname.startswith("libc.") for library in found)
    assert any(not library.soname and "ld-" in library.path.name for library in found)
    assert list(shared_libraries([])) == []


def test_without_busybox_there_is_the_systems_own_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "busybox" else which(name))
    found = base_layer().entries
    assert isinstance(found["/bin/sh"].content, Path)
    assert isinstance(found["/bin/ls"].content, Path)
    needed = {lib.soname for lib in shared_libraries([Path(os.path.realpath("/bin/ls"))])} - {""}
    assert needed <= {name.rpartition("/")[2] for name in found}


# -- the packages


def distribution(root: Path, name: str, *requires: str) -> None:
    folder = root / f"{name}-1.0.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (folder / "RECORD").write_text(f"{name}/__init__.py,,\n../../../bin/{name},,\n")
    (root / name).mkdir()
    (root / name / "__init__.py").write_text("")


def test_the_closure_follows_markers_and_extras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "top", "middle[fast]>=1", "absent; sys_platform == 'win32'")
    distribution(tmp_path, "middle", "quick; extra == 'fast'", "absent; extra == 'slow'", "top")
    distribution(tmp_path, "quick", "absent; python_version < '3'")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(closure("top")) == ["middle", "quick", "top"]
    distribution(tmp_path, "broken", "absent")
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="absent"):
        closure("broken")


def test_the_second_layer_has_the_recorded_files_and_scripts(tmp_path: Path) -> None:
    distributions = closure()
    assert {"azureml-inference-server-http", "flask", "gunicorn"} <= set(distributions)
    assert "waitress" not in distributions  # for Windows only
    found = package_layer(distributions.values(), have=()).entries
    assert f"{SITE_PACKAGES}/flask/__init__.py" in found
    script = found["/usr/local/bin/azmlinfsrv"]
    assert script.executable
    assert isinstance(script.content, bytes)
    assert script.content.startswith(f"#!/usr/local/bin/python{VERSION}\n".encode())
    assert not [name for name in found if ".." in name]


def test_only_what_the_base_lacks_is_in_the_second_layer(registry: Registry) -> None:
    base = members(layer_file(registry, INFERENCE_IMAGE, 0))
    second = members(layer_file(registry, INFERENCE_IMAGE, 1))
    files = {name for name, member in second.items() if not member.isdir()}
    assert not files & set(base)


def test_missing_names_what_to_install() -> None:
    # -S: the same interpreter without its packages.
    code = "from amltui.demo.images import missing; print(missing())"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "azureml-inference-server-http" in ran.stdout
    assert "amltui[demo]" in ran.stdout
    assert missing() is None


# -- the Dockerfile


def test_the_dockerfile_stands_on_the_own_registry() -> None:
    text = dockerfile(HOST)
    assert text.startswith(f"FROM {HOST}/{INFERENCE_IMAGE}:{VERSION}\n")
    assert f'LABEL amltui.demo="{HOST}"\n' in text
    assert "amltui.demo.keep" not in text


def test_the_dockerfile_marks_what_is_to_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLTUI_DEMO_KEEP", "1")
    assert f'LABEL amltui.demo="{HOST}" amltui.demo.keep="true"\n' in dockerfile(HOST)


def test_the_dockerfile_stands_on_a_public_image_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMLTUI_DEMO_BASE", "public")
    assert dockerfile(HOST).startswith("FROM python:3.11-slim-bookworm\nRUN pip install ")
    assert missing() is None


def test_the_dockerfile_stands_on_a_public_image_away_from_linux(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert dockerfile(HOST).startswith("FROM python:")


# -- in a real engine


@contextmanager
def serving(interpreter: str, cache: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [interpreter, str(Path(__file__).with_name("registry_http.py")), str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def interpreters() -> list[str]:
    """One interpreter of each kind: this one, the system's, and one of each version of pyenv's."""
    found = {sys.version_info[:2]: sys.executable}
    others = sorted(Path.home().glob(".pyenv/versions/3.1[0-3].*/bin/python3"))
    for path in others:
        minor = int(path.parents[1].name.split(".")[1])
        found.setdefault((3, minor), str(path))
    system = Path("/usr/bin/python3")
    if system.exists() and int(os.path.realpath(system).rpartition(".")[2]) >= 10:
        found[0, 0] = str(system)
    return list(found.values())


CHECK = """
import bz2, ctypes, grp, lzma, pwd, readline, site, sqlite3, ssl, sys, tempfile, uuid, zlib
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
assert pwd.getpwuid(0).pw_name == "root" and tempfile.gettempdir() == "/tmp"
ssl.create_default_context()
import json.decoder, os, socket
assert os.path.exists(json.decoder.__cached__)
socket.getaddrinfo("localhost", 80)
print("%d.%d" % sys.version_info[:2], sys.prefix)
"""


@pytest.mark.engine
@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda path: path.split("/")[-3])
def test_the_base_image_runs_in_the_engine(interpreter: str, tmp_path: Path) -> None:
    import docker

    client = docker.from_env()
    with serving(interpreter, tmp_path) as host:
        image = client.images.pull(f"{host}/{PYTHON_IMAGE}", tag="latest")
        try:
            name = f"amltui-imgtest-{uuid4().hex[:8]}"
            printed = client.containers.run(image, ["python3", "-c", CHECK], name=name, remove=True)
            assert printed.decode().split()[1] == "/usr/local"
            shell = ["/bin/sh", "-c", "ls /usr/local/bin | grep -c python; id -un"]
            printed = client.containers.run(image, shell, name=name, remove=True)
            assert printed == b"3\nroot\n"
        finally:
            client.images.remove(f"{host}/{PYTHON_IMAGE}:latest", force=True)
            client.close()
