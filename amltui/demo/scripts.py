"""What the entry scripts of the demo's services do: small, but real, computations."""

from __future__ import annotations

import json
import math
from typing import Any


class ScriptError(Exception):
    """What run() raised: the type, the text and the line that the traceback blames."""

    def __init__(self, kind: str, detail: str, line: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.line = line


def compute(kind: str, failure: str | None, body: bytes) -> Any:
    """Do what the entry script's run() would do with the body."""
    if failure == "always raises":
        line = "frame = pd.DataFrame(rows, columns=COLUMNS)"
        raise ScriptError("ValueError", "9 columns passed, passed data had 4 columns", line)
    try:
        value = json.loads(body)
    except ValueError as error:
        line = "data = json.loads(raw_data)['data']"
        raise ScriptError("json.decoder.JSONDecodeError", str(error), line) from error
    if not isinstance(value, dict) or "data" not in value:
        raise ScriptError("KeyError", "'data'", "data = json.loads(raw_data)['data']")
    data = value["data"]
    try:
        rows = [data] if isinstance(data, (str, dict)) else list(data)
        return {"result": [_COMPUTE[kind](row) for row in rows]}
    except (TypeError, ValueError) as error:
        raise ScriptError(type(error).__name__, str(error), "return model.predict(data)") from error


def _linear(row: Any) -> float:
    values = [float(item) for item in row]
    weights = (938.24, -241.96, 519.84, 324.39, -792.18, 476.75, 101.04, 177.06, 751.28, 67.63)
    return round(152.13 + sum(a * b for a, b in zip(values, weights, strict=False)), 4)


def _probability(row: Any) -> float:
    values = [float(item) for item in row]
    score = sum(value * (0.31 - 0.07 * index) for index, value in enumerate(values))
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, score)))), 4)


def _label(row: Any) -> dict[str, Any]:
    words = set(str(row).lower().split())
    good = len(words & {"good", "great", "love", "fast", "thanks", "gut", "super"})
    bad = len(words & {"bad", "broken", "slow", "late", "never", "schlecht", "kaputt"})
    label = "positive" if good > bad else "negative" if bad > good else "neutral"
    return {"label": label, "score": round(0.5 + 0.4 * math.tanh(abs(good - bad)), 3)}


_COMPUTE = {"linear": _linear, "probability": _probability, "label": _label}
