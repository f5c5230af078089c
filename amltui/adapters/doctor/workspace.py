"""The workspace: the sign-in, what it may do, and its registry; asked once for all three."""

from __future__ import annotations

import threading
from typing import Any

from amltui.adapters.azureml.client import HostWorkspace
from amltui.domain import doctor
from amltui.domain.doctor import Verdict
from amltui.domain.errors import AmltuiError


class Standing:
    """The checks of a workspace; they wait for one answer."""

    def __init__(self, workspace: HostWorkspace) -> None:
        self._workspace = workspace
        self._asking = threading.Lock()
        self._found: dict[str, Any] | None = None
        self._error: AmltuiError | None = None

    def token(self) -> Verdict:
        """Whether a token can be had without a person."""
        found = self._ask()
        return doctor.ok(f"signed in as {found['identity']} to {found['workspace']}")

    def role(self) -> Verdict:
        """What the identity may do."""
        try:
            found = self._ask()
        except AmltuiError:
            return doctor.not_tried("Nobody is signed in.")
        if found["role_problem"]:
            return doctor.not_tried(f"Its roles cannot be read: {found['role_problem']}")
        return doctor.role(found["permissions"])

    def registry(self) -> Verdict:
        """Whether the registry's admin user is on."""
        try:
            found = self._ask()
        except AmltuiError:
            return doctor.not_tried("Nobody is signed in.")
        if found["registry_problem"]:
            return doctor.not_tried(f"It cannot be read: {found['registry_problem']}")
        return doctor.registry(found["registry"], found["admin"])

    def close(self) -> None:
        """Let go of the process behind it."""
        self._workspace.close()

    def _ask(self) -> dict[str, Any]:
        with self._asking:
            if self._found is None and self._error is None:
                try:
                    self._found = self._workspace.standing()
                except AmltuiError as error:
                    self._error = error
        if self._found is None:
            assert self._error is not None
            raise self._error
        return self._found
