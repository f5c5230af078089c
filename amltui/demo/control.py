"""The control paths for tests: faults, the requests served so far, and changes of a service."""

from __future__ import annotations

import hmac
import secrets
from collections import deque

from amltui.demo.faults import Faults
from amltui.demo.router import Problem, Request, Response, Route, answer
from amltui.demo.state import State, merge


class Control:
    """`/_demo/...`, guarded by the token of the ready line."""

    def __init__(
        self,
        state: State,
        faults: Faults,
        token: str,
        served: deque[str],
        errors: deque[str],
    ) -> None:
        self._state = state
        self._faults = faults
        self._token = token
        self._served = served
        self._errors = errors

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("POST", "/_demo/faults", self._add_faults, anonymous=True),
            Route("DELETE", "/_demo/faults", self._clear_faults, anonymous=True),
            Route("GET", "/_demo/requests", self._requests, anonymous=True),
            Route("DELETE", "/_demo/requests", self._forget_requests, anonymous=True),
            Route("GET", "/_demo/errors", self._list_errors, anonymous=True),
            Route("POST", "/_demo/services/{name}", self._change, anonymous=True),
            Route("POST", "/_demo/registry-password", self._renew_password, anonymous=True),
            Route("POST", "/_demo/speed", self._set_speed, anonymous=True),
        ]

    def _check(self, request: Request) -> None:
        given = request.headers.get("x-demo-control", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Problem(403, "Forbidden", "The X-Demo-Control header is missing or wrong.")

    def _add_faults(self, request: Request) -> Response:
        self._check(request)
        return answer({"faults": self._faults.add(request.json())})

    def _clear_faults(self, request: Request) -> Response:
        self._check(request)
        self._faults.clear()
        return answer({})

    def _requests(self, request: Request) -> Response:
        self._check(request)
        return answer(list(self._served))

    def _forget_requests(self, request: Request) -> Response:
        self._check(request)
        self._served.clear()
        return answer({})

    def _list_errors(self, request: Request) -> Response:
        self._check(request)
        return answer(list(self._errors))

    def _renew_password(self, request: Request) -> Response:
        """Give the registry another password: logins that are held are refused from now on."""
        self._check(request)
        with self._state.lock:
            self._state.registry_password = f"demo-{secrets.token_hex(8)}-not-a-secret"
        return answer({})

    def _set_speed(self, request: Request) -> Response:
        """Divide the time of operations that begin from now on by `{"speed": n}`."""
        self._check(request)
        try:
            self._state.clock.speed = max(0.01, float(request.object()["speed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Problem(400, "BadRequest", "Send a number as speed.") from error
        return answer({"speed": self._state.clock.speed})

    def _change(self, request: Request) -> Response:
        """Change a service: `payload` (merge patch), `state`, `log` ({append, rotate, restart})."""
        self._check(request)
        service, body = self._state.service(request.params["name"]), request.object()
        now = self._state.clock.now()
        with self._state.lock:
            if "payload" in body:
                service.payload = merge(service.payload, body["payload"])
            if "state" in body:
                service.payload = {**service.payload, "state": body["state"]}
            log = body.get("log") or {}
            if log.get("rotate"):
                service.log.rotate(now)
            if log.get("restart"):
                service.log.restart(now)
            if log.get("append"):
                service.log.append(now, *(str(line) for line in log["append"]))
        return answer(service.payload)
