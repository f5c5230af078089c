"""The process that owns the SDK: `python -m amltui.adapters.azureml.host`.

azureml-core prints, logs, blocks and holds the interpreter; none of that may happen in the console.
The console writes one JSON object a line, first `{"connection": ...}`, then requests
`{"id", "call", "args"}`; the answers are `{"id", "ok"}`, `{"id", "error"}`, `{"id", "part": [...]}`
(a long answer in pieces, before its `ok`) and `{"id", "event"}` (progress). Every request runs on a
thread of its own; the process ends when its standard input does, whatever is still running.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.models import Progress, Ref

from . import problems
from .calls import CALLS
from .wire import encode

ROWS_IN_PART = 50
CHARACTERS_IN_PART = 64_000


class Host:
    """Answers requests; the workspace is found at the first one that needs it."""

    def __init__(self, connection: dict[str, Any], read_limit: float, out: BinaryIO) -> None:
        self._connection = connection
        self._read_limit = read_limit
        self._out = out
        self._writing = threading.Lock()
        self._connecting = threading.Lock()
        self._imported = threading.Event()
        self._person_needed = False  # somebody has been given a code to type
        self._workspace: Any = None
        self._management: Any = None

    def import_sdk(self) -> None:
        """Import the SDK once, before any call uses it: half a second and 2,000 modules."""
        try:
            import azureml.core  # noqa: F401
        except BaseException:
            logging.exception("azureml-core cannot be imported")
            os._exit(1)
        self._imported.set()

    def answer(self, request: dict[str, Any]) -> None:
        """Run one request and send what comes of it."""
        number, call = request["id"], request["call"]
        try:
            self._imported.wait()
            for part in self._run(number, call, request.get("args", {})):
                self._send({"id": number, **part})
        except BaseException as error:  # noqa: BLE001 - the SDK also raises SystemExit
            problem = problems.of_exception(error, f"the call {call}")
            self._send({"id": number, "error": problem.to_wire()})

    def _run(self, number: int, call: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if call == "connect":
            yield {"ok": self._connect(lambda progress: self._tell(number, progress))}
            return
        management = self._connected(None)
        if call == "services":
            rows = management.services()
            for first in range(0, len(rows), ROWS_IN_PART):
                yield {"part": [encode(row) for row in rows[first : first + ROWS_IN_PART]]}
            yield {"ok": len(rows)}
        elif call in ("logs", "build_log"):
            text = _text(management, call, args)
            whole = text or ""
            for first in range(0, len(whole), CHARACTERS_IN_PART):
                yield {"part": [whole[first : first + CHARACTERS_IN_PART]]}
            yield {"ok": text is not None}
        elif call in CALLS:
            yield {"ok": CALLS[call](management, self._workspace, args)}
        else:
            raise ValueError(f"no such call: {call}")

    def _connect(self, on_progress: Callable[[Progress], None]) -> dict[str, str]:
        from azureml.core import VERSION

        from .auth import identity

        self._connected(on_progress)
        workspace = self._workspace
        return {
            "name": workspace.name,
            "resource_group": workspace.resource_group,
            "subscription_id": workspace.subscription_id,
            "location": str(workspace.location or ""),
            "identity": identity(workspace._auth_object),
            "sdk": VERSION,
        }

    def _connected(self, on_progress: Callable[[Progress], None] | None) -> Any:
        from .auth import connect
        from .management import Management

        if on_progress is not None:
            self._drop_expired()
        if self._management is not None:
            return self._management
        if on_progress is None and self._person_needed:
            raise AmltuiError(
                "Signing in is not finished",
                "Azure waits for the code to be entered.",
                "Open the page that is shown and enter the code.",
                problem=Problem.SIGN_IN,
            )
        with self._connecting:
            if self._management is None:
                try:
                    workspace = connect(self._connection, on_progress)
                    self._workspace = workspace
                    self._management = Management(workspace, self._read_limit)
                except Exception as error:
                    raise problems.of_exception(error, "connecting to the workspace") from error
                finally:
                    self._person_needed = False
            return self._management

    def _drop_expired(self) -> None:
        """Connecting again is how a person answers a sign-in that has ended."""
        try:
            if self._workspace is not None:
                self._workspace._auth_object.get_authentication_header()
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
            self._management = None

    def _tell(self, number: int, progress: Progress) -> None:
        self._person_needed = bool(progress.code)
        self._send({"id": number, "event": vars(progress)})

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._writing:
                self._out.write(line)
        except OSError:  # nobody reads any more; the end of standard input is about to be seen
            return


def _text(management: Any, call: str, args: dict[str, Any]) -> str | None:
    from .build_log import read

    ref = Ref(*args["ref"])
    if call == "build_log":
        return read(management, ref)
    text: str | None = management.logs(ref, args["tail"], args["init"])
    return text


def prepare(connection: dict[str, Any]) -> None:
    """Set the environment that the SDK reads while it is imported."""
    os.environ.pop("HOSTNAME", None)  # an exported one breaks LocalWebservice
    # Seconds and tries: 32 and 3 otherwise, 224 s for one 429. The console has its own back-off.
    for name in ("BACKOFF", "RETRIES", "500_BACKOFF", "503_BACKOFF"):
        os.environ[f"AZUREML_DEFAULT_{name}"] = "1"
    os.environ["AZUREML_LOG_DEPRECATION_WARNING_ENABLED"] = "False"
    if connection.get("auth") == "demo":
        os.environ["REQUESTS_CA_BUNDLE"] = connection["ca_bundle"]
        for name in ("NO_PROXY", "no_proxy"):
            others = os.environ.get(name, "")
            os.environ[name] = f"{others},127.0.0.1,localhost".lstrip(",")
    if connection.get("home"):
        os.environ["HOME"] = connection["home"]


def main() -> None:
    """Take the pipes, then answer until standard input ends."""
    # What the SDK prints must not mix with the answers, and nothing may wait for a key: answers
    # and requests get descriptors of their own, 1 becomes the same pipe as 2, and 0 is empty.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.captureWarnings(True)

    first = requests.readline()
    home = ""
    if first:
        hello = json.loads(first)
        home = hello["connection"].get("home", "")
        prepare(hello["connection"])
        host = Host(hello["connection"], hello["read_limit"], out)
        threading.Thread(target=host.import_sdk, daemon=True).start()
        for line in requests:
            request = json.loads(line)
            threading.Thread(target=host.answer, args=(request,), daemon=True).start()
    if home:
        shutil.rmtree(home, ignore_errors=True)
    os._exit(0)  # an ordinary exit would wait for the SDK's thread pools


if __name__ == "__main__":
    main()
