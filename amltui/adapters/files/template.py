"""The plan that `amltui plan init` writes: one that can be used, with all that could be said."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from amltui.domain.plan_fields import Field, Kind, fields_of
from amltui.domain.plan_parts import Environment, Options
from amltui.domain.plan_schema import describe
from amltui.domain.plan_targets import TARGETS, AciTarget

WIDTH = 100

_HEAD = """\
# A deployment plan of amltui: what is deployed, how, and where.
# Paths are relative to the folder of this file; the entry script is relative to the
# source directory. It holds no secrets: keys are named by an environment variable.
#
#   amltui plan check {name}     what would go wrong, before anything is sent
#   amltui deploy {name}         does it
#   amltui plan python {name}    the same as a Python script

# Name of the service: 3 to 32 lower-case letters, digits and dashes.
name: my-service

# One entry for each model: a file, a folder, a model of the workspace or an output of a run.
models:
  - file: model.pkl
    name: my-model
  # - folder: model
  #   name: my-model
  # - registered: my-model
  #   version: 3              # without it: the newest
  # - run: <run id>
  #   path: outputs/model.pkl
  #   name: my-model

inference:
  # Script with init() and run(data). It is in the source directory, which is sent along whole.
  entry_script: score.py
  source_directory: src
  environment:
    conda_file: conda.yml
"""


def commented_template(name: str = "plan.yml") -> str:
    """The text of a new plan; every setting that it does not use stands there as a comment."""
    lines = [_HEAD.format(name=name).rstrip()]
    lines += _commented(Environment, "    ", skip=("conda_file",))
    lines += ["", "# Where the service runs: one of the three.", "target:"]
    for target in TARGETS:
        used = target is AciTarget
        mark = "  " if used else "  # "
        doc = " ".join((target.__doc__ or "").split())
        lines += ["", *_comment(f"{target.title}: {doc}", "  "), f"{mark}kind: {target.kind}"]
        if used:  # what Microsoft's examples use, instead of defaults that are too small
            lines += ["  cpu_cores: 1", "  memory_gb: 1"]
        lines += _commented(target, "  ", skip=("cpu_cores", "memory_gb") if used else ())
    lines += ["", "options:", "  overwrite: false"]
    lines += _commented(Options, "  ", skip=("overwrite",))
    return "\n".join(lines) + "\n"


def _commented(section: type, indent: str, skip: tuple[str, ...] = ()) -> Iterator[str]:
    for one in fields_of(section):
        if one.name not in skip:
            line = f"{indent}# {one.name}: {_example(one)}"
            told = f"{line:<42}  # {describe(one)}"
            if len(told) <= WIDTH:
                yield told
            else:
                yield from _comment(describe(one), indent)
                yield line


def _comment(text: str, indent: str) -> list[str]:
    mark = f"{indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=mark)


def _example(one: Field) -> str:
    if one.example:
        return one.example
    if one.kind is Kind.MAP:
        return "{}"
    if one.kind in (Kind.INTEGER, Kind.NUMBER, Kind.SWITCH):
        words = {Kind.INTEGER: "1", Kind.NUMBER: "1", Kind.SWITCH: "true"}
        first = one.default.split(",")[0]
        plain = first.replace(".", "", 1).isdigit() or first in ("true", "false")
        return first if plain else words[one.kind]
    return one.choices[0] if one.choices else "…"
