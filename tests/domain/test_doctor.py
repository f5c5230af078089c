"""What the checks of a machine mean."""

from __future__ import annotations

import pytest

from amltui.domain import doctor
from amltui.domain.doctor import Check, Checked, Mark


def test_passwords_of_proxies_are_hidden() -> None:
    found = doctor.proxies({"HTTPS_PROXY": "http://ann:s3cret@proxy:8080", "NO_PROXY": "localhost"})
    assert found.mark is Mark.OK
    assert "s3cret" not in found.text
    assert "proxy:8080" in found.text


def test_a_proxy_before_this_machine_is_a_warning() -> None:
    found = doctor.proxies({"http_proxy": "http://proxy:8080"})
    assert found.mark is Mark.WARNING
    assert "NO_PROXY" in found.remedy


@pytest.mark.parametrize(
    ("skew", "mark"),
    [(3, Mark.OK), (-59, Mark.OK), (90, Mark.WARNING), (-400, Mark.FAILED)],
)
def test_a_clock_that_is_far_off_has_tokens_refused(skew: float, mark: Mark) -> None:
    assert doctor.clock(skew).mark is mark


def test_a_role_counts_what_another_one_does_not_allow() -> None:
    services = "Microsoft.MachineLearningServices/workspaces/services"
    everything = (["*"], [f"{services}/aks/write"])
    aks: tuple[list[str], list[str]] = ([f"{services}/AKS/*"], [])
    assert doctor.role([everything]).mark is Mark.WARNING
    assert doctor.role([everything, aks]).mark is Mark.OK
    assert doctor.role([(["*/read"], [])]).mark is Mark.WARNING
    assert doctor.role([]).mark is Mark.FAILED


def test_the_registry_needs_its_admin_user_for_aci() -> None:
    assert doctor.registry("contoso", admin=True).mark is Mark.OK
    off = doctor.registry("contoso", admin=False)
    assert off.mark is Mark.WARNING
    assert off.remedy == "az acr update -n contoso --admin-enabled true"


def test_the_terminal_is_told_by_what_it_lacks() -> None:
    good = doctor.terminal({"TERM": "xterm-256color"}, (120, 40), "UTF-8", "on")
    assert good.mark is Mark.OK
    bad = doctor.terminal({"TERM": "dumb"}, (60, 16), "ANSI_X3.4-1968", "off")
    assert bad.mark is Mark.WARNING
    for remedy in ("TERM=", "LC_ALL=", "80x24", "set-clipboard on"):
        assert remedy in bad.remedy
    assert doctor.terminal({}, None, "UTF-8", "").mark is Mark.NOT_TRIED


def test_the_cli_extensions_are_told_apart() -> None:
    cli, extension = doctor.azure_cli({"azure-cli": "2.60.0", "extensions": {"ml": "2.25.0"}})
    assert (cli.mark, extension.mark) == (Mark.OK, Mark.OK)
    old = doctor.azure_cli({"azure-cli": "2.60.0", "extensions": {"azure-cli-ml": "1.41.0"}})[1]
    assert old.mark is Mark.WARNING
    assert doctor.azure_cli(None)[1].mark is Mark.NOT_TRIED


def test_only_a_failure_fails() -> None:
    check = Check("disk", "This machine", "Disk", 1.0, lambda: doctor.disk(5e9, "/"))
    warned = Checked(check, check.look(), 0.1)
    assert warned.verdict.mark is Mark.WARNING
    assert not doctor.fails([warned])
    assert doctor.fails([warned, Checked(check, doctor.disk(1e8, "/"), 0.1)])
