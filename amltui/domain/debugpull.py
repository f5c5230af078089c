"""How far the pull of an image is, by bytes, from the engine's events; and why one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .check_source import size_words
from .errors import AmltuiError, Problem
from .text import clean_line, mask

_HERE = ("Already exists", "Pull complete")
_FETCHED = ("Download complete", "Verifying Checksum", "Extracting", *_HERE)
_SIGN_IN = ("unauthorized", "authentication required", "no basic auth", "denied", "401")
_UNREACHABLE = ("dial tcp", "no such host", "i/o timeout", "timeout", "connection refused", "x509")


class PullProgress:
    """The layers of a pull; bytes count as they come over the line, not as they are unpacked."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._here: set[str] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Heed one event of the engine's; what is none changes nothing."""
        layer, status = str(event.get("id") or ""), str(event.get("status") or "")
        if not layer or status.startswith("Pulling from"):
            return
        detail = event.get("progressDetail")
        sizes = detail if isinstance(detail, Mapping) else {}
        done, total = self._layers.get(layer, (0, 0))
        if status == "Downloading":
            done = _size(sizes.get("current"))
            total = max(total, _size(sizes.get("total")), done)
        elif status.startswith(_FETCHED):
            done = total
        self._layers[layer] = (done, total)
        if status in _HERE:
            self._here.add(layer)

    @property
    def fetched(self) -> int:
        """Bytes that have come."""
        return sum(done for done, _ in self._layers.values())

    @property
    def total(self) -> int:
        """Bytes of the layers that are known to be fetched; it grows while layers begin."""
        return sum(total for _, total in self._layers.values())

    def __str__(self) -> str:
        layers = f"{len(self._here)} of {len(self._layers)} layers are here"
        if not self.total:
            return layers
        return f"{size_words(self.fetched)} of {size_words(self.total)}, {layers}"


def refusal(location: str, said: str) -> AmltuiError:
    """Why an image cannot be pulled, and what to do about it; `said` is the engine's word."""
    registry, lower = location.partition("/")[0], said.lower()
    why = clean_line(mask(said))[:500]
    if "no space left" in lower or "disk quota" in lower:
        return AmltuiError(
            "The engine's disk is full",
            why,
            "Free some: `docker system df` shows what takes it. The package stays in the registry.",
            problem=Problem.ENGINE,
        )
    if "manifest unknown" in lower or "not found" in lower:
        return AmltuiError(
            f"{registry} has no such image",
            why,
            "It may have been deleted there; package again.",
            problem=Problem.NOT_FOUND,
        )
    if any(word in lower for word in _SIGN_IN):
        return AmltuiError(
            f"{registry} refuses the login",
            why,
            "The workspace's registry needs its admin user, or you the role AcrPull; see "
            "`az acr update -n NAME --admin-enabled true`.",
            problem=Problem.SIGN_IN,
        )
    if any(word in lower for word in _UNREACHABLE):
        return AmltuiError(
            f"The engine cannot reach {registry}",
            why,
            "Check the network and the proxy of the engine, not of this terminal.",
            problem=Problem.NETWORK,
        )
    return AmltuiError(
        f"The image was not pulled from {registry}",
        why,
        "Try again; layers that are here stay.",
        problem=Problem.ENGINE,
    )


def _size(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
