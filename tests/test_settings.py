"""Where a setting comes from, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amltui.domain.errors import AmltuiError, Problem
from amltui.settings import find_workspace_file, load

WORKSPACE = {
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "resource_group": "rg",
    "workspace_name": "ws",
}


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def entry(name: str) -> str:
    return (
        f'[[workspaces]]\nsubscription_id = "s-{name}"\nresource_group = "rg-{name}"\n'
        f'workspace_name = "{name}"\n'
    )


def resolve(tmp_path: Path, text: str = "", **given: Any) -> Any:
    return load(
        given.get("flags", {}),
        environment=given.get("environment", {}),
        file=toml(tmp_path, text),
        directory=given.get("directory", tmp_path / "nowhere"),
    )


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    text = "log_tail = 10\nrefresh_seconds = 30\ntheme = 'nord'\n"
    environment = {"AMLTUI_LOG_TAIL": "20", "AMLTUI_REFRESH_SECONDS": "40"}
    settings = resolve(tmp_path, text, flags={"log_tail": 5}, environment=environment)
    assert (settings.log_tail, settings.refresh_seconds, settings.theme) == (5, 40.0, "nord")
    assert settings.origins["log_tail"] == "flag --log-tail"
    assert settings.origins["refresh_seconds"] == "environment AMLTUI_REFRESH_SECONDS"
    assert settings.origins["theme"].endswith("settings.toml")
    assert settings.auth == "auto"
    assert "auth" not in settings.origins


@pytest.mark.parametrize("name", [".azureml/config.json", "aml_config/config.json", "config.json"])
def test_config_json_is_found_upwards_as_the_sdk_finds_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "project" / name
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(WORKSPACE))
    below = tmp_path / "project" / "src" / "deep"
    below.mkdir(parents=True)
    assert find_workspace_file(below) == path
    settings = resolve(tmp_path, directory=below)
    assert settings.workspace is not None
    assert settings.workspace.workspace_name == "ws"
    assert settings.origins["workspace_name"] == str(path)


def test_flags_complete_the_only_known_workspace(tmp_path: Path) -> None:
    settings = resolve(tmp_path, entry("known"), flags={"workspace_name": "other"})
    assert settings.workspace is not None
    assert settings.workspace.workspace_name == "other"
    assert settings.workspace.resource_group == "rg-known"


def test_a_name_picks_among_several(tmp_path: Path) -> None:
    text = entry("one") + entry("two")
    assert resolve(tmp_path, text).workspace is None
    assert len(resolve(tmp_path, text).choices) == 2
    settings = resolve(tmp_path, text, flags={"workspace_name": "two"})
    assert settings.workspace is not None
    assert settings.workspace.subscription_id == "s-two"
    preferred = resolve(tmp_path, 'workspace = "one"\n' + text)
    assert preferred.workspace is not None
    assert preferred.workspace.workspace_name == "one"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("log_tail = 'many'", "log_tail"),
        ("log_tail = -1", "below 0"),
        ("refresh_seconds = nan", "refresh_seconds"),
        ("auth = 'password'", "not one of"),
        ("colour = 'red'", "no such setting"),
        ("read_only = 'perhaps'", "neither true nor false"),
        ("[[workspaces]]\nworkspace_name = 'x'", "subscription_id"),
        ("workspaces = 3", "[[workspaces]]"),
        ("workspace = 'gone'\n" + entry("here"), "'gone'"),
        ("log_tail = ", "TOML"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(AmltuiError) as caught:
        resolve(tmp_path, text)
    assert caught.value.problem is Problem.CONFIGURATION
    assert says in str(caught.value)
    assert "settings.toml" in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"workspace_name": 3}', "\xff"])
def test_a_wrong_config_json_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(AmltuiError, match=r"config\.json"):
        resolve(tmp_path, directory=tmp_path)


def test_a_settings_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(AmltuiError, match="No such settings file"):
        load({}, environment={}, file=tmp_path / "gone.toml", directory=tmp_path)
