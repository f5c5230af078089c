"""The Docker SDK's own ``DockerClient``, for the processes that build, deploy and tidy up."""

from __future__ import annotations

from typing import Any

from . import sdk
from .access import EngineAccess

LIMIT = 60.0  # seconds of silence


def connect(host: str | None = None) -> tuple[Any, str]:
    """Connect to the engine that ``address.find`` finds; return a ``DockerClient`` and its URL.

    Raises:
        AmltuiError: there is no engine, or it does not answer.
    """
    access = EngineAccess(host)
    with access.explained():
        api = access.client(LIMIT)
        api.ping()
    client = sdk().DockerClient(version=api.api_version)
    client.api = api
    return client, access.address.url
