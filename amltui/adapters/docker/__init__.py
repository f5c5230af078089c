"""The Docker engine."""

from __future__ import annotations

import sys
from types import ModuleType


def sdk() -> ModuleType:
    """The Docker SDK, imported when it is first needed.

    Without paramiko, which it would import for a transport of its own over ssh: that saves 11 MB
    and 55 ms, and `ssh.py` uses the person's own ssh instead.
    """
    if "docker" not in sys.modules and "paramiko" not in sys.modules:
        sys.modules["paramiko"] = None  # type: ignore[assignment]
        try:
            import docker
        finally:
            sys.modules.pop("paramiko", None)
    import docker

    module: ModuleType = docker
    return module
