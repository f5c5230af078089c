"""Real MSAL, real SDK, whole host: device code and service principal against a loopback Entra."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Progress, Ref

from .conftest import Demo
from .entra import CODE, SECRET, TENANT, Entra


@pytest.fixture
def entra(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entra]:
    connection = demo.connection
    path = (
        f"/subscriptions/{connection['subscription_id']}/resourceGroups"
        f"/{connection['resource_group']}/providers/Microsoft.MachineLearningServices"
        f"/workspaces/{connection['workspace_name']}"
    )
    request = urllib.request.Request(
        f"{connection['url']}{path}", headers={"Authorization": "Bearer a.b.c"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        workspace = json.load(response)
    server = Entra(tmp_path, workspace)
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZUREML_AUTH_CONFIG_DIR", str(tmp_path / "auth"))
    (tmp_path / "auth").mkdir()
    yield server
    server.shutdown()
    server.server_close()


def workspace(demo: Demo, auth: str, **more: str) -> HostWorkspace:
    names = ("subscription_id", "resource_group", "workspace_name")
    return HostWorkspace({**{n: demo.connection[n] for n in names}, "auth": auth, **more})


def test_a_person_types_the_code(
    demo: Demo, entra: Entra, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        seen.append(progress)
        if progress.code:
            with pytest.raises(AmltuiError) as caught:
                opened.services()  # at once, instead of waiting for the person too
            assert caught.value.title == "Signing in is not finished"
            entra.approved = True

    opened = workspace(demo, "interactive")
    try:
        info = opened.connect(on_progress)
        assert info.identity == "sam@contoso.example (device code)"
        assert opened.services()
    finally:
        opened.close()
    assert seen[0].code == CODE
    assert seen[0].url == "https://microsoft.com/devicelogin"
    assert seen[-1].code == ""
    again = workspace(demo, "interactive", tenant_id=TENANT)
    try:
        assert again.services()  # from the tokens kept on disk: nobody is asked
    finally:
        again.close()
    assert entra.devices == 1
    assert capfd.readouterr() == ("", "")


def test_a_sign_in_that_has_ended_is_made_again(demo: Demo, entra: Entra) -> None:
    entra.approved = True
    entra.lifetime = 60
    opened = workspace(demo, "interactive")
    try:
        opened.connect(lambda _: None)
        entra.refresh_token = "second"
        demo.fault("status", status=401, count=1)
        with pytest.raises(AmltuiError):
            opened.services()
        with pytest.raises(AmltuiError) as caught:  # the token was dropped, there is no other
            opened.services()
        assert caught.value.problem is Problem.SIGN_IN
        assert "expired" in caught.value.message
        codes: list[str] = []
        opened.connect(lambda progress: codes.append(progress.code))
        assert codes[0] == CODE
        assert opened.services()
    finally:
        opened.close()


def test_without_a_person_there_is_a_sentence(demo: Demo, entra: Entra) -> None:
    opened = workspace(demo, "interactive")
    try:
        with pytest.raises(AmltuiError) as caught:
            opened.services()
        assert caught.value.problem is Problem.SIGN_IN
        assert entra.devices == 0
    finally:
        opened.close()


@pytest.mark.parametrize("names", ["AZURE_{}", "AZUREML_SERVICE_PRINCIPAL_{}"])
def test_a_service_principal(
    demo: Demo, entra: Entra, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    azure = names.startswith("AZURE_")
    variables: dict[str, Any] = {
        "TENANT_ID": TENANT,
        "CLIENT_ID" if azure else "ID": "12345678-fake",
        "CLIENT_SECRET" if azure else "PASSWORD": SECRET,
    }
    for name, value in variables.items():
        monkeypatch.setenv(names.format(name), value)
    opened = workspace(demo, "auto")
    try:
        assert opened.connect(lambda _: None).identity == "service principal 1234…"
        assert opened.services()
    finally:
        opened.close()


def test_the_token_of_a_managed_identity_is_kept(
    demo: Demo, entra: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSI_ENDPOINT", f"{entra.url}/msi")
    monkeypatch.setenv("MSI_SECRET", "made-up")
    opened = workspace(demo, "auto")
    try:
        assert opened.connect(lambda _: None).identity == "managed identity abcd…"
        asked = entra.managed
        assert opened.services()
        assert opened.service(Ref("azureml", "pricing-rules"))
        assert entra.managed == asked  # the SDK's own class asks twice for each call
    finally:
        opened.close()


def test_no_managed_identity_here(
    demo: Demo, entra: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSI_ENDPOINT", f"{entra.url}/nothing-here")
    opened = workspace(demo, "msi")
    try:
        with pytest.raises(AmltuiError) as caught:
            opened.connect(lambda _: None)
        assert caught.value.title == "The managed identity gives no token"
    finally:
        opened.close()


def test_a_wrong_secret(demo: Demo, entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "12345678-fake")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong-and-made-up")
    opened = workspace(demo, "service-principal")
    try:
        with pytest.raises(AmltuiError) as caught:
            opened.connect(lambda _: None)
    finally:
        opened.close()
    assert caught.value.problem is Problem.SIGN_IN
    assert "secret" in caught.value.message
    assert "wrong-and-made-up" not in str(caught.value) + caught.value.detail


def test_an_untrusted_certificate(
    demo: Demo, entra: Entra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, SECRET)
    opened = workspace(demo, "service-principal")
    try:
        with pytest.raises(AmltuiError) as caught:
            opened.connect(lambda _: None)
    finally:
        opened.close()
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
