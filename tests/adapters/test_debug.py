"""The outside of debugging: copies, packages, a registry that refuses, an engine, launch.json."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import pytest

from amltui.adapters.azureml import package as package_job
from amltui.adapters.azureml import registry
from amltui.adapters.azureml.local import free_port as some_port
from amltui.adapters.debug_tools import DebugTools
from amltui.adapters.docker import debugging
from amltui.adapters.docker.access import EngineAccess
from amltui.adapters.files import debug_copy, vscode
from amltui.demo import launcher
from amltui.domain.debugwait import Stage
from amltui.domain.debugwish import Package, Wish
from amltui.domain.errors import AmltuiError, Problem
from tests.workers.box import PREFIX, Box, _image, box, wait_until

from .run_world import LOCAL, World

__all__ = ["_image", "box"]


def nothing(_: object) -> None:
    return None


# -- the copy and the package


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with launcher.start(speed=1e6) as server:
        yield World(server, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def package(world: World) -> Package:
    before = {path: path.read_bytes() for path in world.project.iterdir()}
    tools = DebugTools(lambda: world.connection, EngineAccess())
    told: list[str] = []
    wish = Wish(world.plan(LOCAL), str(world.project))
    made = tools.package(wish, lambda progress: told.append(progress.text))
    assert {path: path.read_bytes() for path in world.project.iterdir()} == before
    assert told[0] == "Connecting to the workspace"
    assert told[-1] == "Asking for the login of the registry"
    assert any("Creating the package." in line for line in told)
    return made


def test_the_environment_of_the_package_is_a_copy_with_debugpy(
    world: World, package: Package
) -> None:
    asked = [
        line for line in world.requests() if line.startswith("PUT") and "/environments/" in line
    ]
    assert not asked  # the copy is not registered: it is nobody's but the package's
    assert package.location.startswith(world.server.url.removeprefix("http://"))
    assert "not-a-secret" not in repr(package)


def test_a_script_below_a_link_is_not_written_through_it(world: World, tmp_path: Path) -> None:
    outside, source = tmp_path / "outside", tmp_path / "src"
    outside.mkdir()
    source.mkdir()
    (outside / "score.py").write_text("def init(): ...\n\n\ndef run(data): ...\n")
    (source / "code").symlink_to(outside)
    inference = {
        "entry_script": "code/score.py",
        "source_directory": "src",
        "environment": {"conda_file": "conda.yml"},
    }
    plan = world.plan(LOCAL, inference=inference).to_dict()
    with pytest.raises(AmltuiError, match="below a link"):
        debug_copy.copy_source(plan, tmp_path, tmp_path / "copy", port=5678, wait=30, vim=False)
    assert [path.name for path in outside.iterdir()] == ["score.py"]


def test_a_script_alone_is_copied_without_its_neighbours(world: World, tmp_path: Path) -> None:
    inference = {"entry_script": "score.py", "environment": {"conda_file": "conda.yml"}}
    plan = world.plan(LOCAL, inference=inference).to_dict()
    copied = debug_copy.copy_source(plan, world.project, tmp_path, port=5678, wait=30, vim=False)
    source = Path(copied["inference"]["source_directory"])
    assert sorted(os.listdir(source)) == ["amltui_debug.py", "score.py"]


def test_a_workspace_that_gives_no_login_says_what_to_switch_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    auth = SimpleNamespace(
        _get_arm_end_point=lambda: "https://management.example.org/",
        get_authentication_header=dict,
    )
    workspace = SimpleNamespace(
        _auth_object=auth, subscription_id="s", resource_group="g", name="w"
    )
    asked: list[str] = []

    def post(url: str, **_: Any) -> Any:
        asked.append(url)
        return SimpleNamespace(status_code=200, json=lambda: {"userStorageKey": "x"})

    monkeypatch.setattr("requests.post", post)
    with pytest.raises(AmltuiError, match="gives no login") as caught:
        registry.credentials(workspace)
    assert "--admin-enabled true" in caught.value.hint
    assert asked[0].startswith("https://management.example.org/subscriptions/s/resourceGroups/g/")


# -- the engine


@pytest.mark.engine
def test_a_registry_that_refuses_is_told_from_one_without_the_image(package: Package) -> None:
    access = EngineAccess()
    wrong = {**package.login, "password": "wrong"}
    with pytest.raises(AmltuiError) as caught:
        debugging.pull(access, package.location, wrong, nothing)
    assert caught.value.problem is Problem.SIGN_IN
    with pytest.raises(AmltuiError) as caught:
        debugging.pull(access, f"{package.location}-gone", package.login, nothing)
    assert caught.value.problem is Problem.NOT_FOUND
    access.close()


@pytest.mark.engine
def test_an_image_without_debugpy_is_seen(box: Box) -> None:
    assert debugging.debugger_in(box.access, box.image) == ""


APT = """\
#!/bin/sh
# As apt-get is: it installs nothing without its lists, nor without -y where nobody answers.
case "$*" in
    update) touch /lists && exit ;;
    "install -y --no-install-recommends vim") test -e /lists || exit 100 ;;
    *) exit 1 ;;
