"""The Docker SDK's own client, for the processes that build, deploy and tidy up.

The console's engine (``engine.py``) reads in bulk and needs less of the SDK.
"""

from __future__ import annotations

from typing import Any

from . import sdk
from .address import find
from .problems import explain


def connect(host: str | None = None) -> tuple[Any, str]:
    """Connect to the engine that ``address.find`` finds; return a ``DockerClient`` and its URL.

    Raises:
        AmltuiError: there is no engine, or it does not answer.
    """
    address = find(host)
    try:
        client = sdk(address.url).DockerClient(base_url=address.url, tls=address.tls or False)
        client.ping()
    except Exception as error:
        raise explain(error, address) from error
    return client, address.url
