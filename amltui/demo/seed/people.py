"""The colleagues of the demo workspace."""

from __future__ import annotations

ADA = "Ada Kovač"
BEN = "Ben Osei"
CHLOE = "Chloé Martin"
DEV = "Devika Rao"
PIPELINE = "mlops-release (service principal)"
