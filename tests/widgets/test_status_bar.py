"""The bar on top: what is wrong and what is going on are both to be seen, however narrow it is."""

from __future__ import annotations

from itertools import product

import pytest
from textual.app import App, ComposeResult

from amltui.widgets.status_bar import Status, StatusBar
from tests.golden import compare, screen_text

PROBLEMS = ("", "There is no engine where it should be")
RUNNING = ("", "⟳ churn: reloads on save", "⟳ update of fraud: waiting for the replicas (+1)")


class Bar(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusBar(("Services", "Logs"), 0)


@pytest.mark.parametrize("width", [60, 80, 160])
async def test_a_problem_and_what_is_running_are_both_said(width: int) -> None:
    lines = []
    async with Bar().run_test(size=(width, 3)) as pilot:
        bar = pilot.app.query_one(StatusBar)
        for problem, running in product(PROBLEMS, RUNNING):
            bar.show(Status(
                "ml-production-weu", "ada@contoso.com", "Docker 20.10", "updated 40 s ago",
                running, problem,
            ))  # fmt: skip
            await pilot.pause()
            line = screen_text(pilot.app).splitlines()[1]
            assert not problem or ("✗" in line and "(e)" in line)
            assert not running or running[:24] in line
            lines.append(f"{line}\n")
    compare(f"status-bar-{width}", "".join(lines))
