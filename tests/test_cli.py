"""The plain commands as a script calls them: output, exit codes, and nothing else on stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import amltui
from amltui.demo.launcher import DemoServer, start
from tests.golden import UPDATING

COMMAND = (sys.executable, "-m", "amltui")
ROOT = Path(amltui.__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with start(images=False) as running:
        yield running


def environment(server: DemoServer | None = None, **extra: str) -> dict[str, str]:
    found = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", **extra}
    if server is not None:
        found["AMLTUI_DEMO_SERVER"] = server.address
    return found


def run(
    *arguments: str, server: DemoServer | None = None, folder: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run amltui with its output in pipes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment(server, **extra),
        cwd=folder,
        timeout=60,
        check=False,
    )


def test_images_and_their_build_logs(server: DemoServer) -> None:
    done = run("--demo", "images", "pricing-rules", "--json", server=server)
    assert [image["version"] for image in json.loads(done.stdout)] == ["4", "3", "2", "1"]
    assert "sig=" not in done.stdout
    log = run("--demo", "images", "pricing-rules:3", "--log", server=server)
    assert (log.returncode, log.stderr) == (0, "")
    assert log.stdout.startswith("Step 1/9")
    expired = run("--demo", "images", "pricing-rules:2", "--log", server=server)
    assert expired.returncode == 1
    assert "link has expired" in expired.stderr
    unknown = run("--demo", "images", "nope", server=server)
    assert (unknown.returncode, unknown.stdout) == (1, "")


def test_services_as_a_table(server: DemoServer) -> None:
    done = run("--demo", "services", server=server)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["NAME", "KIND", "TARGET", "STATE"]
    assert any(line.startswith("fraud-scoring ") and "Healthy" in line for line in lines)
    assert "There is no engine" in done.stderr
    assert "\x1b" not in done.stdout


def test_services_as_json_never_hold_a_key_unless_asked(server: DemoServer) -> None:
    done = run("--demo", "services", "--json", server=server)
    rows = json.loads(done.stdout)
    by_name = {row["name"]: row for row in rows}
    assert len(rows) >= 20
    fraud = by_name["fraud-scoring"]
    assert (fraud["kind"], fraud["state"], fraud["raw_state"]) == ("AKS", "OK", "Healthy")
    assert by_name["image-captioning"]["raw_state"] == "Unschedulable"
    assert by_name["claims-triage"]["failure"]["details"][0]["code"] == "CrashLoopBackOff"
    assert "demo-primary" not in done.stdout
    shown = run("--demo", "services", "fraud-scoring", "--json", "--show-keys", server=server)
    (only,) = json.loads(shown.stdout)
    assert only["keys"]["primary"] == "demo-primary-fraud-scoring-0000"


def test_one_service_in_detail(server: DemoServer) -> None:
    done = run("--demo", "services", "claims-triage", server=server)
    assert done.returncode == 0
    assert "Root cause" in done.stdout
    assert "CrashLoopBackOff" in done.stdout


def test_a_name_that_is_not_there_is_a_failure(server: DemoServer) -> None:
    done = run("--demo", "services", "nobody", server=server)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No service is called nobody" in done.stderr
    done = run("--demo", "logs", "nobody", server=server)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The workspace has none. There is no engine" in done.stderr


@pytest.mark.parametrize("command", ["logs", "request"])
def test_without_a_workspace_it_says_that_none_was_chosen(command: str, tmp_path: Path) -> None:
    done = run(command, "nobody", folder=tmp_path, HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "The engine does not answer, and no workspace was chosen." in done.stderr
    assert "--workspace-name" in done.stderr


def test_logs_with_tail_and_init(server: DemoServer) -> None:
    done = run("--demo", "logs", "fraud-scoring", "--tail", "3", server=server)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    init = run("--demo", "logs", "fraud-scoring", "--init", server=server)
    assert init.returncode == 0
    assert init.stdout
    assert init.stdout != done.stdout


def test_a_file_or_standard_input_is_printed_harmless(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"one\ntwo \x1b]0;title\x07\x1b[31mred\r\nthree [/foo]\n")
    done = run("logs", "--file", "x.log", "--tail", "2", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "two red\nthree [/foo]\n")
    piped = subprocess.run(
        [*COMMAND, "logs", "--file", "-"],
        input=b"a\nb\x00c\n",
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert piped.stdout.decode() == "a\nb␀c\n"
    missing = run("logs", "--file", "gone.log", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert run("logs", folder=tmp_path).returncode == 2


def test_diagnose_in_a_pipe(server: DemoServer) -> None:
    log = run("--demo", "logs", "demand-forecast", server=server).stdout
    done = subprocess.run(
        [*COMMAND, "diagnose", "-", "--json"],
        input=log,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)[0]["id"] == "worker-reboot-loop-memory"
    healthy = subprocess.run(
        [*COMMAND, "diagnose"], input="all is well\n", capture_output=True, text=True, check=False
    )
    assert (healthy.returncode, healthy.stdout) == (0, "")
    assert run("diagnose", "/nowhere/x.log").returncode == 2


def test_a_plan_is_begun_and_checked(tmp_path: Path) -> None:
    assert run("plan", "init", folder=tmp_path).returncode == 0
    done = run("plan", "check", "plan.yml", folder=tmp_path)
    assert done.returncode == 1
    assert "score.py does not exist" in done.stdout
    assert json.loads(run("plan", "schema").stdout)["type"] == "object"
    assert run("plan", "check", "gone.yml", folder=tmp_path).returncode == 2


def test_hostile_lines_are_printed_harmless(server: DemoServer) -> None:
    done = run("--demo", "logs", "supplier-feedback", server=server)
    assert "[/foo]" in done.stdout
    assert not any(ord(char) < 32 and char != "\n" for char in done.stdout)
    assert "\x9b" not in done.stdout


def test_follow_ends_with_ctrl_c_and_says_130(server: DemoServer) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--demo", "logs", "fraud-scoring", "--tail", "2", "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(server),
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in complaints


def test_a_reader_that_leaves_is_no_traceback(server: DemoServer) -> None:
    with subprocess.Popen(
        [*COMMAND, "--demo", "logs", "fraud-scoring", "--tail", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(server),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_an_unreachable_workspace_is_a_sentence(tmp_path: Path) -> None:
    with start(images=False) as server:
        address = server.address
    done = run("--demo", "services", folder=tmp_path, AMLTUI_DEMO_SERVER=address)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1), "the head of an empty table"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("amltui: ") == 2, "the workspace and the engine"


def test_without_a_workspace_it_is_a_matter_of_configuration(tmp_path: Path) -> None:
    done = run("services", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No workspace is configured" in done.stderr


def test_several_workspaces_want_a_choice(tmp_path: Path) -> None:
    entry = '[[workspaces]]\nsubscription_id="s"\nresource_group="r"\nworkspace_name="{}"\n'
    (tmp_path / "s.toml").write_text(entry.format("one") + entry.format("two"))
    done = run("--config", "s.toml", "services", folder=tmp_path)
    assert done.returncode == 2
    assert "one, two" in done.stderr


@pytest.mark.parametrize("arguments", [["--nonsense"], ["services", "a", "b"], ["--auth", "x"]])
def test_wrong_usage_is_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_wrong_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("log_tail = 'many'\n")
    done = run("--config", "s.toml", "config", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "s.toml: log_tail" in done.stderr


def test_config_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"subscription_id": "s", "resource_group": "rg", "workspace_name": "ws"})
    )
    done = run("config", "--json", folder=tmp_path, AMLTUI_LOG_TAIL="7")
    rows = {row["setting"]: row for row in json.loads(done.stdout)}
    assert rows["log_tail"] == {
        "setting": "log_tail",
        "value": 7,
        "origin": "environment AMLTUI_LOG_TAIL",
    }
    assert rows["workspace_name"]["origin"] == str(tmp_path / "config.json")
    assert rows["theme"]["origin"] == "default"


def test_the_console_wants_a_terminal(tmp_path: Path) -> None:
    done = run("demo", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ssh -t" in done.stderr


def test_version_and_completion() -> None:
    assert run("--version").stdout == f"amltui {amltui.__version__}\n"
    for shell in ("bash", "zsh", "fish"):
        assert "_AMLTUI_COMPLETE" in run("completion", shell).stdout


def test_the_kept_help_is_the_parsers_own() -> None:
    """`amltui --help` alone is answered from a file, `-h` by the parser.

    AMLTUI_UPDATE_GOLDEN=1 in front of this test renews the file.
    """
    parsed = run("-h", COLUMNS="80").stdout
    if UPDATING:
        (ROOT / "help.txt").write_text(parsed, encoding="utf-8")
    assert run("--help").stdout == parsed
