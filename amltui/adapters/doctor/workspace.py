"""The workspace: the sign-in, what it may do, and its registry; asked once for all three."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain import doctor
from amltui.domain.doctor import Verdict
from amltui.domain.errors import AmltuiError, Problem

from .network import Endpoint

NOBODY = doctor.not_tried("Nobody is signed in.", "See what Sign-in says.")
READER = "Ask an owner for the role Reader on the resource group."


class Standing:
    """The checks of a workspace; they wait for one answer.

    `bundle` is where the authority's certificate of an address is, if it has its own.
    """

    def __init__(self, workspace: HostWorkspace, bundle: Callable[[str], str]) -> None:
        self._workspace = workspace
        self._bundle = bundle
        self._asking = threading.Lock()
        self._found: dict[str, Any] | None = None
        self._error: AmltuiError | None = None

    def token(self) -> Verdict:
        """Whether a token can be had without a person."""
        found = self._ask()
        return doctor.ok(f"signed in as {found['identity']} to {found['workspace']}")

    def role(self) -> Verdict:
        """What the identity may do."""
        if (found := self._known()) is None:
            return NOBODY
        if found["role_problem"]:
            return doctor.not_tried(f"Its roles cannot be read: {found['role_problem']}", READER)
        return doctor.role(found["permissions"])

    def registry(self) -> Verdict:
        """Whether the registry's admin user is on."""
        if (found := self._known()) is None:
            return NOBODY
        if found["registry_problem"]:
            return doctor.not_tried(f"It cannot be read: {found['registry_problem']}", READER)
        return doctor.registry(found["registry"], found["admin"])

    def reachable(self, name: str) -> Verdict:
        """Whether "address", the workspace's own, or "registry_address" answers over TLS."""
        if (found := self._known()) is None:
            return NOBODY
        if not (url := found[name]):
            if why := found["registry_problem"]:
                return doctor.not_tried(f"It cannot be read: {why}", READER)
            return doctor.not_tried("The workspace names none.", "Nothing is to be done.")
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return Endpoint(lambda: (origin, self._bundle(origin))).reachable()

    def close(self) -> None:
        """Let go of the process behind it."""
        self._workspace.close()

    def _known(self) -> dict[str, Any] | None:
        try:
            return self._ask()
        except AmltuiError:  # `token` tells it
            return None

    def _ask(self) -> dict[str, Any]:
        with self._asking:
            if self._found is None and self._error is None:
                try:
                    self._found = self._workspace.standing()
                except AmltuiError as error:
                    self._error = error
                    if error.problem is Problem.TIMEOUT:  # nothing tries it again here
                        hint = "Check the network and the proxy, then try it again."
                        self._error = AmltuiError(error.title, error.message, hint)
        if self._found is None:
            assert self._error is not None
            raise self._error
        return self._found
