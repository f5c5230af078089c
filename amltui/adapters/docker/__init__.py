"""The Docker engine."""

from __future__ import annotations

import sys
from types import ModuleType


def sdk(address: str = "") -> ModuleType:
    """The Docker SDK, imported when it is first needed.

    Without paramiko, which it imports for ssh:// alone: that saves 11 MB and 55 ms.
    """
    if not address.startswith("ssh://") and "docker" not in sys.modules:
        sys.modules.setdefault("paramiko", None)  # type: ignore[arg-type]
    import docker

    module: ModuleType = docker
    return module
