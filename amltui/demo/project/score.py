"""Entry script: predict the progression of diabetes from ten baseline measurements.

Azure ML calls ``init()`` once, when the container starts, and ``run()`` for each request.
"""

import json
import logging
import math
import os
import time
from pathlib import Path

# The server lets only warnings of other loggers through, and without a time: a handler of one's
# own, in the server's format, puts the script's lines beside the server's.
handler = logging.StreamHandler()
handler.setFormatter(
    logging.Formatter("%(asctime)s %(levelname).1s [%(process)d] score - %(message)s")
)
logger = logging.getLogger("score")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
logger.propagate = False

model = None


def init():
    """Load the model; an exception here stops the container, and its log says why."""
    global model
    # One registered model: AZUREML_MODEL_DIR is the folder of its version.
    # Several: it is their common parent, with {name}/{version}/ below it.
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model.json"
    model = json.loads(path.read_text(encoding="utf-8"))
    logger.info("loaded %s with %d features", model["name"], len(model["features"]))


def run(raw_data):
    """Answer ``{"data": [[...], ...]}`` with one prediction for each row.

    A request that makes no sense is answered with ``{"error": ...}``. Raising instead would be a
    server error (HTTP 500), which clients, the Azure ML SDK among them, repeat several times.
    """
    started = time.perf_counter()
    try:
        rows = parse(raw_data)
    except ValueError as error:
        logger.warning("refused a request: %s", error)
        return {"error": str(error)}
    predictions = [predict(row) for row in rows]
    milliseconds = (time.perf_counter() - started) * 1000
    logger.info("scored %d rows in %.2f ms: %s", len(rows), milliseconds, predictions)
    return {"predictions": predictions}


def parse(raw_data):
    """Return the rows of a request, or raise ValueError with what is wrong in it."""
    try:
        request = json.loads(raw_data)
    except ValueError as error:
        raise ValueError(f"the request is not JSON: {error}") from None
    rows = request.get("data") if isinstance(request, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('expected {"data": [[...], ...]} with at least one row')
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(model["features"]):
            names = ", ".join(model["features"])
            raise ValueError(f"row {number}: expected {len(model['features'])} numbers ({names})")
        for name, value in zip(model["features"], row, strict=True):
            # To Python true is an int, and JSON's extensions NaN and Infinity are floats.
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"row {number}: {name} is {json.dumps(value)}, not a number")
    return rows


def predict(row):
    """Apply the linear model to one row."""
    terms = (weight * value for weight, value in zip(model["coefficients"], row, strict=True))
    return round(model["intercept"] + sum(terms), 2)
