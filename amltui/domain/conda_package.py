"""A package as a conda or requirements file asks for it, and which versions that lets in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .conda_layout import Item

_SPEC = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?\s*(.*)")
_CLAUSE = re.compile(r"(===|==|~=|>=|<=|!=|=|<|>)\s*([\w.*+!-]+)")
_NOT_A_NAME = ("-", "git+", "http://", "https://", "hg+", "svn+", "file:")
_BOUNDS = ("=", "==", "===", "~=", "<", "<=")


@dataclass(frozen=True)
class Package:
    """A package as a file asks for it."""

    item: Item
    name: str
    extras: str
    spec: str

    @property
    def clauses(self) -> list[tuple[str, str]]:
        """The version clauses, as (==, 1.2)."""
        return [(match[1], match[2]) for match in _CLAUSE.finditer(self.spec.partition(";")[0])]

    @property
    def pinned(self) -> bool:
        """Whether tomorrow's release cannot come in."""
        if "@" in self.spec or re.match(r"\d", self.spec):  # a URL; conda's `python 3.8`
            return True
        return any(operator in _BOUNDS for operator, _ in self.clauses)

    @property
    def newest(self) -> tuple[int, ...] | None:
        """The newest version that is let in, as far as a clause says; None is any."""
        bounds = []
        for operator, version in self.clauses:
            numbers = version_numbers(version)
            if operator in ("==", "===", "=", "<=", "<") and numbers:
                # 1.* lets in whatever follows, < 1.0.45 stops right below.
                open_end = version.endswith("*") or operator == "="
                bounds.append((*numbers, 10**6) if open_end else numbers)
                if operator == "<":
                    bounds[-1] = (*numbers[:-1], numbers[-1] - 1, 10**6)
        return min(bounds, default=None)


def read_package(item: Item) -> Package | None:
    """The package that an entry names; None for options, addresses and files."""
    if item.text.startswith((*_NOT_A_NAME, ".", "/", "~")) or item.text.endswith(".whl"):
        return None
    match = _SPEC.fullmatch(item.text)
    if match is None:
        return None
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    return Package(item, name, match[2] or "", match[3].strip())


def version_numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version."""
    match = re.match(r"\d{1,9}(?:\.\d{1,9})*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
