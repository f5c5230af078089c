"""Remove what a demo put into the engine once its console has ended, however it ended.

Run as ``python -m amltui.adapters.docker.janitor OWNER``: a child process whose stdin is a pipe
from the console. The kernel closes that pipe even when the console is killed, so the end of the
input is the signal. *OWNER* is the address of the demo's registry (``127.0.0.1:port``): the demo's
Dockerfiles label with it whatever is built and started from them, and its port belongs to one
demo at a time.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from .client import connect

LABEL = "amltui.demo"
KEEP_LABEL = "amltui.demo.keep"
_REPOSITORIES = "amltui-demo"
_OWNER = re.compile(r"127\.0\.0\.1:[0-9]{1,5}")
_CONNECT_TIMEOUT = 1.0
# A build or pull that was cut off may still add its last bit after a look: nothing has to be
# found twice in a row. Seconds between two looks, and how many there are at most.
_PAUSE = 0.5
_LOOKS = 20


def start(owner: str, host: str | None = None) -> subprocess.Popen[bytes]:
    """Start the janitor of the demo *owner*; it acts when its stdin is closed or this process ends.

    It has a session of its own, so that a closed terminal does not take it along. *host* is the
    engine's address, if the docker command would use another one.
    """
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name if __spec__ else __name__, owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DOCKER_HOST": host} if host else None,
        start_new_session=True,
        cwd=Path(__file__).resolve().parents[3],  # `-m` puts it first on the path
    )


def sweep(host: str | None = None) -> list[str]:
    """Remove what dead demos left behind and return their names.

    A demo lives as long as something listens on its port; what was started to be kept stays.
    """
    client, _ = connect(host)
    kept: set[str] = set()
    found: set[str] = set()
    for thing in [
        *client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True),
        *client.images.list(filters={"label": LABEL}),
    ]:
        owner = thing.labels.get(LABEL, "")
        (kept if KEEP_LABEL in thing.labels else found).add(owner)
    for image in client.images.list(filters={"reference": f"127.0.0.1:*/{_REPOSITORIES}/*"}):
        found.update(tag.partition("/")[0] for tag in image.tags if f"/{_REPOSITORIES}/" in tag)
    # Anyone may have written such a label: only a loopback address is asked whether it lives.
    dead = sorted(o for o in found - kept if _OWNER.fullmatch(o) and not _is_alive(o))
    for owner in dead:
        remove(owner, host)
    return dead


def remove(owner: str, host: str | None = None) -> int:
    """Remove the containers and images of the demo *owner*; return how many there were."""
    from docker.errors import APIError

    client, _ = connect(host)
    mine = {"label": f"{LABEL}={owner}"}
    count = 0
    for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
        count += 1
        # Another janitor may be at it: gone, or going, is what is wanted.
        with contextlib.suppress(APIError):
            container.remove(force=True, v=True)
    for image in client.images.list(filters=mine):
        count += 1
        with contextlib.suppress(APIError):
            client.images.remove(image.id, force=True)
    for image in client.images.list(filters={"reference": f"{owner}/{_REPOSITORIES}/*"}):
        # By tag, not by id: two demos share the base image, each under its own name.
        for tag in image.tags:
            if tag.startswith(f"{owner}/"):
                count += 1
                with contextlib.suppress(APIError):
                    client.images.remove(tag)
    return count


def main() -> None:
    """Wait for the end of stdin, then remove everything of the demo named on the command line."""
    owner = sys.argv[1] if len(sys.argv) == 2 else ""
    if not _OWNER.fullmatch(owner):
        sys.stderr.write("usage: python -m amltui.adapters.docker.janitor 127.0.0.1:PORT\n")
        raise SystemExit(2)
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    # A machine that shuts down asks once, politely: that is the moment, too.
    signal.signal(signal.SIGTERM, lambda *_: os.close(sys.stdin.fileno()))
    with contextlib.suppress(OSError, ValueError):
        while os.read(0, 4096):
            pass
    nothing = 0
    for _ in range(_LOOKS):
        nothing = nothing + 1 if remove(owner) == 0 else 0
        if nothing == 2:
            break
        time.sleep(_PAUSE)


def _is_alive(owner: str) -> bool:
    host, _, port = owner.partition(":")
    try:
        socket.create_connection((host, int(port)), _CONNECT_TIMEOUT).close()
    except TimeoutError:
        return True  # something holds the port and is busy
    except (OSError, OverflowError):
        return False
    return True


if __name__ == "__main__":
    main()
