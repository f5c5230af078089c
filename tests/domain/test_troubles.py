"""What is told once and what stays."""

from __future__ import annotations

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.troubles import Troubles

DOWN = AmltuiError("Down", problem=Problem.NETWORK)
DENIED = AmltuiError("Denied", problem=Problem.PERMISSION)


def test_the_same_kind_at_the_same_place_is_told_once() -> None:
    troubles = Troubles()
    assert troubles.add("workspace", DOWN)
    assert not troubles.add("workspace", AmltuiError("Down again", problem=Problem.NETWORK))
    assert troubles.add("workspace", DENIED)


def test_what_is_told_for_one_place_is_not_told_for_another() -> None:
    troubles = Troubles()
    assert troubles.add("engine", DOWN)
    assert not troubles.add("sample", DOWN)
    assert troubles.add("sample", DENIED)


def test_the_newest_stands_until_it_is_over() -> None:
    troubles = Troubles()
    assert troubles.last is None
    troubles.add("engine", DOWN)
    troubles.add("workspace", DENIED)
    troubles.add("engine", DOWN)
    assert troubles.last == ("engine", DOWN)
    assert troubles.end("engine")
    assert not troubles.end("engine")
    assert troubles.last == ("workspace", DENIED)
    assert troubles.at("engine") is None
