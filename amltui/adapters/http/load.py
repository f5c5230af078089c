"""A load on its way: the process that sends it, as seen from the console."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.loadplan import LoadPlan, Sample
from amltui.domain.request import Request

from .client import HttpClient

_ROOT = Path(__file__).resolve().parents[3]


class LoadGenerator:
    """Sends loads; `client` knows whose certificates are trusted. Proxies are not used."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def start(self, plan: LoadPlan, request: Request, authorization: str = "") -> LoadRun:
        """Begin to send; the key goes through a pipe, not the command line, which all can read."""
        order: dict[str, object] = {
            "plan": asdict(plan),
            "url": request.url,
            "method": request.method,
            "headers": request.headers,
            "body": request.body,
            "authorization": authorization,
            "ca_bundle": self._client.bundle(request.url),
        }
        return LoadRun(order)


class LoadRun:
    """A running load."""

    def __init__(self, order: dict[str, object]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "amltui.adapters.http.load_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,  # `-m` puts it first on the path: never the user's
            start_new_session=True,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def next(self) -> tuple[Sample, ...] | None:
        """The next samples, None at the end; blocks.

        Raises:
            AmltuiError: the load could not be sent or its process broke.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            message = json.loads(line)
            if isinstance(message, dict):
                raise AmltuiError.from_wire(message)
            return None if message is None else tuple(Sample(*one) for one in message)
        raise AmltuiError(
            "The load check ended early",
            "The process that sends the requests has gone.",
            "What was counted so far stands; start it again.",
            problem=Problem.INTERNAL,
        )

    def close(self) -> None:
        """Stop sending at once, from any thread."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
