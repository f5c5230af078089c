"""Read the samples beside this file: a header line ``@@ WORDS``, then the text of the sample."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_HEADER = re.compile(r"^@@ (?=\w|[+-] )", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """One text with what the engine has to say about it."""

    words: tuple[str, ...]
    text: str
    place: str

    def __str__(self) -> str:
        """Return where the sample stands."""
        return self.place


def read(pattern: str) -> list[Sample]:
    """Return the samples of the files that match *pattern*."""
    found = []
    for path in sorted(HERE.glob(pattern)):
        for number, part in enumerate(_HEADER.split(path.read_bytes().decode())[1:], 1):
            header, _, text = part.partition("\n")
            place = f"{path.stem}#{number}:{header.replace(' ', '_')}"
            found.append(Sample(tuple(header.split()), text.removesuffix("\n"), place))
    return found
