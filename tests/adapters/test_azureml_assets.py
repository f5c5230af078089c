"""What a plan may name in the workspace, listed by the host."""

from __future__ import annotations

from typing import Any

import pytest

from amltui.adapters.azureml import assets
from amltui.adapters.azureml.client import HostWorkspace

from .conftest import Demo


def test_models_and_environments_by_name(demo: Demo, workspace: HostWorkspace) -> None:
    workspace.services()
    demo.requests()
    models = workspace.models()
    assert models is not None
    assert sorted(models["credit-risk"]) == [5, 6]
    assert len(demo.requests()) == 1
    environments = workspace.environments()
    assert environments is not None
    assert {"sklearn-scoring", "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu"} <= set(environments)
    assert len(demo.requests()) == 1


class Pages:
    """Answers every question with a page that has another after it."""

    url = "https://here.example"

    def __init__(self, link: str) -> None:
        self.asked: list[str] = []
        self._link = link

    def fetch(self, url: str, doing: str, params: dict[str, str]) -> dict[str, Any]:
        self.asked.append(url)
        rows = [{"name": "m", "version": len(self.asked)}, "odd", {"name": 3}]
        return {"value": rows, "nextLink": self._link}


def test_a_list_without_end_is_not_known() -> None:
    pages = Pages("https://here.example/models?next")
    assert assets.models(pages) is None  # type: ignore[arg-type]
    assert len(pages.asked) == assets.MOST_PAGES


@pytest.mark.parametrize("link", ["http://here.example/models?next", "", None])
def test_a_link_to_a_worse_line_ends_the_list(link: Any) -> None:
    pages = Pages(link)
    assert assets.models(pages) == {"m": [1]}  # type: ignore[arg-type]
    assert len(pages.asked) == 1