esac
printf '#!/bin/sh\\nexec vi "$@"\\n' > /usr/bin/vim
chmod +x /usr/bin/vim
"""


@pytest.mark.engine
def test_the_base_image_is_built_with_the_editor(box: Box, tmp_path: Path) -> None:
    """The Dockerfile that the SDK is given, for an image that brings its own packages."""
    (tmp_path / "apt-get").write_text(APT)
    pip = "import sys\nopen('/pip', 'w').write(' '.join(sys.argv[1:]))\n"
    (tmp_path / "pip.py").write_text(pip)
    (tmp_path / "apt-get").chmod(0o755)
    container = box.run()
    box.tools.copy_in(container, tmp_path / "apt-get", "/usr/bin/apt-get", False)
    box.tools.copy_in(container, tmp_path / "pip.py", "/pip.py", False)
    base, built = f"{PREFIX}-base:1", f"{PREFIX}-vim:1"
    box.api.commit(container, *base.split(":"), changes="ENV PYTHONPATH=/")
    environment = MagicMock(docker=SimpleNamespace(base_image=base, base_dockerfile=None))
    environment.python.user_managed_dependencies = True
    environment.clone.return_value = environment
    docker = package_job._with_debugger(environment, "diabetes", vim=True).docker
    assert docker.base_image is None
    try:
        text = BytesIO(docker.base_dockerfile.encode())
        told = list(box.api.build(fileobj=text, tag=built, rm=True, decode=True))
        assert not [each for each in told if "error" in each]
        made = box.run(image=built)
        look = "vim --help >/dev/null 2>&1 && echo vim runs; cat /pip"
        assert box.sh(made, look) == "vim runs\ninstall --no-cache-dir debugpy"
    finally:
        for each in box.made:
            box.api.remove_container(each, force=True)
        for tag in (built, base):
            with suppress(Exception):
                box.api.remove_image(tag, force=True)


@pytest.mark.engine
def test_a_container_has_its_ports_on_this_machine_only_and_no_one_elses(box: Box) -> None:
    service, http, debug = f"test-{uuid4().hex[:8]}", some_port(), some_port()
    made: list[str] = []
    ends = {"Cmd": ["/bin/sh", "-c", "echo done"]}
    image = box.api.commit(box.run(), f"{PREFIX}-ends", "1", conf=ends)["Id"]
    try:
        identity, name = debugging.run(box.access, image, service, http, debug)
        made.append(identity)
        found = box.api.inspect_container(identity)
        bindings = found["HostConfig"]["PortBindings"]
        assert bindings == {
            "5001/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(http)}],
            "5678/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(debug)}],
        }
        assert not found["HostConfig"]["AutoRemove"]  # a stop must not lose what was edited
        wait_until(
            lambda: debugging.look(box.access, identity, http).stage is Stage.ENDED, "its end"
        )
        with socket.create_server(("127.0.0.1", 0)) as mine:
            taken = mine.getsockname()[1]
            free, holder = debugging.free_port(box.access, taken)
            assert (free > taken, holder) == (True, "taken by a program of this machine")
            with pytest.raises(AmltuiError, match="port is already taken"):
                debugging.run(box.access, image, service, taken, debug)
        label = {"label": f"{debugging.LABEL}={service}"}
        assert [each["Id"] for each in box.api.containers(all=True, filters=label)] == made
        assert name.startswith("debug")
    finally:
        for each in made:
            box.api.remove_container(each, force=True)
        box.api.remove_image(image, force=True)


# -- the editor


def test_the_project_is_where_the_editor_would_be_opened(tmp_path: Path) -> None:
    source = tmp_path / "repo" / "deploy" / "src"
    source.mkdir(parents=True)
    assert vscode.project_of(source, source.parent) == source.parent
    assert vscode.project_of(source, tmp_path / "elsewhere") == source
    (tmp_path / "repo" / ".git").mkdir()
    assert vscode.project_of(source, source.parent) == tmp_path / "repo"
    (source / ".vscode").mkdir()
    assert vscode.project_of(source, source.parent) == source


def test_launch_json_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    assert vscode.read_launch(tmp_path) == ""
    vscode.write_launch(tmp_path, "", "{}\n")
    assert vscode.launch_file(tmp_path).read_text() == "{}\n"
    with pytest.raises(AmltuiError, match="changed meanwhile"):
        vscode.write_launch(tmp_path, "", "{1}\n")
    assert vscode.launch_file(tmp_path).read_text() == "{}\n"
    assert os.listdir(tmp_path / ".vscode") == ["launch.json"]


def test_the_editor_and_its_extension_are_looked_for_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert vscode.editor() == ("", False)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "code").write_text("#!/bin/sh\ntouch $HOME/started\n")
    (tmp_path / "bin" / "code").chmod(0o755)
    (tmp_path / ".vscode" / "extensions" / "ms-python.debugpy-2026.1").mkdir(parents=True)
    assert vscode.editor() == ("code", True)
    assert not (tmp_path / "started").exists()
