"""Signing in: what is tried, in which order, and the sentences when it does not work.

`az` is a script on the PATH; everything else is the real SDK, in the test's own process.
"""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.azureml import auth, az, problems
from amltui.domain.errors import AmltuiError, Problem

Az = Callable[[str], Path]
CONNECTION = {
    "auth": "cli",
    "subscription_id": "0de30000-0000-0000-0000-000000000000",
    "resource_group": "rg",
    "workspace_name": "ws",
}


def jwt(seconds: float = 3600, **claims: Any) -> str:
    content = {"exp": int(time.time() + seconds), "upn": "sam@contoso.example", **claims}
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({}, content))
    return b".".join((*(part.rstrip(b"=") for part in encoded), b"signature")).decode()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for names in auth._SERVICE_PRINCIPAL:
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MSI_ENDPOINT", raising=False)
    monkeypatch.setenv("AZUREML_AUTH_CONFIG_DIR", str(tmp_path / "auth"))
    (tmp_path / "auth").mkdir()


@pytest.fixture
def fake_az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    """Put an `az` on the PATH; its calls are noted in the file that is returned."""

    def make(body: str) -> Path:
        calls = tmp_path / "calls"
        script = tmp_path / "bin" / "az"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{body}\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{script.parent}:/bin:/usr/bin")
        return calls

    return make


def answer(token: str) -> str:
    return f"echo '{json.dumps({'accessToken': token, 'expiresOn': 'x', 'tenant': 't'})}'"


def test_the_token_of_az_is_kept(fake_az: Az, capfd: pytest.CaptureFixture[str]) -> None:
    token = jwt()
    calls = fake_az("echo noise >&2; " + answer(token))
    signed_in = auth.authentication(CONNECTION, None)
    for _ in range(3):
        assert signed_in.get_authentication_header() == {"Authorization": f"Bearer {token}"}
    assert calls.read_text().splitlines() == [
        "account get-access-token --resource https://management.azure.com/ -o json"
        " --subscription 0de30000-0000-0000-0000-000000000000"
    ]
    assert auth.identity(signed_in) == "sam@contoso.example (az)"
    assert capfd.readouterr() == ("", "")


def test_a_token_that_is_about_to_end_is_replaced(fake_az: Az) -> None:
    calls = fake_az(answer(jwt(seconds=200)))
    signed_in = auth.authentication({**CONNECTION, "tenant_id": "t-1"}, None)
    signed_in.get_authentication_header()
    assert len(calls.read_text().splitlines()) == 2
    assert calls.read_text().count("--tenant t-1") == 2


@pytest.mark.parametrize(
    ("body", "problem", "words"),
    [
        (
            "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
            Problem.SIGN_IN, "not logged in",
        ),
        (
            "echo 'ERROR: AADSTS700082: The refresh token has expired due to inactivity.' >&2;"
            " exit 1",
            Problem.SIGN_IN, "expired",
        ),
        (
            "echo \"ERROR: The subscription of '0de3' doesn't exist in cloud 'AzureCloud'.\" >&2;"
            " exit 1",
            Problem.SIGN_IN, "does not see this subscription",
        ),
        (
            "echo 'ERROR: HTTPSConnectionPool: Failed to resolve login' >&2; exit 1",
            Problem.NETWORK, "Failed to resolve",
        ),
        ("echo '{\"accessToken\": 7}'", Problem.SIGN_IN, "something else than a token"),
        ("printf 'ERROR: \\033]0;evil\\007odd\\n' >&2; exit 2", Problem.SIGN_IN, "odd"),
        ("sleep 5", Problem.TIMEOUT, "does not answer"),
    ],
)  # fmt: skip
def test_trouble_with_az_is_a_sentence(
    fake_az: Az, monkeypatch: pytest.MonkeyPatch, body: str, problem: Problem, words: str
) -> None:
    monkeypatch.setattr(az, "LIMIT", 0.5)
    fake_az(body)
    with pytest.raises(AmltuiError) as caught:
        auth.connect(CONNECTION)
    assert caught.value.problem is problem
    assert words in str(caught.value)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value) + caught.value.detail


def test_az_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AmltuiError) as caught:
        auth.connect(CONNECTION)
    assert "not installed" in caught.value.title


def test_auto_prefers_a_service_principal_then_msi_then_az_then_a_person(
    fake_az: Az, monkeypatch: pytest.MonkeyPatch
) -> None:
    automatic = {**CONNECTION, "auth": "auto"}
    fake_az("echo 'ERROR: run az login' >&2; exit 1")
    assert auth._automatic(automatic) == "interactive"
    with pytest.raises(AmltuiError) as caught:
        auth.connect(automatic)
    assert caught.value.title == "Not signed in"
    fake_az(answer(jwt()))
    assert auth._automatic(automatic) == "cli"
    monkeypatch.setenv("MSI_ENDPOINT", "http://127.0.0.1:9/msi")
    assert auth._automatic(automatic) == "msi"
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, "fake")
    assert auth._automatic(automatic) == "service-principal"


def test_auto_does_not_ask_a_person_because_of_the_network(fake_az: Az) -> None:
    fake_az("echo 'ERROR: Connection aborted' >&2; exit 1")
    with pytest.raises(AmltuiError) as caught:
        auth.connect({**CONNECTION, "auth": "auto"})
    assert caught.value.problem is Problem.NETWORK


def test_incomplete_service_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "t")
    with pytest.raises(AmltuiError) as caught:
        auth.connect({**CONNECTION, "auth": "service-principal"})
    assert caught.value.problem is Problem.CONFIGURATION
    assert "AZURE_CLIENT_SECRET" in caught.value.hint


def test_unknown_way_to_sign_in() -> None:
    with pytest.raises(AmltuiError) as caught:
        auth.connect({**CONNECTION, "auth": "magic"})
    assert caught.value.problem is Problem.CONFIGURATION


@pytest.mark.parametrize(
    ("claims", "identity"),
    [
        ({"upn": "sam@contoso.example"}, "sam@contoso.example (az)"),
        ({"upn": None, "unique_name": "kim\x1b[2J"}, "kim (az)"),
        ({"upn": None, "appid": "1234abcd-0000"}, "service principal 1234…"),
    ],
)
def test_who_is_signed_in(fake_az: Az, claims: dict[str, Any], identity: str) -> None:
    fake_az(answer(jwt(**claims)))
    assert auth.identity(auth.authentication(CONNECTION, None)) == identity


@pytest.mark.parametrize("code", sorted(problems._SIGN_IN_CODES))
def test_entra_codes_are_sentences_with_a_hint(code: str) -> None:
    error = problems.of_exception(RuntimeError(f"AADSTS{code}: Trace ID: 1"), "connecting")
    assert error.problem is Problem.SIGN_IN
    assert error.message.endswith(".")
    assert error.hint
    assert code in error.detail


def test_unknown_exceptions_keep_their_text_masked() -> None:
    secret = "https://store.blob.core.windows.net/c/b?sv=1&sig=SECRETSIG"
    error = problems.of_exception(KeyError(f"value at {secret}"), "reading")
    assert error.problem is Problem.INTERNAL
    assert "SECRETSIG" not in str(error) + error.detail
