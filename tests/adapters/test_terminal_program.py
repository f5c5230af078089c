"""The person's own editor and pager: what the setting may say, and what is left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from amltui.adapters.editor import edit
from amltui.adapters.pager import page
from amltui.domain.errors import AmltuiError


def test_a_pager_may_be_left_before_it_has_read_everything(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAGER", "head -n 1")
    page(f"line {number}" for number in range(100_000))
    assert capfd.readouterr().out == "line 0\n"


@pytest.mark.parametrize("setting", ["/nowhere/program --flag", "'/nowhere/program"])
@pytest.mark.parametrize("use", [lambda: page(["text"]), lambda: edit(Path("file"))])
def test_a_program_that_is_not_there_is_told_with_the_variable_that_names_it(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[], None], setting: str
) -> None:
    for variable in ("PAGER", "VISUAL", "EDITOR"):
        monkeypatch.setenv(variable, setting)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(AmltuiError, match="/nowhere/program cannot be started") as caught:
        use()
    assert caught.value.hint.startswith(f"Set {caught.value.title.removeprefix('No ').upper()} to")
    assert signal.getsignal(signal.SIGINT) is before
