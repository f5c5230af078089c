"""Joins the parts of the workspace to one table of routes and answers requests from it."""

from __future__ import annotations

import secrets
import traceback
from collections import deque
from dataclasses import replace
from pathlib import Path

from amltui.demo.artifacts import Artifacts
from amltui.demo.clock import Clock
from amltui.demo.control import Control
from amltui.demo.environments import Environments
from amltui.demo.faults import Faults
from amltui.demo.history import History
from amltui.demo.model_packages import ModelPackages
from amltui.demo.models import Models
from amltui.demo.router import Problem, Request, Response, Router, answer
from amltui.demo.scoring import Scoring
from amltui.demo.seed.build import fill
from amltui.demo.services import Services
from amltui.demo.state import State
from amltui.demo.workspace import Workspace

_REASONS = {
    401: ("Unauthorized", "The access token has expired or is not valid."),
    403: ("Forbidden", "The client does not have authorization to perform this action."),
    409: ("Conflict", "Another operation on this object is in progress."),
    429: ("TooManyRequests", "Too many requests. Try again later."),
    500: ("InternalServerError", "An internal server error occurred. Please try again later."),
    502: ("BadGateway", "The upstream service closed the connection."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The upstream service did not answer in time."),
}


class Application:
    """The demo workspace without its sockets."""

    def __init__(
        self,
        base: str,
        folder: Path,
        *,
        frozen: float | None,
        speed: float,
        services: int,
        images: bool,
        control: str,
        served: deque[str],
        errors: deque[str],
    ) -> None:
        self.faults = Faults()
        self._errors = errors
        self._state = State(Clock(frozen, speed), base, folder)
        artifacts = Artifacts(self._state)
        fill(self._state, artifacts, services)
        self._router = Router(
            route
            for part in (
                Workspace(self._state),
                History(self._state),
                Services(self._state),
                Models(self._state),
                artifacts,
                Environments(self._state),
                ModelPackages(self._state, artifacts, images=images),
                Scoring(self._state),
                Control(self._state, self.faults, control, served, errors),
            )
            for route in part.routes()
        )

    def handle(self, request: Request) -> Response:
        """Return the answer to a request; never raises."""
        correlation = secrets.token_hex(8)
        try:
            route, params = self._router.find(request.method, request.path)
            if not route.anonymous:
                _check_token(request)
            return route.handler(replace(request, params=params))
        except Problem as problem:
            return problem.response(correlation)
        except Exception:  # noqa: BLE001 - one bad request must not end the connection silently
            self._errors.append(traceback.format_exc())
            return self.failure(500)

    @staticmethod
    def failure(status: int) -> Response:
        """Return an error answer as the real service would word it."""
        code, message = _REASONS.get(
            status, ("DemoFault", f"The demo was told to answer {status}.")
        )
        if status in (401, 403):
            # Resource manager's shape, which the model management service passes on.
            return answer({"error": {"code": code, "message": message}}, status)
        extra = {"Retry-After": "1"} if status in (429, 503) else {}
        problem = Problem(status, code, message).response(secrets.token_hex(8))
        return Response(status, problem.body, {**problem.headers, **extra})


def _check_token(request: Request) -> None:
    """Accept whatever looks like a signed token: the demo has no secrets to guard."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token.count(".") != 2:
        raise Problem(401, "Unauthorized", "The request carries no bearer token.")
