"""A small debugger: as much of the Debug Adapter Protocol as VS Code needs to stop and look."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any


class Debugger:
    """Attaches to debugpy by an entry of launch.json; leaving the `with` block detaches."""

    def __init__(self, entry: dict[str, Any], workspace: Path, limit: float = 30.0) -> None:
        whole = json.dumps(entry).replace("${workspaceFolder}", str(workspace))
        self._entry: dict[str, Any] = json.loads(whole)
        address = (self._entry["connect"]["host"], self._entry["connect"]["port"])
        self._socket = socket.create_connection(address, timeout=limit)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}

    def attach(self, breakpoints: dict[Path, list[int]]) -> list[int]:
        """Attach and set breakpoints; returns the lines where they are."""
        arguments = {"clientID": "test", "adapterID": "debugpy", "pathFormat": "path"}
        self.ask("initialize", **arguments)
        attaching = self._send("attach", self._entry)
        self.event("initialized")
        lines: list[int] = []
        for path, wanted in breakpoints.items():
            answer = self.ask(
                "setBreakpoints",
                source={"path": str(path)},
                breakpoints=[{"line": line} for line in wanted],
            )
            assert all(each["verified"] for each in answer["breakpoints"]), answer
            lines += [each["line"] for each in answer["breakpoints"]]
        self.ask("configurationDone")
        self._answer(attaching)
        return lines

    def stopped(self) -> tuple[int, dict[str, Any]]:
        """Wait until a breakpoint is hit; returns the thread and where it stands."""
        thread = self.event("stopped")["threadId"]
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        return thread, frame

    def variables(self, frame: dict[str, Any]) -> dict[str, str]:
        """The local variables of a frame, as a person sees them."""
        scope = self.ask("scopes", frameId=frame["id"])["scopes"][0]
        found = self.ask("variables", variablesReference=scope["variablesReference"])
        return {each["name"]: each["value"] for each in found["variables"]}

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        return self._answer(self._send(command, arguments))

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event."""
        while True:
            for at, event in enumerate(self._events):
                if event["event"] == name:
                    del self._events[at]
                    body: dict[str, Any] = event.get("body") or {}
                    return body
            self._read()

    def _send(self, command: str, arguments: dict[str, Any]) -> int:
        self._number += 1
        message = {
            "seq": self._number,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        data = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        return self._number

    def _answer(self, number: int) -> dict[str, Any]:
        while number not in self._answers:
            self._read()
        answer = self._answers.pop(number)
        assert answer["success"], answer
        body: dict[str, Any] = answer.get("body") or {}
        return body

    def _read(self) -> None:
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the debugger's other side has gone"
        message = json.loads(self._file.read(length))
        if message["type"] == "response":
            self._answers[message["request_seq"]] = message
        elif message["type"] == "event":
            self._events.append(message)

    def __enter__(self) -> Debugger:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()
