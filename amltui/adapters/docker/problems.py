"""Why the engine cannot be used, and what to do: one sentence each."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import ssl
import sys
from collections.abc import Iterator

from amltui.domain.errors import AmltuiError, Problem
from amltui.domain.text import clean, clean_line, mask

from . import ssh
from .address import Address


def explain(error: BaseException, address: Address) -> AmltuiError:
    """An SDK's or the system's error as one that a person can act on."""
    if isinstance(error, AmltuiError):
        return error
    causes = list(_causes(error))
    detail = mask(clean(str(error)))[:2_000]
    for kind, explained in (
        (PermissionError, _forbidden),
        (FileNotFoundError, _missing),
        (ConnectionRefusedError, _not_running),
        (socket.gaierror, _unknown_host),
        (ssl.SSLError, _tls),
        (TimeoutError, _timeout),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return _with_detail(explained(address), detail)
    if any("timeout" in type(cause).__name__.lower() for cause in causes):
        return _with_detail(_timeout(address), detail)
    if any(type(cause).__name__ == "InvalidVersion" for cause in causes):
        return AmltuiError(
            "This engine is too old",
            clean_line(str(error)),
            "Update Docker to 20.10 or later.",
            problem=Problem.ENGINE,
            detail=detail,
        )
    if address.url.startswith("ssh://"):
        return AmltuiError(
            "No SSH connection to the engine",
            f"{clean_line(address.url)} ({address.origin}): "
            + (ssh.complaint(address.url) or "the connection ended."),
            f"Try `{ssh.trial(address.url)}`; it must not ask for anything.",
            problem=Problem.NETWORK,
            detail=detail,
        )
    return AmltuiError(
        "The engine does not answer",
        clean_line(mask(str(causes[-1])))[:300],
        f"It is asked at {clean_line(address.url)} ({address.origin}); try `docker version`.",
        problem=Problem.ENGINE,
        detail=detail,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps, as cause, context or argument."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        found = left.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            if isinstance(found, tuple):
                left.extend(found)
            continue
        seen.add(id(found))
        yield found
        left += [
            found.__cause__, found.__context__, *found.args, getattr(found, "reason", None)
        ]  # fmt: skip


def _with_detail(error: AmltuiError, detail: str) -> AmltuiError:
    error.detail = detail
    return error


def _missing(address: Address) -> AmltuiError:
    if not address.socket_path:
        return AmltuiError(
            "No SSH client",
            "The engine is asked over ssh, and there is no `ssh` command here.",
            "Install an SSH client, or choose another Docker context.",
            problem=Problem.CONFIGURATION,
        )
    if address.origin != "the default address":
        return AmltuiError(
            "There is no engine where it should be",
            f"There is no socket {clean_line(address.socket_path)}, of {address.origin}.",
            "Start that engine, or unset DOCKER_HOST, or choose another context: "
            "`docker context use default`.",
            problem=Problem.ENGINE,
        )
    if shutil.which("docker") is None and shutil.which("dockerd") is None:
        return AmltuiError(
            "Docker is not installed",
            f"There is neither a docker command nor {address.socket_path}.",
            "Install Docker Engine (https://docs.docker.com/engine/install/); "
            "cloud services work without it.",
            problem=Problem.ENGINE,
        )
    return _not_running(address)


def _not_running(address: Address) -> AmltuiError:
    path = address.socket_path
    if not path:
        return AmltuiError(
            "The engine does not answer",
            f"Nobody listens at {clean_line(address.url)} ({address.origin}).",
            "Start it, or correct the address.",
            problem=Problem.ENGINE,
        )
    start = "open Docker Desktop" if sys.platform == "darwin" else "sudo systemctl start docker"
    return AmltuiError(
        "The Docker engine is not running",
        f"Nobody listens at {clean_line(path)}.",
        f"Start it: {start}. Cloud services work without it.",
        problem=Problem.ENGINE,
    )


def _forbidden(address: Address) -> AmltuiError:
    path = address.socket_path
    group = _group_of(path)
    return AmltuiError(
        "No permission to use Docker",
        f"{getpass.getuser()} may not open {clean_line(path or address.url)}"
        + (f", which belongs to the group {group}." if group else "."),
        f"Join the group and log in again: sudo usermod -aG {group or 'docker'} $USER "
        "(it can do what root can), or use rootless Docker.",
        problem=Problem.PERMISSION,
    )


def _group_of(path: str) -> str:
    try:
        import grp

        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return ""


def _unknown_host(address: Address) -> AmltuiError:
    return AmltuiError(
        "The engine's host is not known",
        f"{address.origin} says {clean_line(address.url)}, and no address has that name.",
        "Correct the address, or check the network.",
        problem=Problem.CONFIGURATION,
    )


def _tls(address: Address) -> AmltuiError:
    return AmltuiError(
        "No trusted connection to the engine",
        f"TLS with {clean_line(address.url)} ({address.origin}) failed.",
        "Check DOCKER_TLS_VERIFY and the certificates in DOCKER_CERT_PATH.",
        problem=Problem.CONFIGURATION,
    )


def _timeout(address: Address) -> AmltuiError:
    return AmltuiError(
        "The engine does not answer in time",
        f"It was asked at {clean_line(address.url)} ({address.origin}).",
        "It may be busy (an image build?) or hang; see `docker version`.",
        problem=Problem.TIMEOUT,
    )
