"""All checks at once: none holds up the others, and no error ends them."""

from __future__ import annotations

import threading

from amltui.domain import doctor
from amltui.domain.doctor import Check, Checked, Mark, Verdict
from amltui.domain.errors import AmltuiError, Problem
from amltui.workers.doctor import Doctor


async def examined(*checks: Check) -> dict[str, Checked]:
    closed: list[bool] = []
    found = {
        one.check.key: one async for one in Doctor(checks, [lambda: closed.append(True)]).examine()
    }
    assert closed == [True]
    return found


def check(key: str, look: object, limit: float = 5.0) -> Check:
    assert callable(look)
    return Check(key, "group", key, limit, look)


async def test_they_are_made_beside_each_other() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def look() -> Verdict:
        meeting.wait()  # nobody gets past before all have come
        return doctor.ok("met")

    found = await examined(*(check(str(at), look) for at in range(3)))
    assert {one.verdict.text for one in found.values()} == {"met"}


async def test_one_that_hangs_is_given_up_and_told() -> None:
    hanging = threading.Event()
    stuck = check("stuck", lambda: doctor.ok(str(hanging.wait(30))), 0.05)
    found = await examined(stuck, check("quick", lambda: doctor.ok("fine")))
    hanging.set()
    assert found["stuck"].verdict.mark is Mark.FAILED
    assert "No answer within 0.05 s" in found["stuck"].verdict.text
    assert found["quick"].verdict.mark is Mark.OK


async def test_whatever_a_check_raises_is_told_with_a_remedy() -> None:
    def refused() -> Verdict:
        raise AmltuiError("No engine", "It does not run.", "Start it.", problem=Problem.ENGINE)

    found = await examined(check("engine", refused), check("odd", lambda: 1 / 0))
    assert found["engine"].verdict == doctor.failed("No engine. It does not run.", "Start it.")
    assert "ZeroDivisionError" in found["odd"].verdict.text


async def test_secrets_and_control_characters_do_not_get_through() -> None:
    text = "https://x.example.org/?sig=SECRETSECRETSECRET\x1b[2J"
    found = await examined(check("x", lambda: doctor.warning(text, text)))
    shown = found["x"].verdict
    assert "SECRETSECRET" not in shown.text + shown.remedy
    assert "\x1b" not in shown.text + shown.remedy
