"""What a container has installed beside what a conda file asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIN = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(.*)")
_EXACT = re.compile(r"={1,3}\s*v?([\w.+!*-]+)(?:=[\w.]+)?\s*(?:;.*)?")


def compare_pins(
    freeze: Iterable[str], pins: Iterable[str]
) -> tuple[tuple[tuple[str, str, str, str], ...], tuple[str, ...]]:
    """Rows of package, installed, wanted and a remark, those with a remark first; and a summary.

    `freeze` are lines of `pip freeze`, `pins` the dependencies of a conda file, conda's own among
    them: of these, only such as are Python packages can be seen by pip.
    """
    installed: dict[str, tuple[str, str]] = {}
    for line in freeze:
        name, version = _installed(line)
        if name:
            installed[_key(name)] = (name, version)
    wanted: dict[str, tuple[str, str]] = {}
    for pin in pins:
        match = _PIN.fullmatch(pin.strip())
        if match and _key(match[1]) not in ("python", "pip"):
            wanted[_key(match[1])] = (match[1], match[2].strip())
    rows = []
    for key in {*installed, *wanted}:
        name = (installed.get(key) or wanted[key])[0]
        version = installed.get(key, ("", ""))[1]
        spec = wanted.get(key, ("", ""))[1]
        rows.append((name, version, spec, _remark(key, version, spec, wanted)))
    rows.sort(key=lambda row: (not row[3], row[0].lower()))
    odd = sum(1 for row in rows if row[3])
    if not wanted:
        return tuple(rows), (f"{len(installed)} packages.",)
    return tuple(rows), (
        f"{odd} of {len(wanted)} dependencies differ." if odd else "All pins are met.",
    )


def _remark(key: str, version: str, spec: str, wanted: dict[str, tuple[str, str]]) -> str:
    if key not in wanted:
        return ""
    if not version:
        return "not installed"
    exact = _EXACT.fullmatch(spec)
    if exact is None:
        return ""  # a range: pip has seen to it
    pinned = exact[1].rstrip("*").rstrip(".")
    single = spec.startswith("=") and not spec.startswith("==")
    loose = exact[1].endswith("*") or single  # conda's = means "starts with"
    if version == pinned or (loose and version.startswith(pinned + ".")):
        return ""
    return "another version"


def _installed(line: str) -> tuple[str, str]:
    text = line.strip()
    if not text or text.startswith("#"):
        return "", ""
    if text.startswith("-e "):
        return text.rpartition("egg=")[2] or text[3:], "editable"
    if " @ " in text:
        name, _, source = text.partition(" @ ")
        return name, f"@ {source}"
    name, _, version = text.partition("==")
    return name, version


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
