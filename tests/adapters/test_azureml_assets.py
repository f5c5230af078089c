"""What a plan may name in the workspace, listed by the host."""

from __future__ import annotations

from typing import Any

import pytest

from amltui.adapters.azureml import assets
from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain.errors import AmltuiError, Problem

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
    assert {"sklearn-scoring", "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu"} <= {
        one.name for one in environments
    }
    assert len(demo.requests()) == 1


def test_the_files_of_a_model_and_their_sizes(demo: Demo, workspace: HostWorkspace) -> None:
    workspace.services()
    demo.requests()
    found = workspace.model_content("credit-risk", 6)
    assert (found.count, found.root, found.problem) == (1, "model.json", "")
    assert found.size is not None
    assert found.size > 100
    assert len(demo.requests()) == 4  # the model, its asset, its files, one byte of its file
    with pytest.raises(AmltuiError) as refused:
        workspace.model_content("credit-risk", 99)
    assert refused.value.problem is Problem.NOT_FOUND


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


def test_a_storage_that_tells_no_size_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def size(uri: str) -> int | None:
        asked.append(uri)
        return 7 if uri == "a" else None

    monkeypatch.setattr(assets, "_size", size)
    assert assets._sizes(["a", "b", "c"]) == [7]
    assert asked == ["a", "b"]
