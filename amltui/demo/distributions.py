"""The second layer: the scoring server and what it depends on, as installed beside amltui."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from amltui.demo.interpreter import PREFIX, SITE_PACKAGES, VERSION
from amltui.demo.layers import Layer, add_libraries

SERVER = "azureml-inference-server-http"


def closure(requirement: str = SERVER) -> dict[str, Distribution]:
    """Find the installed distributions that *requirement* needs here, by canonical name.

    Raises ``importlib.metadata.PackageNotFoundError`` with the name of one that is not installed.
    """
    # Not ours, and always there: gunicorn, a part of this very closure, requires it.
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, Distribution] = {}
    visited: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        distribution = found.get(name) or importlib.metadata.distribution(wanted.name)
        found[name] = distribution
        for extra in {"", *wanted.extras} - {extra for known, extra in visited if known == name}:
            visited.add((name, extra))
            for text in distribution.requires or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return dict(sorted(found.items()))


def package_layer(distributions: Iterable[Distribution], have: Iterable[str]) -> Layer:
    """Collect the files of *distributions* and the libraries that a base with *have* lacks."""
    layer = Layer()
    extensions: list[Path] = []
    for distribution in distributions:
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            # Scripts are recorded as ../../../bin/x with this environment's interpreter in them.
            if ".." in file.parts or file.suffix == ".pyc" or not source.is_file():
                continue
            target = f"{SITE_PACKAGES}/{file.as_posix()}"
            if file.suffix == ".py":
                layer.copy_python(source, target)
            else:
                layer.copy(source, target)
            if ".so" in file.suffixes:
                extensions.append(source)
        _add_scripts(layer, distribution)
    bundled = {target.rpartition("/")[2] for target in layer.entries}
    libraries = Layer()
    add_libraries(libraries, extensions, have)
    for target, entry in libraries.entries.items():
        # A wheel's private copy (package.libs/) is found beside the extension that wants it.
        if target.rpartition("/")[2] not in bundled:
            layer.entries.setdefault(target, entry)
    return layer


def _add_scripts(layer: Layer, distribution: Distribution) -> None:
    for point in distribution.entry_points:
        if point.group == "console_scripts":
            module, _, name = point.value.partition("[")[0].strip().partition(":")
            call = f"import sys\nfrom {module} import {name.split('.')[0]}\nsys.exit({name}())\n"
            text = f"#!{PREFIX}/bin/python{VERSION}\n{call}"
            layer.write(f"{PREFIX}/bin/{point.name}", text, executable=True)
