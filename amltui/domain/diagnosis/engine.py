"""The engine: fed with lines as they arrive, it can name the root cause at any time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from amltui.domain.diagnosis import events as ev
from amltui.domain.diagnosis.matching import Matcher
from amltui.domain.diagnosis.model import Finding, Source, Target
from amltui.domain.diagnosis.normalise import (
    coloured,
    encoding_of,
    has_inner_break,
    last_line,
    logical_lines,
    split_lines,
    strip_ansi,
    strip_prefixes,
)
from amltui.domain.diagnosis.precedence import rank
from amltui.domain.diagnosis.rules import rule_set
from amltui.domain.diagnosis.shape import is_chat
from amltui.domain.diagnosis.sources import sources_of

_TAIL = 8  # lines kept for the rules about the end of a log
_CARRY = 2  # lines of one batch that a sentence wrapped into the next batch may begin on
_FIRST_SAMPLE = 600
_WRAPPED = ("}", '"')  # how a line of JSON ends
_SAMPLE_LINES = 10  # lines of each batch that may tell the source
_SAMPLED_BATCHES = 200
_LONG = 16_000  # characters: a longer line is looked at around its suspicious places only
_AROUND = 2_000
_MAX_PIECES = 24
# What differs between two lines of one kind: clocks, dates, long numbers, fractions (codes stay).
_VARIABLE = re.compile(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|[.,]\d+|\d{4,}")
_DULL_LENGTH = 400
_MAX_DULL = 4096


class Diagnoser:
    """Recognises known failures in a text as it is fed; memory does not grow with the text."""

    def __init__(self, source: Source = Source.AUTO, target: Target = Target.UNKNOWN) -> None:
        """Prepare for a text of *source* (AUTO: found out) about a service on *target*."""
        self._target = target
        self._fixed = source is not Source.AUTO
        self._sources: set[Source] = {source} if self._fixed else set()
        self._batches = 0
        self._count = 0
        self._carry: list[str] = []
        self._tail: list[str] = []
        self._finished = False
        self._matcher = Matcher()
        self._rules = rule_set()
        self._dull: set[str] = set()
        self._told: set[str] = set()

    @property
    def changes(self) -> int:
        """Return a number that grows with everything that may change the findings."""
        return self._matcher.changes

    def feed(self, lines: Sequence[str]) -> list[Finding]:
        """Read the next *lines* and return the findings that were not there before."""
        if not lines:
            return []
        before = self._matcher.changes
        self._read(lines)
        if self._matcher.changes == before:
            return []
        found = [finding for finding in self.findings() if finding.id not in self._told]
        self._told.update(finding.id for finding in found)
        return found

    def findings(self) -> list[Finding]:
        """Return what is known now, the root cause first."""
        return rank(
            self._matcher,
            sources=frozenset(self._sources),
            target=self._target,
            total=self._count,
            last=self._last_line() if self._finished else (0, ""),
            finished=self._finished,
        )

    def finish(self) -> list[Finding]:
        """Say that the text has ended, which is a sign for some rules; return the findings."""
        self._finished = True
        return self.findings()

    def _last_line(self) -> tuple[int, str]:
        """Return number and text of the last line that is not empty."""
        for back, raw in enumerate(reversed(self._tail)):
            text = last_line(0, raw).text
            if text:
                return self._count - back, text
        return 0, ""

    def _read(self, new: Sequence[str]) -> None:
        lines, joined = self._batch(new)
        first = self._count - len(self._carry) + 1  # the number of lines[0]
        carried = len(self._carry)
        folded = joined.lower()
        self._sample(lines)
        self._walk(lines, folded, first, carried)
        self._count += len(new)
        self._tail = [line[-_AROUND:] for line in (*self._tail, *lines[carried:])[-_TAIL:]]
        self._carry = [line[-_AROUND:] for line in lines[-_CARRY:]]

    def _batch(self, new: Sequence[str]) -> tuple[list[str], str]:
        """Return carried and new lines without terminal control, and all of them as one text."""
        lines = [*self._carry, *new]
        joined = "\n".join(lines)
        controlled = coloured(joined)
        if controlled:
            joined = strip_ansi(joined)
        if "\r" in joined:
            joined = joined.replace("\r\n", "\n").replace("\r", " \\n")
        elif not controlled and joined.count("\n") == len(lines) - 1:
            return lines, joined
        split = joined.split("\n")
        if len(split) != len(lines):  # a "line" with line ends inside: they become escaped ones
            split = [strip_ansi(line).replace("\r", "").replace("\n", "\\n") for line in lines]
            joined = "\n".join(split)
        return split, joined

    def _sample(self, lines: list[str]) -> None:
        """Look at a few lines for what the whole may be."""
        if self._batches >= _SAMPLED_BATCHES:
            return
        self._batches += 1
        size = max(_SAMPLE_LINES, _FIRST_SAMPLE // self._batches**2)
        sample = [line[:_AROUND] for line in (*lines[:size], *lines[size:][-_SAMPLE_LINES:])]
        sample += [part.raw for line in sample if line[-1:] in _WRAPPED
                   for part in logical_lines(0, line)]  # fmt: skip
        text = "\n".join(sample)
        self._matcher.chat = self._matcher.chat or is_chat(text)
        if not self._fixed:
            self._sources |= sources_of(text, self._sources)

    def _walk(self, lines: list[str], folded: str, first: int, carried: int) -> None:
        """Look at the lines that the gate names and those that a traceback or a question needs."""
        matcher = self._matcher
        search = self._rules.gate.search
        carry_end = sum(len(line) + 1 for line in lines[:carried])
        for wrapped in self._rules.gate.finditer(
            folded, max(0, carry_end - _AROUND), carry_end + _AROUND
        ):
            if wrapped.start() >= carry_end:
                break
            if wrapped.end() > carry_end:
                begun = folded.count("\n", 0, wrapped.start())
                self._look(lines, begun, first, wrapped=True)
        index, position = carried, carry_end
        gate = search(folded, position)
        answer: re.Match[str] | None = None
        while index < len(lines):
            if matcher.reading:
                self._look(lines, index, first)
                position = folded.find("\n", position) + 1 or len(folded)
                index += 1
                continue
            if gate is not None and gate.start() < position:
                gate = search(folded, position)
            found = gate
            if matcher.watching:
                if answer is None or answer.start() < position:
                    answer = ev.ANSWER.search(folded, position)
                if answer is not None and (gate is None or answer.start() < gate.start()):
                    found = answer
            if found is None:
                break
            index += folded.count("\n", position, found.start())
            position = folded.rfind("\n", 0, found.start()) + 1
            end = folded.find("\n", found.start()) + 1 or len(folded) + 1
            self._look(lines, index, first, wrapped=found.end() >= end)
            position = end
            index += 1

    def _look(self, lines: list[str], index: int, first: int, *, wrapped: bool = False) -> None:
        """Normalise one physical line and hand its logical lines to the matcher."""
        raw, number = lines[index], first + index
        matcher = self._matcher
        shape = ""
        if len(raw) <= _DULL_LENGTH and not wrapped and not matcher.attentive:
            shape = _VARIABLE.sub("", raw)
            if shape in self._dull:
                return
        before = matcher.touched
        previous = lines[index - 1] if index else ""
        following = "\n".join(
            strip_prefixes(0, line[:_DULL_LENGTH]).text for line in lines[index + 1 : index + 3]
        )
        if len(raw) > _LONG:
            self._look_long(raw, number, previous)
        else:
            many = has_inner_break(raw)
            for line in logical_lines(number, raw):
                if many and not self._matters(line.raw) and not matcher.reading_on(number):
                    previous = line.raw
                    continue
                matcher.line(line, previous, "" if many else following)
                previous = line.raw
        if shape and matcher.touched == before and not matcher.attentive:
            if len(self._dull) >= _MAX_DULL:
                self._dull.clear()
            self._dull.add(shape)

    def _matters(self, text: str) -> bool:
        """Tell whether a logical line inside a physical one is worth a look."""
        if self._rules.gate.search(text.lower()):
            return True
        return self._matcher.watching and ev.ANSWER.search(text) is not None

    def _look_long(self, raw: str, number: int, previous: str) -> None:
        """Look at a very long line: at its escaped lines if it holds many, else at pieces."""
        if has_inner_break(raw):
            for line in logical_lines(number, raw):
                text = line.text
                if len(text) > _LONG:
                    self._look_pieces(text, number)
                elif self._matters(line.raw) or self._matcher.reading_on(number):
                    self._matcher.line(line, previous, "")
                previous = line.raw
            return
        self._look_pieces(raw, number)

    def _look_pieces(self, text: str, number: int) -> None:
        folded, position = text.lower(), 0
        for _ in range(_MAX_PIECES):
            found = self._rules.gate.search(folded, position)
            if found is None:
                return
            start = max(0, found.start() - _AROUND)
            piece = text[start : found.end() + _AROUND]
            for line in logical_lines(number, piece):
                self._matcher.line(line, "", "")
            position = found.end() + _AROUND


def diagnose(
    text: str | bytes, source: Source = Source.AUTO, target: Target = Target.UNKNOWN
) -> list[Finding]:
    """Return what is known to be wrong in *text*, the root cause first."""
    if isinstance(text, bytes):
        text = text.decode(encoding_of(text[:4]), "replace")
    lines = split_lines(text)
    diagnoser = Diagnoser(source, target)
    for start in range(0, len(lines), 5000):
        diagnoser.feed(lines[start : start + 5000])
    return diagnoser.finish()
