"""The base layer: the running interpreter, so that a container needs no image from anywhere."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path

from amltui.demo.layers import Layer, add_libraries, library_directory

PREFIX = "/usr/local"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = f"{PREFIX}/lib/python{VERSION}/site-packages"

# What a scoring container never imports.
_LEFT_OUT = {
    "__pycache__",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "idle_test",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
}
_EXTENSIONS_LEFT_OUT = (
    "_test",
    "_tkinter",
    "_ctypes_test",
    "_xxtestfuzz",
    "xxlimited",
    "xxsubtype",
)
# Loaded by name at run time (name resolution, thread cancellation), so ldd cannot know them.
_RUN_TIME_LIBRARIES = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1")
# What a person types in a shell inside the container, where there is no busybox to link to.
_TOOLS = ("cat", "env", "grep", "head", "id", "ls", "ps", "sed", "sleep", "tail", "vi")
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def base_layer() -> Layer:
    """Collect the interpreter, its standard library, what both load, a shell and ``/etc``."""
    layer = Layer()
    binaries = [*_add_interpreter(layer), *_add_shell(layer)]
    add_libraries(layer, binaries)
    directory = library_directory()
    for name in _RUN_TIME_LIBRARIES:
        layer.copy(Path(directory, name), f"{directory}/{name}")
    _add_etc(layer)
    return layer


def _add_interpreter(layer: Layer) -> list[Path]:
    # In a virtual environment sys.executable is a link or a copy, away from its library.
    executable = Path(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))
    layer.copy(executable, f"{PREFIX}/bin/python{VERSION}")
    layer.link(f"{PREFIX}/bin/python3", f"python{VERSION}")
    layer.link(f"{PREFIX}/bin/python", "python3")
    library = Path(sysconfig.get_path("stdlib"))
    target = f"{PREFIX}/{sys.platlibdir}/python{VERSION}"
    binaries = [executable]
    for folder, folders, files in os.walk(library):
        folders[:] = [
            name for name in folders if name not in _LEFT_OUT and not name.startswith("config-")
        ]
        here = Path(folder)
        for name in files:
            source = here / name
            where = f"{target}/{source.relative_to(library).as_posix()}"
            if name.endswith(".py"):
                layer.copy_python(source, where)
            elif not name.endswith((".so", ".a", ".o")):
                layer.copy(source, where)
            elif name.endswith(".so") and not name.startswith(_EXTENSIONS_LEFT_OUT):
                layer.copy(source, where)
                binaries.append(source)
    # Debian's own interpreter looks for packages under another name than everybody else's.
    if "dist-packages" in (library / "site.py").read_text(encoding="utf-8"):
        layer.link(f"{PREFIX}/lib/python{VERSION}/dist-packages", SITE_PACKAGES)
    return binaries


def _add_shell(layer: Layer) -> list[Path]:
    layer.link("/usr/bin/env", "/bin/env")
    busybox = shutil.which("busybox")
    if busybox is not None:
        layer.copy(Path(busybox), "/bin/busybox")
        listing = subprocess.run(
            [busybox, "--list"], capture_output=True, text=True, timeout=10, check=False
        )
        for applet in sorted({"sh", *listing.stdout.split()} - {"busybox"}):
            layer.link(f"/bin/{applet}", "busybox")
        return [Path(busybox)]
    shell = Path(os.path.realpath("/bin/sh"))
    layer.copy(shell, "/bin/sh")
    found = [shell]
    for tool in _TOOLS:
        path = shutil.which(tool)
        if path is not None:
            found.append(Path(os.path.realpath(path)))
            layer.copy(found[-1], f"/bin/{tool}")
    return found


def _add_etc(layer: Layer) -> None:
    layer.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    layer.write("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    layer.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    bundle = next((Path(name) for name in _CERTIFICATES if os.path.exists(name)), None)
    if bundle is not None:
        layer.copy(bundle, _CERTIFICATES[0])
        layer.link(ssl.get_default_verify_paths().openssl_cafile, _CERTIFICATES[0])
