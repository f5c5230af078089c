"""The engine, up to a container that really runs: from an image assembled on the spot.

`docker run hello-world` needs a registry; here a program of 200 bytes is the whole image.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import struct
import tarfile
import uuid
from typing import Any

from amltui.adapters.docker import standin
from amltui.adapters.docker.access import EngineAccess
from amltui.domain import doctor
from amltui.domain.doctor import Verdict
from amltui.domain.errors import AmltuiError

GREETING = b"hello from amltui\n"
LIMIT = 6.0  # seconds for each step of the container's life
_BASE = 0x400000
_HEADERS = 64 + 56  # of the file, and of its one segment


class Engine:
    """The checks of an engine; `host` as docker's, None for where the docker command looks."""

    def __init__(self, host: str | None = None) -> None:
        self._access = EngineAccess(host)

    def installed(self) -> Verdict:
        """The docker command, which nothing here needs."""
        found = shutil.which("docker") or shutil.which("podman")
        if found:
            return doctor.ok(found)
        return doctor.warning(
            "There is no docker command; amltui talks to the engine itself.",
            "Install Docker to build and run services on this machine.",
        )

    def running(self) -> Verdict:
        """The engine answers, and this user may ask it."""
        with self._access.api(LIMIT) as api:
            version = api.version()
        told = f"{version.get('Version', '?')} at {self._access.address.url}"
        if str(version.get("Os", "linux")) != "linux":
            return doctor.failed(
                f"{told} runs {version['Os']} containers.", "Switch Docker to Linux containers."
            )
        return doctor.ok(told)

    def hello(self) -> Verdict:
        """Run a container that says hello, and remove it and its image."""
        try:
            with self._access.api(LIMIT) as api:
                machine = str(api.version().get("Arch", ""))
        except AmltuiError as error:
            return doctor.not_tried(f"{error.title}.", error.hint)
        program = greeter(machine)
        if program is None:
            told = f"There is no small program for {machine or 'this machine'}."
            return doctor.not_tried(told, "docker run --rm hello-world")
        with self._access.api(LIMIT) as api:
            said = _run(api, program)
        if said != GREETING:
            return doctor.failed(
                f"A container ran, but said {said[:60]!r}.", "Look at the engine's own log."
            )
        return doctor.ok("a container ran and said hello; it is removed again")

    def close(self) -> None:
        """Drop the connections."""
        self._access.close()


def _run(api: Any, program: bytes) -> bytes:
    """What a container of the program says; nothing of it is left."""
    tag, labels = f"doctor-{uuid.uuid4().hex[:12]}", standin.mark()
    image, container = f"{standin.REPOSITORY}:{tag}", ""
    changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
    try:
        api.import_image_from_data(
            _tar(program), repository=standin.REPOSITORY, tag=tag, changes=changes
        )
        made = api.create_container(image, ["/hello"], network_disabled=True, labels=labels)
        container = made["Id"]
        api.start(container)
        api.wait(container, timeout=LIMIT)
        return bytes(api.logs(container))
    finally:
        with contextlib.suppress(Exception):
            if container:
                api.remove_container(container, force=True)
        with contextlib.suppress(Exception):
            api.remove_image(image, force=True)


def _tar(program: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return held.getvalue()


def greeter(machine: str) -> bytes | None:
    """A static program (ELF) that writes the greeting and ends; None for other processors."""
    codes = {"amd64": (62, _amd64), "x86_64": (62, _amd64), "arm64": (183, _arm64),
             "aarch64": (183, _arm64)}  # fmt: skip
    if machine not in codes:
        return None
    number, assemble = codes[machine]
    code = assemble(len(GREETING))
    size = _HEADERS + len(code) + len(GREETING)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQI", 2, number, 1, _BASE + _HEADERS, 64, 0, 0)
    head += struct.pack("<HHHHHH", 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return head + segment + code + GREETING


def _amd64(length: int) -> bytes:
    """write(1, text behind the code, length); exit(0)."""
    start = b"\xb8\x01\x00\x00\x00\xbf\x01\x00\x00\x00"  # mov eax, 1; mov edi, 1
    end = b"\xba" + struct.pack("<I", length) + b"\x0f\x05"  # mov edx, length; syscall
    end += b"\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05"  # mov eax, 60; xor edi, edi; syscall
    return start + b"\x48\x8d\x35" + struct.pack("<i", len(end)) + end  # lea rsi, [rip + end]


def _arm64(length: int) -> bytes:
    """write(1, text behind the code, length); exit(0)."""

    def movz(register: int, value: int) -> int:
        return 0xD2800000 | value << 5 | register

    svc, distance = 0xD4000001, 28  # bytes from the adr to the text: seven instructions
    adr = 0x10000000 | (distance >> 2) << 5 | 1
    words = (movz(0, 1), adr, movz(2, length), movz(8, 64), svc, movz(0, 0), movz(8, 93), svc)
    return struct.pack(f"<{len(words)}I", *words)
