"""`amltui diagnose`: the known failures in a log, an error payload or an HTTP answer."""

from __future__ import annotations

import io
import json

import click

from .domain.diagnosis import Diagnoser, Finding, Source, Target, encoding_of
from .domain.errors import AmltuiError, Problem
from .domain.text import clean, clean_line, mask

NOTHING, SOMETHING = 0, 3  # exit codes
BATCH = 400_000  # characters that are held at a time, and the rest of a line


def run(file: str, *, source: str, target: str, as_json: bool) -> int:
    """Print what is recognised in a file ("-": standard input), the root cause first.

    Raises:
        AmltuiError: the file cannot be read.
    """
    try:
        standard = file == "-"
        with open(0 if standard else file, "rb", closefd=not standard) as stream:
            if standard and stream.isatty():
                click.echo("Paste the text, then press ctrl+d on an empty line.", err=True)
            findings = _findings(stream, Source(source), Target(target))
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise AmltuiError(
            "The file cannot be read",
            f"{file}: {getattr(error, 'strerror', None) or error}.",
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
    return SOMETHING if findings else NOTHING


def _findings(stream: io.BufferedReader, source: Source, target: Target) -> list[Finding]:
    """What a stream shows once it has ended; of a long one only a batch is held at a time."""
    diagnoser = Diagnoser(source, target)
    encoding = encoding_of(stream.peek(4))
    text = io.TextIOWrapper(stream, encoding, "replace")  # CR, LF, CRLF end a line
    try:
        size = BATCH
        while size >= BATCH:  # else it has ended, which a terminal would have to say once more
            lines = text.readlines(BATCH)
            size = sum(map(len, lines))
            diagnoser.feed([line.removesuffix("\n") for line in lines])
    finally:
        text.detach()
    return diagnoser.finish()


def _to_json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "confidence": finding.confidence.value,
        "line": finding.line,
        "evidence": _evidence(finding),
        "cause": finding.cause,
        "fix": finding.fix,
    }


def _evidence(finding: Finding) -> str:
    return mask(clean_line(finding.evidence))


def _print(number: int, finding: Finding) -> None:
    click.echo(f"{number}. {finding.title} ({finding.confidence.value}) [{finding.id}]")
    click.echo(f"   line {finding.line}: {_evidence(finding)}")
    click.echo(f"   cause: {clean(finding.cause)}")
    click.echo(f"   fix:   {clean(finding.fix)}")
