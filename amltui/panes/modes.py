"""The panes by the name of their mode; each is imported when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from textual.screen import Screen

CLASSES = {
    "services": "ServicesPane",
    "logs": "LogsPane",
    "deploy": "DeployPane",
    "containers": "ContainersPane",
    "replicas": "ReplicasPane",
    "request": "RequestPane",
    "images": "ImagesPane",
}


def opener(name: str) -> Callable[[], Screen[Any]]:
    """A function that makes the pane of that name."""

    def open_pane() -> Screen[Any]:
        pane = getattr(import_module(f"amltui.panes.{name}"), CLASSES[name])
        screen: Screen[Any] = pane()
        return screen

    return open_pane


MODES: dict[str, str | Callable[[], Screen[Any]]] = {name: opener(name) for name in CLASSES}
