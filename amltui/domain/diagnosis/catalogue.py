"""Read the catalogue of known failures (catalogue.ini, beside this file)."""

from __future__ import annotations

import configparser
import functools
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from amltui.domain.diagnosis.model import Confidence, Entry, Form, Signature, Source

LAYERS = ("cause", "symptom", "umbrella", "state")

_FORMS = (
    ("certain", Form.TEXT, Confidence.CERTAIN),
    ("likely", Form.TEXT, Confidence.LIKELY),
    ("possible", Form.TEXT, Confidence.POSSIBLE),
    ("exception", Form.EXCEPTION, Confidence.LIKELY),
    ("frame", Form.FRAME, Confidence.LIKELY),
)


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """Return every known failure by its id, in the order of the file."""
    text = resources.files(__package__).joinpath("catalogue.ini").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Mapping[str, Entry]:
    """Return the entries of *text*; raise configparser.Error, KeyError or ValueError."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(text)
    return MappingProxyType({name: _entry(name, parser[name]) for name in parser.sections()})


def _entry(name: str, section: configparser.SectionProxy) -> Entry:
    layer = section.get("layer", "cause")
    if layer not in LAYERS:
        raise ValueError(f"{name}: unknown layer {layer!r}")
    signatures = [
        Signature(form, confidence, pattern)
        for key, form, confidence in _FORMS
        for pattern in section.get(key, "").splitlines()
        if pattern
    ]
    codes = _words(section, "code")
    signatures += [Signature(Form.CODE, Confidence.LIKELY, code) for code in codes]
    return Entry(
        id=name,
        title=section["title"],
        where=frozenset(Source(word) for word in _words(section, "where")),
        severity=section["severity"],
        applies_to=_words(section, "applies"),
        layer=layer,
        cause=section["cause"],
        fix=section["fix"],
        config_field=section["field"],
        signatures=tuple(signatures),
        statuses=frozenset(int(word) for word in _words(section, "status")),
        yields_to=_words(section, "yields"),
        rule=section.get("rule", ""),
        any_level=section.get("levels") == "any",
        sticky=section.getboolean("sticky", False),
        seed=section.getboolean("seed", False),
    )


def _words(section: configparser.SectionProxy, key: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in section.get(key, "").split(",") if word.strip())
