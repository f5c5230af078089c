"""Taking a regex apart, so that a block of lines can be searched at the speed of plain text.

The engine of `re` tries an alternation at each character, twenty times as slow as it looks for a
text. So each branch is looked for on its own, and where a branch cannot match without a certain
text, only the lines that hold that text are matched.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<escape>\\.)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<look>\(\?<?[=!])"
    r"|(?P<open>\((?:\?(?::|P<\w+>)|(?!\?)))"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<repeat>(?:[*+?]|\{\d*,?\d*\})[?+]?)"
    r"|(?P<edge>[$^.])"
    r"|(?P<plain>(?s:.))"
)
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")
_IN_LINE = _PUNCTUATION | set("dSwb")  # escapes that match no newline
_ACROSS = frozenset("sDW")  # escapes that match a newline too
_MANY = 8  # branches from which on trying them all at once is quicker
SHORTEST = 2  # characters of a text worth looking for


class Branch(NamedTuple):
    """One alternative of a regex."""

    source: str
    text: str  # what each of its matches holds, empty where that is not known
    leads: bool  # and begins with: `re` looks for that by itself
    is_text: bool  # and nothing else


def in_line(pattern: str) -> str | None:
    """The regex changed so that it matches no newline, to be used with MULTILINE.

    In a block it then matches what it matches in a line alone. None where that cannot be done.
    """
    if not pattern.isprintable():
        return None
    source = ""
    for kind, text in _tokens(pattern):
        if kind == "escape":
            if text[1] in _ACROSS:
                text = f"[^{text.swapcase()}\n]"
            elif text[1] not in _IN_LINE:
                return None
        elif kind == "set":
            escapes = set(re.findall(r"\\(.)", text))
            if escapes - _PUNCTUATION - set("dDsSwW"):
                return None
            if text.startswith("[^"):
                text = f"[^\n{text[2:]}"
            elif escapes & _ACROSS:
                text = f"(?:(?!\n){text})"
        elif kind == "plain" and text == "(":  # a kind of group that is not known here
            return None
        source += text
    return source


def branches(source: str) -> list[Branch]:
    """The alternatives of a regex, if it is quicker to look for each; else it is the only one."""
    found = [_branch(tokens) for tokens in _alternatives(_tokens(source))]
    split = len(found) <= _MANY and all(len(each.text) >= SHORTEST for each in found)
    return found if split or len(found) == 1 else [Branch(source, "", False, False)]


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def literal(self) -> str:
        """The character that it stands for, if it is one."""
        if self.kind == "escape":
            return self.text[1] if self.text[1] in _PUNCTUATION else ""
        return self.text if self.kind == "plain" else ""


def _tokens(source: str) -> list[_Token]:
    return [_Token(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(source)]


def _alternatives(tokens: list[_Token]) -> list[list[_Token]]:
    """A regex cut at the bars that are in no group; a group round all of it counts as none."""
    found: list[list[_Token]] = [[]]
    depth = 0
    closed_at = -1
    for at, token in enumerate(tokens):
        depth += (token.kind in ("open", "look")) - (token.kind == "close")
        if token.kind == "close" and not depth and closed_at < 0:
            closed_at = at
        if token.kind == "bar" and not depth:
            found.append([])
        else:
            found[-1].append(token)
    if tokens and tokens[0].kind == "open" and closed_at == len(tokens) - 1:
        return _alternatives(tokens[1:-1])
    return found


def _branch(tokens: list[_Token]) -> Branch:
    tokens = _trimmed(tokens)
    texts = [""]
    depth = 0
    for token in tokens:
        depth += (token.kind in ("open", "look")) - (token.kind == "close")
        if token.literal and not depth:
            texts[-1] += token.literal
            continue
        if token.kind == "repeat":  # of the character before, which may then be missing
            texts[-1] = texts[-1][:-1]
        texts.append("")
    text = max(texts, key=len)
    is_text = all(token.literal for token in tokens)
    return Branch("".join(token.text for token in tokens), text, text is texts[0], is_text)


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    """Without the repeats at both ends: whether there is a match is asked, not how long it is."""
    while len(tokens) > 1 and tokens[1].kind == "repeat" and tokens[1].text[0] in "*+?":
        tokens = [*tokens[: tokens[1].text[0] == "+"], *tokens[2:]]
    while len(tokens) > 1 and tokens[-1].kind == "repeat" and tokens[-1].text[0] in "*+?":
        if tokens[-2].kind == "close":
            break
        tokens = tokens[: -1 if tokens[-1].text[0] == "+" else -2]
    return tokens
