"""Serve a Registry over HTTP: ``python registry_http.py CACHE`` prints its port, ends with stdin.

It runs with any interpreter of the machine, so that each one's base image can be tried.
"""

from __future__ import annotations

import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from amltui.demo.images import Registry


class Handler(BaseHTTPRequestHandler):
    """Passes requests on to the registry."""

    protocol_version = "HTTP/1.1"
    registry: Registry

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """Write the registry's answer."""
        status, headers, body = self.registry.handle(self.command, self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(body, Path):
            with body.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)
        else:
            self.wfile.write(body)

    do_HEAD = do_GET


def main() -> None:
    """Serve until stdin ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    Handler.registry = Registry(f"127.0.0.1:{port}", Path(sys.argv[1]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
