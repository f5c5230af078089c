"""`amltui diagnose`: the known failures in a log, an error payload or an HTTP answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from .domain.diagnosis import Diagnoser, Finding, Source, Target, diagnose
from .domain.errors import AmltuiError, Problem
from .domain.text import clean, clean_line

NOTHING, SOMETHING = 0, 3  # exit codes
WHOLE = 8 << 20  # bytes up to which a text is decoded at once; a longer one is streamed


def run(file: str, *, source: str, target: str, as_json: bool) -> int:
    """Print what is recognised in a file ("-": standard input), the root cause first.

    Raises:
        AmltuiError: the file cannot be read.
    """
    try:
        if file == "-":
            findings = _findings(sys.stdin.buffer, Source(source), Target(target))
        else:
            with Path(file).open("rb") as stream:
                findings = _findings(stream, Source(source), Target(target))
    except OSError as error:
        raise AmltuiError(
            "The file cannot be read",
            f"{file}: {error.strerror}.",
            "Name a file, or - for standard input.",
            problem=Problem.USAGE,
        ) from None
    if as_json:
        click.echo(json.dumps([_to_json(one) for one in findings], indent=2, ensure_ascii=False))
    else:
        for number, finding in enumerate(findings, 1):
            _print(number, finding)
        if not findings:
            click.echo("No known failure was recognised.", err=True)
    serious = any(finding.severity != "info" for finding in findings)
    return SOMETHING if serious else NOTHING


def _findings(stream: BinaryIO, source: Source, target: Target) -> list[Finding]:
    """The findings of a stream; what is too long to hold is fed in pieces."""
    head = stream.read(WHOLE)
    if len(head) < WHOLE:
        return diagnose(head, source, target)
    diagnoser = Diagnoser(source, target)
    for lines in _lines(head, stream):
        diagnoser.feed(lines)
    diagnoser.finish()
    return diagnoser.findings()


def _lines(head: bytes, stream: BinaryIO) -> Iterator[list[str]]:
    rest = b""
    while head:
        *lines, rest = (rest + head).split(b"\n")
        yield [line.decode("utf-8", "replace") for line in lines]
        head = stream.read(WHOLE)
    if rest:
        yield [rest.decode("utf-8", "replace")]


def _to_json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "confidence": finding.confidence.value,
        "line": finding.line,
        "evidence": clean_line(finding.evidence),
        "cause": finding.cause,
        "fix": finding.fix,
        "title": finding.title,
        "severity": finding.severity,
        "details": {key: clean_line(value) for key, value in (finding.details or {}).items()},
    }


def _print(number: int, finding: Finding) -> None:
    click.echo(f"{number}. {finding.title} ({finding.confidence.value}) [{finding.id}]")
    click.echo(f"   line {finding.line}: {clean_line(finding.evidence)}")
    click.echo(f"   cause: {clean(finding.cause)}")
    click.echo(f"   fix:   {clean(finding.fix)}")
