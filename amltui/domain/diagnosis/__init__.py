"""Recognise the known failures of deployed models in whatever text shows them."""

from amltui.domain.diagnosis.catalogue import catalogue
from amltui.domain.diagnosis.engine import Diagnoser, diagnose
from amltui.domain.diagnosis.http import http_findings
from amltui.domain.diagnosis.model import Confidence, Entry, Finding, Source, Target
from amltui.domain.diagnosis.normalise import encoding_of

__all__ = [
    "Confidence",
    "Diagnoser",
    "Entry",
    "Finding",
    "Source",
    "Target",
    "catalogue",
    "diagnose",
    "encoding_of",
    "http_findings",
]
