"""Legacy images and build logs: through the host, with the links that expire or are blocked."""

from __future__ import annotations

import json
import time

import pytest

from amltui.adapters.azureml import build_log, environments, legacy_images
from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.images import LegacyImage
from amltui.domain.models import Ref

from .conftest import Demo


def test_images_are_listed_by_name_and_version(demo: Demo, workspace: HostWorkspace) -> None:
    found = workspace.images()
    assert [image.id for image in found] == [f"pricing-rules:{n}" for n in (4, 3, 2, 1)]
    assert [image.failed for image in found] == [True, False, False, False]
    assert found[1].location == "contosodemoml.azurecr.io/pricing-rules:3"
    assert found[1].created_at is not None
    assert found[1].models == ("pricing-rules:1",)
    assert len(demo.requests()) == 1


def test_the_link_of_a_log_stays_in_the_host(workspace: HostWorkspace) -> None:
    assert "sig=" not in repr(workspace.images())


def test_the_build_log_of_an_image_is_read(workspace: HostWorkspace) -> None:
    text = workspace.build_log(Ref("azureml", "pricing-rules:4"))
    assert text is not None
    assert "No matching distribution found for tensorflow==1.14" in text


@pytest.mark.parametrize(
    ("version", "words"), [(2, "link has expired"), (1, "Public access to the storage is blocked")]
)
def test_a_log_that_may_not_be_read_is_explained(
    workspace: HostWorkspace, version: int, words: str
) -> None:
    with pytest.raises(AmltuiError) as caught:
        workspace.build_log(Ref("azureml", f"pricing-rules:{version}"))
    assert words in caught.value.message
    assert caught.value.problem is Problem.REFUSED
    assert "sig=" not in repr(vars(caught.value))


def test_the_image_of_an_environment_is_built_once_and_its_log_read(
    demo: Demo, workspace: HostWorkspace
) -> None:
    found = workspace.environments()
    assert found is not None
    (one,) = (each for each in found if each.name == "fraud-scoring")
    assert "lightgbm=4.3" in one.packages
    image = workspace.environment_image(one.name, one.version)
    assert image.location.partition("/")[2].startswith("azureml/azureml_")
    assert image.dockerfile.startswith("FROM ")
    build = workspace.build_environment(one.name, one.version)
    assert workspace.build_environment(one.name, one.version) == build
    deadline = time.monotonic() + 20
    text: str | None = ""
    while "was successful" not in (text or "") and time.monotonic() < deadline:
        text = workspace.build_log(Ref("azureml", build))
    assert "Successfully built" in (text or "")
    assert workspace.environment_image(one.name, one.version).built


def test_an_environment_that_is_not_there_is_told(workspace: HostWorkspace) -> None:
    with pytest.raises(AmltuiError) as caught:
        workspace.build_environment("returns-forecast", "99")
    assert caught.value.problem is Problem.NOT_FOUND


class Elsewhere:
    """A workspace that wants the token to be sent to somebody else, who says why a build failed."""

    @property
    def service_context(self) -> Elsewhere:
        return self

    def _get_workspace_scope(self) -> str:
        return "/subscriptions/s"

    def _get_environment_url(self) -> str:
        return "https://here.example"

    def send(self, url: str, doing: str, body: object) -> dict[str, str]:
        return {"location": "https://elsewhere.example/builds/1"}

    def fetch(self, url: str, doing: str, params: object) -> dict[str, object]:
        return {"status": "Failed", "errorMessages": ["no room", "https://x/?sig=abc%3D"]}


def test_a_build_is_watched_nowhere_else() -> None:
    with pytest.raises(AmltuiError, match="cannot be watched"):
        environments.build(Elsewhere(), Elsewhere(), "e", "1")  # type: ignore[arg-type]


def test_a_build_without_a_log_tells_why_it_failed() -> None:
    with pytest.raises(AmltuiError) as caught:
        build_log.read(Elsewhere(), Ref("azureml", "https://here.example/1"))  # type: ignore[arg-type]
    assert "no room" in caught.value.message
    assert "abc" not in caught.value.message


def test_an_image_that_is_not_there_is_told(workspace: HostWorkspace) -> None:
    with pytest.raises(AmltuiError) as caught:
        workspace.build_log(Ref("azureml", "pricing-rules:99"))
    assert caught.value.problem is Problem.NOT_FOUND


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"name": 7, "version": 3, "createdTime": "soon", "modelIds": "m", "kvTags": [1]},
        {"id": "a:1", "description": {"an": "object"}},
        {"name": "x\x1b[2J", "version": "1", "error": {"code": "E", "message": "sig=abc&x"}},
    ],
    ids=["empty", "odd", "unreadable", "hostile"],
)
def test_an_odd_image_is_a_row(payload: dict[str, object]) -> None:
    image = legacy_images.parse(payload)
    assert isinstance(image, LegacyImage)
    assert "\x1b" not in repr(image).replace("\\x1b", "\x1b")
    assert legacy_images.decode(json.loads(json.dumps(legacy_images.encode(image)))) == image
