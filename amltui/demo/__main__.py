"""`python -m amltui.demo`: serve the demo workspace until stdin ends.

Stdin is the leash: the parent holds the other end, so however it ends (also by SIGKILL) the
kernel closes the pipe and this process goes too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path


def main() -> None:
    """Serve until the parent lets go."""
    parser = argparse.ArgumentParser(prog="python -m amltui.demo")
    parser.add_argument("--clock", type=float, help="freeze the time at these epoch seconds")
    parser.add_argument("--speed", type=float, default=1.0, help="make operations faster")
    parser.add_argument("--services", type=int, default=0, help="add generated services")
    parser.add_argument("--no-images", action="store_true", help="serve no container images")
    options = parser.parse_args()

    # The terminal's ^C is for the parent: it decides when the demo ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="amltui-demo-"))  # mkdtemp makes it 0700
    try:
        _serve(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # Threads may still hold slow or hanging requests; nobody waits for them.
    os._exit(0)


def _serve(folder: Path, options: argparse.Namespace) -> None:
    from amltui.demo.server import DemoHTTPServer

    server = DemoHTTPServer(
        folder,
        frozen=options.clock,
        speed=max(options.speed, 0.01),
        services=max(0, min(options.services, 5_000)),
        images=not options.no_images,
    )
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(server.ready()), flush=True)  # noqa: T201 - the ready line
    threading.Thread(target=_watch_stdin, args=(ended,), daemon=True).start()
    ended.wait()


def _watch_stdin(ended: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    ended.set()


if __name__ == "__main__":
    main()
