"""An engine of a test's own, that may be stopped and killed without hurting anybody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import docker

READY = 60.0  # seconds


def lacking() -> str:
    """Why none can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "a second engine can only be started by root"
    for command in ("dockerd", "containerd", "unshare"):
        if shutil.which(command) is None:
            return f"there is no {command} here"
    tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "network namespaces are not allowed here"


class SecondEngine:
    """A dockerd in a network namespace of its own, with its own folders; needs root.

    Beside another engine in the same network it would take that one's bridge away. Its containerd
    is a service of its own, as where both come from packages: a dockerd that is killed takes one
    that it started itself along. With `live_restore` containers outlive the engine.
    """

    def __init__(self, *, live_restore: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="amltui-engine-")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "engine.sock"
        self.url = f"unix://{self.socket}"
        self.live_restore = live_restore
        self._log = open(self.folder / "log", "wb")  # noqa: SIM115 - closed with the engine
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SecondEngine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._end_left()
        self._log.close()
        for mount in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
        with suppress(OSError):
            self._folder.cleanup()

    def start(self) -> None:
        """Start it (again); returns when it answers."""
        folder = self.folder
        if self._containerd is None:
            self._containerd = self._run(
                "containerd", "--config", str(self._config()), "--root", f"{folder}/containerd",
                "--state", f"{folder}/state", "--address", f"{folder}/containerd.sock",
            )  # fmt: skip
        (folder / "pid").unlink(missing_ok=True)  # a killed one leaves it
        self._process = self._run(
            "dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
            "--pidfile", f"{folder}/pid", "--containerd", f"{folder}/containerd.sock",
            "--host", self.url, "--bridge", "none", "--iptables=false", "--ip6tables=false",
            f"--live-restore={str(self.live_restore).lower()}",
        )  # fmt: skip
        deadline = time.monotonic() + READY
        while True:
            try:
                client = docker.APIClient(base_url=self.url, version="1.41", timeout=5)
                client.ping()
                client.close()
                return
            except Exception:
                assert self._process.poll() is None, (folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask it to end, or kill it; returns when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def kill(self) -> None:
        """End it as a crash does."""
        self.stop(signal.SIGKILL)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["unshare", "-n", *command],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _config(self) -> Path:
        path = self.folder / "containerd.toml"
        path.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        return path

    def _end_left(self) -> None:
        """End containerd, and what a killed dockerd left behind and no later one took over."""
        deadline = time.monotonic() + READY
        while (left := self._left()) and time.monotonic() < deadline:
            for process in left:
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            if self._containerd is not None:
                self._containerd.poll()  # takes note of its end, else it stays in the list
            time.sleep(0.02)

    def _left(self) -> list[int]:
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if str(self.folder).encode() in process.read_bytes():
                    found.append(int(process.parent.name))
        return found

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [line.split()[1] for line in lines if str(self.folder) in line.split()[1]]
