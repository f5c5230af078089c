"""Turn the catalogue's signatures into regular expressions, and into the words that gate them.

A log has few lines that matter. One regular expression over a whole batch, made of one plain word
(or run of words) per signature, finds the lines worth a closer look; the others cost no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUOTE = "[\"'`]"
_GATE_BLANK = r"(?:\s|\\+[nrt])+"
_GATE_LENGTH = 14
_GATE_SHORTEST = (10, 8, 6, 4)  # letters left after the cut: the longer, the fewer false hits
_PLAIN = re.compile(r"[\w .:/()\[\]<>*=!,@&#%~;-]")
# Letters that logs seldom use, rarest first: a search for words that begin so skips most text.
_RARE = "zqjxkywvbhgfupmc"


def compile_signature(pattern: str) -> re.Pattern[str]:
    """Return *pattern* without case, where a blank is any white space and a quote any quote."""
    return re.compile(loosen(pattern), re.IGNORECASE)


def loosen(pattern: str) -> str:
    r"""Replace blanks with ``\s+`` and quotes with any quote, outside character classes."""
    out: list[str] = []
    position, in_class = 0, False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            out.append(pattern[position : position + 2])
            position += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == " ":
            quantifier = pattern[position + 1 : position + 2]
            out.append(r"\s*" if quantifier and quantifier in "?*" else r"\s+")
            position += 2 if quantifier and quantifier in "?*+" else 1
            continue
        elif char in "'\"":
            char = _QUOTE
        out.append(char)
        position += 1
    return "".join(out)


def gate_word(pattern: str) -> str:
    """Return the longest run of plain text, in lower case, that every match of *pattern* holds.

    Raises ValueError if there is none of four letters: it would have to be tried on every line.
    """
    runs = [" ".join(run.split()) for run in _plain_runs(pattern)]
    best = max(runs, key=lambda run: (_weight(run), len(run)), default="")
    if _weight(best) < 4:
        raise ValueError(f"no plain word of four letters in signature {pattern!r}")
    return best.lower()


def _weight(run: str) -> int:
    return sum(char.isalnum() for char in run)


def _plain_runs(pattern: str) -> Iterable[str]:
    """Yield the runs of literal text that a match cannot do without."""
    run: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        width, literal = 1, ""
        if char == "\\":
            width = 2
            escaped = pattern[position + 1]
            literal = escaped if not escaped.isalnum() and _PLAIN.match(escaped) else ""
        elif char == "[":
            width = _class_end(pattern, position) - position
        elif char == "(":
            width = _group_end(pattern, position) - position
        elif char == "|":
            raise ValueError(f"alternation outside a group in signature {pattern!r}")
        elif char not in ".^$'\"`" and _PLAIN.match(char):
            literal = char
        after = pattern[position + width : position + width + 1]
        if literal and after not in ("?", "*", "{"):
            run.append(literal)
        else:
            yield "".join(run)
            run = []
        position += width
        if after == "{":
            position = pattern.index("}", position) + 1
            after = ""
        if after and after in "?*+":
            position += 1
            if pattern[position : position + 1] == "?":
                position += 1
            if after == "+" and literal:
                yield "".join(run)
                run = []
    yield "".join(run)


def _class_end(pattern: str, start: int) -> int:
    position = start + 1
    if pattern[position : position + 1] == "^":
        position += 1
    if pattern[position : position + 1] == "]":
        position += 1
    while pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position + 1


def _group_end(pattern: str, start: int) -> int:
    depth, position = 0, start
    while True:
        char = pattern[position]
        if char == "\\":
            position += 2
            continue
        if char == "[":
            position = _class_end(pattern, position)
            continue
        depth += {"(": 1, ")": -1}.get(char, 0)
        position += 1
        if depth == 0:
            return position


def gate(words: Iterable[str], extra: Iterable[tuple[str, str]] = ()) -> re.Pattern[str]:
    """Return an expression for lower-case text that finds where a word of *words* may be.

    It may find more (a word is cut to its rarest part); *extra* are a first letter and the
    expression for the rest. Every alternative begins with a letter: only then does the search
    skip at the speed of a character set.
    """
    branches: dict[str, list[str]] = {}
    for part in sorted({_rarest_part(word) for word in words}):
        branches.setdefault(part[0], []).append(part[1:])
    rests = {first: [_trie(parts)] for first, parts in branches.items()}
    for first, rest in extra:
        rests.setdefault(first, []).append(rest)
    return re.compile("|".join(f"{re.escape(c)}(?:{'|'.join(r)})" for c, r in rests.items()))


def _rarest_part(word: str) -> str:
    """Return the part of *word* that begins with its rarest letter: the search skips most text."""
    for shortest in _GATE_SHORTEST:
        starts = [i for i in range(max(0, len(word) - shortest) + 1) if word[i] in _RARE]
        if starts:
            start = min(starts, key=lambda i: _RARE.index(word[i]))
            return word[start : start + _GATE_LENGTH].rstrip()
    return word[:_GATE_LENGTH].rstrip()


def _trie(words: list[str]) -> str:
    """Return an expression for *words* that shares their beginnings: each letter is tried once."""
    if "" in words:
        return ""
    branches: dict[str, list[str]] = {}
    for word in words:
        branches.setdefault(word[0], []).append(word[1:])
    alternatives = [
        (_GATE_BLANK if first == " " else re.escape(first)) + _trie(rests)
        for first, rests in sorted(branches.items())
    ]
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"
